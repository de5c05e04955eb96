/**
 * queue/sweep - what nobody needs any longer goes: trace rows past their time, and blobs that no message refers to.
 *
 * So do claims of workers that nobody knows: those that were committed at the very instant at which their worker was
 * given up (liveness.ts).
 *
 * One process of all does it (an advisory lock), a portion at a time. Blobs: keys of hours at least two hours ago
 * (ports/blob-store), so that nobody can be about to refer to them.
 */
import type { Blob, BlobStore } from '../ports/blob-store.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import { pause } from './liveness.ts';
import { textArray } from './postgres-array.ts';

export interface SweepOptions {
  readonly database: Database;
  readonly blobs: BlobStore;
  /** Milliseconds that trace rows are kept. */
  readonly retention: number;
  readonly log: Log;
  readonly now: () => Date;
}

/** The advisory lock of the sweeper: "spos" in ASCII. */
const sweepLock = 0x73706f73;
const every = 10 * 60_000;
const whenRefused = 60_000;
const twoHours = 2 * 3600_000;
const rowsAtOnce = 5_000;
const blobsAtOnce = 500;

/** Sweeps until closed. */
export function startSweeper(options: SweepOptions): { close(): Promise<void> } {
  const closing = new AbortController();
  const { signal } = closing;
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      let wait = every;
      try {
        await using lock = await options.database.tryLock(sweepLock, 0);
        if (lock) await sweep(options, AbortSignal.any([signal, lock.lost]));
      } catch (error) {
        if (!signal.aborted) options.log.warn({ err: error }, 'cannot sweep the spool now');
        wait = whenRefused;
      }
      await pause(wait, signal);
    }
  };
  const running = run();
  return {
    async close(): Promise<void> {
      closing.abort();
      await running;
    },
  };
}

export interface Swept {
  readonly rows: number;
  readonly blobs: number;
  readonly claims: number;
}

/** Once through. Says what went. */
export async function sweep(options: SweepOptions, signal: AbortSignal): Promise<Swept> {
  const rows = await sweepTrace(options, signal);
  const blobs = await sweepBlobs(options, signal);
  const claims = await sweepClaims(options);
  if (rows + blobs + claims > 0) options.log.info({ traceRows: rows, blobs, claims }, 'swept');
  return { rows, blobs, claims };
}

async function sweepClaims({ database }: SweepOptions): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `with freed as (
       update recipient set claimed_by = null
       where claimed_by is not null and claimed_by not in (select id from worker) returning 1
     ) select count(*) as count from freed`,
    [],
  );
  return row?.count ?? 0;
}

async function sweepTrace({ database, retention, now }: SweepOptions, signal: AbortSignal): Promise<number> {
  const before = new Date(now().getTime() - retention);
  let total = 0;
  while (!signal.aborted) {
    const [row] = await database.query<{ count: number }>(
      `with gone as (
         delete from trace where ctid = any(array(select ctid from trace where at < $1 limit $2)) returning 1
       ) select count(*) as count from gone`,
      [before, rowsAtOnce],
    );
    total += row?.count ?? 0;
    if ((row?.count ?? 0) < rowsAtOnce) break;
  }
  return total;
}

async function sweepBlobs({ database, blobs, now }: SweepOptions, signal: AbortSignal): Promise<number> {
  let total = 0;
  let some: Blob[] = [];
  const removeUnused = async (): Promise<void> => {
    const used = await database.query<{ blob: string }>(
      'select blob from message where blob = any($1::text[])',
      [textArray(some.map(({ key }) => key))],
    );
    const keep = new Set(used.map((row) => row.blob));
    for (const { key } of some) {
      if (keep.has(key)) continue;
      await blobs.remove(key);
      total += 1;
    }
    some = [];
  };
  for await (const blob of blobs.list(new Date(now().getTime() - twoHours), signal)) {
    some.push(blob);
    if (some.length >= blobsAtOnce) await removeUnused();
  }
  if (some.length > 0) await removeUnused();
  return total;
}
