/**
 * protocol/dsn/fields - the pieces of which delivery reports are made: typed addresses, status codes, folded fields.
 *
 * Typed addresses are RFC 3464 §2.3.1 (`rfc822; ada@example.org`) and, beyond ASCII, RFC 6533 §3: as they are in a
 * report that may hold UTF-8, with `\x{E9}` for `é` in one that may not.
 */
import type { Reply } from '../../mail/reply.ts';

const ascii = /^[\x20-\x7e]*$/;

export const isAscii = (text: string): boolean => ascii.test(text);

/** `type; address`, fit for a report that may (`utf8`) or may not hold UTF-8. */
export function printTypedAddress(type: string, address: string, utf8: boolean): string {
  const clean = oneLine(address);
  if (isAscii(clean)) return `${type === 'utf-8' && !utf8 ? 'utf-8' : type}; ${clean}`;
  return `utf-8; ${utf8 ? clean : escapeUnicode(clean)}`;
}

/** ORCPT as mail/envelope keeps it, `type;address`. */
export function splitTypedAddress(typed: string): { readonly type: string; readonly address: string } {
  const at = typed.indexOf(';');
  if (at < 1) return { type: 'rfc822', address: typed.trim() };
  return { type: typed.slice(0, at).trim().toLowerCase(), address: typed.slice(at + 1).trim() };
}

/** utf-8-addr-xtext (RFC 6533 §3): octets that are not printable ASCII, and `+`, `=`, `\`, as `\x{HEX}`. */
export const escapeUnicode = (text: string): string =>
  [...text]
    .map((char) =>
      /[\x21-\x7e]/.test(char) && !/[\\+=]/.test(char)
        ? char
        : `\\x{${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')}}`,
    )
    .join('');

export const unescapeUnicode = (text: string): string =>
  text.replace(/\\x\{([0-9A-Fa-f]{2,6})\}/g, (whole, hex: string) => {
    const point = Number.parseInt(hex, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });

/** RFC 3463 status for an action: the class follows from the action, the rest from the reply. */
export function statusOf(action: string, reply: Reply): string {
  const digit = action === 'failed' ? 5 : action === 'delayed' ? 4 : 2;
  const detail = /^[245]\.(\d{1,3}\.\d{1,3})$/.exec(reply.enhanced ?? '')?.[1];
  return `${digit}.${detail ?? '0.0'}`;
}

/** No control characters: what peers say must not become fields of ours. */
export const oneLine = (text: string): string =>
  text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, ' ').trim();

/** For where only ASCII is permitted. */
export const asciiOnly = (text: string): string => text.replace(/[^\x20-\x7e]/gu, '?');

const wide = 76;
const longest = 900;

/** One field, folded at spaces (RFC 5322 §2.2.3) and, where a word is longer than a line may be, inside it. */
export function field(name: string, value: string): string {
  const lines: string[] = [];
  let line = `${name}:`;
  for (const word of oneLine(value).split(/ +/)) {
    if (line.length + 1 + word.length > wide && line.trimStart().length > 0 && line !== `${name}:`) {
      lines.push(line);
      line = '';
    }
    line += ` ${word}`;
    while (line.length > longest) {
      lines.push(line.slice(0, longest));
      line = ` ${line.slice(longest)}`;
    }
  }
  lines.push(line);
  return `${lines.join('\r\n')}\r\n`;
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => String(value).padStart(2, '0');

/** RFC 5322 §3.3, in UTC. */
export const printDate = (date: Date): string =>
  `${days[date.getUTCDay()]}, ${date.getUTCDate()} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()} ` +
  `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
