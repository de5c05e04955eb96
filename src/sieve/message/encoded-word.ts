/**
 * sieve/message/encoded-word - RFC 2047 in both directions.
 */
import { decodeBase64, decodeCharset } from './charset.ts';

const word = /=\?([!#-'*+\-/-9A-Z^-~]+)(?:\*[A-Za-z0-9-]*)?\?([BQbq])\?([!->@-~]*)\?=/g;
const between = /(=\?[^?\s]+\?[BQbq]\?[^?\s]*\?=)[ \t]+(?==\?[^?\s]+\?[BQbq]\?[^?\s]*\?=)/g;

/** Words in charsets nobody knows stay as they are. */
export function decodeWords(text: string): string {
  if (!text.includes('=?')) return text;
  return text
    .replace(between, '$1')
    .replace(word, (all: string, charset: string, kind: string, inside: string) => {
      const octets =
        kind.toLowerCase() === 'b'
          ? decodeBase64(inside)
          : Buffer.from(
              inside
                .replace(/_/g, ' ')
                .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) =>
                  String.fromCharCode(Number.parseInt(hex, 16)),
                ),
              'latin1',
            );
      return decodeCharset(octets, charset) ?? all;
    });
}

/** Text for a header field: as it is when ASCII, else words of at most 75 characters (RFC 2047 §2). */
export function encodeWords(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) && !text.includes('=?')) return text;
  const words: string[] = [];
  let part = '';
  for (const character of text.replace(/\s+/g, ' ')) {
    if (Buffer.byteLength(part + character) > 42) {
      words.push(part);
      part = '';
    }
    part += character;
  }
  words.push(part);
  return words.map((one) => `=?utf-8?B?${Buffer.from(one, 'utf8').toString('base64')}?=`).join('\r\n ');
}
