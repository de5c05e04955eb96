/**
 * sieve/message/charset - transfer encodings undone, and octets in some charset as text. What the platform cannot decode
 * is kept octet by octet.
 */
import { TextDecoder } from 'node:util';
import { decodeOctets } from '../../protocol/sieve/octets.ts';

const decoders = new Map<string, TextDecoder | undefined>();
/** Charset names kept; senders choose them. */
const decoderLimit = 200;

function decoderFor(label: string): TextDecoder | undefined {
  if (decoders.has(label)) return decoders.get(label);
  let decoder: TextDecoder | undefined;
  try {
    decoder = new TextDecoder(label);
  } catch {}
  if (decoders.size < decoderLimit) decoders.set(label, decoder);
  return decoder;
}

/** undefined when the charset is not known. */
export function decodeCharset(octets: Uint8Array, charset: string): string | undefined {
  const label = charset.trim().toLowerCase();
  if (label === 'utf-8' || label === 'us-ascii' || label === 'utf8') return decodeOctets(octets);
  return decoderFor(label)?.decode(octets);
}

/** Base64 with anything else between its letters (RFC 2045 §6.8); at most so many octets of it are made. */
export function decodeBase64(text: string, most = Number.POSITIVE_INFINITY): Buffer {
  // Lines and what is smuggled between them make the text longer, never shorter.
  const letters = text.replace(/[^A-Za-z0-9+/]+/g, '');
  const enough = Math.ceil(most / 3) * 4;
  const octets = Buffer.from(letters.length > enough ? letters.slice(0, enough) : letters, 'base64');
  return octets.length > most ? octets.subarray(0, most) : octets;
}

const LF = 0x0a;
const CR = 0x0d;
const equals = 0x3d;
const isSpace = (octet: number | undefined): boolean => octet === 0x20 || octet === 0x09;

/** Quoted-printable (RFC 2045 §6.7); what is no escape stays. One pass; at most so many octets are made. */
export function decodeQuotedPrintable(octets: Uint8Array, most = Number.POSITIVE_INFINITY): Buffer {
  const made = Buffer.allocUnsafe(octets.length);
  let to = 0;
  /** White space at the end of a line was added on the way: what is behind this is such, if the line ends here. */
  let solid = 0;
  let at = 0;
  for (; at < octets.length && solid < most; at++) {
    const octet = octets[at] as number;
    if (isSpace(octet)) {
      made[to++] = octet;
      continue;
    }
    if (octet === equals) {
      const end = softBreak(octets, at + 1);
      if (end > 0) {
        at = end - 1;
        solid = to;
        continue;
      }
      const value = hexValue(octets[at + 1]) * 16 + hexValue(octets[at + 2]);
      if (value >= 0) {
        made[to++] = value;
        at += 2;
      } else made[to++] = octet;
    } else {
      if (octet === LF || (octet === CR && (octets[at + 1] === LF || at + 1 === octets.length))) to = solid;
      made[to++] = octet;
    }
    solid = to;
  }
  return made.subarray(0, Math.min(at >= octets.length ? solid : to, most));
}

/** Where the next line begins, if nothing but white space stands between `at` and it; else 0. */
function softBreak(octets: Uint8Array, at: number): number {
  let end = at;
  while (isSpace(octets[end])) end += 1;
  if (octets[end] === CR) end += 1;
  return octets[end] === LF ? end + 1 : 0;
}

/** Far below zero for what is no hexadecimal digit. */
function hexValue(octet: number | undefined): number {
  if (octet === undefined) return -1000;
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1000;
}
