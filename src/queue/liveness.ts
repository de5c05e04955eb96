/**
 * queue/liveness - who may hold claims, and what becomes of the claims of the dead.
 *
 *            join                     lock lost                    grace over
 *   (none) --------> member(id) ---------------> doubtful(id) ------------------> aborted
 *                        ^                            |                              |
 *                        |     lock again, row there  |                              |
 *                        +----------------------------+      lock again, or new id   |
 *                        +-----------------------------------------------------------+
 *
 * A worker holds the advisory lock (group, id) for as long as it lives; PostgreSQL frees it when the process or its
 * connection dies. Every worker sweeps: an id whose lock is free is marked, and when it is still free a sweep later
 * its row goes and its claims are free for anyone. So a worker whose connection broke has that long to come back under
 * its old id, settle what it knows, and lose nothing; deliveries under way may end within the first part of it
 * and are cut off then, before anyone else can start the same ones. Those that a peer has whole already are waited for
 * (attempt.ts).
 */
import type { Database, HeldLock } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import { int4Array } from './postgres-array.ts';

/** The advisory locks of workers: "spoo" in ASCII. */
export const workerLocks = 0x73706f6f;

export const sweepEvery = 2_000;
/** Less than sweepEvery: nobody frees claims while deliveries under them may go on. */
const grace = 1_500;
const retryJoin = 300;

const markDead = `
  with living as (
    select objid::bigint as id from pg_locks
    where locktype = 'advisory' and classid = $1::oid and objsubid = 2 and granted
      and database = (select oid from pg_database where datname = current_database())
  ), marked as (
    update worker set missed_at = clock_timestamp() where missed_at is null and id not in (select id from living)
  )
  select id from worker
  where missed_at < clock_timestamp() - make_interval(secs => $2) and id not in (select id from living)`;

export interface Membership {
  /** undefined while the lock is lost or not yet held: start nothing. */
  readonly id: number | undefined;
  /** Whether claims under `id` are still ours, the lock being lost for a while or not. */
  owns(id: number): boolean;
  /** Aborts when the claims under the present id may be somebody else's soon: stop at once. */
  readonly lost: AbortSignal;
  close(): Promise<void>;
}

export interface MembershipOptions {
  readonly database: Database;
  readonly node: string;
  readonly log: Log;
  /** The lock is lost: start nothing until it is back. */
  readonly doubted: () => void;
  /** A new id, or the old one back: look for work. */
  readonly joined: (id: number) => void;
  /** The id is gone for good; what was claimed under it and not started is to be forgotten. */
  readonly forgotten: (id: number) => void;
  /** Claims of dead workers were freed. */
  readonly freed: () => void;
}

export function joinWorkers(options: MembershipOptions): Membership {
  return new Member(options);
}

class Member implements Membership {
  readonly #options: MembershipOptions;
  readonly #closed = new AbortController();
  #id: number | undefined;
  #lock: HeldLock | undefined;
  #lost = new AbortController();
  #sweepTimer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void>;
  readonly #ended: Promise<void>;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#ended = this.#live();
    this.#sweeping = this.#sweep();
  }

  get id(): number | undefined {
    return this.#lock && !this.#lock.lost.aborted ? this.#id : undefined;
  }

  owns(id: number): boolean {
    return this.#id === id;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Leaves in peace: claims that are still there are freed at once. */
  async close(): Promise<void> {
    this.#closed.abort();
    clearTimeout(this.#sweepTimer);
    await Promise.all([this.#ended, this.#sweeping]);
    const id = this.#id;
    try {
      if (id !== undefined) await freeClaims(this.#options.database, [id]);
    } catch (error) {
      this.#options.log.warn({ err: error, worker: id }, 'claims are left for other workers to find');
    }
    await this.#lock?.[Symbol.asyncDispose]();
    this.#lock = undefined;
  }

  async #live(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        const lock = await this.#acquire();
        await aborted(lock.lost, signal);
        if (!signal.aborted) {
          this.#options.log.warn(
            { worker: this.#id },
            'the lock of this worker is lost; starting nothing until it is back',
          );
          this.#options.doubted();
          this.#countDown(this.#lost);
        }
      } catch (error) {
        this.#options.log.debug({ err: error }, 'cannot join the workers yet');
        await pause(retryJoin, signal);
      }
    }
  }

  /** The old id while nobody has swept it, else a new one. */
  async #acquire(): Promise<HeldLock> {
    const { database, node, log, joined, forgotten } = this.#options;
    if (this.#id !== undefined) {
      const again = await database.tryLock(workerLocks, this.#id);
      if (again) {
        const rows = await database.query('update worker set missed_at = null where id = $1 returning id', [
          this.#id,
        ]);
        if (rows.length > 0) return this.#hold(this.#id, again, joined);
        await again[Symbol.asyncDispose]();
      }
      log.warn({ worker: this.#id }, 'this worker was given up by others; it starts anew');
      const old = this.#id;
      this.#id = undefined;
      this.#lost.abort(new Error('the claims of this worker are lost'));
      forgotten(old);
    }
    const [row] = await database.query<{ id: number }>("select nextval('worker_id')::integer as id");
    const id = row?.id ?? 0;
    const lock = await database.tryLock(workerLocks, id);
    if (!lock) throw new Error(`the lock of worker ${id} is held by somebody else`);
    try {
      await database.query('insert into worker (id, node) values ($1, $2)', [id, node]);
    } catch (error) {
      await lock[Symbol.asyncDispose]();
      throw error;
    }
    log.info({ worker: id }, 'delivering');
    return this.#hold(id, lock, joined);
  }

  #hold(id: number, lock: HeldLock, joined: (id: number) => void): HeldLock {
    this.#id = id;
    this.#lock = lock;
    if (this.#lost.signal.aborted) this.#lost = new AbortController();
    joined(id);
    return lock;
  }

  /** Deliveries under way may end within the grace, unless the lock is back before. */
  #countDown(lost: AbortController): void {
    const timer = setTimeout(() => {
      if (this.id === undefined) lost.abort(new Error('the lock of this worker is lost'));
    }, grace);
    timer.unref();
  }

  async #sweep(): Promise<void> {
    const { database, log, freed } = this.#options;
    if (this.#closed.signal.aborted) return;
    try {
      const dead = await database.query<{ id: number }>(markDead, [workerLocks, sweepEvery / 1000]);
      if (dead.length > 0) {
        const ids = dead.map((row) => row.id);
        const claims = await freeClaims(database, ids);
        log.warn({ workers: ids, claims }, 'freed the claims of dead workers');
        freed();
      }
    } catch (error) {
      log.debug({ err: error }, 'cannot sweep for dead workers now');
    }
    if (this.#closed.signal.aborted) return;
    this.#sweepTimer = setTimeout(() => {
      this.#sweeping = this.#sweep();
    }, sweepEvery + 100);
    this.#sweepTimer.unref();
  }
}

/** The row first: a worker that comes back meanwhile finds it gone and takes a new id. */
function freeClaims(database: Database, ids: readonly number[]): Promise<number> {
  return database.transaction(async (tx) => {
    const list = int4Array(ids);
    await tx.query('delete from worker where id = any($1::int4[])', [list]);
    const [row] = await tx.query<{ count: number }>(
      `with freed as (
         update recipient set claimed_by = null where claimed_by = any($1::int4[]) returning 1
       ) select count(*) as count from freed`,
      [list],
    );
    return row?.count ?? 0;
  });
}

/** Resolves when one of them aborts. */
function aborted(...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const any = AbortSignal.any([...signals]);
    if (any.aborted) resolve();
    else any.addEventListener('abort', () => resolve(), { once: true });
  });
}

export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
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
