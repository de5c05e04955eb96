/**
 * main/role-admin - keeps house: monitoring, directory refresh, sweeps of old trace rows and blobs.
 */
import { isDeepStrictEqual } from 'node:util';
import { makeBlobCheck } from '../admin/blob-health.ts';
import { directoryCheck, type HealthCheck, roleCheck } from '../admin/health.ts';
import { startAdminHttp } from '../admin/http.ts';
import { type Gauges, printMetrics } from '../admin/metrics.ts';
import { Refresher, requestRefresh } from '../directory/refresher.ts';
import { queueControl } from '../queue/control.ts';
import { startSweeper } from '../queue/sweep.ts';
import { dropPrivileges } from '../serve/privileges.ts';
import type { Role, Surroundings } from '../serve/role.ts';
import { unheard } from '../store/changed.ts';
import { openTree } from '../store/tree.ts';
import { type Base, now, openBase, random } from './base.ts';
import { openBlobs } from './ground.ts';
import type { Settings } from './settings.ts';
import { makeSources } from './sources.ts';

export async function startAdmin(first: Settings, around: Surroundings): Promise<Role> {
  dropPrivileges(first.user);
  const base = await openBase('admin', first);
  const { config } = first;
  const { database, log, metrics } = base;
  const blobs = await openBlobs(config, first.installation, log, now);
  const queue = queueControl({ database, blobs, now, hostname: config.hostname });
  const blobCheck = makeBlobCheck({ blobs, log, now });
  let refresher = makeRefresher(base);
  await refresher.start();
  const sweeper = startSweeper({ database, blobs, retention: config.trace.retention, log, now });
  const http = await startAdminHttp(config.admin, {
    log,
    health: async (signal) => {
      const [{ roles }, blob, rest] = await Promise.all([
        around.gather(),
        blobCheck(),
        databaseChecks(base, signal),
      ]);
      return [...roles.map(roleCheck), blob, ...rest];
    },
    metrics: async (signal) => {
      const { values } = await around.gather();
      return printMetrics(values, await gauges(base, queue, signal));
    },
  });
  return {
    facts: { admin: { address: http.address, port: http.port } },
    async reload(next) {
      const before = reading(base);
      await base.take(next as Settings);
      const after = reading(base);
      if (isDeepStrictEqual(before, after)) return;
      await refresher.stop();
      refresher = makeRefresher(base);
      await refresher.start();
      for (const source of changed(before, after)) await requestRefresh(database, { full: true, source });
    },
    async drain() {
      await http.close();
      await refresher.stop();
      await sweeper.close();
      await base.close();
    },
    metrics: () => metrics.snapshot(),
  };
}

interface Reading {
  readonly directory: Settings['config']['directory'];
  /** Attributes that rules look at. */
  readonly attributes: readonly string[];
}

const reading = ({ settings, compiled }: Base): Reading => ({
  directory: settings().config.directory,
  attributes: compiled().attributeNames,
});

/** Sources that are read otherwise than before: what is unchanged there must be read as well. */
function changed(before: Reading, after: Reading): readonly string[] {
  const alike = isDeepStrictEqual(before.attributes, after.attributes);
  return after.directory.sources
    .filter((source) => {
      const known = before.directory.sources.find(({ name }) => name === source.name);
      return known !== undefined && !(alike && isDeepStrictEqual(known, source));
    })
    .map(({ name }) => name);
}

function makeRefresher({ database, log, metrics, settings, compiled }: Base): Refresher {
  const { directory } = settings().config;
  const { accounts } = openTree({ database, changed: unheard, now });
  const sources = makeSources(directory, compiled().attributeNames, now, accounts);
  return new Refresher({ database, sources, log, metrics, now, random }, directory);
}

/** undefined when the database is away: processes' own numbers are told all the same. */
async function gauges(
  { directory, log }: Base,
  queue: ReturnType<typeof queueControl>,
  signal: AbortSignal,
): Promise<Gauges | undefined> {
  try {
    return { queue: await queue.counts(signal), directory: await directory.health(signal) };
  } catch (error) {
    log.warn({ error }, 'the database did not answer for metrics');
    return undefined;
  }
}

async function databaseChecks({ database, directory }: Base, signal: AbortSignal): Promise<HealthCheck[]> {
  try {
    await database.query('select 1');
    const sources = await directory.health(signal);
    return [{ name: 'database', ok: true, text: 'answers' }, ...sources.map(directoryCheck)];
  } catch {
    return [{ name: 'database', ok: false, text: 'does not answer' }];
  }
}
