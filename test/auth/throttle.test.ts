/**
 * Who may try again: by account, by network, and never by the fault of somebody else.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Block,
  Throttle,
  type ThrottleOptions,
  type Ticket,
  usualThrottle,
} from '../../src/auth/throttle.ts';

const options: ThrottleOptions = { ...usualThrottle, failures: 3, networkFailures: 6 };

function scene(over: Partial<ThrottleOptions> = {}) {
  const clock = { now: 1_800_000_000_000 };
  const told: Block[] = [];
  const throttle = new Throttle(
    { ...options, ...over },
    {
      networkOf: (remote) => remote.replace(/\.\d+$/, ''),
      isTrusted: (remote) => remote.startsWith('10.'),
      now: () => clock.now,
      secret: Buffer.from('s'),
      blocked: (block) => told.push(block),
    },
  );
  let n = 0;
  const fail = (account: string, remote: string, password = `wrong${n++}`): boolean => {
    const ticket = throttle.enter(account, remote);
    ticket?.failed(password);
    return ticket !== undefined;
  };
  const succeed = (account: string, remote: string): boolean => {
    const ticket = throttle.enter(account, remote);
    ticket?.succeeded();
    return ticket !== undefined;
  };
  return { clock, told, throttle, fail, succeed };
}

test('after some failures an account is blocked from everywhere, and twice as long the next time', () => {
  const { clock, told, fail } = scene();
  for (const remote of ['192.0.2.1', '198.51.100.1', '203.0.113.1']) expect(fail('ada', remote)).toBe(true);
  expect(told).toEqual([{ kind: 'account', key: 'ada', until: clock.now + 60_000 }]);
  expect(fail('ada', '192.0.99.1')).toBe(false);
  clock.now += 60_000;
  for (let i = 0; i < 3; i += 1) expect(fail('ada', `192.0.${i}.1`)).toBe(true);
  expect(told[1]?.until).toBe(clock.now + 120_000);
});

test('a block never lasts longer than the longest', () => {
  const { clock, told, fail } = scene({ blockMost: 100_000 });
  for (let round = 0; round < 5; round += 1) {
    for (let i = 0; i < 3; i += 1) fail('ada', `192.0.${i}.1`);
    clock.now += 100_000;
  }

  expect(told.at(-1)?.until).toBe(clock.now);
});

test('a network is blocked for all accounts, other networks are not', () => {
  const { told, fail } = scene();
  for (let i = 0; i < 6; i += 1) expect(fail(`user${i}`, '192.0.2.7')).toBe(true);
  expect(told).toMatchObject([{ kind: 'network', key: '192.0.2' }]);
  expect(fail('bob', '192.0.2.8')).toBe(false);
  expect(fail('bob', '192.0.3.8')).toBe(true);
});

test('who entered from a network lately is not locked out there by strangers elsewhere', () => {
  const { fail, succeed } = scene();
  expect(succeed('ada', '192.0.2.1')).toBe(true);
  for (let i = 0; i < 3; i += 1) fail('ada', `203.0.${i}.1`);
  expect(succeed('ada', '198.51.100.1')).toBe(false);
  expect(succeed('ada', '192.0.2.9')).toBe(true);
});

test('the same wrong password again and again counts once, another one again', () => {
  const { told, fail } = scene();
  for (let i = 0; i < 20; i += 1) expect(fail('ada', '192.0.2.1', 'old')).toBe(true);
  expect(told).toEqual([]);
  fail('ada', '192.0.2.1', 'older');
  fail('ada', '192.0.2.1', 'oldest');
  expect(told).toHaveLength(1);
});

test('failures are forgotten after the window', () => {
  const { clock, told, fail } = scene();
  fail('ada', '192.0.2.1');
  fail('ada', '192.0.2.1');
  clock.now += options.window;
  fail('ada', '192.0.2.1');
  expect(told).toEqual([]);
});

test('proxies that everybody comes through are not blocked, their accounts are', () => {
  const { fail } = scene();
  for (let i = 0; i < 20; i += 1) expect(fail(`user${i}`, '10.0.0.1')).toBe(true);
  for (let i = 0; i < 3; i += 1) fail('ada', '10.0.0.1');
  expect(fail('ada', '10.0.0.1')).toBe(false);
});

test('only some are looked at at once; who gives up makes room, once', () => {
  const { throttle } = scene({ atOnce: 2 });
  const first = throttle.enter('ada', '192.0.2.1');
  expect(throttle.enter('ada', '192.0.3.1')).toBeDefined();
  expect(throttle.enter('ada', '192.0.4.1')).toBeUndefined();
  first?.released();
  first?.released();
  first?.failed('x');
  expect(throttle.enter('ada', '192.0.4.1')).toBeDefined();
  expect(throttle.enter('ada', '192.0.5.1')).toBeUndefined();
});

test('a block of another process holds here; an operator forgives', () => {
  const { clock, throttle } = scene();
  throttle.apply({ kind: 'account', key: 'ada', until: clock.now + 1000 });
  expect(throttle.enter('ada', '192.0.2.1')).toBeUndefined();
  expect(throttle.blocks()).toEqual([{ kind: 'account', key: 'ada', until: clock.now + 1000 }]);
  expect(throttle.forgive('account', 'ada')).toBe(true);
  expect(throttle.enter('ada', '192.0.2.1')).toBeDefined();
  expect(throttle.forgive('network', '192.0.2.1.9')).toBe(false);
});

test('memory is bounded, and who is wrong again and again is not what is forgotten', () => {
  const { throttle, fail, told } = scene({ entries: 100, failures: 3 });
  for (let i = 0; i < 1000; i += 1) {
    fail(`user${i}`, `192.${i % 250}.${i % 90}.1`);
    if (i % 50 === 0) fail('ada', `203.0.${i % 250}.1`);
  }
  expect(told).toContainEqual(expect.objectContaining({ kind: 'account', key: 'ada' }));
  expect(throttle.blocks().length).toBeLessThanOrEqual(200);
});

test('a clock that was set back blocks nobody for long', () => {
  const { clock, fail } = scene();
  for (let i = 0; i < 3; i += 1) fail('ada', `192.0.${i}.1`);
  clock.now -= 10 * 3_600_000;
  expect(fail('ada', '192.0.9.1')).toBe(true);
});

test('whatever happened, after the longest block everybody may try again, and nothing is held', () => {
  const act = fc.record({
    account: fc.constantFrom('ada', 'bob', undefined),
    remote: fc.constantFrom('192.0.2.1', '192.0.2.2', '198.51.100.1', '10.0.0.1'),
    end: fc.constantFrom('fail', 'same', 'succeed', 'release', 'stay'),
    later: fc.integer({ min: 0, max: 90_000 }),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 120 }), (acts) => {
      const { clock, throttle, told } = scene({ atOnce: 3, networkAtOnce: 5, blockMost: 300_000 });
      const open: Ticket[] = [];
      for (const [n, { account, remote, end, later }] of acts.entries()) {
        clock.now += later;
        const ticket = throttle.enter(account, remote);
        if (end === 'stay' && ticket) open.push(ticket);
        else if (end === 'succeed') ticket?.succeeded();
        else if (end === 'release') ticket?.released();
        else ticket?.failed(end === 'same' ? 'same' : `wrong ${n}`);
      }
      for (const { until } of told) expect(until).toBeLessThanOrEqual(clock.now + 300_000);
      for (const ticket of open) ticket.released();
      clock.now += 300_000;
      expect(throttle.blocks()).toEqual([]);
      for (const account of ['ada', 'bob']) {
        const tickets = [1, 2, 3].map(() => throttle.enter(account, '203.0.113.1'));
        expect(tickets.every((ticket) => ticket !== undefined)).toBe(true);
        expect(throttle.enter(account, '203.0.113.2')).toBeUndefined();
        for (const ticket of tickets) ticket?.released();
      }
    }),
    { numRuns: 300 },
  );
});
