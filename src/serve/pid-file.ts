/**
 * serve/pid-file - which process runs the node on a data folder, for `config reload` and for a second start.
 *
 * The file alone proves nothing: after a crash its number may be anybody's. So the process of that number is looked at
 * before it is signalled or believed (Linux; elsewhere, that there is one has to do).
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** The process, other than this one, that runs the node; undefined when there is none. */
export function runningNode(file: string): number | undefined {
  const pid = pidIn(file);
  return pid !== undefined && pid !== process.pid && isServing(pid) ? pid : undefined;
}

export const claimPidFile = (file: string): void => writeFileSync(file, `${process.pid}\n`, { mode: 0o644 });

/** Leaves another process's alone. */
export function releasePidFile(file: string): void {
  if (pidIn(file) === process.pid) rmSync(file, { force: true });
}

function pidIn(file: string): number | undefined {
  try {
    const [, digits] = /^(\d{1,10})\s*$/.exec(readFileSync(file, 'latin1')) ?? [];
    const pid = Number(digits ?? 0);
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isServing(pid: number): boolean {
  // Process 1 is the node in a container, where /proc tells; elsewhere it is the system's.
  if (!existsSync('/proc/self/cmdline')) return pid > 1 && isAlive(pid);
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const at = words.findIndex((word) => /(^|\/)(main\.[jt]s|isthmus)$/.test(word));
    return at >= 0 && words.indexOf('serve', at) > at;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
