/**
 * main/ground - what every role and command stands on: the database and the blobs, as the configuration says.
 */
import { join } from 'node:path';
import type { Config } from '../../config/schema.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import { openDatabase } from '../state/database.ts';
import { openFileBlobs } from '../state/file-blobs.ts';
import { privateServerUrl } from '../state/private-server.ts';
import { openS3Blobs } from '../state/s3-blobs.ts';

/** Throws when a private server is wanted and does not run. */
export const databaseUrl = (config: Config): string => config.database.url ?? privateServerUrl(config.data);

/** Changes of big tables may take longer than a statement in the way of mail may. */
export const stepStatementTimeoutMs = 3_600_000;

export function connect(
  config: Config,
  parts: {
    readonly url: string;
    readonly name: string;
    readonly log: Log;
    readonly maxConnections?: number;
    readonly statementTimeoutMs?: number;
  },
): Promise<Database> {
  return openDatabase({
    url: parts.url,
    applicationName: `isthmus ${parts.name}`,
    maxConnections: parts.maxConnections ?? config.database.maxConnections,
    statementTimeoutMs: parts.statementTimeoutMs ?? config.database.statementTimeout,
    connectTimeoutMs: config.database.connectTimeout,
    log: parts.log,
  });
}

/** What parts our bodies from those of other installations that were given the same folder or bucket. */
export async function installationOf(database: Database): Promise<string> {
  const [row] = await database.query<{ id: string }>('select id from installation', []);
  if (row === undefined) throw new Error('the database has no row in its table installation');
  return row.id;
}

export function openBlobs(
  config: Config,
  installation: string,
  log: Log,
  now: () => Date,
): Promise<BlobStore> {
  const { blobs } = config;
  if (blobs.kind === 'files') {
    const folder = join(blobs.folder ?? join(config.data, 'blobs'), installation);
    return openFileBlobs({ folder, now, log });
  }
  const temporaryFolder = join(config.data, 'incoming');
  const prefix = `${blobs.prefix}${installation}/`;
  return openS3Blobs({ ...blobs, prefix, temporaryFolder, now, random: Math.random, log });
}
