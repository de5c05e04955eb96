/**
 * directory/pg-homes - homes laid over the directory, one commit each.
 *
 * The commit is the instant at which routing and client access change: the
 * notice to every process's cache belongs to the same transaction. Each change
 * leaves a row that says what was, what is, and why.
 */
import type { Database, Queryable } from '../ports/database.ts';
import type { Homes } from '../ports/directory.ts';
import { changedChannel } from './pg-directory.ts';

export class UnknownEntry extends Error {
  override readonly name = 'UnknownEntry';
}

export interface Forgetful {
  forget(entryId: string): void;
}

export class PgHomes implements Homes {
  readonly #database: Database;
  readonly #now: () => Date;
  readonly #cache: Forgetful;

  /** `cache` is this process's own Directory: it knows of a flip as soon as flip() returns. */
  constructor(database: Database, now: () => Date, cache: Forgetful) {
    this.#database = database;
    this.#now = now;
    this.#cache = cache;
  }

  /** Throws UnknownEntry when the snapshot has no such entry: a mistyped id would move nobody and say nothing. */
  async flip(entryId: string, site: string, why: string): Promise<void> {
    await this.#database.transaction(async (tx) => {
      const known = await tx.query('select from directory_entry where id = $1', [entryId]);
      if (known.length === 0)
        throw new UnknownEntry(`no entry ${entryId} in the directory: no home was changed`);
      const before = await current(tx, entryId);
      await tx.query(
        `insert into home_override (entry_id, site, why, at) values ($1, $2, $3, $4)
         on conflict (entry_id) do update set site = excluded.site, why = excluded.why, at = excluded.at`,
        [entryId, site, why, this.#now()],
      );
      await this.#record(tx, entryId, before, site, why);
    });
    this.#cache.forget(entryId);
  }

  async clear(entryId: string, why: string): Promise<void> {
    await this.#database.transaction(async (tx) => {
      const before = await current(tx, entryId);
      if (before === undefined) return;
      await tx.query('delete from home_override where entry_id = $1', [entryId]);
      await this.#record(tx, entryId, before, undefined, why);
    });
    this.#cache.forget(entryId);
  }

  async override(entryId: string): Promise<string | undefined> {
    const [row] = await this.#database.query<{ site: string }>(
      'select site from home_override where entry_id = $1',
      [entryId],
    );
    return row?.site;
  }

  async #record(
    tx: Queryable,
    entryId: string,
    before: string | undefined,
    after: string | undefined,
    why: string,
  ): Promise<void> {
    await tx.query('insert into home_change (at, entry_id, before, after, why) values ($1, $2, $3, $4, $5)', [
      this.#now(),
      entryId,
      before,
      after,
      why,
    ]);
    await tx.query('select pg_notify($1, $2)', [changedChannel, `flip ${entryId}`]);
  }
}

async function current(tx: Queryable, entryId: string): Promise<string | undefined> {
  const [row] = await tx.query<{ site: string }>(
    'select site from home_override where entry_id = $1 for update',
    [entryId],
  );
  return row?.site;
}
