/**
 * state/postgres-folder - the private server's files, all under `<data>/postgres` (mode 0700, its user's own).
 *
 *   data/           PostgreSQL's data folder; its postgresql.conf and pg_hba.conf are written by us at each start,
 *                   `own.conf` beside them is the operator's and wins
 *   run/            its socket
 *   program-18.4/   PostgreSQL itself, when it came with npm into a place that its user cannot reach
 *   socket-folder   where the socket is instead, when the path above is too long for a socket
 */
import { execFile } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Log } from '../ports/log.ts';
import type { Account } from './postgres-account.ts';
import { obstacle, requireReachable } from './postgres-account.ts';
import type { Binaries } from './postgres-binaries.ts';

const run = promisify(execFile);

export interface Folder {
  readonly root: string;
  readonly data: string;
  readonly socket: string;
}

export const port = 5432;
/** Name of the superuser and of the database. */
export const ours = 'isthmus';

/** Longest path of a Unix socket on Linux, octets (sun_path without its NUL); macOS has 103. */
const longestSocketPath = process.platform === 'darwin' ? 103 : 107;
/** A half-made data folder that is older than this is nobody's, milliseconds. */
const abandonedAfter = 3_600_000;

export const rootOf = (dataDir: string): string => join(resolve(dataDir), 'postgres');

/** What made the data folder, and whose it is; undefined when there is none. */
export function existing(dataDir: string): { readonly major: number; readonly owner: number } | undefined {
  const data = join(rootOf(dataDir), 'data');
  if (!existsSync(join(data, 'PG_VERSION'))) return undefined;
  return {
    major: Number.parseInt(readFileSync(join(data, 'PG_VERSION'), 'utf8'), 10),
    owner: statSync(data).uid,
  };
}

/** The folder is there, and not for us. */
export function isForbidden(dataDir: string): boolean {
  try {
    accessSync(rootOf(dataDir), constants.R_OK | constants.X_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

/** Folders exist, belong to the account, and hold a database cluster; `binaries` are those that the account can run. */
export async function prepare(
  dataDir: string,
  account: Account,
  binaries: Binaries,
  log: Log,
  signal: AbortSignal | undefined,
): Promise<{ readonly folder: Folder; readonly binaries: Binaries }> {
  const root = rootOf(dataDir);
  mkdirSync(resolve(dataDir), { recursive: true, mode: 0o711 });
  const before = existing(dataDir);
  if (before && account.ids && before.owner !== account.ids.uid)
    throw new Error(
      `The data folder ${root} belongs to uid ${before.owner}, but PostgreSQL is to run as '${account.name}': ` +
        `set run.user to its owner, or give it away while Isthmus is stopped (chown -R ${account.name} ${root}).`,
    );
  requireReachable(root, account, 'its data in');
  ownFolder(root, account);
  const usable = reachable(root, account, binaries);
  const data = join(root, 'data');
  if (before)
    chmodSync(data, 0o700); // A restored copy may have lost it, and PostgreSQL insists.
  else await makeCluster(root, data, account, usable, log, signal);
  return { folder: { root, data, socket: socketFolder(root, account) }, binaries: usable };
}

/** An installation under /root, say, can be read by nobody else: then the program is copied beside its data. */
function reachable(root: string, account: Account, binaries: Binaries): Binaries {
  const program = join(binaries.folder, 'postgres');
  if (!binaries.movable || obstacle(program, account) === undefined) {
    requireReachable(program, account, 'its program');
    return binaries;
  }
  const home = join(root, `program-${binaries.version}`);
  if (!existsSync(home)) {
    for (const name of readdirSync(root))
      if (name.startsWith('program-')) rmSync(join(root, name), { recursive: true, force: true });
    const copy = mkdtempSync(join(root, 'program-new-'));
    chmodSync(copy, 0o755);
    cpSync(dirname(binaries.folder), copy, { recursive: true, verbatimSymlinks: true });
    renameSync(copy, home);
  }
  return { ...binaries, folder: join(home, 'bin') };
}

function ownFolder(path: string, account: Account): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  if (account.ids) chownSync(path, account.ids.uid, account.ids.gid);
}

/** initdb works beside the final name, so that a crash in the middle never looks like a cluster. */
async function makeCluster(
  root: string,
  data: string,
  account: Account,
  binaries: Binaries,
  log: Log,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const name of readdirSync(root)) {
    const path = join(root, name);
    if (name.startsWith('new-') && Date.now() - statSync(path).mtimeMs > abandonedAfter)
      rmSync(path, { recursive: true, force: true });
  }
  log.info(
    { folder: data, postgres: binaries.version },
    'making a new PostgreSQL data folder; this takes some seconds',
  );
  const fresh = mkdtempSync(join(root, 'new-'));
  ownFolder(fresh, account);
  const args = ['-D', fresh, '-U', ours, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--data-checksums'];
  try {
    await run(join(binaries.folder, 'initdb'), args, {
      ...account.ids,
      ...(signal ? { signal } : {}),
      cwd: root,
      env: serverEnvironment(),
      timeout: 300_000,
      maxBuffer: 1 << 20,
    });
    renameSync(fresh, data);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    const said = (error as { stderr?: string }).stderr?.trim();
    throw new Error(`initdb could not make the data folder ${data}: ${said || (error as Error).message}`, {
      cause: error,
    });
  }
}

/** Nothing of our own environment changes what the server does. */
export const serverEnvironment = (): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  LANG: 'C',
  LC_ALL: 'C',
  TZ: 'UTC',
});

/** `<root>/run`, or, where that is too long for a socket, a private folder that `socket-folder` remembers. */
function socketFolder(root: string, account: Account): string {
  const usual = join(root, 'run');
  if (Buffer.byteLength(socketPath(usual)) <= longestSocketPath) {
    ownFolder(usual, account);
    return usual;
  }
  const record = join(root, 'socket-folder');
  const known = existsSync(record) ? readFileSync(record, 'utf8').trim() : undefined;
  if (known && isOwn(known, account)) return known;
  const fresh = mkdtempSync(join(tmpdir(), 'isthmus-'));
  ownFolder(fresh, account);
  requireReachable(fresh, account, 'its socket in');
  writeFileSync(record, `${fresh}\n`, { mode: 0o600 });
  return fresh;
}

/** Somebody else may have made a folder of the name that a cleaner of temporary files took away. */
function isOwn(path: string, account: Account): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.uid === (account.ids?.uid ?? process.getuid?.());
}

const socketPath = (folder: string): string => join(folder, `.s.PGSQL.${port}`);

/** The first lines of PostgreSQL's own `postmaster.pid` (src/include/utils/pidfile.h). */
export interface Postmaster {
  readonly pid: number;
  readonly socket: string;
}

export function readPostmaster(dataDir: string): Postmaster | undefined {
  try {
    const lines = readFileSync(join(rootOf(dataDir), 'data', 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number.parseInt(lines[0] ?? '', 10);
    if (!(pid > 0)) return undefined;
    return { pid, socket: lines[4]?.trim() ?? '' };
  } catch {
    return undefined;
  }
}

/** PostgreSQL trusts the file as long as any process of its user has that number. */
export const forgetPostmaster = (dataDir: string): void =>
  rmSync(join(rootOf(dataDir), 'data', 'postmaster.pid'), { force: true });

/** A URL that both `pg` and psql understand. */
export const socketUrl = (socket: string, database = ours): string =>
  `postgresql:///${database}?host=${encodeURIComponent(socket)}&port=${port}&user=${ours}`;
