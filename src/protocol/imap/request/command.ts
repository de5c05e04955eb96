/**
 * protocol/imap/request/command - one command of a client as a value (RFC 9051 §6), whatever extension it comes from.
 *
 * APPEND and REPLACE are not here, as their messages are never wholly in memory: see request/append.
 */

import type { FaultCode, FaultVerdict } from './fault.ts';
import { RequestFault, Unfinished } from './fault.ts';
import { type FetchCommand, fetch } from './fetch.ts';
import { Lexer, type RequestDialect } from './lexer.ts';
import { type ListCommand, list, lsub } from './list.ts';
import { create, type MailboxCommand, named, rename, select, status } from './mailboxes.ts';
import { copyOrMove, type MessagesCommand, store, uidBatches, uidExpunge } from './messages.ts';
import { getMetadata, type MetadataCommand, setMetadata } from './metadata.ts';
import { type NotifyCommand, notify } from './notify.ts';
import { getQuota, ofIdentifier, ofMailbox, type RightsCommand, setAcl, setQuota } from './rights.ts';
import { cancelUpdate, esearch, type SearchCommand, search, sort, thread } from './search.ts';
import { authenticate, compress, enable, id, login, oneWord, type SessionCommand } from './session.ts';

export type Command =
  | SessionCommand
  | MailboxCommand
  | ListCommand
  | MetadataCommand
  | RightsCommand
  | MessagesCommand
  | FetchCommand
  | SearchCommand
  | NotifyCommand
  /** `word` in capitals, `UID` before it where the client said so. */
  | { readonly name: 'UNKNOWN'; readonly word: string };

/** To be answered with the tag, or untagged where none could be read. */
export interface Refusal {
  readonly kind: 'refused';
  readonly tag: string | undefined;
  readonly verdict: FaultVerdict;
  readonly code?: FaultCode;
  readonly text: string;
}

export interface Request {
  readonly kind: 'command';
  readonly tag: string;
  readonly command: Command;
}

type Reader = (lexer: Lexer) => Command;

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ...oneWord.map((name): [string, Reader] => [name, () => ({ name })]),
  ['LOGIN', login],
  ['AUTHENTICATE', authenticate],
  ['ID', id],
  ['ENABLE', enable],
  ['COMPRESS', compress],
  ['SELECT', (lexer) => select(lexer, 'SELECT')],
  ['EXAMINE', (lexer) => select(lexer, 'EXAMINE')],
  ['CREATE', create],
  ['DELETE', (lexer) => named(lexer, 'DELETE')],
  ['RENAME', rename],
  ['SUBSCRIBE', (lexer) => named(lexer, 'SUBSCRIBE')],
  ['UNSUBSCRIBE', (lexer) => named(lexer, 'UNSUBSCRIBE')],
  ['LIST', list],
  ['LSUB', lsub],
  ['STATUS', status],
  ['EXPUNGE', () => ({ name: 'EXPUNGE' })],
  ['FETCH', (lexer) => fetch(lexer, false)],
  ['STORE', (lexer) => store(lexer, false)],
  ['COPY', (lexer) => copyOrMove(lexer, 'COPY', false)],
  ['MOVE', (lexer) => copyOrMove(lexer, 'MOVE', false)],
  ['SEARCH', (lexer) => search(lexer, false)],
  ['SORT', (lexer) => sort(lexer, false)],
  ['THREAD', (lexer) => thread(lexer, false)],
  ['ESEARCH', esearch],
  ['CANCELUPDATE', cancelUpdate],
  ['UID FETCH', (lexer) => fetch(lexer, true)],
  ['UID STORE', (lexer) => store(lexer, true)],
  ['UID COPY', (lexer) => copyOrMove(lexer, 'COPY', true)],
  ['UID MOVE', (lexer) => copyOrMove(lexer, 'MOVE', true)],
  ['UID SEARCH', (lexer) => search(lexer, true)],
  ['UID SORT', (lexer) => sort(lexer, true)],
  ['UID THREAD', (lexer) => thread(lexer, true)],
  ['UID EXPUNGE', uidExpunge],
  ['UIDBATCHES', uidBatches],
  ['NOTIFY', notify],
  ['GETACL', (lexer) => ofMailbox(lexer, 'GETACL')],
  ['MYRIGHTS', (lexer) => ofMailbox(lexer, 'MYRIGHTS')],
  ['SETACL', setAcl],
  ['DELETEACL', (lexer) => ofIdentifier(lexer, 'DELETEACL')],
  ['LISTRIGHTS', (lexer) => ofIdentifier(lexer, 'LISTRIGHTS')],
  ['GETQUOTA', getQuota],
  ['GETQUOTAROOT', (lexer) => ofMailbox(lexer, 'GETQUOTAROOT')],
  ['SETQUOTA', setQuota],
  ['GETMETADATA', getMetadata],
  ['SETMETADATA', setMetadata],
]);

/** `text`: octets of the whole command, without its last line end; see request/lexer. */
export function parseCommand(text: string, dialect: RequestDialect): Request | Refusal {
  const lexer = new Lexer(text, dialect);
  let tag: string | undefined;
  try {
    const head = readHead(lexer);
    tag = head.tag;
    const read = readers.get(head.word);
    if (read === undefined) return { kind: 'command', tag, command: { name: 'UNKNOWN', word: head.word } };
    const command = read(lexer);
    lexer.end();
    return { kind: 'command', tag, command };
  } catch (thrown) {
    return refusal(tag, thrown);
  }
}

/** Whether a command of this name may have literals; what is not known is refused before one is sent. */
export const isKnown = (word: string): boolean => readers.has(word);

const longestTag = 255;
/** What is told may repeat what was said. */
const longestText = 200;

/** The tag and the name of the command, in capitals and with UID before it. Throws RequestFault without a tag. */
export function readHead(lexer: Lexer): { readonly tag: string; readonly word: string } {
  const tag = /^[^\x00-\x20\x7f-\xff(){%*"\\+]+/.exec(lexer.text.slice(0, longestTag + 1))?.[0];
  if (tag === undefined || tag.length > longestTag || lexer.text[tag.length] !== ' ')
    throw new RequestFault('a command begins with a tag and a space');
  lexer.at = tag.length + 1;
  return { tag, word: commandWord(lexer) };
}

/** Empty: there is no word. */
function commandWord(lexer: Lexer): string {
  const [word = ''] =
    /^(?:UID )?[^\x00-\x20\x7f-\xff(){%*"\\\]]*/i.exec(lexer.text.slice(lexer.at, lexer.at + 68)) ?? [];
  lexer.at += word.length;
  return word.toUpperCase();
}

/** Other errors are bugs and go on. */
export function refusal(tag: string | undefined, thrown: unknown): Refusal {
  if (thrown instanceof Unfinished)
    return { kind: 'refused', tag, verdict: 'BAD', text: 'the command ends within a literal' };
  if (!(thrown instanceof RequestFault)) throw thrown;
  const { verdict, code, message } = thrown;
  const text = message.slice(0, longestText);
  return { kind: 'refused', tag, verdict, ...(code === undefined ? {} : { code }), text };
}
