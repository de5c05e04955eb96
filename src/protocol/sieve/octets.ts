/**
 * protocol/sieve/octets - Sieve strings are octets that are mostly UTF-8 (RFC 5228 §2.1); ours are JavaScript strings.
 *
 * An octet that is not part of well-formed UTF-8 is kept as one lone surrogate U+DC80..U+DCFF, so that nothing is lost
 * on the way in and out, and `isWellFormed()` tells whether a string is text.
 */
import { isUtf8 } from 'node:buffer';

/** Octets as a string. encode(decode(x)) is x. */
export function decodeOctets(octets: Uint8Array): string {
  const buffer = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  const parts: string[] = [];
  let good = 0;
  for (let at = 0; at < buffer.length; ) {
    const length = sequenceLength(buffer, at);
    if (length > 0) {
      at += length;
      continue;
    }
    parts.push(buffer.toString('utf8', good, at), String.fromCharCode(0xdc00 + (buffer[at] as number)));
    at += 1;
    good = at;
  }
  parts.push(buffer.toString('utf8', good));
  return parts.join('');
}

/** Octets of the well-formed UTF-8 sequence that begins at `at`; 0 when none does. */
function sequenceLength(buffer: Buffer, at: number): number {
  const first = buffer[at] as number;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length === 0 || at + length > buffer.length) return 0;
  return isUtf8(buffer.subarray(at, at + length)) ? length : 0;
}

const lone = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const loneOrRun = /(?<![\ud800-\udbff])[\udc80-\udcff]|(?:(?!(?<![\ud800-\udbff])[\udc80-\udcff])[\s\S])+/gu;

/** The octets of a string. */
export function encodeOctets(text: string): Buffer {
  if (!lone.test(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  for (const [part] of text.matchAll(loneOrRun)) {
    const code = part.charCodeAt(0);
    if (part.length === 1 && code >= 0xdc80 && code <= 0xdcff) parts.push(Buffer.of(code - 0xdc00));
    else parts.push(Buffer.from(part, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** The same octets, with sequences that became well-formed by joining read as text. */
export const rejoin = (text: string): string =>
  text.isWellFormed() ? text : decodeOctets(encodeOctets(text));
