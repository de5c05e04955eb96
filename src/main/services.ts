/**
 * main/services - what commands work with, opened straight on the database of the running node.
 */
import { readConfig } from '../../config/load.ts';
import type { Services } from '../admin/services.ts';
import { PgHomes } from '../directory/pg-homes.ts';
import { requestRefresh } from '../directory/refresher.ts';
import { queueControl } from '../queue/control.ts';
import { openTrace } from '../queue/trace.ts';
import { now, openBase } from './base.ts';
import { databaseUrl, installationOf, openBlobs } from './ground.ts';
import { defaultFile, loadOptions } from './load.ts';
import { makeSettings } from './settings.ts';

/** Few: a command is one of many clients. */
const connections = 3;

/** Throws ConfigError, or an Error that says that the server does not run. */
export async function openServices(configFile: string | undefined): Promise<Services> {
  const loaded = readConfig(configFile ?? defaultFile(), loadOptions());
  const { config } = loaded;
  const quiet = { ...config, log: { ...config.log, level: 'silent' as const } };
  const settings = makeSettings(
    { ...loaded, config: quiet },
    { databaseUrl: databaseUrl(config), installation: '', user: undefined },
  );
  const base = await openBase('command', settings, connections);
  const { database, directory, routing, compiled, log, metrics } = base;
  const blobs = await openBlobs(config, await installationOf(database), log, now);
  const trace = openTrace({ database, log, metrics });
  return {
    queue: queueControl({ database, blobs, now, hostname: config.hostname }),
    trace,
    directory,
    homes: new PgHomes(database, now, directory),
    routing,
    compiled: compiled(),
    sites: Object.keys(config.sites),
    refreshDirectory: (wish) => requestRefresh(database, wish),
    async close() {
      await trace.close();
      await base.close();
    },
  };
}
