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
 *
 * Time in which the database was away counts against nobody: the lock of whoever sweeps would have been lost as well,
 * and marks older than that lock are made anew.
 */
import type { Database, HeldLock, Queryable } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import { lockGroup } from '../state/database-locks.ts';
import { int4Array } from './postgres-array.ts';

/** The advisory locks of workers: "spoo" in ASCII. */
export const workerLocks = 0x73706f6f;

export const sweepEvery = 2_000;
/** Less than sweepEvery: nobody frees claims while deliveries under them may go on. */
const grace = 1_500;
const retryJoin = 300;
/** The server may take a connection for alive that is lost for us, and the lock with it: waited for so long. */
const ghostWithin = 5_000;

const living = `
  select objid::bigint as id from pg_locks
  where locktype = 'advisory' and classid = (${lockGroup('$1')}::bigint & 4294967295)::oid and objsubid = 2 and granted
    and database = (select oid from pg_database where datname = current_database())`;

/** $3: since when the sweeper, $4, holds its lock. */
const markDead = `
  with living as (${living}), marked as (
    update worker set missed_at = clock_timestamp()
    where (missed_at is null or missed_at < $3) and id not in (select id from living)
  )
  select id from worker
  where missed_at >= $3 and missed_at < clock_timestamp() - make_interval(secs => $2)
    and id not in (select id from living) and $4::bigint in (select id from living)`;

/** Of the dead, those who have not come back by now. */
const bury = `
  delete from worker where id = any($2::int4[]) and missed_at is not null and id not in (${living}) returning id`;

const holds = 'update worker set missed_at = null where id = $1 returning clock_timestamp() as at';
const enters = 'insert into worker (id, node) values ($1, $2) returning clock_timestamp() as at';

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
  /** Since when the lock is held, by the database's clock. */
  #heldSince = new Date(0);
  /** The lock was last held; performance.now(). */
  #lostAt = 0;
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
      if (id !== undefined) await leave(this.#options.database, id);
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
          this.#lostAt = performance.now();
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
    const { database, node, log, forgotten } = this.#options;
    if (this.#id !== undefined) {
      const again = await this.#again(this.#id);
      if (again) return again;
      log.warn({ worker: this.#id }, 'this worker was given up by others; it starts anew');
      const old = this.#id;
      this.#id = undefined;
      this.#lost.abort(new Error('the claims of this worker are lost'));
      forgotten(old);
    }
    const [row] = await database.query<{ id: number }>("select nextval('worker_id')::integer as id", []);
    const id = row?.id ?? 0;
    const lock = await database.tryLock(workerLocks, id);
    if (!lock) throw new Error(`the lock of worker ${id} is held by somebody else`);
    await this.#hold(id, lock, enters, [id, node]);
    log.info({ worker: id }, 'delivering');
    return lock;
  }

  /** undefined: others have given us up, or the lock is held by nobody we know. */
  async #again(id: number): Promise<HeldLock | undefined> {
    const { database } = this.#options;
    const lock = await database.tryLock(workerLocks, id);
    if (lock) return (await this.#hold(id, lock, holds, [id])) ? lock : undefined;
    const rows = await database.query('select id from worker where id = $1', [id]);
    if (rows.length > 0 && performance.now() - this.#lostAt < ghostWithin) {
      throw new Error(`the server has not noticed yet that the connection of worker ${id} is lost`);
    }
    return undefined;
  }

  /** A member with this lock, if its row is there. */
  async #hold(id: number, lock: HeldLock, text: string, values: readonly unknown[]): Promise<boolean> {
    let held = false;
    try {
      const [row] = await this.#options.database.query<{ at: Date }>(text, values);
      if (!row) return false;
      held = true;
      this.#heldSince = row.at;
    } finally {
      if (!held) await lock[Symbol.asyncDispose]();
    }
    this.#id = id;
    this.#lock = lock;
    if (this.#lost.signal.aborted) this.#lost = new AbortController();
    this.#options.joined(id);
    return true;
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
    const { id } = this;
    try {
      if (id !== undefined) {
        const since = this.#heldSince;
        const dead = await database.query<{ id: number }>(markDead, [
          workerLocks,
          sweepEvery / 1000,
          since,
          id,
        ]);
        const gone = dead.length > 0 ? await freeDead(database, dead) : undefined;
        if (gone && gone.workers.length > 0) {
          log.warn(gone, 'freed the claims of dead workers');
          freed();
        }
      }
    } catch (error) {
      log.debug({ err: error }, 'cannot sweep for dead workers now');
    }
    if (this.#closed.signal.aborted) return;
    const again = id === undefined ? retryJoin : sweepEvery + 100;
    this.#sweepTimer = setTimeout(() => {
      this.#sweeping = this.#sweep();
    }, again);
    this.#sweepTimer.unref();
  }
}

/** The row first: a worker that comes back meanwhile finds it gone and takes a new id, or is left alone. */
function freeDead(
  database: Database,
  dead: readonly { readonly id: number }[],
): Promise<{ readonly workers: readonly number[]; readonly claims: number }> {
  return database.transaction(async (tx) => {
    const rows = await tx.query<{ id: number }>(bury, [workerLocks, int4Array(dead.map(({ id }) => id))]);
    const workers = rows.map(({ id }) => id);
    return { workers, claims: workers.length > 0 ? await freeClaims(tx, workers) : 0 };
  });
}

function leave(database: Database, id: number): Promise<number> {
  return database.transaction(async (tx) => {
    await tx.query('delete from worker where id = $1', [id]);
    return freeClaims(tx, [id]);
  });
}

async function freeClaims(tx: Queryable, ids: readonly number[]): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    `with freed as (
       update recipient set claimed_by = null where claimed_by = any($1::int4[]) returning 1
     ) select count(*) as count from freed`,
    [int4Array(ids)],
  );
  return row?.count ?? 0;
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
