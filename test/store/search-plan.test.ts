import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MailboxId } from '../../src/mail/mailbox.ts';
import type { SearchKey } from '../../src/mail/search.ts';
import { plain } from '../../src/store/search-key.ts';
import { gramsNeeded, possible, survey } from '../../src/store/search-plan.ts';
import { gramsAsked } from '../../src/store/text-grams.ts';
import { matches } from './search-model.ts';
import { type Library, library, now, type Put } from './search-parts.ts';

let shelf: Library;
let mailbox: MailboxId;
const messages: Put[] = [];
const words = ['alpha', 'alphabet', 'bet', 'gamma', 'delta', 'eta', 'theta', '日本語', 'ab'];

/** More messages than are looked at without an index: forty different ones, many times. */
beforeAll(async () => {
  shelf = await library();
  mailbox = await shelf.mailbox();
  const distinct = Array.from({ length: 40 }, (_, at) => {
    const some = words.filter((_word, n) => (at * 7 + n * n * 3) % 5 === 0);
    const text = Buffer.from(some.join(' '), 'utf8').toString('latin1');
    return { uid: at + 1, system: at % 2, raw: `Subject: ${some[0] ?? 'none'} ${at}\r\n\r\n${text}\r\n` };
  });
  await shelf.put(mailbox, distinct);
  await shelf.database.query(
    `insert into mailbox_message (mailbox, uid, mod_seq, system, internal_date, saved_date, body, size)
     select mailbox, uid + 40 * n, 1, system, internal_date, saved_date, body, size
     from mailbox_message, generate_series(1, 24) n where mailbox = $1`,
    [mailbox],
  );
  await shelf.database.query('update mailbox set messages = 1000 where id = $1', [mailbox]);
  for (let n = 0; n < 25; n++)
    messages.push(...distinct.map((each) => ({ ...each, uid: each.uid + 40 * n })));
  await shelf.uids(mailbox, { key: 'not', not: { key: 'body', text: 'x' } });
});
afterAll(() => shelf[Symbol.asyncDispose]());

const signal = new AbortController().signal;
const body = (text: string): SearchKey => ({ key: 'body', text });
const seen: SearchKey = { key: 'flag', flag: '\\Seen', set: true };
const needed = (key: SearchKey) => gramsNeeded(plain(key));

const lower = (text: string): string => Buffer.from(text, 'latin1').toString('utf8').toLowerCase();

const key: fc.Arbitrary<SearchKey> = fc.letrec<{ key: SearchKey }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({
      key: fc.constantFrom('body' as const, 'text' as const),
      text: fc.constantFrom(...words, 'ALPHA GAMMA', 'bet gam', '本語', 'nowhere', 'a'),
    }) as fc.Arbitrary<SearchKey>,
    fc.constant(seen),
    fc.record({
      key: fc.constantFrom('and' as const, 'or' as const),
      keys: fc.array(tie('key'), { maxLength: 3 }),
    }),
    fc.record({ key: fc.constant('not' as const), not: tie('key') }),
  ),
})).key;

test('by an index or by reading, what is found is what the model finds', async () => {
  await fc.assert(
    fc.asyncProperty(key, async (asked) => {
      const expected = messages.filter((message) =>
        matches(message, asked, ({ raw }, test) => {
          const [header = '', content = ''] = raw.split('\r\n\r\n');
          const within = test.key === 'body' ? content : `${header}\n${content}`;
          return lower(within).includes(test.text.toLowerCase());
        }),
      );
      expect(await shelf.uids(mailbox, asked)).toEqual(expected.map(({ uid }) => uid));
    }),
    { numRuns: 60 },
  );
});

test('what an index can tell is not read', async () => {
  const asked = plain(body('theta'));
  const before = await survey(shelf.database, mailbox, asked, now, signal);
  expect(before).toMatchObject({ messages: 1000, rows: 501, isDue: false });
  const uids = await possible(shelf.database, mailbox, asked, before, now, signal);
  expect([...uids]).toEqual(await shelf.uids(mailbox, body('theta')));
  expect(uids.size).toBeGreaterThan(0);
  expect(uids.size).toBeLessThan(500);
});

test('a mailbox is read through where the words are more frequent elsewhere than it is large', async () => {
  const asked = plain(body('theta'));
  const before = await survey(shelf.database, mailbox, asked, now, signal);
  const frequent = { ...before, expected: 1_000_000 };
  expect((await possible(shelf.database, mailbox, asked, frequent, now, signal)).size).toBe(1000);
});

test('rows are asked along with the index', async () => {
  const asked = plain({
    key: 'and',
    keys: [body('theta'), { key: 'flag', flag: '\\Draft', set: false }, seen],
  });
  const before = { messages: 1000, rows: 501, expected: 0, isDue: false };
  const uids = await possible(shelf.database, mailbox, asked, before, now, signal);
  expect([...uids].every((uid) => messages[uid - 1]?.system === 1)).toBe(true);
});

test('what must be in a text follows from the key', () => {
  const [alpha, gamma] = [gramsAsked('ALPHA'), gramsAsked('GAMMA')];
  expect(needed(body('alpha'))).toEqual([alpha]);
  expect(needed({ key: 'and', keys: [seen, body('alpha')] })).toEqual([alpha]);
  expect(needed({ key: 'and', keys: [body('gamma'), body('alpha')] })).toEqual([[...gamma, ...alpha]]);
  expect(needed({ key: 'or', keys: [body('alpha'), body('gamma')] })).toEqual([alpha, gamma]);
  expect(needed({ key: 'header', field: 'X-Odd', text: '' })).toEqual([gramsAsked('\nX-ODD:')]);
  expect(needed({ key: 'header', field: 'Subject', text: 'alpha' })).toEqual([alpha]);
});

test.each<[string, SearchKey]>([
  ['a text that must not be there', { key: 'not', not: body('alpha') }],
  ['one of a text and of what is no text', { key: 'or', keys: [body('alpha'), seen] }],
  ['too short a text', body('ab')],
  ['a field that all have', { key: 'header', field: 'Subject', text: '' }],
  [
    'more alternatives than an index is asked for',
    { key: 'or', keys: Array.from({ length: 20 }, (_, at) => body(`text ${at}`)) },
  ],
])('nothing follows from %s', (_, asked) => {
  expect(needed(asked)).toBeUndefined();
});
