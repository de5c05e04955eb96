/**
 * A full disk, on small file systems of their own (tmpfs; mounting needs root).
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type BlobKey, type BlobStore, BlobStoreFull } from '../../src/ports/blob-store.ts';
import { DatabaseAway, DatabaseFull } from '../../src/ports/database.ts';
import { silentLog } from '../../src/ports/log.ts';
import { openFileBlobs } from '../../src/state/file-blobs.ts';
import { startPrivateServer } from '../../src/state/private-server.ts';
import { open } from './server-process.ts';

const never = new AbortController().signal;
const isRoot = process.getuid?.() === 0;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

function smallDisk(size: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'tmpfs', folder]);
  undo.push(() => {
    execFileSync('umount', ['-l', folder]);
    rmdirSync(folder);
  });
  chmodSync(folder, 0o755);
  return folder;
}

const remount = (folder: string, mode: 'ro' | 'rw') =>
  execFileSync('mount', ['-o', `remount,${mode}`, folder]);

/** Takes all space but `left` octets, in a file that can be removed again. */
function fill(folder: string, left: number): () => void {
  const { bavail, bsize } = statfsSync(folder);
  const path = join(folder, `filler-${randomBytes(4).toString('hex')}`);
  execFileSync('fallocate', ['-l', String(Math.max(1, bavail * bsize - left)), path]);
  return () => rmSync(path, { force: true });
}

const blobsIn = (folder: string): Promise<BlobStore> =>
  openFileBlobs({ folder: join(folder, 'blobs'), now: () => new Date(), log: silentLog });

async function* content(size: number): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0; left -= 50_000) yield randomBytes(Math.min(left, 50_000));
}

const sizeOf = async (store: BlobStore, key: BlobKey): Promise<number> =>
  Buffer.concat(await Array.fromAsync(store.read(key, never))).length;

test.runIf(isRoot)(
  'blobs on a full disk: BlobStoreFull, nothing is kept, and it goes on when there is space',
  async () => {
    const folder = smallDisk('1m');
    const store = await blobsIn(folder);
    const early = await store.write(content(300_000), never);
    await expect(store.write(content(900_000), never)).rejects.toBeInstanceOf(BlobStoreFull);
    expect(readdirSync(join(folder, 'blobs', 'incoming'))).toEqual([]);
    expect(await sizeOf(store, early.key)).toBe(300_000);
    const late = await store.write(content(400_000), never);
    expect(await sizeOf(store, late.key)).toBe(400_000);

    const free = fill(folder, 0);
    await expect(store.write(content(5_000), never)).rejects.toBeInstanceOf(BlobStoreFull);
    const opened = await blobsIn(folder);
    expect(await sizeOf(opened, early.key)).toBe(300_000);
    free();
    expect((await opened.write(content(5_000), never)).size).toBe(5_000);
  },
);

test.runIf(isRoot)(
  'blobs on a read-only disk can be read; writing is BlobStoreFull until it is writable',
  async () => {
    const folder = smallDisk('1m');
    const { key } = await (await blobsIn(folder)).write(content(1_000), never);
    remount(folder, 'ro');
    const store = await blobsIn(folder);
    await expect(store.write(content(1_000), never)).rejects.toBeInstanceOf(BlobStoreFull);
    await expect(store.remove(key)).rejects.toBeInstanceOf(BlobStoreFull);
    expect(await sizeOf(store, key)).toBe(1_000);
    remount(folder, 'rw');
    expect((await store.write(content(1_000), never)).size).toBe(1_000);
  },
);

test.runIf(isRoot)(
  'the database on a full disk: DatabaseFull or away, what was reported is there, and it recovers by itself',
  async () => {
    const folder = smallDisk('160m');
    const server = await startPrivateServer({
      dataDir: join(folder, 'data'),
      log: silentLog,
      settings: { max_wal_size: '64MB', min_wal_size: '32MB', shared_buffers: '16MB' },
    });
    undo.push(() => server.stop());
    const database = await open(server.url);
    undo.push(() => database.close());
    await database.query('create table mail (id integer primary key, body bytea)');
    await database.query('alter table mail alter column body set storage external');
    const reported: number[] = [];
    let id = 0;
    const write = async (): Promise<unknown> => {
      id++;
      try {
        const body = randomBytes(256 * 1024);
        await database.transaction(async (tx) => tx.query('insert into mail values ($1, $2)', [id, body]));
        reported.push(id);
        return undefined;
      } catch (error) {
        return error;
      }
    };
    const attempt = async (rounds: number) => {
      const faults: unknown[] = [];
      for (let round = 0; round < rounds; round++) {
        const fault = await write();
        if (!fault) continue;
        faults.push(fault);
        await sleep(20);
      }
      return faults;
    };
    expect(await attempt(3)).toEqual([]);

    // Room for the log that is allocated already, none for the table: PostgreSQL refuses and goes on.
    let free = fill(folder, 1_000_000);
    const faults = await attempt(40);
    expect(faults.some((fault) => fault instanceof DatabaseFull)).toBe(true);
    expect(
      faults.filter((fault) => !(fault instanceof DatabaseFull || fault instanceof DatabaseAway)),
    ).toEqual([]);
    free();
    await expect.poll(write, { timeout: 30_000, interval: 100 }).toBeUndefined();

    // No room for the log either: PostgreSQL ends itself, and is started again until there is room.
    free = fill(folder, 0);
    await database.query('select pg_switch_wal()').catch(() => {});
    for (let round = 0; round < 400 && server.restarts === 0; round++) await attempt(1);
    expect(server.restarts).toBeGreaterThan(0);
    free();
    await expect.poll(write, { timeout: 30_000, interval: 100 }).toBeUndefined();
    const kept = new Set((await database.query<{ id: number }>('select id from mail')).map((row) => row.id));
    expect(reported.filter((each) => !kept.has(each))).toEqual([]);
  },
);

test.runIf(isRoot)(
  'a start on a full disk fails with the reason and is right when there is space',
  async () => {
    const folder = smallDisk('64m');
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(50 * 1024 * 1024));
    const options = { dataDir: join(folder, 'data'), log: silentLog };
    await expect(startPrivateServer(options)).rejects.toThrow(
      /initdb could not make .*No space left on device/s,
    );
    rmSync(join(folder, 'ballast'));
    const server = await startPrivateServer(options);
    await server.stop();
  },
);
