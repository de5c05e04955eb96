/**
 * scenario/outage-disk - a small file system of its own that can be filled and made read-only (tmpfs; needs root).
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../peers/command.ts';

export interface Disk {
  readonly folder: string;
  /** Takes all space but `left` octets; also what is freed later, when called again. */
  fill(left?: number): void;
  /** Gives the space back. */
  free(): void;
  /** Waits for the moment at which nobody has a file open for writing. */
  readOnly(): Promise<void>;
  writable(): void;
  remove(): void;
}

/** Mounts it; `megabytes` is all it holds. */
export function smallDisk(megabytes: number): Disk {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', folder]);
  chmodSync(folder, 0o755);
  const fillers: string[] = [];
  const remount = (mode: 'ro' | 'rw') =>
    execFileSync('mount', ['-o', `remount,${mode}`, folder], { stdio: 'ignore' });
  const isDone = (work: () => unknown): boolean => {
    try {
      work();
      return true;
    } catch {
      return false;
    }
  };
  return {
    folder,
    fill(left = 0) {
      const free = () => {
        const { bavail, bsize } = statfsSync(folder);
        return bavail * bsize - left;
      };
      // Others take space meanwhile, and what does not fit whole is not taken at all.
      for (let tries = 0; tries < 50 && free() > 0; tries += 1) {
        const path = join(folder, `filler-${fillers.length}`);
        const length = String(free());
        if (isDone(() => execFileSync('fallocate', ['-l', length, path], { stdio: 'ignore' })))
          fillers.push(path);
      }
    },
    free() {
      for (const path of fillers.splice(0)) rmSync(path, { force: true });
    },
    readOnly: async () => {
      await until('a disk that nobody writes to', () => isDone(() => remount('ro')), 20_000, 5);
    },
    writable: () => void remount('rw'),
    remove() {
      execFileSync('umount', ['-l', folder]);
      rmdirSync(folder);
    },
  };
}
