import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemFlags } from '../../src/mail/mailbox.ts';
import type { SearchKey } from '../../src/mail/search.ts';
import { SearchTooCostly } from '../../src/ports/search.ts';
import { matches } from './search-model.ts';
import { type Library, library, now, type Put } from './search-parts.ts';

let shelf: Library;
beforeAll(async () => {
  shelf = await library();
});
afterAll(() => shelf[Symbol.asyncDispose]());

const signal = new AbortController().signal;
const raw = (subject: string): string => `Subject: ${subject}\r\n\r\nhello\r\n`;

const second = fc.integer({ min: 0, max: 5 * 86_400 });
const instant = second.map((ago) => new Date(now.getTime() - ago * 1000));
const dayOf = (date: Date) => ({
  year: date.getUTCFullYear(),
  month: date.getUTCMonth() + 1,
  day: date.getUTCDate(),
});
const words = ['$Forwarded', 'Work', 'a{b', '"quoted"', 'NULL'];
const threads = [Buffer.of(1, 2), Buffer.of(0xab, 0xcd)];

const message: fc.Arbitrary<Omit<Put, 'uid'>> = fc.record(
  {
    raw: fc.constantFrom(raw('one'), raw('two'), raw('three')),
    system: fc.integer({ min: 0, max: 31 }),
    keywords: fc.subarray(words),
    internalDate: instant,
    savedDate: instant,
    sentOn: instant.map((date) => date.toISOString().slice(0, 10)),
    modSeq: fc.integer({ min: 1, max: 9 }),
    size: fc.integer({ min: 0, max: 20 }),
  },
  { requiredKeys: ['raw', 'modSeq'] },
);

const uid = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(1023, 1024, 4_294_967_295));
const range = fc.tuple(uid, uid).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));

const keys = fc.letrec<{ key: SearchKey; leaf: SearchKey }>((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom<SearchKey>({ key: 'all' }, { key: 'saveDateSupported' }),
    fc.record({ key: fc.constant('flag'), flag: fc.constantFrom(...systemFlags), set: fc.boolean() }),
    fc.record({
      key: fc.constant('keyword'),
      keyword: fc.constantFrom('work', '$FORWARDED', 'none', 'A{B', '"quoted"', 'null'),
      set: fc.boolean(),
    }),
    fc.record({ key: fc.constant('uids'), ranges: fc.array(range, { maxLength: 4 }) }),
    fc.record({
      key: fc.constant('size'),
      is: fc.constantFrom('larger', 'smaller'),
      than: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(2 ** 63)),
    }),
    fc.record({
      key: fc.constant('date'),
      of: fc.constantFrom('internal', 'sent', 'saved'),
      is: fc.constantFrom('before', 'on', 'since'),
      day: instant.map(dayOf),
    }),
    fc.record({
      key: fc.constant('within'),
      is: fc.constantFrom('older', 'younger'),
      seconds: second,
    }),
    fc.record({ key: fc.constant('modSeq'), least: fc.integer({ min: 0, max: 10 }) }),
    fc.record({ key: fc.constant('threadId'), id: fc.constantFrom('Tabcd', 'T0102', 'T00', 'Tzz', '') }),
  ) as fc.Arbitrary<SearchKey>,
  key: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.record({
      key: fc.constantFrom('and' as const, 'or' as const),
      keys: fc.array(tie('key'), { maxLength: 4 }),
    }),
    fc.record({ key: fc.constant('not' as const), not: tie('key') }),
  ),
})).key;

test('any key finds what the model finds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(uid, message), { selector: ([number]) => number, maxLength: 12 }),
      fc.array(keys, { minLength: 1, maxLength: 12 }),
      async (rows, asked) => {
        const messages = rows.map(([number, rest], at) => ({
          ...rest,
          uid: number,
          // Which thread and date belong to the body, which equal messages share.
          thread: threads[at % 2]!,
          raw: `X: ${at}${rest.sentOn ?? ''}\r\n${rest.raw}`,
        }));
        const mailbox = await shelf.mailbox();
        await shelf.put(mailbox, messages);
        for (const key of asked) {
          const expected = messages.filter((each) => matches(each, key)).map((each) => each.uid);
          expect(await shelf.uids(mailbox, key)).toEqual(expected.sort((a, b) => a - b));
          const among = [{ first: 3, last: 1024 }];
          const some = await shelf.search.matching(mailbox, among, key, signal);
          expect([...some]).toEqual(expected.filter((each) => each >= 3 && each <= 1024));
        }
      },
    ),
    { numRuns: 40 },
  );
});

describe('the keys', () => {
  test('find nothing in another mailbox, nor in one that is not there', async () => {
    const [one, other] = [await shelf.mailbox(), await shelf.mailbox()];
    await shelf.put(one, [{ uid: 7, raw: raw('x') }]);
    expect(await shelf.uids(one, { key: 'all' })).toEqual([7]);
    expect(await shelf.uids(other, { key: 'all' })).toEqual([]);
    expect(await shelf.uids(999_999, { key: 'all' })).toEqual([]);
  });

  test('find a body by its EMAILID, and nothing by what is none', async () => {
    const mailbox = await shelf.mailbox();
    const [body] = await shelf.put(mailbox, [
      { uid: 1, raw: raw('by id') },
      { uid: 2, raw: raw('other') },
    ]);
    expect(await shelf.uids(mailbox, { key: 'emailId', id: `E${body}` })).toEqual([1]);
    for (const id of ['E0', `e${body}`, `E${body} `, 'E99999999999999999999', ''])
      expect(await shelf.uids(mailbox, { key: 'emailId', id })).toEqual([]);
  });

  test('take the day of sending as the Date field has it, and no day for a message without', async () => {
    const mailbox = await shelf.mailbox();
    await shelf.put(mailbox, [
      { uid: 1, raw: raw('late'), sentOn: '2020-01-31', sentAt: new Date('2020-02-01T07:00:00Z') },
      { uid: 2, raw: raw('never') },
    ]);
    const sent = (is: 'before' | 'on' | 'since'): SearchKey => ({
      key: 'date',
      of: 'sent',
      is,
      day: { year: 2020, month: 1, day: 31 },
    });
    expect(await shelf.uids(mailbox, sent('on'))).toEqual([1]);
    expect(await shelf.uids(mailbox, { key: 'not', not: sent('since') })).toEqual([2]);
    expect(await shelf.uids(mailbox, { key: 'not', not: sent('before') })).toEqual([1, 2]);
  });

  test('tell the highest MODSEQ of what was found, when they ask for MODSEQ', async () => {
    const mailbox = await shelf.mailbox();
    await shelf.put(mailbox, [
      { uid: 1, raw: raw('a'), modSeq: 5, system: 1 },
      { uid: 2, raw: raw('b'), modSeq: 8 },
    ]);
    const seen: SearchKey = { key: 'flag', flag: '\\Seen', set: true };
    const since: SearchKey = { key: 'and', keys: [{ key: 'modSeq', least: 2 }, seen] };
    expect((await shelf.search.find(mailbox, since, signal)).highestModSeq).toBe(5);
    expect((await shelf.search.find(mailbox, seen, signal)).highestModSeq).toBeUndefined();
    const none: SearchKey = { key: 'modSeq', least: 9 };
    expect((await shelf.search.find(mailbox, none, signal)).highestModSeq).toBeUndefined();
  });

  test('may be days nobody lives to see', async () => {
    const mailbox = await shelf.mailbox();
    await shelf.put(mailbox, [{ uid: 1, raw: raw('a') }]);
    for (const year of [0, 9999])
      for (const of of ['internal', 'sent', 'saved'] as const)
        await shelf.uids(mailbox, { key: 'date', of, is: 'on', day: { year, month: 12, day: 31 } });
    expect(await shelf.uids(mailbox, { key: 'within', is: 'younger', seconds: 2 ** 40 })).toEqual([1]);
  });

  test('are refused beyond a number and a depth', async () => {
    let deep: SearchKey = { key: 'all' };
    for (let depth = 0; depth < 1_000; depth++) deep = { key: 'not', not: deep };
    const wide: SearchKey = { key: 'or', keys: Array.from({ length: 3_000 }, () => ({ key: 'all' })) };
    await expect(shelf.uids(1, deep)).rejects.toThrow(SearchTooCostly);
    await expect(shelf.uids(1, wide)).rejects.toThrow(SearchTooCostly);
  });

  test('name many UIDs: a thousand ranges, each by itself', async () => {
    const mailbox = await shelf.mailbox();
    await shelf.put(
      mailbox,
      [10, 20_000, 39_999].map((each) => ({ uid: each, raw: raw('n') })),
    );
    const ranges = Array.from({ length: 1_000 }, (_, at) => ({ first: at * 40 + 1, last: at * 40 + 39 }));
    expect(await shelf.uids(mailbox, { key: 'uids', ranges })).toEqual([10, 39_999]);
  });
});

test('a search that was aborted ends', async () => {
  const mailbox = await shelf.mailbox();
  const aborted = AbortSignal.abort(new Error('enough'));
  await expect(shelf.search.find(mailbox, { key: 'all' }, aborted)).rejects.toThrow('enough');
});
