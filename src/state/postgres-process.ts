/**
 * state/postgres-process - one run of the server program: ours by spawn, or one that a killed predecessor left
 * behind and that we adopt. Either way it is watched and can be ended.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../ports/log.ts';
import type { Account } from './postgres-account.ts';
import type { Binaries } from './postgres-binaries.ts';
import type { Folder } from './postgres-folder.ts';
import { serverEnvironment } from './postgres-folder.ts';

export interface PostgresProcess {
  readonly pid: number;
  /** How it ended, in words; resolves when it is gone. */
  readonly gone: Promise<string>;
}

/** How often an adopted process is looked at, milliseconds. */
const watchEvery = 200;
/** Lines of a server's last words that are kept for an error message. */
const lastWords = 8;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/**
 * Numbers are given again (at once in a new container), so we look what it is, where the system lets us; and a process
 * that nobody has buried is dead, although signals still reach it.
 */
export function isPostgres(pid: number): boolean {
  if (!isAlive(pid)) return false;
  try {
    const [, name, state] = /^\d+ \((.*)\) (.)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return name === 'postgres' && state !== 'Z' && state !== 'X';
  } catch {
    return process.platform !== 'linux';
  }
}

/** In a process group of its own: a Ctrl-C at the terminal must not end it before those who use it. */
export function launch(folder: Folder, account: Account, binaries: Binaries, log: Log): PostgresProcess {
  const child = spawn(join(binaries.folder, 'postgres'), ['-D', folder.data], {
    ...account.ids,
    cwd: folder.root,
    env: serverEnvironment(),
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const words: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    words.push(line);
    if (words.length > lastWords) words.shift();
    pass(line, log);
  });
  const gone = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => {
      const how = signal ? `ended by ${signal}` : `ended with code ${code}`;
      resolve([how, ...words.filter((line) => /^(FATAL|PANIC|HINT):|^postgres:/.test(line))].join('; '));
    });
  });
  return { pid: child.pid ?? 0, gone };
}

/** PostgreSQL says LOG for its daily life and ERROR for a statement's failure, which the asker is told anyway. */
function pass(line: string, log: Log): void {
  // Texts of their own: a flood of the one must not leave out the other.
  if (line.startsWith('PANIC:')) log.error({ said: line }, 'PostgreSQL gave up');
  else if (line.startsWith('FATAL:')) log.warn({ said: line }, 'PostgreSQL refused a session');
  else log.debug({ said: line }, 'PostgreSQL');
}

export function adopt(pid: number): PostgresProcess {
  const watch = async () => {
    while (isPostgres(pid)) await sleep(watchEvery);
    return 'ended (it was adopted: what it said last is not known)';
  };
  return { pid, gone: watch() };
}

export function tell({ pid }: PostgresProcess, signal: NodeJS.Signals): void {
  if (pid <= 0) return; // It could not be spawned, and to the system 0 means ourselves.
  try {
    process.kill(pid, signal);
  } catch {
    // It went between two looks.
  }
}

/**
 * Ends it: SIGINT (fast: sessions are cut, everything is written), after `patience` milliseconds SIGQUIT
 * (at once; the next start recovers from its log), and at last SIGKILL.
 */
export async function end(running: PostgresProcess, patience: number): Promise<void> {
  if (running.pid <= 0) return;
  for (const [signal, wait] of [
    ['SIGINT', patience],
    ['SIGQUIT', 10_000],
    ['SIGKILL', 10_000],
  ] as const) {
    tell(running, signal);
    const timer = new AbortController();
    const gone = await Promise.race([
      running.gone.then(() => true),
      sleep(wait, false, { signal: timer.signal }).catch(() => false),
    ]);
    timer.abort();
    if (gone) return;
  }
}
