/** Bodies compressed and sealed: what was kept is read, any part of it; what is not what was kept is noticed. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BodyGone, StoreAway } from '../../src/ports/messages.ts';
import { Coding, type StoreKey } from '../../src/store/coding.ts';
import { bodyKey, FrameBroken, frameSize, makeFrame, openFrame } from '../../src/store/frame.ts';
import { letter, openSetting, pieces, read, type Setting, stage } from './messages-setting.ts';

const keyOf = (number: number): StoreKey => ({ number, key: Buffer.alloc(32, number) });

describe('a frame', () => {
  const key = bodyKey(Buffer.alloc(32, 7), Buffer.alloc(32, 1));
  const any = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }).map((octets) => Buffer.from(octets)),
    fc.string({ maxLength: 50 }).map((text) => Buffer.from(text.repeat(50))),
  );

  test('opens to what it was made of, compressed or not, sealed or not', () => {
    fc.assert(
      fc.property(
        any,
        fc.nat(0xffff_ffff),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (octets, number, last, compress, seal) => {
          const coding = { compress, key: seal ? key : undefined };
          const frame = makeFrame(octets, number, last, coding);
          expect(openFrame(frame, number, last, octets.length, coding.key).equals(octets)).toBe(true);
        },
      ),
    );
  });

  test('that is sealed opens at its own place only, by its own key, and not when an octet was changed', () => {
    const octets = Buffer.from('a secret '.repeat(100));
    for (const compress of [false, true]) {
      const frame = makeFrame(octets, 5, false, { compress, key });
      const open =
        (number: number, last: boolean, length: number, by = key) =>
        () =>
          openFrame(frame, number, last, length, by);
      expect(open(5, false, octets.length)().equals(octets)).toBe(true);
      expect(open(6, false, octets.length)).toThrow(FrameBroken);
      expect(open(5, true, octets.length)).toThrow(FrameBroken);
      expect(open(5, false, octets.length - 1)).toThrow(FrameBroken);
      expect(open(5, false, octets.length, bodyKey(Buffer.alloc(32, 7), Buffer.alloc(32, 2)))).toThrow(
        FrameBroken,
      );
      expect(frame.includes('secret')).toBe(false);
      for (let at = 0; at < frame.length; at += 7) {
        const changed = Buffer.from(frame);
        changed[at]! ^= 1;
        expect(() => openFrame(changed, 5, false, octets.length, key)).toThrow(FrameBroken);
      }
      for (const length of [0, 10, 16, frame.length - 1])
        expect(() => openFrame(frame.subarray(0, length), 5, false, octets.length, key)).toThrow(FrameBroken);
    }
  });

  test('in the clear never opens to more than it should, whatever it is', () => {
    const bomb = makeFrame(Buffer.alloc(frameSize), 0, true, { compress: true, key: undefined });
    expect(bomb.length).toBeLessThan(100);
    expect(() => openFrame(bomb, 0, true, 10, undefined)).toThrow(FrameBroken);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(300), (octets, length) => {
        try {
          expect(openFrame(Buffer.from(octets), 0, true, length, undefined).length).toBe(length);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameBroken);
        }
      }),
    );
  });

  test('is only compressed where that helps', () => {
    const noise = randomBytes(frameSize);
    expect(makeFrame(noise, 0, true, { compress: true, key: undefined }).length).toBe(noise.length + 1);
  });
});

test('a key of another length than 32 octets is refused at once', () => {
  expect(() => new Coding({ compress: false, keys: [{ number: 3, key: Buffer.alloc(16) }] })).toThrow(
    /key 3 of the store has 16 octets and not 32/,
  );
});

describe.each([
  ['compressed', { compress: true, keys: [] }],
  ['sealed', { compress: false, keys: [keyOf(1)] }],
  ['compressed and sealed', { compress: true, keys: [keyOf(1), keyOf(2)] }],
  ['as they are', { compress: false, keys: [] }],
])('bodies %s', (_, options) => {
  let setting: Setting;
  beforeAll(async () => {
    setting = await openSetting({ ...options, limits: { inlineLimit: 100_000 } });
  });
  afterAll(() => setting[Symbol.asyncDispose]());

  const text = (size: number): Buffer =>
    letter('coded', [], 'words and words\r\n'.repeat(size / 17 + 1)).subarray(0, size);
  const mixed = (size: number): Buffer => {
    const octets = Buffer.from(text(size));
    randomBytes(Math.floor(size / 3)).copy(octets, Math.floor(size / 2));
    return octets;
  };

  test('are read as they came, whole and in part, in rows and in blobs', { timeout: 120_000 }, async () => {
    for (const size of [
      0,
      1,
      200,
      frameSize - 1,
      frameSize,
      frameSize + 1,
      100_000,
      100_001,
      3 * frameSize,
      400_000,
    ]) {
      const octets = mixed(size);
      const { body } = await stage(setting.messages, octets);
      expect((await read(setting.messages, body)).equals(octets)).toBe(true);
      await fc.assert(
        fc.asyncProperty(fc.nat(size + 10), fc.nat(size + 10), async (a, b) => {
          const [start, end] = [Math.min(a, b), Math.max(a, b)];
          const part = await read(setting.messages, body, { start, end });
          expect(part.equals(octets.subarray(start, end))).toBe(true);
          const rest = await read(setting.messages, body, { start });
          expect(rest.equals(octets.subarray(start))).toBe(true);
        }),
        { numRuns: 8 },
      );
    }
  });

  test('are one body when they come again', async () => {
    const octets = mixed(300_000);
    const first = await stage(setting.messages, octets);
    const before = [...setting.blobs.kept.keys()];
    expect((await stage(setting.messages, octets)).body).toBe(first.body);
    expect([...setting.blobs.kept.keys()]).toEqual(before);
  });

  test('are smaller or unreadable on the disk, as was asked for', async () => {
    const octets = text(500_000);
    const { body } = await stage(setting.messages, octets);
    const [row] = await setting.database.query<{ blob: string; sealed_by: number | null }>(
      'select blob, sealed_by from body where id = $1',
      [body],
    );
    const kept = setting.blobs.kept.get(row!.blob)!;
    expect(kept.includes('words and words')).toBe(!options.compress && options.keys.length === 0);
    expect(kept.length < 50_000).toBe(options.compress);
    expect(row!.sealed_by).toBe(options.keys.at(-1)?.number ?? null);
  });

  test('are read in part without reading the whole', async () => {
    const octets = mixed(2_000_000);
    const { body } = await stage(setting.messages, octets);
    setting.blobs.octetsRead = 0;
    await read(setting.messages, body, { start: 1_000_000, end: 1_000_100 });
    expect(setting.blobs.octetsRead).toBeLessThan(3 * frameSize);
  });

  test('that were cut are noticed', async () => {
    const octets = mixed(301_000);
    const { body } = await stage(setting.messages, octets);
    const [row] = await setting.database.query<{ blob: string }>('select blob from body where id = $1', [
      body,
    ]);
    const kept = setting.blobs.kept.get(row!.blob)!;
    setting.blobs.kept.set(row!.blob, kept.subarray(0, kept.length - 1));
    await expect(read(setting.messages, body)).rejects.toThrow(BodyGone);
    setting.blobs.kept.set(row!.blob, kept.subarray(0, 70_000));
    await expect(read(setting.messages, body, { start: 290_000 })).rejects.toThrow(BodyGone);
    setting.blobs.kept.delete(row!.blob);
    await expect(read(setting.messages, body)).rejects.toThrow(BodyGone);
    await expect(read(setting.messages, 999_999_999)).rejects.toThrow(BodyGone);
  });
});

test('another body in the place of a sealed one does not open', async () => {
  await using setting = await openSetting({ keys: [keyOf(1)], limits: { inlineLimit: 100 } });
  const bodies = [];
  for (const subject of ['one', 'two']) bodies.push((await stage(setting.messages, letter(subject))).body);
  const rows = await setting.database.query<{ id: number; blob: string }>(
    'select id, blob from body order by id',
  );
  const [one, two] = rows.map(({ blob }) => setting.blobs.kept.get(blob)!);
  setting.blobs.kept.set(rows[0]!.blob, two!).set(rows[1]!.blob, one!);
  for (const body of bodies) await expect(read(setting.messages, body)).rejects.toThrow(BodyGone);
});

test('new bodies are sealed by the last key, and old ones open as long as theirs is there', async () => {
  await using setting = await openSetting();
  const octets = ['clear', 'old', 'new'].map((subject) => letter(subject));
  const stores = [[], [keyOf(1)], [keyOf(1), keyOf(2)]].map((keys) => setting.open({ keys }));
  const bodies: number[] = [];
  for (const [index, messages] of stores.entries()) bodies.push((await stage(messages, octets[index]!)).body);
  for (const [index, body] of bodies.entries())
    expect((await read(stores[2]!, body)).equals(octets[index]!)).toBe(true);
  const without = setting.open({ keys: [keyOf(2)] });
  await expect(read(without, bodies[1]!)).rejects.toThrow(StoreAway);
  await expect(read(without, bodies[1]!)).rejects.toThrow(/sealed by key 1/);
  await expect(
    read(setting.open({ keys: [{ number: 1, key: Buffer.alloc(32, 9) }] }), bodies[1]!),
  ).rejects.toThrow(BodyGone);
});

test('pieces of any size make a body that is read as it came', async () => {
  await using setting = await openSetting({
    compress: true,
    keys: [keyOf(1)],
    limits: { inlineLimit: 1000 },
  });
  const never = new AbortController().signal;
  for (const size of [997, 65_536, 65_537, 200_000]) {
    const octets = letter(`pieces of ${size}`, [], 'abc\r\n'.repeat(30_000));
    const { body } = await setting.messages.stage(pieces(octets, size), 1e7, never);
    expect((await read(setting.messages, body)).equals(octets)).toBe(true);
  }
});
