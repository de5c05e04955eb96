/**
 * store/sweep-bodies - bodies that no message and nothing expunged refers to, and blobs that no body refers to.
 *
 * A body is only taken when it was not staged for some hours: who stages it again says so in its row, and who appends it
 * holds its row; both at the same instant as the sweep are safe, as PostgreSQL lets one of them go first. An append that
 * comes second finds no body, and says so.
 */
import type { BodyId } from '../mail/mailbox.ts';
import type { Blob, BlobKey, BlobStore } from '../ports/blob-store.ts';
import type { Database, Queryable } from '../ports/database.ts';

/** Looked at by one statement. */
const together = 1000;
/** Keys of older hours are written by nobody (ports/blob-store). */
const blobAge = 2 * 3600_000;

const unused = `not exists (select from mailbox_message m where m.body = b.id)
  and not exists (select from expunged e where e.body = b.id)`;

/** Where an earlier sweep came to: bodies staged before that were looked at. */
export interface Horizon {
  readonly stagedAt: Date;
  readonly body: BodyId;
}

export const beginning: Horizon = { stagedAt: new Date(0), body: 0 };

/** Bodies staged after `from` and before `until`. Says how many went, and where it came to. */
export async function sweepBodies(
  database: Database,
  blobs: BlobStore,
  from: Horizon,
  until: Date,
  signal: AbortSignal,
): Promise<{ readonly bodies: number; readonly horizon: Horizon }> {
  let horizon = from;
  let bodies = 0;
  while (!signal.aborted) {
    const some = await database.query<{ id: number; staged_at: Date; unused: boolean }>(
      `select b.id, b.staged_at, ${unused} as unused
       from (
         select id, staged_at from body where (staged_at, id) > ($1::timestamptz, $2::int8) and staged_at < $3
         order by staged_at, id limit ${together}
       ) b order by b.staged_at, b.id`,
      [horizon.stagedAt, horizon.body, until],
    );
    const last = some.at(-1);
    if (last === undefined) break;
    const ids = some.filter((row) => row.unused).map(({ id }) => id);
    if (ids.length > 0) {
      const gone = await database.transaction((tx) => removeUnused(tx, ids, until));
      bodies += gone.bodies;
      for (const key of gone.blobs) await blobs.remove(key);
    }
    horizon = { stagedAt: last.staged_at, body: last.id };
  }
  return { bodies, horizon };
}

/** Within a transaction: those of these bodies that nothing refers to now. Their blobs are to be removed after its commit. */
export async function removeUnused(
  tx: Queryable,
  ids: readonly BodyId[],
  stagedBefore: Date,
): Promise<{ readonly bodies: number; readonly blobs: readonly BlobKey[] }> {
  // Two statements: the second sees what was committed before the first had its locks.
  const locked = await tx.query<{ id: number }>(
    'select id from body where id = any($1::int8[]) and staged_at < $2 order by id for update skip locked',
    [ids, stagedBefore],
  );
  const gone = await tx.query<{ blob: string | null }>(
    `delete from body b where b.id = any($1::int8[]) and ${unused} returning b.blob`,
    [locked.map(({ id }) => id)],
  );
  return { bodies: gone.length, blobs: gone.flatMap(({ blob }) => blob ?? []) };
}

/** Blobs of hours ago that no body refers to: of writers that died before they wrote the row. Says how many went. */
export async function sweepBlobs(
  database: Database,
  blobs: BlobStore,
  now: Date,
  signal: AbortSignal,
): Promise<number> {
  let total = 0;
  let some: Blob[] = [];
  const removeStray = async (): Promise<void> => {
    const keys = some.map(({ key }) => key);
    some = [];
    const rows = await database.query<{ blob: string }>(
      'select blob from body where blob = any($1::text[])',
      [keys],
    );
    const used = new Set(rows.map(({ blob }) => blob));
    for (const key of keys) {
      if (used.has(key)) continue;
      await blobs.remove(key);
      total += 1;
    }
  };
  for await (const blob of blobs.list(new Date(now.getTime() - blobAge), signal)) {
    some.push(blob);
    if (some.length >= together) await removeStray();
  }
  if (some.length > 0) await removeStray();
  return total;
}
