/**
 * torture/ledger - the judge must be able to condemn.
 */
import { describe, expect, test } from 'vitest';
import { generator } from './crash.ts';
import { type Books, balance, isSound, printAccount } from './ledger.ts';

const books = (changed: Partial<Books>): Books => ({
  attempted: new Set(['m1', 'm2']),
  promised: [{ messageId: 'm1', queueId: 'q1', recipients: ['a@x', 'b@x'], at: 100 }],
  came: [
    { messageId: 'm1', recipient: 'a@x', at: 1_000 },
    { messageId: 'm1', recipient: 'b@x', at: 1_001 },
  ],
  kills: [],
  closeTo: { before: 50, after: 1_000, databaseAway: 10_000 },
  ...changed,
});

describe('the books of a crash proof', () => {
  test('are sound when every promise came', () => {
    expect(isSound(balance(books({})))).toBe(true);
  });

  test('name the promise that did not come, by recipient', () => {
    const account = balance(books({ came: [{ messageId: 'm1', recipient: 'a@x', at: 1_000 }] }));
    expect(account.lost).toEqual([{ messageId: 'm1', queueId: 'q1', recipient: 'b@x' }]);
    expect(isSound(account)).toBe(false);
    expect(printAccount(account, [])).toContain('q1 m1 to b@x');
  });

  test('are not sound without any promise: nothing was proved', () => {
    expect(isSound(balance(books({ promised: [], came: [] })))).toBe(false);
  });

  test.each([
    ['right after the answer', 1_200, true],
    ['a moment before it', 960, true],
    ['long before it', 700, false],
    ['long after it', 2_200, false],
  ])('a kill %s: a duplicate is explained? at %i: %s', (_, at, explained) => {
    const again = { messageId: 'm1', recipient: 'a@x', at: 5_000 };
    const account = balance(
      books({ came: [...books({}).came, again], kills: [{ at, kind: 'queue', pid: 1 }] }),
    );
    expect(account.unexplained).toHaveLength(explained ? 0 : 1);
    expect(isSound(account)).toBe(explained);
  });

  test.each([
    ['the database, and then the only one who knew', ['database', 'queue'], 'answer not written down'],
    ['the database alone', ['database'], 'unexplained'],
    ['one who knew, while the database was well', ['admin', 'queue'], 'unexplained'],
  ])('killed before and after the answer, neither close to it: %s', (_, kinds, reason) => {
    const kills = kinds.map((kind, at) => ({ kind, at: at === 0 ? 500 : 3_500, pid: 1 }));
    const again = { messageId: 'm1', recipient: 'a@x', at: 5_000 };
    const account = balance(books({ came: [...books({}).came, again], kills }));
    expect(account.reasons).toMatchObject({ 'at the answer': 0, [reason]: 1 });
  });

  test('a third copy needs a kill of its own', () => {
    const more = [4_000, 8_000].map((at) => ({ messageId: 'm1', recipient: 'a@x', at }));
    const kills = [{ at: 1_100, kind: 'queue', pid: 1 }];
    const account = balance(books({ came: [...books({}).came, ...more], kills }));
    expect(account.reasons).toMatchObject({ 'at the answer': 1, unexplained: 1 });
    expect(account.unexplained).toHaveLength(1);
  });

  test('what came without a promise was at least handed in', () => {
    const came = [...books({}).came, { messageId: 'm2', recipient: 'c@x', at: 1 }];
    expect(balance(books({ came }))).toMatchObject({ unpromised: 1, strangers: [] });
    const stranger = [...came, { messageId: 'm3', recipient: 'c@x', at: 1 }];
    expect(balance(books({ came: stranger })).strangers).toEqual(['m3']);
    expect(isSound(balance(books({ came: stranger })))).toBe(false);
  });
});

test('victims are drawn alike for the same seed, and evenly', () => {
  const [one, two] = [generator(7), generator(7)];
  const draws = Array.from({ length: 2_000 }, () => one());
  expect(Array.from({ length: 2_000 }, () => two())).toEqual(draws);
  for (const part of [0, 1, 2, 3]) {
    const share = draws.filter((draw) => Math.floor(draw * 4) === part).length;
    expect(share).toBeGreaterThan(400);
  }
});
