/**
 * protocol/smtp/reply-printer - a Reply as octets (RFC 5321 §4.2, RFC 2034 §4).
 *
 * The enhanced code stands once on each line, also when the text was given with one. No control character of a
 * text gets out, so no text can end a line; text beyond ASCII only where the client asked for SMTPUTF8
 * (RFC 6531 §3.7.4.2). A line has 512 octets at most (RFC 5321 §4.5.3.1.5); longer text goes on in further lines.
 */
import type { Reply } from '../../mail/reply.ts';

/** Octets of text on one line; code, enhanced code and CRLF come to less than 32. */
const textLimit = 480;
const unfit = /[\x00-\x1f\x7f-\x9f]+/g;
const enhancedCode = /^[245]\.\d{1,3}\.\d{1,3}(?: |$)/;

export function printReplyLines(reply: Reply, utf8 = false): string {
  const [only] = reply.lines;
  if (reply.lines.length === 1 && only !== undefined && only.length <= textLimit) {
    const words = cleaned(only, reply, utf8);
    if (words.length <= textLimit) return printLine(reply, words, true);
  }
  const lines = reply.lines.flatMap((line) => pieces(cleaned(line, reply, utf8)));
  if (lines.length === 0) lines.push('');
  return lines.map((line, index) => printLine(reply, line, index === lines.length - 1)).join('');
}

function cleaned(text: string, reply: Reply, utf8: boolean): string {
  let words = text.replace(unfit, ' ');
  if (reply.enhanced !== undefined) words = words.replace(enhancedCode, '');
  if (!utf8) words = words.replace(/[^\x20-\x7e]/gu, '?');
  return words.trimEnd();
}

function printLine(reply: Reply, text: string, last: boolean): string {
  const code = `${reply.code}${last ? ' ' : '-'}`;
  if (reply.enhanced === undefined) return `${code}${text}\r\n`;
  return text === '' ? `${code}${reply.enhanced}\r\n` : `${code}${reply.enhanced} ${text}\r\n`;
}

/** Cut so that each piece fits in octets, whole characters only. */
function pieces(text: string): string[] {
  const found: string[] = [];
  let piece = '';
  let octets = 0;
  for (const character of text) {
    const more = Buffer.byteLength(character);
    if (octets + more > textLimit) {
      found.push(piece);
      piece = '';
      octets = 0;
    }
    piece += character;
    octets += more;
  }
  found.push(piece);
  return found;
}
