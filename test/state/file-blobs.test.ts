import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { BlobMissing } from '../../src/ports/blob-store.ts';
import { silentLog } from '../../src/ports/log.ts';
import { openFileBlobs } from '../../src/state/file-blobs.ts';
import { blobStoreContract } from '../contract/blob-store.ts';

const never = new AbortController().signal;
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const make = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-blobs-'));
  let now = new Date();
  const store = await openFileBlobs({ folder, now: () => now, log: silentLog });
  return {
    folder,
    store,
    at: (to: Date) => {
      now = to;
    },
    leftovers: async () => readdirSync(join(folder, 'incoming')),
    bigSize: 3_000_000,
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
};

blobStoreContract('blobs in files', make);

test('a start removes what a crash left half-written, once it is old', async () => {
  const { folder } = await make();
  folders.push(folder);
  writeFileSync(join(folder, 'incoming', 'old'), 'half');
  writeFileSync(join(folder, 'incoming', 'new'), 'half');
  const twoHoursAgo = Date.now() / 1000 - 7200;
  utimesSync(join(folder, 'incoming', 'old'), twoHoursAgo, twoHoursAgo);
  await openFileBlobs({ folder, now: () => new Date(), log: silentLog });
  expect(readdirSync(join(folder, 'incoming'))).toEqual(['new']);
});

test('the folders of a past hour go with their last blob', async () => {
  const { folder, store, at } = await make();
  folders.push(folder);
  at(new Date('2026-01-01T05:00:00Z'));
  const { key } = await store.write(content('x'), never);
  at(new Date('2026-01-01T09:00:00Z'));
  expect(readdirSync(folder)).toContain('2026010105');
  await store.remove(key);
  expect(readdirSync(folder)).toEqual(['incoming']);
});

test('a writer goes on when the folders it knew were tidied away', async () => {
  const { folder, store } = await make();
  folders.push(folder);
  const { key } = await store.write(content('x'), never);
  rmSync(join(folder, key.slice(0, 10)), { recursive: true });
  expect((await store.write(content('x'), never)).key).toBe(key);
  expect(Buffer.concat(await Array.fromAsync(store.read(key, never))).toString()).toBe('x');
});

test('a folder that is not there yet is made; one that cannot be made is reported per write, and reading says missing', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'isthmus-blobs-'));
  folders.push(parent);
  writeFileSync(join(parent, 'file'), '');
  const blocked = await openFileBlobs({
    folder: join(parent, 'file', 'blobs'),
    now: () => new Date(),
    log: silentLog,
  });
  await expect(blocked.write(content('x'), never)).rejects.toThrow(/cannot be used.*ENOTDIR/);
  mkdirSync(join(parent, 'later'));
  const store = await openFileBlobs({
    folder: join(parent, 'later', 'a', 'b'),
    now: () => new Date(),
    log: silentLog,
  });
  const { key } = await store.write(content('x'), never);
  await store.remove(key);
  await expect(Array.fromAsync(store.read(key, never))).rejects.toBeInstanceOf(BlobMissing);
});

async function* content(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
