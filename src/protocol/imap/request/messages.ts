/**
 * protocol/imap/request/messages - commands that change messages of the selected mailbox: STORE, COPY, MOVE, EXPUNGE
 * (RFC 9051 §6.4), and UIDBATCHES (RFC 10022), which divides it.
 */
import type { SequenceSet } from '../../../mail/search.ts';
import { RequestFault } from './fault.ts';
import type { Lexer } from './lexer.ts';
import { flag, flagList, mailboxName, sequenceSet } from './words.ts';

export type MessagesCommand =
  | {
      readonly name: 'STORE';
      readonly uid: boolean;
      readonly set: SequenceSet;
      readonly change: 'add' | 'remove' | 'replace';
      readonly flags: readonly string[];
      /** Do not tell what the flags are now. */
      readonly silent: boolean;
      /** RFC 7162 §3.1.3 */
      readonly unchangedSince?: number;
    }
  | {
      readonly name: 'COPY' | 'MOVE';
      readonly uid: boolean;
      readonly set: SequenceSet;
      readonly mailbox: string;
    }
  /** `uids`: only these (RFC 4315 §2.1). */
  | { readonly name: 'EXPUNGE'; readonly uids?: SequenceSet }
  | {
      readonly name: 'UIDBATCHES';
      /** Messages in a batch. */
      readonly size: number;
      /** Batches wanted, counted from 1, newest first. */
      readonly batches?: { readonly first: number; readonly last: number };
    };

export function store(lexer: Lexer, uid: boolean): MessagesCommand {
  lexer.space();
  const set = sequenceSet(lexer);
  lexer.space();
  let unchangedSince: number | undefined;
  if (lexer.skip('(')) {
    if (!lexer.skipWord('UNCHANGEDSINCE')) throw new RequestFault('the modifier of STORE is UNCHANGEDSINCE');
    lexer.space();
    unchangedSince = lexer.number64('a mod-sequence');
    lexer.expect(')');
    lexer.space();
  }
  const change = lexer.skip('+') ? 'add' : lexer.skip('-') ? 'remove' : 'replace';
  const item = lexer.word('FLAGS');
  if (item !== 'FLAGS' && item !== 'FLAGS.SILENT') throw new RequestFault(`STORE does not know ${item}`);
  lexer.space();
  return {
    name: 'STORE',
    uid,
    set,
    change,
    flags: lexer.peek() === '(' ? flagList(lexer) : bareFlags(lexer),
    silent: item === 'FLAGS.SILENT',
    ...(unchangedSince === undefined ? {} : { unchangedSince }),
  };
}

/** RFC 9051 §9, store-att-flags: the parentheses may be left out. */
function bareFlags(lexer: Lexer): readonly string[] {
  const flags = [flag(lexer)];
  while (!lexer.atEnd()) {
    if (flags.length >= lexer.dialect.limits.listElements) throw new RequestFault('too many flags');
    lexer.space();
    flags.push(flag(lexer));
  }
  return flags;
}

export function copyOrMove(lexer: Lexer, name: 'COPY' | 'MOVE', uid: boolean): MessagesCommand {
  lexer.space();
  const set = sequenceSet(lexer);
  lexer.space();
  return { name, uid, set, mailbox: mailboxName(lexer) };
}

export function uidExpunge(lexer: Lexer): MessagesCommand {
  lexer.space();
  return { name: 'EXPUNGE', uids: sequenceSet(lexer) };
}

export function uidBatches(lexer: Lexer): MessagesCommand {
  lexer.space();
  const size = lexer.number('the size of a batch', 1);
  if (lexer.atEnd()) return { name: 'UIDBATCHES', size };
  lexer.space();
  const one = lexer.number('a batch', 1);
  lexer.expect(':');
  const other = lexer.number('a batch', 1);
  if (one > other) throw new RequestFault('batches are named from the lower number to the higher');
  return { name: 'UIDBATCHES', size, batches: { first: one, last: other } };
}
