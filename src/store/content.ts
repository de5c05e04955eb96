/**
 * store/content - the octets of a body, or a range of them, however they are kept.
 */
import type { BodyId } from '../mail/mailbox.ts';
import { BlobMissing, type BlobStore } from '../ports/blob-store.ts';
import type { Database } from '../ports/database.ts';
import { BodyGone, StoreAway } from '../ports/messages.ts';
import { type Coding, KeyMissing } from './coding.ts';
import { FrameBroken } from './frame.ts';
import { Gather } from './gather.ts';
import { type Framed, type OctetRange, openFrames, spanOf } from './uncoding.ts';

export interface ContentOptions {
  readonly kept: KeptReader;
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
  let row = await readKept(options.kept, body, signal, range);
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
      const now = begun ? row : await readKept(options.kept, body, signal, range);
      if (now.blob === row.blob)
        throw new BodyGone(`the content of body ${body} is not what was kept: ${error.message}; run fsck`, {
          cause: error,
        });
      row = now;
    }
  }
}

async function readKept(
  kept: KeptReader,
  body: BodyId,
  signal: AbortSignal,
  range: OctetsAsked,
): Promise<KeptRow> {
  signal.throwIfAborted();
  const row = await kept.read(body, range);
  if (row === undefined) throw new BodyGone(`body ${body} is not there; run fsck`);
  return row;
}

interface OctetsAsked {
  readonly start: number;
  readonly end?: number;
}

interface Asked {
  readonly body: BodyId;
  readonly range: OctetsAsked;
}

/** Rows read in one statement: each holds a body of the inline limit at most. */
const together = 32;
const statementsAtOnce = 2;

const read = `
  select a.at, b.size, b.blob, b.coding, b.sealed_by, b.salt, b.frames,
    case when a.start is null or b.coding <> 0 then b.content
      else substring(b.content from a.start + 1 for a.length) end as content
  from unnest($1::int8[], $2::int4[], $3::int4[]) with ordinality as a (body, start, length, at)
  join body b on b.id = a.body`;

/** How bodies are kept, for everyone in this process: who asks at the same time shares a statement. */
export class KeptReader {
  readonly #gather: Gather<Asked, KeptRow | undefined>;

  constructor(database: Database) {
    this.#gather = new Gather({
      together,
      atOnce: statementsAtOnce,
      weight: together,
      weigh: () => 1,
      commit: (asked) => readTogether(database, asked),
    });
  }

  read(body: BodyId, range: OctetsAsked): Promise<KeptRow | undefined> {
    return this.#gather.add({ body, range });
  }
}

async function readTogether(
  database: Database,
  asked: readonly Asked[],
): Promise<readonly (KeptRow | undefined)[]> {
  const spans = asked.map(({ range }) =>
    range.start === 0 && range.end === undefined ? [undefined, undefined] : ends(range),
  );
  const rows = await database.query<KeptRow & { readonly at: number }>(read, [
    asked.map(({ body }) => body),
    spans.map(([start]) => start),
    spans.map(([, length]) => length),
  ]);
  const found = new Map(rows.map((row) => [row.at, row]));
  return asked.map((_, index) => found.get(index + 1));
}

const mostInRow = 0x7fff_0000;

/** Start and length, as the row's content can have them. */
const ends = ({ start, end }: { start: number; end?: number }): [number, number] => [
  Math.min(start, mostInRow),
  Math.max(0, Math.min(end ?? mostInRow, mostInRow) - start),
];

/** Content as it is, if in the row, is the range already. */
export async function* keptOctets(
  { blobs, coding }: Omit<ContentOptions, 'kept'>,
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
