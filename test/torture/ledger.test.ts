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
  closeTo: { before: 50, after: 150, carriers: ['queue'], keeper: 'supervisor' },
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
    ['right after the answer', 1_140, true],
    ['a moment before it', 960, true],
    ['long before it', 700, false],
    ['after it', 1_160, false],
  ])('a kill %s: a duplicate is explained? at %i: %s', (_, at, explained) => {
    const again = { messageId: 'm1', recipient: 'a@x', at: 5_000 };
    const account = balance(
      books({ came: [...books({}).came, again], kills: [{ at, kind: 'queue', pid: 1 }] }),
    );
    expect(account.unexplained).toHaveLength(explained ? 0 : 1);
    expect(isSound(account)).toBe(explained);
  });

  // Answered at 1,000, again at 5,000; the database is back at 2,500: what was begun before it says nothing.
  test.each([
    ['who carried it', [['queue', 1_100]], 'at the answer'],
    ['somebody else', [['admin', 1_100]], 'unexplained'],
    ['the database alone', [['database', 1_010]], 'unexplained'],
    [
      'the database, then who carried it',
      [
        ['database', 1_010],
        ['queue', 2_400],
      ],
      'answer not written down',
    ],
    [
      'a backend, then who carried it',
      [
        ['database backend', 960],
        ['queue', 1_900],
      ],
      'answer not written down',
    ],
    [
      'the database, then its keeper',
      [
        ['database', 1_010],
        ['supervisor', 2_000],
      ],
      'answer not written down',
    ],
    ['the keeper alone', [['supervisor', 1_010]], 'unexplained'],
    [
      'the database, then somebody else',
      [
        ['database', 1_010],
        ['admin', 2_000],
      ],
      'unexplained',
    ],
    [
      'the database long before, then who carried it',
      [
        ['database', 500],
        ['queue', 2_000],
      ],
      'unexplained',
    ],
    [
      'who carried it, when the database was back',
      [
        ['database', 1_010],
        ['queue', 3_000],
      ],
      'unexplained',
    ],
  ] as const)('killed were: %s', (_, killed, reason) => {
    const kills = killed.map(([kind, at]) => ({ kind, at, pid: 1 }));
    const again = { messageId: 'm1', recipient: 'a@x', at: 5_000 };
    const promised = [
      ...books({}).promised,
      { messageId: 'm2', queueId: 'q3', recipients: [], begun: 900, at: 1_300 },
      { messageId: 'm2', queueId: 'q2', recipients: [], begun: 2_000, at: 2_500 },
    ];
    const account = balance(books({ promised, came: [...books({}).came, again], kills }));
    expect(account.reasons).toMatchObject({ [reason]: 1 });
    expect(account.repeated).toMatchObject([{ recipient: 'a@x', reasons: [reason] }]);
    expect(isSound(account)).toBe(reason !== 'unexplained');
    expect(printAccount(account, kills)).toContain(`(${reason})`);
  });

  test('a kill lasts until all that it killed have ended', () => {
    const again = { messageId: 'm1', recipient: 'a@x', at: 5_000 };
    const reason = (until: number) =>
      balance(books({ came: [...books({}).came, again], kills: [{ at: 600, until, kind: 'queue', pid: 1 }] }))
        .repeated[0]?.reasons;
    expect([reason(940), reason(960)]).toEqual([['unexplained'], ['at the answer']]);
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
