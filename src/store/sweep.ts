/**
 * store/sweep - what is not kept any longer goes: expunged messages past their time, bodies, blobs and keywords that
 * nobody refers to.
 *
 * One process of all does it (an advisory lock), a portion at a time, so that nobody waits long for it.
 */
import type { BlobKey, BlobStore } from '../ports/blob-store.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import { beginning, type Horizon, removeUnused, sweepBlobs, sweepBodies } from './sweep-bodies.ts';
import { sweepKeywords } from './sweep-keywords.ts';

export interface SweepOptions {
  readonly database: Database;
  readonly blobs: BlobStore;
  /** Milliseconds that expunged messages are kept. */
  readonly keepExpunged: number;
  /** Milliseconds that a staged body waits for an append; default 6 hours, at least 2. */
  readonly keepStaged?: number;
  /** Mailboxes with so many keywords are asked which they still need; default 100. */
  readonly manyKeywords?: number;
  readonly now: () => Date;
  readonly log: Log;
}

export interface Swept {
  readonly expunged: number;
  readonly bodies: number;
  readonly blobs: number;
  readonly keywords: number;
}

/** "stor" in ASCII. */
const sweepLock = 0x73746f72;
const hour = 3600_000;
/** A blob's key must be of a past hour before its body goes, so that nobody writes it anew at the same instant. */
const leastStaged = 2 * hour;
const blobsEvery = 24 * hour;
const whenRefused = 60_000;
const together = 1000;

/** Sweeps, and remembers how far it came. */
export class Sweeper {
  readonly #options: SweepOptions;
  #horizon: Horizon = beginning;
  #blobsDue = 0;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  /** Once through. The first time all bodies and blobs are looked at, later those that came since; blobs once a day. */
  async sweep(signal: AbortSignal): Promise<Swept> {
    const { database, blobs, keepExpunged, keepStaged = 6 * hour, now, log } = this.#options;
    const { manyKeywords = 100 } = this.#options;
    const at = now();
    const staged = new Date(at.getTime() - Math.max(leastStaged, keepStaged));
    const old = await sweepExpunged(database, blobs, new Date(at.getTime() - keepExpunged), staged, signal);
    const { bodies, horizon } = await sweepBodies(database, blobs, this.#horizon, staged, signal);
    this.#horizon = horizon;
    let strays = 0;
    if (at.getTime() >= this.#blobsDue) {
      strays = await sweepBlobs(database, blobs, at, signal);
      this.#blobsDue = at.getTime() + blobsEvery;
    }
    const keywords = await sweepKeywords(database, manyKeywords, signal);
    const swept = { expunged: old.expunged, bodies: old.bodies + bodies, blobs: strays, keywords };
    if (Object.values(swept).some((count) => count > 0)) log.info(swept, 'swept the store');
    return swept;
  }
}

/** Sweeps every so many milliseconds, until closed. */
export function startSweeper(options: SweepOptions & { readonly every: number }): { close(): Promise<void> } {
  const closing = new AbortController();
  const { signal } = closing;
  const sweeper = new Sweeper(options);
  const running = (async () => {
    while (!signal.aborted) {
      let wait = options.every;
      try {
        await using lock = await options.database.tryLock(sweepLock, 0);
        if (lock) await sweeper.sweep(AbortSignal.any([signal, lock.lost]));
      } catch (error) {
        if (!signal.aborted) options.log.warn({ err: error }, 'cannot sweep the store now');
        wait = Math.min(wait, whenRefused);
      }
      await pause(wait, signal);
    }
  })();
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** Expunged before `before`; their mailboxes then know that they do not know any more. Bodies go along. */
async function sweepExpunged(
  database: Database,
  blobs: BlobStore,
  before: Date,
  stagedBefore: Date,
  signal: AbortSignal,
): Promise<{ readonly expunged: number; readonly bodies: number }> {
  let [expunged, bodies] = [0, 0];
  while (!signal.aborted) {
    const gone = await forget(database, before, stagedBefore);
    for (const key of gone.blobs) await blobs.remove(key);
    expunged += gone.expunged;
    bodies += gone.bodies;
    if (gone.expunged === 0) break;
  }
  return { expunged, bodies };
}

async function forget(
  database: Database,
  before: Date,
  stagedBefore: Date,
): Promise<{ readonly expunged: number; readonly bodies: number; readonly blobs: readonly BlobKey[] }> {
  return database.transaction(async (tx) => {
    const some = await tx.query<{ mailbox: number; uid: number }>(
      `select mailbox, uid from expunged where expunged_at < $1 order by expunged_at limit ${together}`,
      [before],
    );
    const mailboxes = [...new Set(some.map(({ mailbox }) => mailbox))];
    // Mailboxes are locked in order of id; those that are gone have nobody to tell.
    await tx.query('select from mailbox where id = any($1::int8[]) order by id for update', [mailboxes]);
    const rows = await tx.query<{ body: number }>(
      `with gone as (
         delete from expunged e using unnest($1::int8[], $2::int8[]) as s (mailbox, uid)
         where e.mailbox = s.mailbox and e.uid = s.uid returning e.mailbox, e.mod_seq, e.body
       ), box as (
         update mailbox m set forgotten_to = greatest(m.forgotten_to, g.mod_seq)
         from (select mailbox, max(mod_seq) as mod_seq from gone group by mailbox) g where m.id = g.mailbox
       )
       select body from gone`,
      [some.map(({ mailbox }) => mailbox), some.map(({ uid }) => uid)],
    );
    const bodies = [...new Set(rows.map(({ body }) => body))];
    return { expunged: rows.length, ...(await removeUnused(tx, bodies, stagedBefore)) };
  });
}
