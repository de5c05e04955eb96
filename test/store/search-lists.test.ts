import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SearchKey, SortCriterion } from '../../src/mail/search.ts';
import { type Library, library, type Put } from './search-parts.ts';

let shelf: Library;
beforeAll(async () => {
  shelf = await library();
});
afterAll(() => shelf[Symbol.asyncDispose]());

const signal = new AbortController().signal;
const all: SearchKey = { key: 'all' };

async function flat<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const list: T[] = [];
  for await (const batch of batches) list.push(...batch);
  return list;
}

const day = (n: number): Date => new Date(Date.UTC(2026, 0, n));

const messages: readonly Put[] = [
  {
    uid: 1,
    raw: 'A: 1\r\n\r\n',
    internalDate: day(3),
    size: 30,
    sentAt: day(9),
    sort: { sort_subject: 'B' },
  },
  { uid: 2, raw: 'A: 2\r\n\r\n', internalDate: day(1), size: 10, sort: { sort_subject: 'A' } },
  {
    uid: 3,
    raw: 'A: 3\r\n\r\n',
    internalDate: day(2),
    size: 30,
    sentAt: day(4),
    sort: { sort_subject: 'É' },
  },
  { uid: 4, raw: 'A: 4\r\n\r\n', internalDate: day(2), size: 20, sentAt: day(1), sort: { sort_subject: '' } },
];

test.each<[string, readonly SortCriterion[], readonly number[]]>([
  ['arrival', [{ by: 'arrival', reverse: false }], [2, 3, 4, 1]],
  // Reversed is the criterion, not the order of those equal in it (RFC 5256 §3).
  ['reverse arrival', [{ by: 'arrival', reverse: true }], [1, 3, 4, 2]],
  ['date, the internal one where there is none', [{ by: 'date', reverse: false }], [2, 4, 3, 1]],
  ['size', [{ by: 'size', reverse: false }], [2, 4, 1, 3]],
  [
    'reverse size, then date',
    [
      { by: 'size', reverse: true },
      { by: 'date', reverse: false },
    ],
    [3, 1, 4, 2],
  ],
  ['subject, the empty one first, in order of characters', [{ by: 'subject', reverse: false }], [4, 2, 1, 3]],
  ['what nobody has: by UID', [{ by: 'cc', reverse: true }], [1, 2, 3, 4]],
  ['nothing', [], [1, 2, 3, 4]],
])('sorts by %s', async (_, by, order) => {
  const mailbox = await shelf.mailbox();
  await shelf.put(mailbox, messages);
  expect(await flat(shelf.search.sorted(mailbox, all, by, signal))).toEqual(order);
});

test('sorts by the first mailbox of From, To and Cc, and by displayed names', async () => {
  const mailbox = await shelf.mailbox();
  for (const [uid, name] of [
    [1, 'Z'],
    [2, 'A'],
  ] as const)
    await shelf.put(mailbox, [
      {
        uid,
        raw: `B: ${uid}\r\n\r\n`,
        sort: { sort_from: name, sort_to: name, sort_cc: name, display_from: name, display_to: name },
      },
    ]);
  for (const by of ['from', 'to', 'cc', 'displayFrom', 'displayTo'] as const)
    expect(await flat(shelf.search.sorted(mailbox, all, [{ by, reverse: false }], signal))).toEqual([2, 1]);
});

test('sorts only what the key finds, in batches', async () => {
  const mailbox = await shelf.mailbox();
  await shelf.put(
    mailbox,
    Array.from({ length: 30 }, (_, at) => ({ uid: at + 1, raw: 'C: 1\r\n\r\n', size: 100 - at })),
  );
  await shelf.database.query(
    `insert into mailbox_message (mailbox, uid, mod_seq, internal_date, saved_date, body, size)
     select mailbox, n, 1, internal_date, saved_date, body, 1000000 - n from mailbox_message, generate_series(100, 12099) n
     where mailbox = $1 and uid = 1`,
    [mailbox],
  );
  const key: SearchKey = { key: 'uids', ranges: [{ first: 31, last: 4_294_967_295 }] };
  const batches: number[] = [];
  const order: number[] = [];
  for await (const batch of shelf.search.sorted(mailbox, key, [{ by: 'size', reverse: false }], signal)) {
    batches.push(batch.length);
    order.push(...batch);
  }
  expect(batches).toEqual([5_000, 5_000, 2_000]);
  expect(order).toEqual(Array.from({ length: 12_000 }, (_, at) => 12_099 - at));
});

test('gives threading the base subject, whether it is a reply, and the ids', async () => {
  const mailbox = await shelf.mailbox();
  const [body] = await shelf.put(mailbox, [
    { uid: 5, raw: 'A: reply\r\n\r\n', sentAt: day(4), sort: { sort_subject: 'HELLO' } },
    { uid: 6, raw: 'A: none\r\n\r\n', internalDate: day(7) },
  ]);
  await shelf.database.query(
    `update body set is_reply = true, message_id = '<b@x>', refs = array['<a@x>'] where id = $1`,
    [body],
  );
  expect(await flat(shelf.search.threadRows(mailbox, all, signal))).toEqual([
    { uid: 5, sentAt: day(4), subject: 'Re: HELLO', messageId: '<b@x>', references: ['<a@x>'] },
    { uid: 6, sentAt: day(7), subject: '', references: [] },
  ]);
});
