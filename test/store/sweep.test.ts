/** What is not kept any longer, and keys that go out of use. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/ports/log.ts';
import { BodyGone } from '../../src/ports/messages.ts';
import { Coding, type StoreKey } from '../../src/store/coding.ts';
import { rekey } from '../../src/store/rekey.ts';
import { Sweeper } from '../../src/store/sweep.ts';
import {
  allRows,
  contradictions,
  everything,
  letter,
  never,
  newAccount,
  newMailbox,
  noon,
  openSetting,
  put,
  read,
  type Setting,
  stage,
} from './messages-setting.ts';

let setting: Setting;
let account: number;
let box: number;
const hour = 3600_000;
const day = 24 * hour;

beforeEach(async () => {
  setting = await openSetting({ limits: { inlineLimit: 1000 } });
  account = await newAccount(setting.database);
  box = await newMailbox(setting.database, account, 'INBOX');
});
afterEach(async () => {
  expect(await contradictions(setting.database)).toEqual([]);
  await setting[Symbol.asyncDispose]();
});

const later = (milliseconds: number): void => {
  setting.now = new Date(noon.getTime() + milliseconds);
};
const sweeperOf = () =>
  new Sweeper({
    database: setting.database,
    blobs: setting.blobs,
    keepExpunged: 14 * day,
    now: () => setting.now,
    log: silentLog,
  });
const bodies = async (): Promise<number> =>
  (await setting.database.query<{ n: number }>('select count(*) as n from body'))[0]!.n;
const big = (subject: string): Buffer => letter(subject, [], 'x'.repeat(5000));

describe('the sweep', () => {
  test('takes what was staged hours ago and appended nowhere, with its blob', async () => {
    const sweeper = sweeperOf();
    await put(setting.messages, box, big('kept'));
    await stage(setting.messages, big('forgotten'));
    later(5 * hour);
    expect(await sweeper.sweep(never)).toEqual({ expunged: 0, bodies: 0, blobs: 0, keywords: 0 });
    later(7 * hour);
    expect(await sweeper.sweep(never)).toEqual({ expunged: 0, bodies: 1, blobs: 0, keywords: 0 });
    expect([await bodies(), setting.blobs.kept.size]).toEqual([1, 1]);
    expect(await sweeper.sweep(never)).toEqual({ expunged: 0, bodies: 0, blobs: 0, keywords: 0 });
  });

  test('leaves what was staged again', async () => {
    const sweeper = sweeperOf();
    const { body } = await stage(setting.messages, big('again'));
    later(5 * hour);
    await stage(setting.messages, big('again'));
    later(7 * hour);
    await sweeper.sweep(never);
    expect((await read(setting.messages, body)).equals(big('again'))).toBe(true);
    later(12 * hour);
    expect((await sweeper.sweep(never)).bodies).toBe(1);
  });

  test('an append of what was swept says so, and can be staged anew', async () => {
    const { body } = await stage(setting.messages, big('late'));
    later(7 * hour);
    await sweeperOf().sweep(never);
    const flags = { system: 0, keywords: [] };
    await expect(setting.messages.append([{ mailbox: box, body, flags }])).rejects.toThrow(BodyGone);
    await put(setting.messages, box, big('late'));
    expect((await allRows(setting.messages, box)).length).toBe(1);
  });

  test('takes what was expunged long ago, with its body, and the mailbox knows that it forgot', async () => {
    const first = await put(setting.messages, box, big('gone'));
    await put(setting.messages, box, big('stays'));
    const other = await newMailbox(setting.database, account);
    await setting.messages.copy(box, [{ first: 2, last: 2 }], other);
    const since = (await setting.messages.snapshot(box)).status.highestModSeq;
    await setting.messages.expunge(box, everything, { anyway: true });
    const sweeper = sweeperOf();
    later(13 * day);
    expect(await sweeper.sweep(never)).toEqual({ expunged: 0, bodies: 0, blobs: 0, keywords: 0 });
    expect(await setting.messages.changes(box, since)).toMatchObject({ forgotten: false });
    later(15 * day);
    expect(await sweeper.sweep(never)).toEqual({ expunged: 2, bodies: 1, blobs: 0, keywords: 0 });
    expect(await setting.messages.changes(box, since)).toMatchObject({
      forgotten: true,
      gone: [{ first: 1, last: 2 }],
    });
    await expect(read(setting.messages, first.body)).rejects.toThrow(BodyGone);
    const [copy] = await allRows(setting.messages, other);
    expect((await read(setting.messages, copy!.body)).equals(big('stays'))).toBe(true);
    const { highestModSeq } = (await setting.messages.snapshot(box)).status;
    expect(await setting.messages.changes(box, highestModSeq)).toMatchObject({ forgotten: false, gone: [] });
  });

  test('takes blobs that no body has, once a day, but none of this hour', async () => {
    const stray = async () => {
      async function* content(): AsyncGenerator<Uint8Array> {
        yield Buffer.from(`stray of ${setting.now.toISOString()}`);
      }
      await setting.blobs.write(content(), never);
    };
    const sweeper = sweeperOf();
    await stray();
    expect((await sweeper.sweep(never)).blobs).toBe(0);
    later(25 * hour);
    await stray();
    expect((await sweeper.sweep(never)).blobs).toBe(1);
    later(29 * hour);
    expect((await sweeper.sweep(never)).blobs).toBe(0);
    later(50 * hour);
    expect((await sweeper.sweep(never)).blobs).toBe(1);
  });

  test('goes through many in portions, and when stopped goes on later', async () => {
    await setting.database.query(
      `insert into body (hash, size, content, structure, thread, staged_at)
       select sha256(n::text::bytea), 1, 'x', '{}', 'y', $1 from generate_series(1, 2500) n`,
      [noon],
    );
    const { body } = await put(setting.messages, box, letter('one of them'));
    later(7 * hour);
    const stopped = new AbortController();
    stopped.abort();
    expect(
      (
        await sweeperOf()
          .sweep(stopped.signal)
          .catch(() => undefined)
      )?.bodies ?? 0,
    ).toBe(0);
    expect((await sweeperOf().sweep(never)).bodies).toBe(2500);
    expect(await bodies()).toBe(1);
    await read(setting.messages, body);
  });

  test('at the same instant as staging and appending loses nothing that was appended', async () => {
    // Sweepers that think it is tomorrow: whatever is staged is old to them at once.
    const hurried = new Sweeper({
      database: setting.database,
      blobs: setting.blobs,
      keepExpunged: 14 * day,
      now: () => new Date(noon.getTime() + day),
      log: silentLog,
    });
    let done = false;
    let swept = 0;
    const sweeping = (async () => {
      while (!done) swept += (await hurried.sweep(never)).bodies;
    })();
    const kept: { uid: number; octets: Buffer }[] = [];
    let lost = 0;
    const writer = async (name: number) => {
      for (let i = 0; i < 40; i++) {
        const octets = letter(`race ${i % 3 === 0 ? i : `${name} ${i}`}`);
        const staged = await stage(setting.messages, octets);
        if (i % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        try {
          const flags = { system: 0, keywords: [] };
          const [appended] = await setting.messages.append([{ mailbox: box, body: staged.body, flags }]);
          kept.push({ uid: appended!.uid, octets });
        } catch (error) {
          expect(error).toBeInstanceOf(BodyGone);
          lost += 1;
        }
      }
    };
    await Promise.all([1, 2, 3, 4].map(writer));
    done = true;
    await sweeping;
    expect(kept.length + lost).toBe(160);
    const rows = new Map((await allRows(setting.messages, box)).map((row) => [row.uid, row]));
    expect(rows.size).toBe(kept.length);
    for (const { uid, octets } of kept)
      expect((await read(setting.messages, rows.get(uid)!.body)).equals(octets)).toBe(true);
    expect(swept).toBeGreaterThan(0);
  });
});

test('keywords that no message has any more make room for others', async () => {
  const keywords = Array.from({ length: 120 }, (_, index) => `K${index}`);
  const messages = setting.open({ limits: { keywords: 120 } });
  await put(messages, box, letter('all'), { flags: { system: 0, keywords } });
  await messages.flag(box, everything, { how: 'set', flags: { system: 0, keywords: ['K7', 'K90'] } });
  expect((await messages.snapshot(box)).mayAddKeywords).toBe(false);
  expect((await sweeperOf().sweep(never)).keywords).toBe(118);
  expect(await messages.snapshot(box)).toMatchObject({ keywords: ['K7', 'K90'], mayAddKeywords: true });
  expect((await sweeperOf().sweep(never)).keywords).toBe(0);
});

describe('keys', () => {
  const key = (number: number): StoreKey => ({ number, key: Buffer.alloc(32, number) });
  const options = (...keys: StoreKey[]) => ({
    database: setting.database,
    blobs: setting.blobs,
    coding: new Coding({ compress: true, keys }),
    log: silentLog,
  });
  const sealedBy = async () =>
    (
      await setting.database.query<{ sealed_by: number | null }>('select sealed_by from body order by id')
    ).map((row) => row.sealed_by);

  test('go out of use: what they sealed is sealed by the last, some at a time', async () => {
    const letters = ['r1', 'r2', 'r3', 'r4'].map((subject, index) =>
      index % 2 === 0 ? letter(subject) : big(subject),
    );
    const ids: number[] = [];
    for (const octets of letters) ids.push((await put(setting.open({ keys: [key(1)] }), box, octets)).body);
    const clear = await put(setting.messages, box, big('clear'));
    expect(await rekey(options(key(1), key(2)), { most: 3 }, never)).toEqual({
      sealed: 3,
      failed: 0,
      complete: false,
    });
    expect(await sealedBy()).toEqual([2, 2, 2, 1, null]);
    expect((await rekey(options(key(1), key(2)), {}, never)).sealed).toBe(1);
    expect((await rekey(options(key(1), key(2)), {}, never)).sealed).toBe(0);
    expect(await rekey(options(key(2)), { clear: true }, never)).toMatchObject({ sealed: 1, complete: true });
    expect(await sealedBy()).toEqual([2, 2, 2, 2, 2]);
    const reader = setting.open({ keys: [key(2)] });
    for (const [index, id] of ids.entries())
      expect((await read(reader, id)).equals(letters[index]!)).toBe(true);
    expect((await read(reader, clear.body)).equals(big('clear'))).toBe(true);
    expect(setting.blobs.kept.size).toBe(3);
    for (const octets of setting.blobs.kept.values()) expect(octets.includes('xxxx')).toBe(false);
  });

  test('whose bodies are damaged or whose own is missing are told of, and the rest goes on', async () => {
    await put(setting.open({ keys: [key(1)] }), box, big('no key'));
    await put(setting.open({ keys: [key(3)] }), box, big('damaged'));
    await put(setting.open({ keys: [key(3)] }), box, big('well'));
    const [damaged] = [...setting.blobs.kept.keys()].slice(1);
    setting.blobs.kept.set(damaged!, Buffer.from('x'));
    expect(await rekey(options(key(3), key(2)), {}, never)).toEqual({ sealed: 1, failed: 2, complete: true });
  });

  test('may change while a body is read', async () => {
    const { body } = await put(setting.open({ keys: [key(1)] }), box, big('read'));
    const reader = setting.open({
      keys: [key(1), key(2)],
      blobs: Object.assign(Object.create(setting.blobs), {
        // Between the look at the row and the look at the blob.
        async *read(...args: Parameters<typeof setting.blobs.read>) {
          await rekey(options(key(1), key(2)), {}, never);
          yield* setting.blobs.read(...args);
        },
      }),
    });
    expect((await read(reader, body)).equals(big('read'))).toBe(true);
  });

  test('without any, there is nothing to seal by', async () => {
    await put(setting.messages, box);
    expect(await rekey(options(), { clear: true }, never)).toEqual({ sealed: 0, failed: 0, complete: true });
  });
});
