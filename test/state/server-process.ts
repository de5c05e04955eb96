/**
 * state/server-process - a private server with its real, durable settings, watched over by a process of its own that
 * a test can kill; and small things the tests about it share.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Database } from '../../src/ports/database.ts';
import { silentLog } from '../../src/ports/log.ts';
import { openDatabase } from '../../src/state/database.ts';

export interface Watched {
  readonly url: string;
  /** The postmaster's. */
  readonly pid: number;
  readonly watcher: ChildProcess;
}

/** Starts a process that starts the server and watches over it. */
export async function watchedServer(dataDir: string): Promise<Watched> {
  const source = (name: string) => JSON.stringify(new URL(`../../src/${name}`, import.meta.url).href);
  const program = `
    import { startPrivateServer } from ${source('state/private-server.ts')};
    import { silentLog as log } from ${source('ports/log.ts')};
    const server = await startPrivateServer({ dataDir: process.argv[1], log });
    process.on('SIGTERM', async () => { await server.stop(); process.exit(0); });
    console.log(JSON.stringify({ url: server.url, pid: server.pid }));`;
  const watcher = spawn(process.execPath, ['--input-type=module', '-e', program, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: watcher.stdout }), 'line')) as [string];
  return { ...(JSON.parse(line) as { url: string; pid: number }), watcher };
}

export const open = (url: string): Promise<Database> =>
  openDatabase({
    url,
    maxConnections: 4,
    statementTimeoutMs: 10_000,
    connectTimeoutMs: 5_000,
    applicationName: 'test',
    log: silentLog,
  });

export const temporary = (): string => mkdtempSync(join(tmpdir(), 'isthmus-server-'));
export const discard = (folder: string): void => rmSync(folder, { recursive: true, force: true });

/** Never 0, which would mean ourselves. */
export function killHard(pid: number | undefined): void {
  if (!pid) throw new Error('there is no process to kill');
  process.kill(pid, 'SIGKILL');
}

export const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
