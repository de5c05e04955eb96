/**
 * store/content - the octets of a body, or a range of them, however they are kept.
 */
import type { BodyId } from '../mail/mailbox.ts';
import { BlobMissing, type BlobStore } from '../ports/blob-store.ts';
import type { Database } from '../ports/database.ts';
import { BodyGone, StoreAway } from '../ports/messages.ts';
import { type Coding, KeyMissing } from './coding.ts';
import { FrameBroken } from './frame.ts';
import { type Framed, type OctetRange, openFrames, spanOf } from './uncoding.ts';

export interface ContentOptions {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly coding: Coding;
}

/** How a body is kept. */
export interface KeptRow {
  readonly size: number;
  /** Of what is kept as it is, the range only. */
  readonly content: Buffer | null;
  readonly blob: string | null;
  readonly coding: number;
  readonly sealed_by: number | null;
  readonly salt: Buffer | null;
  readonly frames: Buffer | null;
}

export async function* content(
  options: ContentOptions,
  body: BodyId,
  signal: AbortSignal,
  range: { readonly start: number; readonly end?: number } = { start: 0 },
): AsyncGenerator<Uint8Array> {
  let row = await readKept(options.database, body, signal, range);
  let begun = false;
  for (;;) {
    try {
      for await (const chunk of keptOctets(options, row, signal, range)) {
        begun = true;
        yield chunk;
      }
      return;
    } catch (error) {
      if (error instanceof KeyMissing) throw new StoreAway(error.message, { cause: error });
      if (!(error instanceof BlobMissing || error instanceof FrameBroken)) throw error;
      // It may have been sealed anew between the look at its row and the look at its blob.
      const now = begun ? row : await readKept(options.database, body, signal, range);
      if (now.blob === row.blob)
        throw new BodyGone(`the content of body ${body} is not what was kept: ${error.message}; run fsck`, {
          cause: error,
        });
      row = now;
    }
  }
}

async function readKept(
  database: Database,
  body: BodyId,
  signal: AbortSignal,
  range: { readonly start: number; readonly end?: number },
): Promise<KeptRow> {
  signal.throwIfAborted();
  const whole = range.start === 0 && range.end === undefined;
  const [row] = await database.query<KeptRow>(
    `select size, blob, coding, sealed_by, salt, frames,
       case when $2::int8 is null or coding <> 0 then content
         else substring(content from $2::int4 + 1 for $3::int4) end as content
     from body where id = $1`,
    [body, ...(whole ? [undefined, undefined] : ends(range))],
  );
  if (row === undefined) throw new BodyGone(`body ${body} is not there; run fsck`);
  return row;
}

const mostInRow = 0x7fff_0000;

/** Start and length, as the row's content can have them. */
const ends = ({ start, end }: { start: number; end?: number }): [number, number] => [
  Math.min(start, mostInRow),
  Math.max(0, Math.min(end ?? mostInRow, mostInRow) - start),
];

/** Content as it is, if in the row, is the range already. */
export async function* keptOctets(
  { blobs, coding }: Omit<ContentOptions, 'database'>,
  row: KeptRow,
  signal: AbortSignal,
  asked: { readonly start: number; readonly end?: number },
): AsyncGenerator<Uint8Array> {
  if (row.coding === 0) {
    if (row.content === null) yield* wholeRange(row, asked, blobs.read(row.blob ?? '', signal, asked));
    else if (row.content.length > 0) yield row.content;
    return;
  }
  const range: OctetRange = { start: asked.start, end: Math.min(row.size, asked.end ?? row.size) };
  const framed: Framed = {
    size: row.size,
    frames: row.frames,
    key: coding.keyOf(row.sealed_by, row.salt),
  };
  if (range.start >= range.end && row.size > 0) return;
  const span = spanOf(framed, range);
  yield* openFrames(framed, span, range, keptSpan(blobs, row, span.kept, signal));
}

/** A blob that is shorter than the body was cut. */
async function* wholeRange(
  { size }: KeptRow,
  { start, end = size }: { readonly start: number; readonly end?: number },
  octets: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let missing = Math.max(0, Math.min(end, size) - start);
  for await (const chunk of octets) {
    missing -= chunk.length;
    yield chunk;
  }
  if (missing > 0) throw new FrameBroken(`${missing} octets are missing at the end`);
}

async function* keptSpan(
  blobs: BlobStore,
  row: KeptRow,
  { start, end }: { readonly start: number; readonly end?: number },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (row.content !== null) yield row.content.subarray(start, end);
  else yield* blobs.read(row.blob ?? '', signal, end === undefined ? { start } : { start, end });
}
