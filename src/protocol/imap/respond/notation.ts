/**
 * protocol/imap/respond/notation - the smallest pieces of a response: strings, atoms, numbers, sets (RFC 9051 §9).
 *
 * Text comes in as Unicode and goes out as an octet string (one character per octet), to be written as latin1.
 * What a client or a message may have chosen (names, texts) is made safe. What only we choose (capabilities, flags,
 * tags, object ids) must already be what the grammar wants: a RangeError says that it is not, and nothing is sent.
 */
import type { UidRange } from '../../../mail/uid-set.ts';
import { printString } from '../print-structure.ts';

/** How this session wants its strings. */
export interface Dialect {
  /** A mailbox name as it is on the wire, still Unicode: modified UTF-7, or the name itself where `utf8` is on. */
  readonly encodeName: (name: string) => string;
  /** The client understands UTF-8 in quoted strings and texts: IMAP4rev2 or UTF8=ACCEPT (RFC 6855 §3). */
  readonly utf8: boolean;
}

export const line = (...words: readonly string[]): string => `${words.join(' ')}\r\n`;

export const untagged = (...words: readonly string[]): string => line('*', ...words);

export const list = (words: Iterable<string>): string => `(${[...words].join(' ')})`;

/** A quoted string or a literal. No string of IMAP4 may hold NUL (RFC 9051 §4.3): a question mark stands for it. */
export function string(value: string, { utf8 }: Pick<Dialect, 'utf8'>): string {
  const octets = Buffer.from(value.replaceAll('\0', '?'), 'utf8').toString('latin1');
  return printString(octets, { utf8 });
}

export const nstring = (value: string | undefined, dialect: Pick<Dialect, 'utf8'>): string =>
  value === undefined ? 'NIL' : string(value, dialect);

export const mailbox = (name: string, dialect: Dialect): string => string(dialect.encodeName(name), dialect);

/** Human text: one line, never empty, never taken for a response code (RFC 9051 §7.1). */
export function text(value: string, { utf8 }: Pick<Dialect, 'utf8'>): string {
  const plain = value
    .replace(/[\x00-\x1f\x7f]/g, ' ')
    .trim()
    .replace(/^\[/, '(');
  if (plain === '') return '-';
  return utf8 ? Buffer.from(plain, 'utf8').toString('latin1') : plain.replace(/[^\x20-\x7e]/gu, '?');
}

const checked =
  (what: string, pattern: RegExp) =>
  (value: string): string => {
    if (!pattern.test(value)) throw new RangeError(`not ${what} of IMAP: ${JSON.stringify(value)}`);
    return value;
  };

export const atom = checked('an atom', /^[^\x00-\x20\x7f-\uffff(){%*"\\\]]+$/);
/** A flag, a keyword or an attribute of a mailbox. */
export const flag = checked('a flag', /^\\?[^\x00-\x20\x7f-\uffff(){%*"\\\]]+$/);
export const tag = checked('a tag', /^[^\x00-\x20\x7f-\uffff(){%*"\\+]+$/);
/** RFC 8474 §7 */
export const objectId = checked('an object id', /^[A-Za-z0-9_-]{1,255}$/);

/** Not negative; beyond 2^53 only as bigint. */
export function number(value: number | bigint): string {
  const isNumber = typeof value === 'bigint' ? value >= 0n : Number.isSafeInteger(value) && value >= 0;
  if (!isNumber) throw new RangeError(`not a number of IMAP: ${value}`);
  return String(value);
}

const printRange = ({ first, last }: UidRange): string => {
  if (first < 1 || last < first) throw new RangeError(`not a range of IMAP: ${first}:${last}`);
  return first === last ? number(first) : `${number(first)}:${number(last)}`;
};

/** In the order given; only neighbours that follow each other become one. The empty set has no notation. */
export function orderedSet(ranges: Iterable<UidRange>): string {
  const printed: string[] = [];
  let open: UidRange | undefined;
  for (const range of ranges) {
    if (open !== undefined && range.first === open.last + 1) {
      open = { first: open.first, last: range.last };
      continue;
    }
    if (open !== undefined) printed.push(printRange(open));
    open = range;
  }
  if (open === undefined) throw new RangeError('an empty set cannot be said in IMAP');
  printed.push(printRange(open));
  return printed.join(',');
}

/** As the fewest ranges, in ascending order. */
export function set(ranges: Iterable<UidRange>): string {
  const merged: { first: number; last: number }[] = [];
  for (const { first, last } of [...ranges].sort((a, b) => a.first - b.first)) {
    const open = merged.at(-1);
    if (open !== undefined && first <= open.last + 1) open.last = Math.max(open.last, last);
    else merged.push({ first, last });
  }
  return orderedSet(merged);
}
