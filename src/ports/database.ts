/**
 * ports/database - the one database, as the rooms see it. Implemented by src/state over PostgreSQL.
 *
 * SQL is PostgreSQL's (15 and later). int8 comes back as a number (our counts stay below 2^53), numeric as a
 * string, timestamptz as a Date, bytea as a Buffer, jsonb as a value. undefined is bound as NULL.
 * Every wait has a limit: statements are cut off by the server after `statementTimeout`, waiting for a
 * connection ends with DatabaseAway.
 */

export interface Queryable {
  /** Prepared once per connection and text, so texts are constants: values go into `values`. */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<Row[]>;
}

export interface Database extends Queryable {
  /** Commit when `work` returns, roll back when it throws. A commit that returned is on disk. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;

  /** A result of any length through a cursor, `batch` rows at a time (default 500), in one snapshot. */
  rows<Row extends object = Record<string, unknown>>(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal,
    batch?: number,
  ): AsyncIterable<Row>;

  /**
   * LISTEN. `heard` is also called with an empty payload after a reconnect, as notices may have been missed.
   * Disposing stops it.
   */
  listen(channel: string, heard: (payload: string) => void): Promise<AsyncDisposable>;

  /** Sends a notice to all listeners of all nodes; inside a transaction use `select pg_notify(…)`. */
  notify(channel: string, payload?: string): Promise<void>;

  /**
   * A session-level advisory lock (pg_advisory_lock(group, id)), held until disposed or until its connection is lost:
   * then `lost` aborts, and whatever the lock guarded must stop at once. undefined when somebody else holds it.
   */
  tryLock(group: number, id: number): Promise<HeldLock | undefined>;

  close(): Promise<void>;
}

export interface HeldLock extends AsyncDisposable {
  readonly lost: AbortSignal;
}

/** The database cannot be reached or is starting or stopping; the same call may succeed later. Nothing was committed, or it is unknown. */
export class DatabaseAway extends Error {
  override readonly name = 'DatabaseAway';
}

/** The disk is full (SQLSTATE 53100) or the database is read-only (25006): reads work, nothing can be written. */
export class DatabaseFull extends Error {
  override readonly name = 'DatabaseFull';
}
