/**
 * store/content - the octets of a body, or a range of them.
 */
import type { BodyId } from '../mail/mailbox.ts';
import { BlobMissing, type BlobStore } from '../ports/blob-store.ts';
import type { Database } from '../ports/database.ts';
import { BodyGone } from '../ports/messages.ts';

export interface ContentOptions {
  readonly database: Database;
  readonly blobs: BlobStore;
}

interface Row {
  readonly size: number;
  readonly content: Buffer | null;
  readonly blob: string | null;
}

export async function* content(
  { database, blobs }: ContentOptions,
  body: BodyId,
  signal: AbortSignal,
  range: { readonly start: number; readonly end?: number } = { start: 0 },
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const { start } = range;
  const length = range.end === undefined ? undefined : Math.max(0, range.end - start);
  const [row] = await database.query<Row>(
    `select size, blob,
       case when $2::int4 is null then content else substring(content from $2 + 1 for coalesce($3::int4, 2147483646 - $2)) end as content
     from body where id = $1`,
    [body, start === 0 && length === undefined ? undefined : start, length],
  );
  if (row === undefined) throw new BodyGone(`body ${body} is not there; run fsck`);
  if (row.content !== null) {
    if (row.content.length > 0) yield row.content;
    return;
  }
  try {
    yield* blobs.read(row.blob ?? '', signal, range);
  } catch (error) {
    if (!(error instanceof BlobMissing)) throw error;
    throw new BodyGone(`the blob ${row.blob} of body ${body} is missing; run fsck`, { cause: error });
  }
}
