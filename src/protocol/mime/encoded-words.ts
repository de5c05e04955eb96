/**
 * protocol/mime/encoded-words - header fields as text: RFC 2047 words decoded, 8-bit read as UTF-8 where it is (RFC 6532).
 *
 * Forgiving: words are decoded wherever they stand, also within quotes and glued to other text; a word whose octets end
 * in the middle of a character goes on in the next one of the same charset and kind, as many agents cut them. White space
 * between two words is nobody's (RFC 2047 §6.2). Linear in the length of the value.
 */
import { decodeCharset, decodeUnmarked } from './charset.ts';

/** charset, language (RFC 2231 §5), kind, text. */
const word = /=\?([^?\s*]{1,60})(?:\*[^?\s]{0,60})?\?([bq])\?([^?\r\n]*)\?=/giy;
const space = /[ \t\r\n]*/y;

/** `octets`: an unfolded field value, one character per octet. */
export function decodeWords(octets: string): string {
  let text = '';
  let plainFrom = 0;
  for (let at = octets.indexOf('=?'); at >= 0; at = octets.indexOf('=?', at)) {
    const run = readRun(octets, at);
    if (run === undefined) {
      at += 2;
      continue;
    }
    text += plain(octets.slice(plainFrom, at)) + run.text;
    at = run.end;
    plainFrom = at;
  }
  return text + plain(plainFrom === 0 ? octets : octets.slice(plainFrom));
}

const plain = (octets: string): string =>
  /[\x80-\xff]/.test(octets) ? decodeUnmarked(Buffer.from(octets, 'latin1')) : octets;

/** Words that follow each other with nothing but white space between them. */
function readRun(octets: string, from: number): { readonly text: string; readonly end: number } | undefined {
  let end = -1;
  let text = '';
  let charset = '';
  let pending: Buffer[] = [];
  const flush = (): void => {
    if (pending.length > 0) text += decodeCharset(Buffer.concat(pending), charset);
    pending = [];
  };
  for (let at = from; ; ) {
    word.lastIndex = at;
    const found = word.exec(octets);
    if (found === null) break;
    const [all, label = '', kind = '', inside = ''] = found;
    if (label.toLowerCase() !== charset) flush();
    charset = label.toLowerCase();
    pending.push(kind.toLowerCase() === 'b' ? Buffer.from(inside, 'base64') : decodeQ(inside));
    end = at + all.length;
    space.lastIndex = end;
    at = end + (space.exec(octets)?.[0].length ?? 0);
  }
  flush();
  return end < 0 ? undefined : { text, end };
}

/** RFC 2047 §4.2. */
const decodeQ = (text: string): Buffer =>
  Buffer.from(
    text
      .replaceAll('_', ' ')
      .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
