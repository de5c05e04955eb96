/**
 * store/text - the searchable text of a body, and whether it has what somebody looks for.
 *
 * All text, and all that is looked for, is folded by protocol/mime/fold, has LF for every line end and no NUL. A header
 * is its fields unfolded and decoded, LF and `NAME:value` each, so that a field's name is found with the LF before it.
 */
import { fold } from '../protocol/mime/fold.ts';
import type { TextKey } from './search-key.ts';

export interface Texts {
  /** Of the message itself. */
  readonly header: string;
  /** Of parts and of messages within. */
  readonly partHeaders: string;
  /** What the parts say, U+0001 between them. */
  readonly content: string;
}

export const noTexts: Texts = { header: '', partHeaders: '', content: '' };

export const searchable = (text: string): string =>
  fold(text.replaceAll('\0', '').toWellFormed()).replaceAll('\r\n', '\n').replaceAll('\r', '\n');

/** As the header has it before the value; undefined where no field is called so (RFC 5322 §2.2). */
export const fieldStart = (field: string): string | undefined =>
  /^[!-9;-~]+$/.test(field) ? `\n${field.toUpperCase()}:` : undefined;

/** `key.text` is searchable. */
export function has(texts: Texts, key: TextKey): boolean {
  const { header, partHeaders, content } = texts;
  if (key.key !== 'header') {
    if (content.includes(key.text)) return true;
    return key.key === 'text' && (header.includes(key.text) || partHeaders.includes(key.text));
  }
  const start = fieldStart(key.field);
  if (start === undefined) return false;
  for (let at = header.indexOf(start); at >= 0; at = header.indexOf(start, at)) {
    at += start.length;
    const end = header.indexOf('\n', at);
    if (header.slice(at, end < 0 ? undefined : end).includes(key.text)) return true;
  }
  return false;
}
