/**
 * protocol/sieve/octets - Sieve strings are octets that are mostly UTF-8 (RFC 5228 §2.1); ours are JavaScript strings.
 *
 * An octet that is not part of well-formed UTF-8 is kept as one lone surrogate U+DC80..U+DCFF, so that nothing is lost
 * on the way in and out, and `isWellFormed()` tells whether a string is text. One pass either way, also over octets that
 * are no UTF-8 at all.
 */
import { isUtf8 } from 'node:buffer';

const loneBase = 0xdc00;

/** Octets as a string. encode(decode(x)) is x. */
export function decodeOctets(octets: Uint8Array): string {
  const buffer = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  // No octet makes more than one unit of UTF-16.
  const units = new Uint16Array(buffer.length);
  let count = 0;
  for (let at = 0; at < buffer.length; ) {
    const first = buffer[at] as number;
    if (first < 0x80) {
      units[count++] = first;
      at += 1;
      continue;
    }
    const length = sequenceLength(buffer, at);
    if (length === 0) {
      units[count++] = loneBase + first;
      at += 1;
      continue;
    }
    const point = codePoint(buffer, at, length);
    if (point > 0xffff) {
      units[count++] = 0xd800 + ((point - 0x10000) >> 10);
      units[count++] = 0xdc00 + ((point - 0x10000) & 0x3ff);
    } else units[count++] = point;
    at += length;
  }
  return Buffer.from(units.buffer, 0, count * 2).toString('utf16le');
}

const isContinuation = (octet: number | undefined): boolean => octet !== undefined && (octet & 0xc0) === 0x80;

/** Octets of the well-formed UTF-8 sequence that begins at `at` (RFC 3629 §4); 0 when none does. Not for ASCII. */
function sequenceLength(buffer: Buffer, at: number): number {
  const first = buffer[at] as number;
  const length = first >= 0xf5 ? 0 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length === 0) return 0;
  for (let n = 1; n < length; n++) if (!isContinuation(buffer[at + n])) return 0;
  const second = buffer[at + 1] as number;
  // Longer than need be, a surrogate, or beyond U+10FFFF.
  if ((first === 0xe0 && second < 0xa0) || (first === 0xed && second > 0x9f)) return 0;
  if ((first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f)) return 0;
  return length;
}

function codePoint(buffer: Buffer, at: number, length: number): number {
  let point = (buffer[at] as number) & (0x7f >> length);
  for (let n = 1; n < length; n++) point = (point << 6) | ((buffer[at + n] as number) & 0x3f);
  return point;
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** The octets of a string. */
export function encodeOctets(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8');
  const octets = Buffer.allocUnsafe(text.length * 3);
  let to = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) {
      octets[to++] = unit;
      continue;
    }
    const next = text.charCodeAt(at + 1);
    if (isHigh(unit) && isLow(next)) {
      to += octets.write(text.slice(at, at + 2), to, 'utf8');
      at += 1;
    } else if (unit >= 0xdc80 && unit <= 0xdcff) octets[to++] = unit - loneBase;
    else to += octets.write(String.fromCharCode(unit), to, 'utf8');
  }
  return octets.subarray(0, to);
}

/** The same octets, with sequences that became well-formed by joining read as text. */
export const rejoin = (text: string): string =>
  text.isWellFormed() ? text : decodeOctets(encodeOctets(text));
