import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/ports/log.ts';
import { StoreAway } from '../../src/ports/messages.ts';
import { type IndexOptions, indexBacklog, indexSome } from '../../src/store/index-due.ts';
import { Indexer } from '../../src/store/index-worker.ts';
import { noTexts } from '../../src/store/text.ts';
import { keepTexts } from '../../src/store/text-keep.ts';
import { TextTooCostly } from '../../src/store/text-process.ts';
import { atOnce, type Library, library, now } from './search-parts.ts';

let shelf: Library;
beforeEach(async () => {
  await shelf?.[Symbol.asyncDispose]();
  shelf = await library();
});
afterAll(() => shelf[Symbol.asyncDispose]());

const { signal } = new AbortController();

const indexing = (more: Partial<IndexOptions> = {}): IndexOptions => ({
  database: shelf.database,
  messages: shelf.content,
  maker: atOnce,
  now: () => now,
  log: silentLog,
  ...more,
});

const minutes =
  (count: number): (() => Date) =>
  () =>
    new Date(now.getTime() + count * 60_000);

const messages = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    uid: at + 1,
    raw: `Subject: s${at}\r\n\r\nword${at} all\r\n`,
  }));

const texts = () =>
  shelf.database.query<{ body: number; content: string; trouble: string | null }>(
    'select body, content, trouble from body_text order by body',
    [],
  );

test('indexes what is due, oldest first, until nothing is', async () => {
  const mailbox = await shelf.mailbox();
  const bodies = await shelf.put(mailbox, messages(20));
  expect(await indexBacklog(shelf.database)).toMatchObject({ bodies: 20, failing: 0 });
  expect(await indexSome(indexing(), signal)).toBe(16);
  expect((await texts()).map(({ body }) => body)).toEqual(bodies.slice(0, 16));
  expect(await indexSome(indexing(), signal)).toBe(4);
  expect(await indexSome(indexing(), signal)).toBe(0);
  expect(await indexBacklog(shelf.database)).toEqual({ bodies: 0, failing: 0, oldest: undefined });
  const reads = shelf.reads.length;
  expect(await shelf.uids(mailbox, { key: 'body', text: 'WORD7' })).toEqual([8]);
  expect(shelf.reads.length).toBe(reads);
});

test('two at once never take the same', async () => {
  await shelf.put(await shelf.mailbox(), messages(32));
  const done = await Promise.all([indexSome(indexing(), signal), indexSome(indexing(), signal)]);
  expect(done).toEqual([16, 16]);
  expect(new Set(shelf.reads).size).toBe(shelf.reads.length);
  expect(await texts()).toHaveLength(32);
});

test('whoever keeps the same texts at once, in whatever order, does not stop the other', async () => {
  const bodies = await shelf.put(await shelf.mailbox(), messages(40));
  const kept = bodies.map((body) => ({
    body,
    texts: noTexts,
    grams: Int32Array.of(1, 2),
    trouble: undefined,
  }));
  for (let at = 0; at < 40; at += 8) {
    const some = kept.slice(at, at + 8);
    await Promise.all(
      [some, some.toReversed(), some.slice(3), some].map((list) => keepTexts(shelf.database, list)),
    );
  }
  expect(await texts()).toHaveLength(40);
  expect(await indexBacklog(shelf.database)).toMatchObject({ bodies: 0 });
});

test('a body that fails waits longer each time, hinders nobody, and is at last kept with its trouble', async () => {
  const bodies = await shelf.put(await shelf.mailbox(), messages(3));
  shelf.gone.add(bodies[1]!);
  expect(await indexSome(indexing(), signal)).toBe(3);
  expect((await texts()).map(({ body }) => body)).toEqual([bodies[0], bodies[2]]);
  expect(await indexBacklog(shelf.database)).toMatchObject({ bodies: 1, failing: 1 });
  expect(await indexSome(indexing(), signal)).toBe(0);
  for (const after of [1, 11, 71, 431])
    expect(await indexSome(indexing({ now: minutes(after) }), signal)).toBe(1);
  expect(await indexSome(indexing({ now: minutes(100_000) }), signal)).toBe(0);
  const kept = (await texts()).find(({ body }) => body === bodies[1]);
  expect(kept).toMatchObject({ content: '' });
  expect(kept?.trouble).toMatch(/BodyGone/);
});

test('what is too costly whole is indexed in part', async () => {
  await shelf.put(await shelf.mailbox(), messages(1));
  const maker: IndexOptions['maker'] = {
    make: async (pieces, aborted) => {
      if (pieces.leaves.length > 0) throw new TextTooCostly('too much');
      return atOnce.make(pieces, aborted);
    },
  };
  for (const after of [0, 1, 11, 71]) await indexSome(indexing({ maker, now: minutes(after) }), signal);
  expect(await texts()).toMatchObject([
    { content: '', trouble: expect.stringMatching(/not searched whole/) },
  ]);
  const [row] = await shelf.database.query<{ header: string }>('select header from body_text', []);
  expect(row?.header).toBe('\nSUBJECT: S0');
});

test('when the store is away, what was taken is due again at once', async () => {
  await shelf.put(await shelf.mailbox(), messages(2));
  const away = {
    // biome-ignore lint/correctness/useYield: it has nothing to give
    content: async function* () {
      throw new StoreAway('away');
    },
  };
  await expect(indexSome(indexing({ messages: away }), signal)).rejects.toThrow(StoreAway);
  expect(await indexBacklog(shelf.database)).toMatchObject({ bodies: 2, failing: 0 });
  expect(await indexSome(indexing(), signal)).toBe(2);
});

test('a body that was swept while it was read is passed over', async () => {
  const [body] = await shelf.put(await shelf.mailbox(), messages(1));
  const maker: IndexOptions['maker'] = {
    make: async (pieces, aborted) => {
      await shelf.database.query('delete from mailbox_message', []);
      await shelf.database.query('delete from body where id = $1', [body]);
      return atOnce.make(pieces, aborted);
    },
  };
  expect(await indexSome(indexing({ maker }), signal)).toBe(1);
  expect(await texts()).toEqual([]);
});

test('the indexer begins when it is woken, and ends when it is told to', async () => {
  const indexer = new Indexer({ ...indexing(), lookEveryMs: 3_600_000, rest: 0 });
  await sleep(300);
  await shelf.put(await shelf.mailbox(), messages(40));
  expect(await texts()).toEqual([]);
  indexer.wake();
  while ((await texts()).length < 40) await sleep(20);
  await indexer[Symbol.asyncDispose]();
  await shelf.put(await shelf.mailbox(), [{ uid: 1, raw: 'A: later\r\n\r\n' }]);
  indexer.wake();
  expect(await indexBacklog(shelf.database)).toMatchObject({ bodies: 1 });
});
