/**
 * access/imap/binary - a part without its content transfer encoding (RFC 3516; RFC 9051 §6.4.5, BINARY).
 *
 * The size is announced before the octets: a part that is encoded is decoded to be counted and, unless it is small,
 * once more to be sent. Nothing but a piece of it is in memory meanwhile.
 */
import type { MessageRow } from '../../mail/mailbox.ts';
import type { MessageStructure, Span } from '../../mail/structure.ts';
import type { FetchWish } from '../../protocol/imap/request/fetch.ts';
import type { Content } from '../../protocol/imap/respond/fetch.ts';
import { partAt } from '../../protocol/mime/part-at.ts';
import { decodeTransfer } from '../../protocol/mime/transfer.ts';
import { ofOctets, ofSpan, type Source } from './content.ts';
import { Refusal } from './refusal.ts';
import { cut } from './sections.ts';
import type { Session } from './session.ts';

type Encoding = 'base64' | 'quoted-printable';

/** Decoded, this much is kept from the first pass. */
const keptAtMost = 65_536;

export async function binarySection(
  session: Session,
  row: MessageRow,
  structure: MessageStructure,
  { section, partial }: FetchWish & { readonly item: 'BODY[]' | 'BINARY[]' },
): Promise<Content<Source> | undefined> {
  const place = placeOf(structure, section.part);
  if (place === undefined) return undefined;
  const { span, encoding } = place;
  if (encoding === undefined) return ofSpan(row.body, cut(span, partial));
  const open = (): AsyncIterable<Buffer> =>
    decoded(session.deps.reading.content(row.body, session.signal, span), encoding);
  const { size, kept } = await count(open());
  const { start, end } = cut({ start: 0, end: size }, partial);
  if (kept !== undefined) return ofOctets(kept.subarray(start, end));
  return { size: end - start, body: { kind: 'stream', open: () => within(open(), { start, end }) } };
}

/** BINARY.SIZE: 0 where there is no such part. */
export async function binarySize(
  session: Session,
  row: MessageRow,
  structure: MessageStructure,
  part: readonly number[],
): Promise<number> {
  const place = placeOf(structure, part);
  if (place === undefined) return 0;
  const { span, encoding } = place;
  if (encoding === undefined) return span.end - span.start;
  return (await count(decoded(session.deps.reading.content(row.body, session.signal, span), encoding))).size;
}

/** Where the part lies and how it is encoded; only parts that have no parts are (RFC 2045 §6.4). */
function placeOf(
  structure: MessageStructure,
  path: readonly number[],
): { readonly span: Span; readonly encoding: Encoding | undefined } | undefined {
  if (path.length === 0) return { span: { start: 0, end: structure.size }, encoding: undefined };
  const part = partAt(structure, path);
  if (part === undefined) return undefined;
  const encoding = part.encoding.toLowerCase();
  if (part.kind !== 'leaf' || ['7bit', '8bit', 'binary', ''].includes(encoding))
    return { span: part.body, encoding: undefined };
  if (encoding === 'base64' || encoding === 'quoted-printable') return { span: part.body, encoding };
  throw new Refusal('NO', { text: 'The encoding of this part is not known', code: { code: 'UNKNOWN-CTE' } });
}

async function count(octets: AsyncIterable<Buffer>): Promise<{ size: number; kept: Buffer | undefined }> {
  let size = 0;
  let kept: Buffer[] | undefined = [];
  for await (const piece of octets) {
    size += piece.length;
    if (size > keptAtMost) kept = undefined;
    else kept?.push(piece);
  }
  return { size, kept: kept && Buffer.concat(kept) };
}

async function* within(octets: AsyncIterable<Buffer>, { start, end }: Span): AsyncIterable<Buffer> {
  let at = 0;
  for await (const piece of octets) {
    const part = piece.subarray(Math.max(start - at, 0), Math.max(end - at, 0));
    if (part.length > 0) yield part;
    at += piece.length;
    if (at >= end) return;
  }
}

/** Piece by piece: each is cut where no unit of the encoding lies across. */
export async function* decoded(
  content: AsyncIterable<Uint8Array>,
  encoding: Encoding,
): AsyncIterable<Buffer> {
  let left: Buffer = Buffer.alloc(0);
  const isBase64 = encoding === 'base64';
  for await (const chunk of content) {
    const octets = Buffer.concat([left, isBase64 ? digitsOf(chunk) : chunk]);
    const end = isBase64 ? octets.length - (octets.length % 4) : lineEnd(octets);
    left = octets.subarray(end);
    if (end > 0) yield decodeTransfer(octets.subarray(0, end), encoding);
  }
  if (left.length > 0) yield decodeTransfer(left, encoding);
}

/** White space between the digits is left out, so that each four are three octets. */
const digitsOf = (chunk: Uint8Array): Buffer =>
  Buffer.from(
    Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      .toString('latin1')
      .replace(/[^A-Za-z0-9+/=]+/g, ''),
    'latin1',
  );

/** Longer than any line of quoted-printable (RFC 2045 §6.7). */
const longLine = 65_536;

function lineEnd(octets: Buffer): number {
  const end = octets.lastIndexOf(10) + 1;
  if (end > 0 || octets.length < longLine) return end;
  const sign = octets.lastIndexOf(0x3d);
  return sign >= octets.length - 3 && sign > 0 ? sign : octets.length;
}
