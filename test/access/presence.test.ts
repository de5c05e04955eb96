import { expect, test } from 'vitest';
import { Presence } from '../../src/access/presence.ts';

const at = (seconds: number) => new Date(1_000_000_000_000 + seconds * 1_000);

test('so many sessions at once, and each that leaves makes room', () => {
  const presence = new Presence(() => ({ sessionsPerAccount: 2, loginDelay: 0 }));
  expect([1, 2, 3].map(() => presence.enter(7, at(0)))).toEqual(['in', 'in', 'tooMany']);
  expect(presence.enter(8, at(0))).toBe('in');
  presence.leave(7);
  expect(presence.enter(7, at(0))).toBe('in');
  expect(presence.enter(7, at(0))).toBe('tooMany');
});

test('0 is no limit', () => {
  const presence = new Presence(() => ({ sessionsPerAccount: 0, loginDelay: 0 }));
  for (let turn = 0; turn < 1000; turn++) expect(presence.enter(7, at(0))).toBe('in');
});

test('sign-ins lie apart, refused ones do not count, and a clock that was set back keeps nobody out', () => {
  const presence = new Presence(() => ({ sessionsPerAccount: 0, loginDelay: 60 }));
  const tries: readonly (readonly [seconds: number, outcome: string])[] = [
    [0, 'in'],
    [30, 'tooSoon'],
    [59, 'tooSoon'],
    [60, 'in'],
    [61, 'tooSoon'],
    [-3600, 'in'],
    [-3590, 'tooSoon'],
  ];
  for (const [seconds, outcome] of tries)
    expect(presence.enter(7, at(seconds)), String(seconds)).toBe(outcome);
});

test('limits are those of the moment', () => {
  let sessionsPerAccount = 1;
  const presence = new Presence(() => ({ sessionsPerAccount, loginDelay: 0 }));
  presence.enter(7, at(0));
  expect(presence.enter(7, at(0))).toBe('tooMany');
  sessionsPerAccount = 2;
  expect(presence.enter(7, at(0))).toBe('in');
});

test('who came longest ago is forgotten first', () => {
  const presence = new Presence(() => ({ sessionsPerAccount: 0, loginDelay: 60 }));
  for (let account = 0; account <= 100_000; account++) presence.enter(account, at(0));
  expect(presence.enter(100_000, at(1))).toBe('tooSoon');
  expect(presence.enter(0, at(1))).toBe('in');
});
