/**
 * store/folder-name - which names mailboxes may have.
 *
 * Net-Unicode (RFC 9051 §5.1 names it; RFC 5198): in NFC, without control characters and line separators. `/` parts
 * levels, none of which is empty. `INBOX` as the first level is meant in any case of letters and kept in capitals.
 * `%` and `*` are refused, as no LIST could name such a mailbox alone.
 */
import { MailboxTrouble } from '../ports/mailboxes.ts';

export interface NameLimits {
  /** Levels in one name. */
  readonly levels: number;
  /** Octets of UTF-8 in one level. */
  readonly level: number;
  /** Octets of UTF-8 in a whole name. */
  readonly total: number;
}

/** 1,000 octets stay well below what an index entry of PostgreSQL can hold. */
export const usualNameLimits: NameLimits = { levels: 30, level: 255, total: 1_000 };

/** C0, DEL, C1, line and paragraph separator. */
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/u;

/** The name as it is kept. Throws MailboxTrouble: badName, whose message says what is wrong with it. */
export function folderName(text: string, limits: NameLimits): string {
  // Before NFC, which costs more the longer the text is and can make it three times as long.
  if (text.length > limits.total) throw tooLong(limits);
  if (!text.isWellFormed()) throw bad('it is not valid Unicode');
  if (control.test(text)) throw bad('it has a control character or a line break in it');
  if (/[%*]/.test(text)) throw bad('% and * stand for any text when mailboxes are listed');
  const name = text.normalize('NFC').replace(/^inbox(?=\/|$)/i, 'INBOX');
  const levels = name.split('/');
  if (levels.includes('')) throw bad('a level of it is empty: / parts levels, and none may be empty');
  if (levels.length > limits.levels) throw bad(`it has more than ${limits.levels} levels`);
  if (Buffer.byteLength(name) > limits.total) throw tooLong(limits);
  if (levels.some((level) => Buffer.byteLength(level) > limits.level))
    throw bad(`a level of it is longer than ${limits.level} octets`);
  return name;
}

const bad = (why: string): MailboxTrouble =>
  new MailboxTrouble('badName', `no mailbox can have this name: ${why}`);

const tooLong = (limits: NameLimits): MailboxTrouble => bad(`it is longer than ${limits.total} octets`);

/** `a/b/c`: `a`, `a/b`. */
export function parentsOf(name: string): string[] {
  const levels = name.split('/');
  return levels.slice(1).map((_, index) => levels.slice(0, index + 1).join('/'));
}

/** `INBOX` first, then each parent before its children, children next to it. */
export function compareNames(one: string, other: string): number {
  const a = one.split('/');
  const b = other.split('/');
  for (let level = 0; level < Math.min(a.length, b.length); level++) {
    const [x = '', y = ''] = [a[level], b[level]];
    if (x === y) continue;
    if (level === 0 && (x === 'INBOX' || y === 'INBOX')) return x === 'INBOX' ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return a.length - b.length;
}
