/**
 * state/postgres-watcher - the session by which the one who watches over a private server is known: it holds an
 * advisory lock in the database `postgres` (of which nobody else locks anything) for as long as it lives.
 */
import { realpathSync } from 'node:fs';
import pg from 'pg';
import { ours, socketUrl } from './postgres-folder.ts';

export interface Watcher {
  /** Resolves when the session is over. */
  readonly lost: Promise<undefined>;
  end(): Promise<void>;
}

/**
 * silent: nothing listens; starting: it is not ready (or stops); taken: somebody else watches.
 * A watcher: it is ready, it is ours, and our database is in it.
 */
export type Greeting = Watcher | 'silent' | 'starting' | 'taken';

const lock = [0x1574, 1] as const;
const patience = 5_000;

export async function greet(socket: string, dataFolder: string): Promise<Greeting> {
  const client = new pg.Client({
    connectionString: socketUrl(socket, 'postgres'),
    application_name: 'isthmus watcher',
    connectionTimeoutMillis: patience,
    query_timeout: 30_000,
  });
  const lost = new Promise<undefined>((resolve) => {
    client.on('error', () => resolve(undefined));
    client.on('end', () => resolve(undefined));
  });
  try {
    await client.connect();
    const { rows } = await client.query<{ folder: string; locked: boolean }>(
      "select current_setting('data_directory') as folder, pg_try_advisory_lock($1, $2) as locked",
      [...lock],
    );
    if (rows[0]?.folder === undefined || realpathSync(rows[0].folder) !== realpathSync(dataFolder)) {
      await client.end();
      return 'silent';
    }
    if (!rows[0].locked) {
      await client.end();
      return 'taken';
    }
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [ours]);
    if (!rowCount) await client.query(`create database ${ours}`);
    return { lost, end: () => client.end().catch(() => {}) };
  } catch (error) {
    await client.end().catch(() => {});
    const { code } = error as { code?: string };
    return code === 'ENOENT' || code === 'ECONNREFUSED' ? 'silent' : 'starting';
  }
}
