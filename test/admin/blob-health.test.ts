import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeBlobCheck } from '../../src/admin/blob-health.ts';
import type { BlobStore } from '../../src/ports/blob-store.ts';
import { silentLog } from '../../src/ports/log.ts';
import { openFileBlobs } from '../../src/state/file-blobs.ts';

let folder: string;
let at: Date;
const now = () => at;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'isthmus-blob-health-'));
  at = new Date('2026-11-25T10:00:00Z');
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

const later = (seconds: number) => {
  at = new Date(at.getTime() + seconds * 1000);
};
const over = (blobs: Pick<BlobStore, 'write'>) => makeBlobCheck({ blobs, log: silentLog, now });
/** Counts what the store is asked. */
const counted = (write: BlobStore['write']) => {
  const blobs = { write: vi.fn(write) };
  return { check: over(blobs), times: () => blobs.write.mock.calls.length };
};

test('a store that takes bodies is well, and keeps one blob an hour of it', async () => {
  const blobs = await openFileBlobs({ folder, now, log: silentLog });
  const check = over(blobs);
  for (let n = 0; n < 5; n += 1) {
    expect(await check()).toEqual({ name: 'blobs', ok: true, text: 'can be written' });
    later(60);
  }
  const hour = 3_600_000;
  const kept = await Array.fromAsync(blobs.list(new Date(at.getTime() + hour), new AbortController().signal));
  expect(kept).toHaveLength(1);
});

test('one that cannot be written is not, and the answer says nothing of where', async () => {
  const blobs = await openFileBlobs({ folder, now, log: silentLog });
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'incoming'), 'in the way');
  const said = await over(blobs)();
  expect(said).toMatchObject({ name: 'blobs', ok: false });
  expect(said.text).not.toContain(folder);
});

test('however often it is asked, the store is asked once in ten seconds', async () => {
  const { check, times } = counted(async () => ({ key: 'x', size: 1 }));
  await Promise.all(Array.from({ length: 50 }, () => check()));
  later(9);
  await check();
  expect(times()).toBe(1);
  later(1);
  await check();
  expect(times()).toBe(2);
  later(-3600);
  await check();
  expect(times()).toBe(3);
});

test('a store that hangs is not well after three seconds, and is not asked again while it hangs', async () => {
  vi.useFakeTimers();
  const hung = Promise.withResolvers<{ key: string; size: number }>();
  let answer = hung.promise;
  const { check, times } = counted(() => answer);
  for (let n = 0; n < 3; n += 1) {
    const asked = check();
    await vi.advanceTimersByTimeAsync(3_000);
    expect((await asked).ok).toBe(false);
    later(10);
  }
  expect(times()).toBe(1);
  answer = Promise.resolve({ key: 'x', size: 1 });
  hung.resolve({ key: 'x', size: 1 });
  await vi.advanceTimersByTimeAsync(0);
  expect((await check()).ok).toBe(true);
  expect(times()).toBe(2);
});
