/** The queue's pure parts, by property: schedule, header filter, arrays, next hops, batches, plan. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Batches } from '../../src/queue/batches.ts';
import { HeaderFilter } from '../../src/queue/header-filter.ts';
import { type Finish, NextHops } from '../../src/queue/next-hops.ts';
import { planTasks } from '../../src/queue/plan.ts';
import {
  boolArray,
  byteaArray,
  int4Array,
  int8Array,
  jsonArray,
  storable,
  textArray,
  timeArray,
} from '../../src/queue/postgres-array.ts';
import type { SpooledMessage, SpooledRecipient } from '../../src/queue/rows.ts';
import { nextTry } from '../../src/queue/schedule.ts';
import { freshDatabase } from '../fixture/database.ts';
import { address, client, copyTo, hours, minutes, policy } from './fakes.ts';

const seed = 20261125;

describe('schedule', () => {
  const at = new Date('2026-11-25T12:00:00Z');
  const waiting = {
    attempts: 1,
    greylisted: false,
    receivedAt: at,
    expiresAt: new Date(at.getTime() + hours(120)),
    warned: false,
  };

  test('never before now, never after the end, never over a warning that is owed', () => {
    fc.assert(
      fc.property(
        fc.record({ attempts: fc.nat(50), greylisted: fc.boolean(), warned: fc.boolean() }),
        fc.nat(hours(119)),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (some, age, dice) => {
          const now = new Date(at.getTime() + age);
          const due = nextTry({ ...waiting, ...some }, policy, now, () => dice).getTime();
          expect(due).toBeGreaterThanOrEqual(now.getTime());
          expect(due).toBeLessThanOrEqual(waiting.expiresAt.getTime());
          const warning = at.getTime() + policy.delayWarning;
          if (!some.warned && warning > now.getTime()) expect(due).toBeLessThanOrEqual(warning);
        },
      ),
      { seed },
    );
  });

  test('pauses grow to the last of the list, a fifth up or down', () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 50].map((attempts) =>
      [0, 0.5, 1].map(
        (dice) =>
          nextTry({ ...waiting, attempts, warned: true }, policy, at, () => dice).getTime() - at.getTime(),
      ),
    );
    expect(pauses.map(([, middle]) => middle)).toEqual([5, 15, 30, 60, 120, 240, 240, 240].map(minutes));
    expect(pauses[0]).toEqual([minutes(4), minutes(5), minutes(6)]);
  });
});

describe('header filter', () => {
  const filter = (patterns: string[], chunks: readonly Buffer[]): { out: string; removed: number } => {
    const one = new HeaderFilter(patterns);
    const out = [...chunks.flatMap((chunk) => [...one.push(chunk)]), ...one.end()];
    return { out: Buffer.concat(out).toString('latin1'), removed: one.removed };
  };
  const name = fc.constantFrom('X-Strip-A', 'x-strip-b', 'X-STRIP', 'Subject', 'X-Str', 'Received', 'To');
  const value = fc.string({ maxLength: 30 }).map((text) => text.replace(/[^ -~]/g, '.'));
  const fieldOf = fc
    .tuple(name, value, fc.array(value, { maxLength: 2 }))
    .map(([n, v, more]) => ({ name: n, text: `${n}: ${[v, ...more].join('\r\n\t')}\r\n` }));

  test('takes out the named fields with their continuations, and no other octet, however the octets arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fieldOf, { maxLength: 12 }),
        fc.string({ maxLength: 60 }).map((text) => `${text.replace(/[^ -~]/g, '\r\n')}X-Strip-A: body\r\n`),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }),
        (fields, body, cuts) => {
          const bytes = Buffer.from(`${fields.map(({ text }) => text).join('')}\r\n${body}`, 'latin1');
          const chunks: Buffer[] = [];
          for (let from = 0, turn = 0; from < bytes.length; turn += 1) {
            const size = cuts[turn % cuts.length] ?? 1;
            chunks.push(bytes.subarray(from, from + size));
            from += size;
          }
          const kept = fields.filter((one) => !/^x-strip/i.test(one.name));
          const expected = `${kept.map(({ text }) => text).join('')}\r\n${body}`;
          const { out, removed } = filter(['x-strip*'], chunks);
          expect(out).toBe(expected);
          expect(removed).toBe(bytes.length - Buffer.byteLength(expected, 'latin1'));
        },
      ),
      { seed },
    );
  });

  //   message                                   patterns      what is left
  test.each([
    ['X-A: 1\r\nX-B: 2\r\n\r\nx', ['x-a'], 'X-B: 2\r\n\r\nx'],
    ['X-A : 1\r\n\r\n', ['x-a'], '\r\n'],
    ['X-A\t: 1\r\n\r\n', ['x-a'], '\r\n'],
    ['X-A: 1', ['x-a'], ''],
    // Some readers of mail pass over a line that is no field: what follows must not get by.
    ['no field\r\nX-A: 1\r\n\r\nX-A: 2\r\n', ['x-a'], 'no field\r\n\r\nX-A: 2\r\n'],
    ['X-A: 1\r\nno field\r\n more\r\nX-B: 2\r\n', ['x-a'], 'no field\r\n more\r\nX-B: 2\r\n'],
    ['\x01no: field\r\nX-A: 1\r\n\r\n', ['x-a'], '\x01no: field\r\n\r\n'],
    [`${'n'.repeat(1200)}\r\nX-A: 1\r\n\r\n`, ['x-a'], `${'n'.repeat(1200)}\r\n\r\n`],
    ['\r\nX-A: 1\r\n', ['x-a'], '\r\nX-A: 1\r\n'],
    ['X-AB: 1\r\n\r\n', ['x-a'], 'X-AB: 1\r\n\r\n'],
    ['X-A', ['x-a'], 'X-A'],
    ['', ['x-a'], ''],
  ])('%j without %j is %j', (message, patterns, expected) => {
    expect(filter(patterns, [Buffer.from(message)]).out).toBe(expected);
  });
});

test('arrays arrive in PostgreSQL as they were', async () => {
  const fresh = await freshDatabase({ empty: true });
  try {
    const maybe = <T>(arbitrary: fc.Arbitrary<T>) =>
      fc.array(fc.option(arbitrary, { nil: undefined }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        maybe(fc.string({ unit: 'binary', maxLength: 20 })),
        maybe(fc.uint8Array({ maxLength: 40 })),
        maybe(fc.integer()),
        maybe(fc.maxSafeInteger()),
        maybe(fc.boolean()),
        maybe(fc.date({ min: new Date('1990-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })),
        maybe(fc.jsonValue({ maxDepth: 2, stringUnit: 'binary' })),
        async (texts, bytes, ints, bigs, flags, times, values) => {
          const [row] = await fresh.database.query<Record<string, unknown[]>>(
            `select $1::text[] as texts, array(select encode(b, 'hex') from unnest($2::bytea[]) b) as bytes, $3::int4[] as ints,
                    array(select b::text from unnest($4::int8[]) b) as bigs, $5::bool[] as flags, $6::timestamptz[] as times,
                    array(select (v::jsonb)::text from unnest($7::text[]) v) as json`,
            [
              textArray(texts),
              byteaArray(bytes),
              int4Array(ints),
              int8Array(bigs),
              boolArray(flags),
              timeArray(times),
              jsonArray(values),
            ],
          );
          const orNull = <T, R>(list: readonly (T | undefined)[], map: (value: T) => R) =>
            list.map((value) => (value === undefined ? null : map(value)));
          expect(row?.texts).toEqual(orNull(texts, storable));
          expect(row?.bytes).toEqual(orNull(bytes, (value) => Buffer.from(value).toString('hex')));
          expect(row?.ints).toEqual(orNull(ints, Number));
          expect(row?.bigs).toEqual(orNull(bigs, String));
          expect(row?.flags).toEqual(orNull(flags, Boolean));
          expect(row?.times?.map((time) => (time as Date | null)?.getTime() ?? null)).toEqual(
            orNull(times, Number),
          );
          expect(row?.json).toHaveLength(values.length);
        },
      ),
      { seed, numRuns: 60 },
    );
  } finally {
    await fresh.drop();
  }
});

describe('batches', () => {
  test('everything goes through once, in bounded batches, and each gets its own result', async () => {
    const sizes: number[] = [];
    const batches = new Batches<number, number>({
      parallel: 2,
      maxItems: 10,
      maxWeight: 25,
      run: async (items) => {
        sizes.push(items.length);
        await new Promise((resolve) => setTimeout(resolve, 1));
        return items.map((item) => item * 2);
      },
    });
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, index) => batches.add(index, index % 7)),
    );
    expect(results).toEqual(Array.from({ length: 200 }, (_, index) => index * 2));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(200);
    await batches.idle();
  });

  test('one item heavier than the bound goes alone; an error is told to its batch only', async () => {
    const batches = new Batches<number, number>({
      parallel: 1,
      maxItems: 10,
      maxWeight: 10,
      run: async (items) => {
        if (items.includes(13)) throw new Error('unlucky');
        return items;
      },
    });
    const results = await Promise.allSettled([batches.add(1, 5), batches.add(13, 100), batches.add(2, 5)]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});

describe('next hops', () => {
  const make = (run: (task: Task) => Promise<Finish>) => {
    let clock = 0;
    const stalled: string[] = [];
    const revived: string[] = [];
    const hops = new NextHops<Task>({
      concurrency: { start: 2, max: 4, total: 6, downFirst: 1000, downMax: 4000 },
      inHandLimit: 50,
      unprovenLimit: 70,
      run,
      stall: (tasks) => stalled.push(...tasks.map(({ name }) => name)),
      revived: (key) => revived.push(key),
      now: () => new Date(clock),
      random: () => 0.5,
    });
    return {
      hops,
      stalled,
      revived,
      pass: (milliseconds: number) => {
        clock += milliseconds;
      },
    };
  };
  interface Task {
    readonly key: string;
    readonly recipients: number;
    readonly name: string;
  }
  const task = (key: string, name = key): Task => ({ key, recipients: 1, name });
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  test('begins with one place, grows with good results to its limit, and never passes the total', async () => {
    const running = new Map<string, number>();
    const most = new Map<string, number>();
    let all = 0;
    let mostAll = 0;
    const { hops } = make(async ({ key }) => {
      running.set(key, (running.get(key) ?? 0) + 1);
      all += 1;
      most.set(key, Math.max(most.get(key) ?? 0, running.get(key) ?? 0));
      mostAll = Math.max(mostAll, all);
      await turn();
      running.set(key, (running.get(key) ?? 0) - 1);
      all -= 1;
      return 'good';
    });
    for (let count = 0; count < 40; count += 1) {
      hops.submit(task('a'));
      hops.submit(task('b'));
    }
    expect([running.get('a'), running.get('b')]).toEqual([1, 1]);
    await turn();
    await turn();
    expect(running.get('a')).toBeGreaterThan(1);
    await hops.idle();
    expect([most.get('a'), most.get('b'), mostAll]).toEqual([4, 4, 6]);
  });

  test('goes down after faults in a row, stalls what waits, lets one probe through, and is revived', async () => {
    let answer: Finish = 'down';
    const tried: string[] = [];
    const { hops, stalled, revived, pass } = make(async ({ name }) => {
      tried.push(name);
      await turn();
      return answer;
    });
    for (let count = 0; count < 10; count += 1) hops.submit(task('a', `t${count}`));
    await hops.idle();
    expect(tried.length + stalled.length).toBe(10);
    expect(tried.length).toBeLessThan(6);
    expect(hops.submit(task('a'))).toBe('down');
    pass(1001);
    expect(hops.submit(task('a', 'probe'))).toBe('taken');
    await hops.idle();
    expect(tried.at(-1)).toBe('probe');
    pass(1001);
    expect(hops.submit(task('a'))).toBe('down');
    pass(1001);
    answer = 'good';
    expect(hops.submit(task('a', 'second probe'))).toBe('taken');
    await hops.idle();
    expect(revived).toEqual(['a']);
    expect(hops.isUp('a')).toBe(true);
  });

  test.each([
    ['hangs', () => new Promise<Finish>(() => undefined)],
    ['says nothing for or against it', async (): Promise<Finish> => 'neither'],
  ])('has one place for as long as it %s', async (_, run) => {
    let running = 0;
    let most = 0;
    const { hops } = make(async () => {
      running += 1;
      most = Math.max(most, running);
      const finish = await run();
      running -= 1;
      return finish;
    });
    for (let count = 0; count < 20; count += 1) hops.submit(task('a'));
    for (let count = 0; count < 5; count += 1) await turn();
    expect(most).toBe(1);
  });

  test('what is not proven shares a part of what is in hand; a newcomer has a delivery all the same', () => {
    const { hops } = make(() => new Promise(() => undefined));
    const taken = (key: string) =>
      Array.from({ length: 60 }, () => hops.submit(task(key))).filter((answer) => answer === 'taken').length;
    expect(['a', 'b', 'c', 'd'].map(taken)).toEqual([50, 20, 1, 1]);
    expect(hops.full()).toEqual(['a', 'b', 'c', 'd']);
    expect(hops.isFull('e')).toBe(false);
  });

  test('what was good and is found down has to prove itself again', async () => {
    let answer: Finish = 'good';
    let running = 0;
    let most = 0;
    const { hops, pass } = make(async () => {
      running += 1;
      most = Math.max(most, running);
      await turn();
      running -= 1;
      return answer;
    });
    const submit = () => Array.from({ length: 10 }, () => hops.submit(task('a')));
    submit();
    await hops.idle();
    answer = 'down';
    submit();
    await hops.idle();
    pass(1001);
    answer = 'neither';
    most = 0;
    expect(submit()).not.toContain('down');
    await hops.idle();
    expect(most).toBe(1);
  });

  test('takes no more than its share', () => {
    const { hops } = make(() => new Promise(() => undefined));
    const answers = Array.from({ length: 60 }, () => hops.submit(task('a')));
    expect(answers.filter((answer) => answer === 'taken')).toHaveLength(50);
    expect(hops.full()).toEqual(['a']);
    expect(hops.submit(task('b'))).toBe('taken');
  });
});

test('a plan has each copy once, and nobody beside others who go another way', () => {
  const message: SpooledMessage = {
    id: 'id',
    transaction: { sender: address('s@example.org'), body: '7bit', smtputf8: false, requireTls: false },
    client,
    facts: {
      size: 0,
      eightBit: false,
      utf8Header: false,
      longestLine: 0,
      hops: 0,
      ownHops: 0,
      sitesSeen: [],
    },
    receivedAt: new Date(),
    expiresAt: new Date(),
    trace: Buffer.alloc(0),
    content: { kind: 'inline', body: Buffer.alloc(0) },
    recipients: 1,
  };
  const planned = fc.record({
    domain: fc.constantFrom('a.example', 'b.example'),
    sender: fc.constantFrom(undefined, null, 'owner@example.org'),
    added: fc.constantFrom([], ['X-A: 1']),
    removed: fc.constantFrom([], ['x-b']),
  });
  fc.assert(
    fc.property(fc.array(planned, { maxLength: 40 }), fc.integer({ min: 1, max: 10 }), (wishes, most) => {
      const copies = wishes.map(({ domain, sender, added, removed }, index) => {
        const recipient: SpooledRecipient = {
          slot: String(index),
          recipient: { address: address(`u${index}@${domain}`) },
          attempts: 0,
          nextHop: '',
          purpose: 'delivery',
          split: false,
          expandedFrom: [],
          warned: false,
        };
        const more = {
          addHeaders: added,
          removeHeaders: removed,
          ...(sender === undefined ? {} : { sender: sender === null ? null : address(sender) }),
        };
        return { recipient, copy: copyTo(recipient.recipient.address, more), because: [] };
      });
      const tasks = planTasks(message, copies, 1, most);
      const slots = tasks.flatMap((task) => task.copies.map(({ recipient }) => recipient.slot));
      expect(slots.toSorted()).toEqual(copies.map(({ recipient }) => recipient.slot).toSorted());
      for (const task of tasks) {
        expect(task.copies.length).toBeLessThanOrEqual(most);
        const ways = task.copies.map(({ copy }) =>
          JSON.stringify([
            copy.nextHop,
            copy.addHeaders,
            copy.removeHeaders,
            copy.sender === undefined ? 's@example.org' : (copy.sender?.text ?? ''),
          ]),
        );
        expect(new Set(ways).size).toBe(1);
      }
    }),
    { seed },
  );
});
