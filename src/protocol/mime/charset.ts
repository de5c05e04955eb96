/**
 * protocol/mime/charset - octets of a charset as text, never failing: what cannot be is U+FFFD, what nobody knows is latin1.
 *
 * Labels are the WHATWG Encoding Standard's, as the platform knows them, and some that senders use besides.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';

/** Charsets by other names: of vendors, of old agents, of RFC 1345. */
const alias: Readonly<Record<string, string>> = {
  cp1250: 'windows-1250',
  cp1251: 'windows-1251',
  cp1252: 'windows-1252',
  cp1253: 'windows-1253',
  cp1254: 'windows-1254',
  cp1255: 'windows-1255',
  cp1256: 'windows-1256',
  cp1257: 'windows-1257',
  cp1258: 'windows-1258',
  cp866: 'ibm866',
  cp874: 'windows-874',
  cp932: 'shift_jis',
  cp936: 'gbk',
  cp949: 'euc-kr',
  cp950: 'big5',
  'ansi_x3.4-1986': 'us-ascii',
  'iso-2022-jp-1': 'iso-2022-jp',
  'iso-2022-jp-2': 'iso-2022-jp',
  'unicode-1-1-utf-8': 'utf-8',
  utf8mb4: 'utf-8',
  'x-gbk': 'gbk',
  'x-sjis': 'shift_jis',
  'x-utf-8': 'utf-8',
};

const decoders = new Map<string, TextDecoder | undefined>();
/** Labels kept; senders choose them. */
const mostLabels = 200;

function decoderOf(label: string): TextDecoder | undefined {
  if (decoders.has(label)) return decoders.get(label);
  let decoder: TextDecoder | undefined;
  try {
    decoder = new TextDecoder(alias[label] ?? label);
  } catch {}
  if (decoders.size < mostLabels) decoders.set(label, decoder);
  return decoder;
}

const unmarked = new Set(['', 'us-ascii', 'ascii', 'ansi_x3.4-1968', 'utf-8', 'utf8', 'unknown-8bit']);

/** `charset` absent or US-ASCII: UTF-8 where it is well-formed, else latin1 as everybody writes it (windows-1252). */
export function decodeCharset(octets: Uint8Array, charset: string | undefined): string {
  const buffer = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  const label = (charset ?? '').trim().toLowerCase();
  if (unmarked.has(label)) return decodeUnmarked(buffer);
  if (label === 'utf-7' || label === 'unicode-1-1-utf-7') return decodeUtf7(buffer.toString('latin1'));
  return decoderOf(label)?.decode(buffer) ?? decodeUnmarked(buffer);
}

/** Octets whose charset nobody says. */
export function decodeUnmarked(buffer: Buffer): string {
  if (isAscii(buffer)) return buffer.toString('latin1');
  return isUtf8(buffer) ? buffer.toString('utf8') : (decoderOf('windows-1252')?.decode(buffer) ?? '');
}

/** RFC 2152: `+`, base64 of UTF-16, and `-` or any other character; `+-` is the plus itself. */
const decodeUtf7 = (text: string): string =>
  text.replace(/\+([A-Za-z0-9+/]*)-?/g, (_, words: string) =>
    words === '' ? '+' : utf16(Buffer.from(words, 'base64')),
  );

function utf16(octets: Buffer): string {
  const whole = octets.subarray(0, octets.length & ~1);
  return Buffer.from(whole).swap16().toString('utf16le').toWellFormed();
}
