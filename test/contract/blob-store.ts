/**
 * contract/blob-store - what every BlobStore keeps (ports/blob-store).
 */
import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BlobKey, BlobMissing, type BlobStore } from '../../src/ports/blob-store.ts';

export interface BlobStoreSetting {
  readonly store: BlobStore;
  /** Sets the store's clock. */
  at(now: Date): void;
  /** Files or objects that a write which was given up has left behind. */
  leftovers(): Promise<readonly string[]>;
  /** Content of this size is written in a special way (multipart). */
  readonly bigSize: number;
  close(): Promise<void>;
}

const never = new AbortController().signal;

async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function* pieces(content: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

async function all(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(content));
}

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

export function blobStoreContract(name: string, make: () => Promise<BlobStoreSetting>): void {
  describe(name, () => {
    let setting: BlobStoreSetting;
    let store: BlobStore;
    const noon = new Date('2026-03-04T12:30:00Z');
    const missing: BlobKey = `2026030412-${'0'.repeat(64)}`;

    beforeAll(async () => {
      setting = await make();
      store = setting.store;
      setting.at(noon);
    });
    afterAll(() => setting.close());

    test('what was written is read again, under the hour and the hash', async () => {
      const blob = await store.write(chunks('one ', 'two'), never);
      expect(blob).toEqual({ key: `2026030412-${sha256(Buffer.from('one two'))}`, size: 7 });
      expect((await all(store.read(blob.key, never))).toString()).toBe('one two');
    });

    test('empty content is content', async () => {
      const blob = await store.write(chunks(), never);
      expect(blob.size).toBe(0);
      expect(await all(store.read(blob.key, never))).toHaveLength(0);
    });

    test('content of any size and in any pieces comes back as it was', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 400_000 }),
          fc.integer({ min: 1_000, max: 200_000 }),
          fc.nat(400_000),
          fc.nat(400_000),
          async (size, piece, from, length) => {
            const content = randomBytes(size);
            const blob = await store.write(pieces(content, piece), never);
            expect(blob.size).toBe(size);
            expect((await all(store.read(blob.key, never))).equals(content)).toBe(true);
            const range = { start: from, end: from + length };
            const part = await all(store.read(blob.key, never, range));
            expect(part.equals(content.subarray(range.start, range.end))).toBe(true);
            const tail = await all(store.read(blob.key, never, { start: from }));
            expect(tail.equals(content.subarray(from))).toBe(true);
          },
        ),
        { seed: 7, numRuns: 12 },
      );
    });

    test('big content comes back as it was', async () => {
      const content = randomBytes(setting.bigSize);
      const blob = await store.write(pieces(content, 100_000), never);
      expect(blob).toEqual({ key: `2026030412-${sha256(content)}`, size: content.length });
      expect(sha256(await all(store.read(blob.key, never)))).toBe(sha256(content));
    });

    test('the same content written by many at once in one hour is one blob', async () => {
      const keys = await Promise.all(
        Array.from({ length: 8 }, async () => (await store.write(chunks('same'), never)).key),
      );
      expect(new Set(keys).size).toBe(1);
      expect((await all(store.read(keys[0] ?? '', never))).toString()).toBe('same');
    });

    test('nothing is kept of content that throws, and its error is passed on', async () => {
      const broken = async function* () {
        yield Buffer.from('begun');
        throw new Error('the client went away');
      };
      await expect(store.write(broken(), never)).rejects.toThrow('the client went away');
      expect(await setting.leftovers()).toEqual([]);
    });

    test('nothing is kept when the signal aborts, also while content has nothing to say', async () => {
      const controller = new AbortController();
      let told = false;
      const stuck = async function* () {
        try {
          yield Buffer.from('begun');
          controller.abort(new Error('enough'));
          await new Promise((resolve) => setTimeout(resolve, 50));
          yield Buffer.from('more');
        } finally {
          told = true;
        }
      };
      await expect(store.write(stuck(), controller.signal)).rejects.toThrow('enough');
      expect(await setting.leftovers()).toEqual([]);
      await expect.poll(() => told).toBe(true);
      await expect(store.write(chunks('late'), AbortSignal.abort(new Error('before')))).rejects.toThrow(
        'before',
      );
    });

    test('a blob that is not there is BlobMissing, before the first chunk', async () => {
      await expect(all(store.read(missing, never))).rejects.toBeInstanceOf(BlobMissing);
      await expect(all(store.read(missing, never, { start: 5 }))).rejects.toBeInstanceOf(BlobMissing);
    });

    test('a key that is none reaches nothing', async () => {
      for (const key of ['../../etc/passwd', '', '2026030412-xyz', `${missing}/..`]) {
        await expect(all(store.read(key, never))).rejects.toThrow('not the key of a blob');
        await expect(store.remove(key)).rejects.toThrow('not the key of a blob');
      }
    });

    test('a reader that stops early, or is aborted, does no harm', async () => {
      const content = randomBytes(600_000);
      const { key } = await store.write(chunks(content), never);
      for await (const chunk of store.read(key, never)) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      const controller = new AbortController();
      const half = async () => {
        for await (const _ of store.read(key, controller.signal)) controller.abort(new Error('enough'));
      };
      await expect(half()).rejects.toThrow('enough');
      expect((await all(store.read(key, never))).equals(content)).toBe(true);
    });

    test('the keys of past hours are listed in order of hours, each once', async () => {
      const written: string[] = [];
      for (const hour of ['01', '03', '02']) {
        setting.at(new Date(`2026-02-01T${hour}:59:59Z`));
        for (const text of ['a', 'b', 'c']) written.push((await store.write(chunks(text), never)).key);
      }
      setting.at(noon);
      const before = new Date('2026-02-01T03:10:00Z');
      const listed = (await Array.fromAsync(store.list(before, never))).filter(({ key }) =>
        key.startsWith('202602'),
      );
      expect(listed.map(({ key }) => key).toSorted()).toEqual(
        written.filter((key) => key < '2026020103').toSorted(),
      );
      expect(listed.map(({ key }) => key.slice(0, 10)).join()).toBe(
        `${'2026020101,'.repeat(3)}2026020102,2026020102,2026020102`,
      );
      expect(listed.every(({ size }) => size === 1)).toBe(true);
    });

    test('what was removed is gone, and removing it again is no error', async () => {
      setting.at(new Date('2026-01-01T05:00:00Z'));
      const { key } = await store.write(chunks('short-lived'), never);
      setting.at(noon);
      await store.remove(key);
      await store.remove(key);
      await expect(all(store.read(key, never))).rejects.toBeInstanceOf(BlobMissing);
      const listed = await Array.fromAsync(store.list(new Date('2026-01-02T00:00:00Z'), never));
      expect(listed.some((blob) => blob.key === key)).toBe(false);
    });
  });
}
