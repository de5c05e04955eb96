/** Appends of many callers at once: shared commits, quotas, replacements, keywords; each caller's all or nothing. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { MailboxId } from '../../src/mail/mailbox.ts';
import type { Database, Queryable } from '../../src/ports/database.ts';
import { DatabaseAway, DatabaseFull } from '../../src/ports/database.ts';
import { BodyGone, MailboxGone, OverQuota, StoreAway, StoreFull } from '../../src/ports/messages.ts';
import { mostPerModSeq } from '../../src/store/append-plan.ts';
import {
  allRows,
  contradictions,
  everything,
  letter,
  newAccount,
  newMailbox,
  openSetting,
  put,
  read,
  type Setting,
  stage,
} from './messages-setting.ts';

let setting: Setting;
beforeAll(async () => {
  setting = await openSetting({ limits: { keywords: 5 } });
});
afterAll(() => setting[Symbol.asyncDispose]());
afterEach(async () => {
  expect(await contradictions(setting.database)).toEqual([]);
});

const flags = { system: 0, keywords: [] };
const boxOf = async (quota = {}): Promise<MailboxId> =>
  newMailbox(setting.database, await newAccount(setting.database, quota));
const count = async (box: MailboxId): Promise<number> =>
  (await setting.messages.snapshot(box)).status.messages;

/** The same database, which counts transactions and may fail. */
function counting(database: Database, fail?: () => Error | undefined) {
  const counts = { transactions: 0, queries: 0 };
  const counted: Database = Object.assign(Object.create(database) as Database, {
    query: (text: string, values?: readonly unknown[]) => {
      counts.queries += 1;
      return database.query(text, values);
    },
    transaction: <T>(work: (tx: Queryable) => Promise<T>) => {
      counts.transactions += 1;
      const trouble = fail?.();
      return trouble === undefined ? database.transaction(work) : Promise.reject(trouble);
    },
  });
  return { counted, counts };
}

test('fifty callers at once share a few commits, and each gets its own UIDs', async () => {
  const boxes = [await boxOf(), await boxOf(), await boxOf()];
  const { body } = await stage(setting.messages, letter('shared commits'));
  const { counted, counts } = counting(setting.database);
  const messages = setting.open({ database: counted });
  const done = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      messages.append([
        { mailbox: boxes[index % 3]!, body, flags },
        { mailbox: boxes[0]!, body, flags },
      ]),
    ),
  );
  await messages.close();
  expect(counts.transactions).toBeLessThan(10);
  const names = done.flat().map(({ mailbox, uid }) => `${mailbox} ${uid}`);
  expect(new Set(names).size).toBe(100);
  expect(await count(boxes[0]!)).toBe(50 + 17);
  expect(await count(boxes[1]!)).toBe(17);
  for (const box of boxes) {
    const own = done
      .flat()
      .filter(({ mailbox }) => mailbox === box)
      .map(({ uid }) => uid);
    expect(own.toSorted((a, b) => a - b)).toEqual(own.map((_, index) => index + 1));
  }
});

test('fifty messages staged at once share a few statements, and equal ones are one body, new to one', async () => {
  const { counted, counts } = counting(setting.database);
  const messages = setting.open({ database: counted });
  const octets = Array.from({ length: 50 }, (_, index) =>
    letter(`at once ${index % 40}`, [], 'é\0'.repeat(index % 40)),
  );
  const staged = await Promise.all(octets.map((one) => stage(messages, one)));
  await messages.close();
  expect(counts.queries).toBeLessThan(15);
  expect(new Set(staged.map(({ body }) => body)).size).toBe(40);
  expect(staged.filter(({ isNew }) => isNew).length).toBe(40);
  for (const [index, { body, size }] of staged.entries()) {
    expect(size).toBe(octets[index]!.length);
    expect((await read(setting.messages, body)).equals(octets[index]!)).toBe(true);
  }
});

test('what is wrong with one of them does not hinder the others', async () => {
  const [box, small] = [await boxOf(), await boxOf({ storage: 10 })];
  const { body } = await stage(setting.messages, letter('one of many'));
  const tries = await Promise.allSettled([
    setting.messages.append([{ mailbox: box, body, flags }]),
    setting.messages.append([
      { mailbox: box, body, flags },
      { mailbox: 999_999_999, body, flags },
    ]),
    setting.messages.append([
      { mailbox: box, body, flags },
      { mailbox: small, body, flags },
    ]),
    setting.messages.append([{ mailbox: box, body: 999_999_999, flags }]),
    setting.messages.append([{ mailbox: box, body, flags }]),
  ]);
  expect(
    tries.map((one) => (one.status === 'fulfilled' ? one.value[0]?.uid : one.reason.constructor)),
  ).toEqual([1, MailboxGone, OverQuota, BodyGone, 2]);
  expect([await count(box), await count(small)]).toEqual([2, 0]);
});

test('a database that is away or full is said to be, to all', async () => {
  const box = await boxOf();
  const { body } = await stage(setting.messages, letter('away'));
  for (const [trouble, said] of [
    [new DatabaseAway('gone fishing'), StoreAway],
    [new DatabaseFull('not a byte'), StoreFull],
  ] as const) {
    const messages = setting.open({ database: counting(setting.database, () => trouble).counted });
    const two = await Promise.allSettled([1, 2].map(() => messages.append([{ mailbox: box, body, flags }])));
    for (const one of two) expect(one).toMatchObject({ status: 'rejected', reason: expect.any(said) });
  }
  expect(await count(box)).toBe(0);
});

test('an error that one brings about is its own', async () => {
  const box = await boxOf();
  const { body } = await stage(setting.messages, letter('poison'));
  const good = { mailbox: box, body, flags };
  const bad = { ...good, internalDate: new Date(8.64e15) };
  const tries = await Promise.allSettled([good, bad, good].map((one) => setting.messages.append([one])));
  expect(tries.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await count(box)).toBe(2);
});

test('an account takes what its quota permits, and nothing of an append that goes beyond', async () => {
  const octets = letter('quota');
  const account = await newAccount(setting.database, { storage: octets.length * 3 + 5 });
  const [box, other] = [
    await newMailbox(setting.database, account),
    await newMailbox(setting.database, account),
  ];
  const { body } = await stage(setting.messages, octets);
  const into = (...mailboxes: MailboxId[]) =>
    setting.messages.append(mailboxes.map((mailbox) => ({ mailbox, body, flags })));
  await into(box, other);
  await expect(into(box, other)).rejects.toThrow(OverQuota);
  await into(box);
  await expect(into(other)).rejects.toThrow(OverQuota);
  await expect(setting.messages.copy(box, everything, other)).rejects.toThrow(OverQuota);
  await setting.messages.move(box, everything, other);
  expect([await count(box), await count(other)]).toEqual([0, 3]);
});

test('callers who share a commit do not together pass the quota', async () => {
  const box = await boxOf({ messages: 3 });
  const { body } = await stage(setting.messages, letter('crowd'));
  const tries = await Promise.allSettled(
    Array.from({ length: 10 }, () => setting.messages.append([{ mailbox: box, body, flags }])),
  );
  expect(tries.filter(({ status }) => status === 'fulfilled').length).toBe(3);
  expect(await count(box)).toBe(3);
});

test('a delivery may pass the quota by the grace', async () => {
  const box = await boxOf({ messages: 10 });
  const { body } = await stage(setting.messages, letter('grace'));
  const one = [{ mailbox: box, body, flags }];
  for (let i = 0; i < 10; i++) await setting.messages.append(one);
  await expect(setting.messages.append(one)).rejects.toThrow(OverQuota);
  await setting.messages.append(one, { grace: true });
  await expect(setting.messages.append(one, { grace: true })).rejects.toThrow(OverQuota);
});

test('a replaced message goes in the same commit, and its room is free at once', async () => {
  const box = await boxOf({ messages: 1 });
  const draft = await put(setting.messages, box, letter('draft'), { flags: { system: 16, keywords: [] } });
  const { body } = await stage(setting.messages, letter('draft, again'));
  const replaces = { mailbox: box, uid: draft.uid };
  const since = draft.modSeq;
  await setting.messages.append([{ mailbox: box, body, flags, replaces }]);
  const { gone, rows } = await setting.messages.changes(box, since);
  expect(gone).toEqual([{ first: 1, last: 1 }]);
  expect(rows.map(({ uid }) => uid)).toEqual([2]);
  // It is not there any more, so it makes no room.
  await expect(setting.messages.append([{ mailbox: box, body, flags, replaces }])).rejects.toThrow(OverQuota);
  const roomy = await boxOf();
  await setting.messages.append([{ mailbox: roomy, body, flags, replaces }]);
  expect([await count(box), await count(roomy)]).toEqual([1, 1]);
});

test('a message may replace one of another mailbox', async () => {
  const [box, other] = [await boxOf(), await boxOf()];
  const old = await put(setting.messages, other);
  const { body } = await stage(setting.messages, letter('elsewhere'));
  const replaces = { mailbox: other, uid: old.uid };
  await setting.messages.append([{ mailbox: box, body, flags, replaces }]);
  expect([await count(box), await count(other)]).toEqual([1, 0]);
});

test('keywords beyond the bound are left out, and so is what is no keyword', async () => {
  const box = await boxOf();
  const keywords = ['A1', 'a1', 'not one', '\\Odd', '(', 'ü', 'B2', 'C3', 'D4', 'E5', 'F6', 'G7'];
  await put(setting.messages, box, letter('keywords'), { flags: { system: 0, keywords } });
  expect((await allRows(setting.messages, box))[0]?.flags.keywords).toEqual(['A1', 'B2', 'C3', 'D4', 'E5']);
  await setting.messages.flag(box, everything, { how: 'set', flags: { system: 0, keywords: ['e5', 'H8'] } });
  expect((await allRows(setting.messages, box))[0]?.flags.keywords).toEqual(['E5']);
  const { keywords: known, mayAddKeywords } = await setting.messages.snapshot(box);
  expect(known).toEqual(['A1', 'B2', 'C3', 'D4', 'E5']);
  expect(mayAddKeywords).toBe(false);
  const to = await boxOf();
  await put(setting.messages, to, letter('four'), { flags: { system: 0, keywords: ['w', 'x', 'y', 'a1'] } });
  await setting.messages.flag(box, everything, { how: 'set', flags: { system: 0, keywords: known } });
  await setting.messages.copy(box, everything, to);
  const copy = (await allRows(setting.messages, to))[1]?.flags.keywords;
  expect(copy?.length).toBe(2);
  expect(copy).toContain('a1');
});

test('so many messages share one MODSEQ at most', async () => {
  const box = await boxOf();
  const { body } = await stage(setting.messages, letter('modseq'));
  const many = Array.from({ length: 2 * mostPerModSeq + 1 }, () => ({ mailbox: box, body, flags }));
  const shares = (numbers: readonly number[]) =>
    [...Map.groupBy(numbers, (number) => number).values()].map(({ length }) => length);
  const done = await setting.messages.append(many);
  expect(shares(done.map(({ modSeq }) => modSeq))).toEqual([mostPerModSeq, mostPerModSeq, 1]);
  const { changed } = await setting.messages.flag(box, everything, {
    how: 'add',
    flags: { system: 1, keywords: [] },
  });
  expect(shares(changed.map(({ modSeq }) => modSeq))).toEqual([mostPerModSeq, mostPerModSeq, 1]);
  const to = await boxOf();
  await setting.messages.move(box, everything, to);
  const moved = (await allRows(setting.messages, to)).map(({ modSeq }) => modSeq);
  expect(shares(moved)).toEqual([mostPerModSeq, mostPerModSeq, 1]);
});

test('what is asked of more messages than one statement changes is done all the same, in one commit', {
  timeout: 120_000,
}, async () => {
  const [box, to] = [await boxOf(), await boxOf()];
  const { body } = await stage(setting.messages, letter('very many'));
  const some = Array.from({ length: 5000 }, () => ({ mailbox: box, body, flags }));
  for (let i = 0; i < 5; i++) await setting.messages.append(some);
  await setting.messages.expunge(box, [{ first: 7000, last: 7009 }], { anyway: true });
  const { counted, counts } = counting(setting.database);
  const messages = setting.open({ database: counted });
  const { changed } = await messages.flag(box, everything, {
    how: 'add',
    flags: { system: 8, keywords: ['Many'] },
  });
  expect(changed.length).toBe(24_990);
  expect(new Set(changed.map(({ modSeq }) => modSeq)).size).toBeGreaterThanOrEqual(25);
  const from = [
    { first: 1, last: 6999 },
    { first: 7010, last: 25_000 },
  ];
  expect(await messages.copy(box, everything, to)).toMatchObject({ from, to: [{ first: 1, last: 24_990 }] });
  expect(await messages.move(to, everything, box)).toMatchObject({ to: [{ first: 25_001, last: 49_990 }] });
  expect(await count(to)).toBe(0);
  const { gone } = await messages.expunge(box);
  expect(gone).toEqual([
    { first: 1, last: 6999 },
    { first: 7010, last: 49_990 },
  ]);
  expect(counts.transactions).toBe(4);
});
