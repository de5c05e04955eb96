/**
 * state/database-locks - session-level advisory locks, all of a process over one session. When the session is lost
 * the server frees them, and every holder is told at once.
 *
 * PostgreSQL's advisory locks belong to the whole database. Installations that share one, each in a schema of its own,
 * must not hold each other's: outside of `public` the group is mixed with the name of the schema.
 */
import type pg from 'pg';
import { DatabaseAway, type HeldLock } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import { asDatabaseError } from './database-fault.ts';
import { openSession, type Session } from './database-session.ts';

/** SQL for the group that is really locked, of the parameter that says `group`. */
export const lockGroup = (parameter: string): string =>
  `(${parameter}::integer # case when current_schema() = 'public' then 0 else hashtext(current_schema()) end)`;

export class Locks {
  readonly #config: pg.ClientConfig;
  readonly #log: Log;
  /** Also those that are being asked for: within one session PostgreSQL would grant a lock twice. */
  readonly #held = new Map<string, AbortController>();
  #session: Promise<Session> | undefined;
  #closed = false;

  constructor(config: pg.ClientConfig, log: Log) {
    this.#config = config;
    this.#log = log;
  }

  async tryLock(group: number, id: number): Promise<HeldLock | undefined> {
    if (this.#closed) throw new DatabaseAway('the database was closed');
    const key = `${group}/${id}`;
    if (this.#held.has(key)) return undefined;
    const lost = new AbortController();
    this.#held.set(key, lost);
    try {
      const session = await this.#open();
      const { rows } = await session.client.query<{ locked: boolean }>(
        `select pg_try_advisory_lock(${lockGroup('$1')}, $2::integer) as locked`,
        [group, id],
      );
      if (lost.signal.aborted) throw new DatabaseAway('the connection that holds the locks was lost');
      if (!rows[0]?.locked) {
        this.#held.delete(key);
        return undefined;
      }
      return {
        lost: lost.signal,
        [Symbol.asyncDispose]: () => this.#release(session, key, lost, [group, id]),
      };
    } catch (error) {
      if (this.#held.get(key) === lost) this.#held.delete(key);
      throw asDatabaseError(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await (await this.#session?.catch(() => undefined))?.end();
    this.#drop('the database was closed');
  }

  async #release(session: Session, key: string, lost: AbortController, lock: number[]): Promise<void> {
    if (this.#held.get(key) !== lost) return;
    try {
      await session.client.query(`select pg_advisory_unlock(${lockGroup('$1')}, $2::integer)`, lock);
    } catch {
      await session.end(); // Whether it is free is unknown: the end of the session frees it.
      this.#session = undefined;
      this.#drop('the connection that holds the locks was lost');
    }
    if (this.#held.get(key) === lost) this.#held.delete(key);
  }

  #open(): Promise<Session> {
    this.#session ??= openSession(this.#config, () => {
      this.#session = undefined;
      this.#drop('the connection that holds the locks was lost');
    }).catch((error) => {
      this.#session = undefined;
      throw error;
    });
    return this.#session;
  }

  #drop(why: string): void {
    if (this.#held.size > 0) this.#log.warn({ locks: this.#held.size }, why);
    for (const lost of this.#held.values()) lost.abort(new DatabaseAway(why));
    this.#held.clear();
  }
}
