/**
 * sieve/message/charset - octets in some charset as text. What the platform cannot decode is kept octet by octet.
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

/** Base64 with anything else between its letters (RFC 2045 §6.8). */
export const decodeBase64 = (text: string): Buffer =>
  Buffer.from(text.replace(/[^A-Za-z0-9+/]/g, ''), 'base64');

/** Quoted-printable (RFC 2045 §6.7); what is no escape stays. */
export function decodeQuotedPrintable(octets: Uint8Array): Buffer {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1');
  const joined = text
    .split('\n')
    .map(withoutSpaceAtEnd)
    .join('\n')
    .replace(/=\r?\n/g, '');
  return Buffer.from(
    joined.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}

/** White space at the end of a line was added on the way. */
function withoutSpaceAtEnd(line: string): string {
  const carriage = line.endsWith('\r') ? 1 : 0;
  let end = line.length - carriage;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end -= 1;
  return end + carriage === line.length ? line : line.slice(0, end) + line.slice(line.length - carriage);
}
