/**
 * protocol/sieve/encoded-character - `${hex:4b 6f}` and `${unicode:20ac}` in strings (RFC 5228 §2.4.2.4).
 */
import { decodeOctets, rejoin } from './octets.ts';

const encoded = /\$\{(hex|unicode):[ \t\r\n]*((?:[0-9a-f]+[ \t\r\n]+)*[0-9a-f]+)[ \t\r\n]*\}/gi;

export type Decoded = { readonly text: string } | { readonly wrong: string };

/** What does not meet the grammar is left as it is; a number that is no character is wrong. */
export function decodeCharacters(text: string): Decoded {
  let wrong: string | undefined;
  const decoded = text.replace(encoded, (all: string, kind: string, digits: string) => {
    const numbers = digits.split(/[ \t\r\n]+/);
    if (kind.toLowerCase() === 'hex') {
      if (numbers.some((one) => one.length > 2)) return all;
      return decodeOctets(Uint8Array.from(numbers, (one) => Number.parseInt(one, 16)));
    }
    return numbers
      .map((one) => {
        const code = Number.parseInt(one, 16);
        if (code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)) return String.fromCodePoint(code);
        wrong ??= `\${unicode:${one.slice(0, 16)}} is no Unicode character`;
        return '';
      })
      .join('');
  });
  return wrong === undefined ? { text: rejoin(decoded) } : { wrong };
}
