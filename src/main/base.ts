/**
 * main/base - what every role has: log, metrics, database, directory, routing, and the settings in force.
 */
import type { Config } from '../../config/schema.ts';
import { openMetrics, type ProcessMetrics } from '../admin/metrics.ts';
import type { DirectoryOptions } from '../directory/pg-directory.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { Routing } from '../ports/routing.ts';
import { type Compiled, compile } from '../route/compile.ts';
import { makeRouter } from '../route/router.ts';
import { openLog } from '../serve/log.ts';
import { connect } from './ground.ts';
import { LiveDirectory } from './live-directory.ts';
import type { Settings } from './settings.ts';

export const now = (): Date => new Date();
export const random = Math.random;

/** For all that one decision asks of the directory, milliseconds; the database's own limits come first. */
const lookupTimeout = 20_000;

export interface Base {
  readonly settings: () => Settings;
  /** Puts new settings in force; rejects, and keeps the old ones, when rules cannot be compiled or the database is away. */
  readonly take: (next: Settings) => Promise<void>;
  readonly log: Log;
  readonly metrics: ProcessMetrics;
  readonly database: Database;
  readonly directory: LiveDirectory;
  readonly routing: Routing;
  readonly compiled: () => Compiled;
  close(): Promise<void>;
}

export async function openBase(name: string, first: Settings, maxConnections?: number): Promise<Base> {
  let settings = first;
  let compiled = compile(settings.routing);
  const { config } = settings;
  const log = openLog(config.log);
  const named = log.child({ role: name });
  const metrics = openMetrics();
  const database = await connect(config, {
    url: settings.databaseUrl,
    name,
    log: named,
    ...(maxConnections === undefined ? {} : { maxConnections }),
  });
  const directory = await LiveDirectory.open(database, directoryOptions(config), now);
  const routing = makeRouter({
    directory,
    compiled: () => compiled,
    directoryTimeout: lookupTimeout,
  });
  return {
    settings: () => settings,
    async take(next) {
      const rules = compile(next.routing);
      await directory.take(directoryOptions(next.config));
      compiled = rules;
      settings = next;
      log.setLevel(next.config.log.level);
    },
    log: named,
    metrics,
    database,
    directory,
    routing,
    compiled: () => compiled,
    async close() {
      await directory[Symbol.asyncDispose]();
      await database.close();
    },
  };
}

export const directoryOptions = ({ directory }: Config): DirectoryOptions => ({
  ...directory,
  sources: directory.sources.map(({ name }) => name),
});
