/**
 * protocol/imap/respond/status - OK, NO, BAD, BYE, PREAUTH with their response codes, and the continuation request
 * (RFC 9051 §7.1 and §7.6).
 *
 * Whole lines with CRLF. A text never brings a line to its end.
 */
import type { UidRange } from '../../../mail/uid-set.ts';
import {
  atom,
  type Dialect,
  flag,
  line,
  list,
  number,
  objectId,
  orderedSet,
  set,
  string,
  tag,
  text,
  untagged,
} from './notation.ts';

/** Codes that are one word. */
export type PlainCode =
  | 'ALERT'
  | 'PARSE'
  | 'READ-ONLY'
  | 'READ-WRITE'
  | 'TRYCREATE'
  | 'CLOSED'
  | 'UIDNOTSTICKY' // RFC 4315 §3
  | 'NOMODSEQ' // RFC 7162 §3.1.2.2
  | 'UNKNOWN-CTE' // RFC 3516 §4.3
  | 'TOOBIG' // RFC 4469 §4.2
  | 'COMPRESSIONACTIVE' // RFC 4978 §3
  | 'NOTSAVED' // RFC 5182 §2.1
  | 'USEATTR' // RFC 6154 §3
  | 'HASCHILDREN' // RFC 9051 §7.1
  | 'NOTIFICATIONOVERFLOW' // RFC 5465 §5.8
  | 'UIDREQUIRED' // RFC 9586 §3
  | 'TOOMANY' // RFC 10022
  // RFC 5530 §3
  | 'UNAVAILABLE'
  | 'AUTHENTICATIONFAILED'
  | 'AUTHORIZATIONFAILED'
  | 'EXPIRED'
  | 'PRIVACYREQUIRED'
  | 'CONTACTADMIN'
  | 'NOPERM'
  | 'INUSE'
  | 'EXPUNGEISSUED'
  | 'CORRUPTION'
  | 'SERVERBUG'
  | 'CLIENTBUG'
  | 'CANNOT'
  | 'LIMIT'
  | 'OVERQUOTA'
  | 'ALREADYEXISTS'
  | 'NONEXISTENT';

export type Code =
  | { readonly code: PlainCode }
  | { readonly code: 'CAPABILITY'; readonly capabilities: readonly string[] }
  /** `canCreate`: the client may invent keywords. */
  | { readonly code: 'PERMANENTFLAGS'; readonly flags: readonly string[]; readonly canCreate: boolean }
  | { readonly code: 'UIDNEXT' | 'UIDVALIDITY' | 'UNSEEN'; readonly value: number }
  | { readonly code: 'HIGHESTMODSEQ'; readonly value: number | bigint }
  | { readonly code: 'APPENDUID'; readonly validity: number; readonly uids: Iterable<UidRange> }
  /** The first of `from` became the first of `to`, and so on; as many here as there (RFC 4315 §3). */
  | {
      readonly code: 'COPYUID';
      readonly validity: number;
      readonly from: Iterable<UidRange>;
      readonly to: Iterable<UidRange>;
    }
  /** Sequence numbers, or UIDs in answer to UID STORE (RFC 7162 §3.1.3). */
  | { readonly code: 'MODIFIED'; readonly numbers: Iterable<UidRange> }
  | { readonly code: 'MAILBOXID'; readonly id: string }
  | { readonly code: 'BADCHARSET'; readonly charsets: readonly string[] }
  | { readonly code: 'BADURL'; readonly url: string }
  /** RFC 5464 §4.2.1 and §4.3 */
  | { readonly code: 'METADATA'; readonly problem: 'LONGENTRIES' | 'MAXSIZE'; readonly octets: number }
  | { readonly code: 'METADATA'; readonly problem: 'TOOMANY' | 'NOPRIVATE' }
  /** RFC 9585 §4; a goal makes no sense without `done`. */
  | {
      readonly code: 'INPROGRESS';
      readonly tag?: string;
      readonly done?: number;
      readonly goal?: number;
    }
  /** RFC 5465 §5 */
  | { readonly code: 'BADEVENT'; readonly events: readonly string[] }
  /** RFC 5267 §4.3 */
  | { readonly code: 'NOUPDATE'; readonly tag: string }
  /** RFC 9738 §3.1: how many at once, and the lowest UID that has been dealt with. */
  | { readonly code: 'MESSAGELIMIT'; readonly limit: number; readonly lastUid?: number };

export interface Said {
  readonly text: string;
  readonly code?: Code;
}

/** The end of a command. */
export const completion = (
  commandTag: string,
  verdict: 'OK' | 'NO' | 'BAD',
  said: Said,
  dialect: Pick<Dialect, 'utf8'>,
): string => line(tag(commandTag), verdict, ...words(said, dialect));

/** Greeting, news and farewell. */
export const statement = (
  verdict: 'OK' | 'NO' | 'BAD' | 'BYE' | 'PREAUTH',
  said: Said,
  dialect: Pick<Dialect, 'utf8'>,
): string => untagged(verdict, ...words(said, dialect));

/** "Go on" with the literal, or with IDLE. */
export const goOn = (words: string, dialect: Pick<Dialect, 'utf8'>): string =>
  line('+', text(words, dialect));

/** A challenge of SASL (RFC 9051 §6.2.2). */
export const challenge = (octets: Uint8Array): string => line('+', Buffer.from(octets).toString('base64'));

const words = (said: Said, dialect: Pick<Dialect, 'utf8'>): readonly string[] => [
  ...(said.code === undefined ? [] : [`[${printCode(said.code)}]`]),
  text(said.text, dialect),
];

const ascii = { utf8: false };

function printCode(code: Code): string {
  switch (code.code) {
    case 'CAPABILITY':
      return [code.code, ...code.capabilities.map(atom)].join(' ');
    case 'PERMANENTFLAGS':
      return `${code.code} ${list([...code.flags.map(flag), ...(code.canCreate ? ['\\*'] : [])])}`;
    case 'UIDNEXT':
    case 'UIDVALIDITY':
    case 'UNSEEN':
    case 'HIGHESTMODSEQ':
      return `${code.code} ${number(code.value)}`;
    case 'APPENDUID':
      return `${code.code} ${number(code.validity)} ${orderedSet(code.uids)}`;
    case 'COPYUID':
      return `${code.code} ${number(code.validity)} ${pairs([...code.from], [...code.to])}`;
    case 'MODIFIED':
      return `${code.code} ${set(code.numbers)}`;
    case 'MAILBOXID':
      return `${code.code} ${list([objectId(code.id)])}`;
    case 'BADCHARSET':
      return code.charsets.length === 0 ? code.code : `${code.code} ${list(code.charsets.map(atom))}`;
    case 'BADURL':
      return `${code.code} ${escapeUrl(code.url)}`;
    case 'METADATA':
      return `${code.code} ${code.problem}${'octets' in code ? ` ${number(code.octets)}` : ''}`;
    case 'INPROGRESS':
      return progress(code);
    case 'BADEVENT':
      return `${code.code} ${list(code.events.map(atom))}`;
    case 'NOUPDATE':
      return `${code.code} ${string(tag(code.tag), ascii)}`;
    case 'MESSAGELIMIT':
      return [code.code, number(code.limit), ...optional(code.lastUid)].join(' ');
    default:
      return code.code;
  }
}

const optional = (value: number | undefined): readonly string[] =>
  value === undefined ? [] : [number(value)];

const count = (ranges: readonly UidRange[]): number =>
  ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);

function pairs(from: readonly UidRange[], to: readonly UidRange[]): string {
  if (count(from) !== count(to)) throw new RangeError(`COPYUID of ${count(from)} messages to ${count(to)}`);
  return `${orderedSet(from)} ${orderedSet(to)}`;
}

/** What would end the code or the line is written as URLs write it. */
const escapeUrl = (url: string): string =>
  url.replace(/[^\x21-\x5b\x5e-\x7e]+/g, (odd) =>
    Array.from(
      Buffer.from(odd, 'utf8'),
      (octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`,
    ).join(''),
  ) || '%20';

function progress(code: Code & { code: 'INPROGRESS' }): string {
  if (code.tag === undefined && code.done === undefined) return code.code;
  const of = code.tag === undefined ? 'NIL' : string(tag(code.tag), ascii);
  const done = code.done === undefined ? 'NIL' : number(code.done);
  const goal = code.goal === undefined || code.done === undefined ? 'NIL' : number(code.goal);
  return `${code.code} ${list([of, done, goal])}`;
}
