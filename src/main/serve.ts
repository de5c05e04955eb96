/**
 * main/serve - `isthmus serve`: one node from start to end.
 *
 *   read config -> private PostgreSQL -> schema steps -> roles -> ready ... SIGHUP: reload ... SIGTERM: drain -> stop
 *
 * Roles run in processes of their own under the supervisor, or with `--single` all in this one.
 */
import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Loaded } from '../../config/load.ts';
import { readConfig } from '../../config/load.ts';
import { printProblem } from '../../config/problem.ts';
import { reloadConfig } from '../../config/reload.ts';
import type { Config } from '../../config/schema.ts';
import type { Log } from '../ports/log.ts';
import { openLog } from '../serve/log.ts';
import { chooseUser, dropPrivileges, type SystemUser } from '../serve/privileges.ts';
import type { Role, Surroundings } from '../serve/role.ts';
import { type RoleSpec, Supervisor } from '../serve/supervisor.ts';
import { notifySystemd } from '../serve/systemd.ts';
import { type PrivateServer, startPrivateServer } from '../state/private-server.ts';
import { runSteps } from '../state/steps.ts';
import { connect, stepStatementTimeoutMs } from './ground.ts';
import { loadOptions } from './load.ts';
import { startRole } from './roles.ts';
import { makeSettings, type Settings } from './settings.ts';

export interface ServeOptions {
  readonly configFile: string;
  /** Everything in one process. */
  readonly single: boolean;
  /** Only these roles; undefined: those of the configuration. */
  readonly roles: readonly string[] | undefined;
  /** This program's first file, to start roles by. */
  readonly program: string;
}

export const roleNames = ['receive', 'queue', 'admin'] as const;
export type RoleName = (typeof roleNames)[number];

/** All roles, or the processes of all roles, seen as one thing. */
interface Crew {
  reload(settings: Settings): Promise<readonly { readonly role: string; readonly trouble: string }[]>;
  stop(): Promise<void>;
}

/** Resolves when the node has stopped. Throws ConfigError, or whatever keeps it from starting. */
export async function serve(options: ServeOptions): Promise<void> {
  let loaded = readConfig(options.configFile, loadOptions());
  const { config } = loaded;
  const log = openLog(config.log);
  for (const warning of loaded.warnings) log.warn({}, printProblem(warning));
  const ending = Promise.withResolvers<string>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.resolve(signal));

  const user = chooseUser(config.run.user);
  ownFolder(config.data, user);
  prepareBlobs(config, user, log);
  const pidFile = join(config.data, 'isthmus.pid');
  const server = await startDatabase(config, user, log);
  try {
    const url = config.database.url ?? server?.url ?? '';
    await bringSchemaUp(config, url, log);
    const crew = await startCrew(options, makeSettings(loaded, { databaseUrl: url, user }), config, log);
    writeFileSync(pidFile, `${process.pid}\n`);
    log.info({ pid: process.pid, hostname: config.hostname }, 'ready');
    await notifySystemd(['READY=1'], log);

    let reloading = Promise.resolve();
    process.on('SIGHUP', () => {
      reloading = reloading.then(async () => {
        loaded = await reload(options.configFile, loaded, { crew, url, user, log });
        log.setLevel(loaded.config.log.level);
      });
    });

    log.info({ signal: await ending.promise, graceMs: config.shutdownGrace }, 'stopping');
    await notifySystemd(['STOPPING=1'], log);
    await crew.stop();
  } finally {
    rmSync(pidFile, { force: true });
    await server?.stop();
  }
  log.info({}, 'stopped');
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
): Promise<PrivateServer | undefined> {
  if (config.database.url !== undefined) return undefined;
  const { binaries, sharedBuffers, maxWalSize } = config.database.private;
  return startPrivateServer({
    dataDir: config.data,
    ...(user === undefined ? {} : { user: user.name }),
    ...(binaries === undefined ? {} : { binaries }),
    settings: { shared_buffers: kilobytes(sharedBuffers), max_wal_size: kilobytes(maxWalSize) },
    log: log.child({ role: 'database' }),
  });
}

const kilobytes = (octets: number): string => `${Math.ceil(octets / 1024)}kB`;

async function bringSchemaUp(config: Config, url: string, log: Log): Promise<void> {
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
  } finally {
    await database.close();
  }
}

const wanted = (options: ServeOptions, config: Config): RoleSpec[] =>
  roleNames
    .map((name) => ({ name, copies: config.run.roles[name] }))
    .filter(({ name, copies }) => (options.roles === undefined ? copies > 0 : options.roles.includes(name)))
    .map(({ name, copies }) => ({ name, copies: Math.max(1, copies) }));

async function startCrew(options: ServeOptions, settings: Settings, config: Config, log: Log): Promise<Crew> {
  const roles = wanted(options, config);
  if (options.single) return startSingle(roles, settings, config, log);
  const supervisor = new Supervisor({
    roles,
    command: (role) => [options.program, 'role', role],
    log,
    graceMs: config.shutdownGrace,
    backOff: config.run.backOff,
    readyWithin: config.run.readyWithin,
  });
  await supervisor.start(settings);
  return supervisor;
}

/** Roles of one process start in order, so that ports are bound before the first of them gives root away. */
async function startSingle(
  specs: readonly RoleSpec[],
  settings: Settings,
  config: Config,
  log: Log,
): Promise<Crew> {
  const running: { readonly name: string; readonly role: Role }[] = [];
  const around: Surroundings = {
    gather: async () => ({
      values: await Promise.all(running.map(({ role }) => role.metrics())),
      roles: running.map(({ name }) => ({
        role: name,
        copy: 0,
        pid: process.pid,
        state: 'ready',
        restarts: 0,
      })),
    }),
  };
  for (const { name } of specs) {
    const role = await startRole(name, settings, around);
    running.push({ name, role });
    log.info({ role: name, pid: process.pid, ...role.facts }, 'role ready');
  }
  dropPrivileges(settings.user);
  return {
    async reload(next) {
      const troubles: { role: string; trouble: string }[] = [];
      for (const { name, role } of running) {
        await role
          .reload(next)
          .catch((error: Error) => troubles.push({ role: name, trouble: error.message }));
      }
      return troubles;
    },
    async stop() {
      const signal = AbortSignal.timeout(config.shutdownGrace);
      await Promise.all(running.map(({ role }) => role.drain(signal)));
    },
  };
}

/** The configuration that is in force afterwards: the new one, or the old one where the new one is broken. */
async function reload(
  file: string,
  before: Loaded,
  parts: {
    readonly crew: Crew;
    readonly url: string;
    readonly user: SystemUser | undefined;
    readonly log: ReturnType<typeof openLog>;
  },
): Promise<Loaded> {
  const { crew, url, user, log } = parts;
  const result = reloadConfig(file, before, loadOptions());
  if (!result.ok) {
    for (const problem of result.problems) log.error({}, printProblem(problem));
    log.error({ file }, 'configuration not reloaded: the old one stays in force');
    return before;
  }
  try {
    const troubles = await crew.reload(makeSettings(result.next, { databaseUrl: url, user }));
    for (const trouble of troubles) log.error(trouble, 'role kept its old settings');
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
