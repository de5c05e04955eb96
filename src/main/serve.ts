/**
 * main/serve - `isthmus serve`: one node from start to end.
 *
 *   read config -> private PostgreSQL -> schema steps -> roles -> ready ... SIGHUP: reload ... SIGTERM: drain -> stop
 *
 * SIGTERM ends it at any moment, the start included; SIGHUP during the start is answered once it is ready.
 */
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Loaded } from '../../config/load.ts';
import { readConfig } from '../../config/load.ts';
import { printProblem } from '../../config/problem.ts';
import { reloadConfig } from '../../config/reload.ts';
import type { Config } from '../../config/schema.ts';
import type { Log } from '../ports/log.ts';
import { openLog } from '../serve/log.ts';
import { claimPidFile, releasePidFile, runningNode } from '../serve/pid-file.ts';
import { chooseUser, type SystemUser } from '../serve/privileges.ts';
import { CannotStart } from '../serve/supervisor.ts';
import { notifySystemd } from '../serve/systemd.ts';
import { type PrivateServer, startPrivateServer } from '../state/private-server.ts';
import { runSteps } from '../state/steps.ts';
import { type Crew, type CrewOptions, makeCrew } from './crew.ts';
import { connect, installationOf, stepStatementTimeoutMs } from './ground.ts';
import { loadOptions } from './load.ts';
import { makeSettings, type Place } from './settings.ts';

export interface ServeOptions extends CrewOptions {
  readonly configFile: string;
}

/** Resolves when the node has stopped. Throws ConfigError, CannotStart, or whatever else keeps it from starting. */
export async function serve(options: ServeOptions): Promise<void> {
  const signals = listenToSignals();
  const loaded = readConfig(options.configFile, loadOptions());
  const { config } = loaded;
  const log = openLog(config.log);
  for (const warning of loaded.warnings) log.warn({}, printProblem(warning));
  const user = chooseUser(config.run.user);
  ownFolder(config.data, user);
  prepareBlobs(config, user, log);
  const pidFile = pidFileIn(config);
  claim(pidFile, log);
  try {
    await run(options, { loaded, user, log, signals });
  } finally {
    releasePidFile(pidFile);
  }
  log.info({}, 'stopped');
}

export const pidFileIn = ({ data }: Config): string => join(data, 'isthmus.pid');

/** A disk in trouble is no reason not to start, another node on the same folder is. */
function claim(pidFile: string, log: Log): void {
  const other = runningNode(pidFile);
  if (other !== undefined) {
    throw new CannotStart(`this node runs already, as process ${other} (${pidFile}): stop that one first`);
  }
  try {
    claimPidFile(pidFile);
  } catch (error) {
    log.warn(
      { pidFile, error },
      'the pid file cannot be written: `isthmus config reload` will not find this node',
    );
  }
}

interface Signals {
  /** Aborted by the first signal that ends us. */
  readonly ending: AbortSignal;
  /** Its name. */
  readonly ended: Promise<string>;
  /** What SIGHUP does from now on; at once, if there was one before. */
  onHangup(reload: () => void): void;
}

function listenToSignals(): Signals {
  const ending = new AbortController();
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      ending.abort(new Error(`stopped by ${name}`));
      resolve(name);
    });
  }
  let early = false;
  let hangup = (): void => {
    early = true;
  };
  process.on('SIGHUP', () => hangup());
  return {
    ending: ending.signal,
    ended,
    onHangup(reload) {
      hangup = reload;
      if (early) reload();
    },
  };
}

interface Start {
  readonly loaded: Loaded;
  readonly user: SystemUser | undefined;
  readonly log: ReturnType<typeof openLog>;
  readonly signals: Signals;
}

/** From the database to the last drained role. */
async function run(options: ServeOptions, { loaded: first, user, log, signals }: Start): Promise<void> {
  const { config } = first;
  const { ending, ended } = signals;
  let loaded = first;
  let server: PrivateServer | undefined;
  let crew: Crew | undefined;
  try {
    server = await startDatabase(config, user, log, ending);
    const url = config.database.url ?? server?.url ?? '';
    const installation = await bringSchemaUp(config, url, log);
    const place: Place = { databaseUrl: url, installation, user };
    ending.throwIfAborted();
    const running = makeCrew(options, config, log);
    crew = running;
    await Promise.race([running.start(makeSettings(loaded, place)), ended]);
    ending.throwIfAborted();
    log.info({ pid: process.pid, hostname: config.hostname }, 'ready');
    await notifySystemd(['READY=1'], log);

    let reloading = Promise.resolve();
    signals.onHangup(() => {
      reloading = reloading.then(async () => {
        loaded = await reload(options.configFile, loaded, { crew: running, place, log });
        log.setLevel(loaded.config.log.level);
      });
    });
    await ended;
  } catch (error) {
    if (!ending.aborted) throw error;
  } finally {
    if (ending.aborted) {
      log.info({ signal: await ended, graceMs: config.shutdownGrace }, 'stopping');
      await notifySystemd(['STOPPING=1'], log);
    }
    await crew?.stop();
    await server?.stop();
  }
}

function ownFolder(folder: string, user: SystemUser | undefined): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
}

/** A folder elsewhere than in the data folder is given to whom the roles become. A disk in trouble is no reason not to start. */
function prepareBlobs({ blobs }: Config, user: SystemUser | undefined, log: Log): void {
  if (blobs.kind !== 'files' || blobs.folder === undefined) return;
  try {
    ownFolder(blobs.folder, user);
  } catch (error) {
    log.warn(
      { folder: blobs.folder, user: user?.name, error },
      'blobs.folder cannot be made ready: large messages are put off until it can be written',
    );
  }
}

async function startDatabase(
  config: Config,
  user: SystemUser | undefined,
  log: Log,
  signal: AbortSignal,
): Promise<PrivateServer | undefined> {
  if (config.database.url !== undefined) return undefined;
  const { binaries, sharedBuffers, maxWalSize } = config.database.private;
  return startPrivateServer({
    dataDir: config.data,
    ...(user === undefined ? {} : { user: user.name }),
    ...(binaries === undefined ? {} : { binaries }),
    settings: { shared_buffers: kilobytes(sharedBuffers), max_wal_size: kilobytes(maxWalSize) },
    log: log.child({ role: 'database' }),
    signal,
  });
}

const kilobytes = (octets: number): string => `${Math.ceil(octets / 1024)}kB`;

/** The installation's id. */
async function bringSchemaUp(config: Config, url: string, log: Log): Promise<string> {
  const database = await connect(config, {
    url,
    name: 'start',
    log,
    maxConnections: 2,
    statementTimeoutMs: stepStatementTimeoutMs,
  });
  try {
    const { from, to } = await runSteps(database, log);
    if (from !== to) log.info({ from, to }, 'database schema brought up to date');
    return await installationOf(database);
  } finally {
    await database.close();
  }
}

/** The configuration that is in force afterwards: the new one, or the old one where the new one is broken. */
async function reload(
  file: string,
  before: Loaded,
  parts: {
    readonly crew: Crew;
    readonly place: Place;
    readonly log: ReturnType<typeof openLog>;
  },
): Promise<Loaded> {
  const { crew, place, log } = parts;
  const result = reloadConfig(file, before, loadOptions());
  if (!result.ok) {
    for (const problem of result.problems) log.error({}, printProblem(problem));
    log.error({ file }, 'configuration not reloaded: the old one stays in force');
    return before;
  }
  try {
    const refusals = await crew.reload(makeSettings(result.next, place));
    for (const refusal of refusals) log.error(refusal, 'role refused the new settings');
    if (refusals.length > 0) {
      log.error({ file }, 'configuration not reloaded: the old one stays in force');
      return before;
    }
  } catch (error) {
    log.error({ error, file }, 'configuration not reloaded: the old one stays in force');
    return before;
  }
  for (const { path, effect } of result.changes) {
    if (effect === 'restart') log.warn({ path }, 'this change waits for a restart');
  }
  log.info({ changes: result.changes.length }, 'configuration reloaded');
  return result.next;
}
