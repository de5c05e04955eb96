/**
 * access/imap/content - what is written where a FETCH response announces octets: a span of the message, or a few octets
 * made of it. Its size is known before it is read.
 */
import type { BodyId } from '../../mail/mailbox.ts';
import type { Span } from '../../mail/structure.ts';
import type { Session } from './session.ts';

export type Source =
  | { readonly kind: 'span'; readonly body: BodyId; readonly span: Span }
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'stream'; readonly open: () => AsyncIterable<Uint8Array> };

export const ofSpan = (body: BodyId, span: Span): { size: number; body: Source } => ({
  size: span.end - span.start,
  body: { kind: 'span', body, span },
});

export const ofOctets = (octets: Uint8Array): { size: number; body: Source } => ({
  size: octets.length,
  body: { kind: 'octets', octets },
});

/** As many octets as were announced, or it throws: then the session cannot go on. */
export async function writeContent(session: Session, size: number, source: Source): Promise<void> {
  if (source.kind === 'octets') {
    session.connection.write(source.octets);
    return await session.room();
  }
  if (size === 0) return;
  let left = size;
  const content =
    source.kind === 'stream'
      ? source.open()
      : session.deps.reading.content(source.body, session.signal, source.span);
  for await (const chunk of content) {
    left -= chunk.length;
    if (left < 0) break;
    session.connection.write(chunk);
    await session.room();
  }
  if (left !== 0) throw new Error('a message has other octets than were announced');
}

/** Whole, for what is to be looked through. */
export async function readSpan(session: Session, body: BodyId, span: Span): Promise<Buffer> {
  if (span.start >= span.end) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  for await (const chunk of session.deps.reading.content(body, session.signal, span)) chunks.push(chunk);
  return chunks.length === 1 ? Buffer.from(chunks[0] as Uint8Array) : Buffer.concat(chunks);
}
