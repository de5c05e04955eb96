/**
 * store/preview - the first 200 characters of what a message says (RFC 8970 §3.1), from its beginning.
 *
 * The first text that is no attachment: plain where there is one, HTML without its tags else. Only so much is decoded as
 * a preview can need.
 */
import type { Leaf, MessageStructure, Part } from '../mail/structure.ts';
import { decodeCharset } from '../protocol/mime/charset.ts';
import { markupText } from '../protocol/mime/html.ts';
import { decodeTransfer } from '../protocol/mime/transfer.ts';

const mostCharacters = 200;
/** Octets looked at; HTML has much before its first word. */
const mostOctets = { plain: 8 * 1024, html: 64 * 1024 };

/** Undefined: no text within `beginning`. Empty: a text without words. */
export function preview({ root }: MessageStructure, beginning: Buffer): string | undefined {
  const leaf = textOf(root, 'plain') ?? textOf(root, 'html');
  if (leaf === undefined || leaf.body.start >= Math.max(1, beginning.length)) return undefined;
  const html = leaf.subtype.toLowerCase() === 'html';
  const end = Math.min(leaf.body.end, leaf.body.start + (html ? mostOctets.html : mostOctets.plain));
  const charset = leaf.parameters.find(({ name }) => name.toLowerCase() === 'charset')?.value;
  const text = decodeCharset(
    decodeTransfer(beginning.subarray(leaf.body.start, end), leaf.encoding),
    charset,
  );
  return firstCharacters(html ? markupText(text) : text);
}

/** In order, without going into attachments and messages within. */
function textOf(part: Part, subtype: 'plain' | 'html'): Leaf | undefined {
  if (part.kind === 'multipart') {
    for (const child of part.parts) {
      const found = textOf(child, subtype);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const fits =
    part.kind === 'leaf' &&
    part.type.toLowerCase() === 'text' &&
    part.subtype.toLowerCase() === subtype &&
    part.disposition?.type.toLowerCase() !== 'attachment';
  return fits ? part : undefined;
}

function firstCharacters(text: string): string {
  const words = text
    .replace(/[\p{Cc}\p{Zs}\u2028\u2029\ufeff]+/gu, ' ')
    .trim()
    .toWellFormed();
  let preview = '';
  let count = 0;
  for (const character of words) {
    if (count++ >= mostCharacters) break;
    preview += character;
  }
  // The last character may be half: the text was cut among its octets.
  return preview.replace(/\ufffd+$/, '').trimEnd();
}
