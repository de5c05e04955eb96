/**
 * access/imap/sections - where a section of a message lies (RFC 9051 §6.4.5.1): a span of its octets.
 */
import type { MessageStructure, Part, Span } from '../../mail/structure.ts';
import type { Section } from '../../protocol/imap/respond/fetch.ts';
import { partAt } from '../../protocol/mime/part-at.ts';

/** Undefined: there is no such part. Of HEADER.FIELDS it is the header they are taken from. */
export function spanOf(message: MessageStructure, { part: path, of }: Section): Span | undefined {
  const part = partAt(message, path);
  if (part === undefined) return undefined;
  if (of === undefined) return path.length === 0 ? { start: 0, end: message.size } : part.body;
  if (of === 'MIME') return part.header;
  const root: Part | undefined =
    path.length === 0 ? message.root : part.kind === 'message' ? part.message?.root : undefined;
  return of === 'TEXT' ? root?.body : root?.header;
}

/** The part of a span that was asked for; it may begin behind its end. */
export function cut(
  span: Span,
  partial: { readonly origin: number; readonly length: number } | undefined,
): Span {
  if (partial === undefined) return span;
  const start = Math.min(span.start + partial.origin, span.end);
  return { start, end: Math.min(start + partial.length, span.end) };
}

/**
 * The fields wanted of a header, each as it stands, and the empty line behind (RFC 9051 §6.4.5.1, HEADER.FIELDS).
 * Line ends may be LF alone.
 */
export function selectFields(header: Buffer, fields: readonly string[], not: boolean): Buffer {
  const wanted = new Set(fields.map((field) => field.toLowerCase()));
  const kept: Buffer[] = [];
  let isKept = false;
  for (let at = 0; at < header.length; ) {
    const newline = header.indexOf(10, at);
    const end = newline < 0 ? header.length : newline + 1;
    const first = header[at];
    if (first === 13 || first === 10) break; // the empty line
    if (first !== 32 && first !== 9) isKept = wanted.has(nameAt(header, at, end)) !== not;
    if (isKept) kept.push(header.subarray(at, end));
    at = end;
  }
  kept.push(Buffer.from('\r\n'));
  return Buffer.concat(kept);
}

/** In lower case; empty where there is no colon. */
function nameAt(header: Buffer, start: number, end: number): string {
  const colon = header.indexOf(58, start);
  if (colon < 0 || colon >= end) return '';
  return header.toString('latin1', start, colon).trimEnd().toLowerCase();
}
