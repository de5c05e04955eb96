/**
 * state/database - ports/database over PostgreSQL, by a pool of connections.
 *
 * A statement with `values` (also none: `[]`) is prepared once per connection and text; one without `values` is sent
 * as it is and may be a script of several, of which the last one's rows are given.
 *
 * Connections pipeline: what a transaction asks at once goes out at once, and its first statement travels with BEGIN.
 * Nothing is tried twice: whoever calls knows whether that is right.
 */
import pg from 'pg';
import type { Database, HeldLock, Queryable } from '../ports/database.ts';
import { DatabaseAway } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import { type ConnectionOptions, connectionConfig } from './database-connection.ts';
import { asDatabaseError } from './database-fault.ts';
import { Listener } from './database-listener.ts';
import { Locks } from './database-locks.ts';

export interface DatabaseOptions extends ConnectionOptions {
  /** Size of the pool; listening and locks take one more each. */
  readonly maxConnections: number;
  readonly log: Log;
}

/** SQL is written for this and later. */
const oldestServer = 150_000;
/** Texts beyond these are not prepared: somebody writes values into SQL. */
const mostPrepared = 1_000;
const idleAfter = 60_000;
/** close() waits so long for statements under way. */
const closeWithin = 5_000;

/** Connects once, to say at once what is wrong. Throws DatabaseAway when the server cannot be reached now. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const database = new PostgresDatabase(options);
  try {
    const [row] = await database.query<{ version: number }>(
      "select current_setting('server_version_num')::int as version",
    );
    if (!row || row.version < oldestServer)
      throw new Error(`PostgreSQL 15 or newer is needed; the server is of version ${row?.version}.`);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

class PostgresDatabase implements Database {
  readonly #pool: pg.Pool;
  readonly #clients = new Set<pg.PoolClient>();
  readonly #prepared = new Map<string, string>();
  readonly #listener: Listener;
  readonly #locks: Locks;
  readonly #log: Log;

  constructor(options: DatabaseOptions) {
    const { maxConnections, log } = options;
    const config = connectionConfig(options);
    this.#log = log;
    this.#pool = new pg.Pool({
      ...config,
      max: maxConnections,
      idleTimeoutMillis: idleAfter,
      pipeline: true,
    } as pg.PoolConfig);
    this.#pool.on('error', (error) =>
      log.debug({ error: error.message }, 'an idle database connection was cut'),
    );
    this.#pool.on('connect', (client) => {
      this.#clients.add(client);
      client.on('error', ignore); // Whoever waits for an answer is told; there is nobody else to tell.
    });
    this.#pool.on('remove', (client) => this.#clients.delete(client));
    this.#listener = new Listener(config, log);
    this.#locks = new Locks(config, log);
  }

  async query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]> {
    const client = await this.#connect();
    try {
      const rows = await this.#ask<Row>(client, text, values);
      client.release();
      return rows;
    } catch (error) {
      const fault = asDatabaseError(error);
      client.release(fault instanceof DatabaseAway || isStalePlan(error));
      throw fault;
    }
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    try {
      const begun = client.query('begin');
      begun.catch(ignore); // It fails only with the connection; whatever is asked next then fails too.
      let open = true;
      const result = await work({
        query: async <Row extends object>(text: string, values?: readonly unknown[]) => {
          if (!open) throw new Error('the transaction is over: this statement would not be part of it');
          return this.#ask<Row>(client, text, values).catch(rethrowMapped);
        },
      }).finally(() => {
        open = false;
      });
      await begun;
      const { command } = await client.query('commit');
      if (command !== 'COMMIT')
        throw new Error('a statement of the transaction failed and its error was not passed on: rolled back');
      client.release();
      return result;
    } catch (error) {
      const fault = asDatabaseError(error);
      const usable = !(fault instanceof DatabaseAway || isStalePlan(error)) && (await rolledBack(client));
      client.release(!usable);
      throw fault;
    }
  }

  async *rows<Row extends object>(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal,
    batch = 500,
  ): AsyncIterable<Row> {
    signal.throwIfAborted();
    const client = await this.#connect();
    let clean = false;
    const cut = () => void destroy(client);
    signal.addEventListener('abort', cut, { once: true });
    try {
      await client.query('begin isolation level repeatable read read only');
      await client.query(`declare everything no scroll cursor for ${text}`, [...values]);
      const fetch = `fetch ${Math.max(1, Math.trunc(batch))} from everything`;
      for (;;) {
        const { rows } = await client.query<Row>(fetch);
        yield* rows;
        signal.throwIfAborted();
        if (rows.length === 0) break;
      }
      await client.query('commit');
      clean = true;
    } catch (error) {
      signal.throwIfAborted();
      throw asDatabaseError(error);
    } finally {
      signal.removeEventListener('abort', cut);
      client.release(!clean);
    }
  }

  listen(channel: string, heard: (payload: string) => void): Promise<AsyncDisposable> {
    return this.#listener.listen(channel, heard);
  }

  async notify(channel: string, payload = ''): Promise<void> {
    await this.query('select pg_notify($1, $2)', [channel, payload]);
  }

  tryLock(group: number, id: number): Promise<HeldLock | undefined> {
    return this.#locks.tryLock(group, id);
  }

  async close(): Promise<void> {
    await Promise.all([this.#listener.close(), this.#locks.close()]);
    const timer = setTimeout(() => {
      for (const client of this.#clients) void destroy(client);
    }, closeWithin);
    if (!this.#pool.ended && !this.#pool.ending) await this.#pool.end();
    clearTimeout(timer);
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw asDatabaseError(error);
    }
  }

  async #ask<Row extends object>(
    client: pg.PoolClient,
    text: string,
    values: readonly unknown[] | undefined,
  ): Promise<Row[]> {
    if (values === undefined) {
      const results: pg.QueryResult<Row> | pg.QueryResult<Row>[] = await client.query<Row>(text);
      return (Array.isArray(results) ? results.at(-1)?.rows : results.rows) ?? [];
    }
    const name = this.#nameOf(text);
    const { rows } = await client.query<Row>({
      text,
      values: values as unknown[],
      ...(name === undefined ? {} : { name }),
    });
    return rows;
  }

  #nameOf(text: string): string | undefined {
    const known = this.#prepared.get(text);
    if (known !== undefined) return known;
    if (this.#prepared.size >= mostPrepared) return undefined;
    const name = `s${this.#prepared.size + 1}`;
    this.#prepared.set(text, name);
    if (this.#prepared.size === mostPrepared)
      this.#log.warn(
        { text: text.slice(0, 200) },
        'too many different statements: further ones are not prepared',
      );
    return name;
  }
}

/** When it cannot be asked for, the end of the connection rolls back as well. */
const rolledBack = (client: pg.PoolClient): Promise<boolean> =>
  client.query('rollback').then(
    () => true,
    () => false,
  );

const ignore = (): void => {};

const rethrowMapped = (error: unknown): never => {
  throw asDatabaseError(error);
};

/** After a change of the schema a prepared statement may be unusable for good (0A000, RevalidateCachedQuery). */
const isStalePlan = (error: unknown): boolean => (error as { code?: unknown }).code === '0A000';

/** Ends the connection without waiting for what it is doing. */
function destroy(client: pg.ClientBase): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}
