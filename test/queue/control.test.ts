/** What operators see and do, and the trace they ask. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/ports/log.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import type { QueueAction, QueueControl, QueuedMessage, QueueFilter } from '../../src/ports/queue-control.ts';
import type { TraceQuery, TraceRow } from '../../src/ports/trace.ts';
import { queueControl } from '../../src/queue/control.ts';
import { sweep } from '../../src/queue/sweep.ts';
import { matches, openTrace } from '../../src/queue/trace.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import { Bench, busy, hours, ok, received, sample, until } from './fakes.ts';

let fresh: FreshDatabase;
let bench: Bench;
let control: QueueControl;

const signal = () => AbortSignal.timeout(10_000);

beforeEach(async () => {
  fresh = await freshDatabase();
  bench = new Bench(fresh.database);
  control = queueControl({
    database: fresh.database,
    blobs: bench.blobs,
    now: bench.now,
    hostname: 'gate.example',
  });
});
afterEach(async () => {
  await bench.close();
  await fresh.drop();
});

async function list(filter: QueueFilter = {}): Promise<QueuedMessage[]> {
  return Array.fromAsync(control.list(filter, signal()));
}

const addresses = (messages: readonly QueuedMessage[]): string[] =>
  messages.flatMap(({ recipients }) => recipients.map((one) => one.address)).toSorted();

const act = (
  action: QueueAction,
  filter: QueueFilter = {},
  more: { dryRun?: boolean; reason?: string } = {},
) => control.act(action, filter, { dryRun: false, by: 'ada', ...more }, signal());

/** Three messages that were tried once and wait, one recipient each but the last. */
async function waiting(): Promise<string[]> {
  const worker = bench.work({ delayWarning: 0 });
  bench.peer.answer = () => busy;
  const ids = [
    await bench.accept({ to: ['a@one.example'] }),
    await bench.accept({ from: 'Other@Example.com', to: ['b@two.example'] }),
    await bench.accept({ from: null, to: ['c@one.example', 'd@two.example'] }),
  ];
  await bench.settled();
  await worker.close(signal());
  bench.workers.length = 0;
  bench.peer.answer = () => ok;
  return ids;
}

test('list tells everything about what waits', async () => {
  const [id] = await waiting();
  const [first] = await list();
  expect(first).toMatchObject({
    id,
    sender: 'sender@example.org',
    size: sample.length,
    messageId: '<1@example.org>',
    recipients: [
      {
        address: 'a@one.example',
        status: 'deferred',
        nextHop: 'mx:one.example',
        attempts: 1,
        reply: '451 4.3.0 busy',
        peer: 'peer.example',
        because: ['test: deliver'],
      },
    ],
  });
  expect((await list()).map(({ sender }) => sender)).toEqual([
    'sender@example.org',
    'Other@Example.com',
    '<>',
  ]);
});

test('each filter finds what it says, and all of them together', async () => {
  const [first, second] = await waiting();
  //  filter                                    recipients found
  const table: [QueueFilter, string[]][] = [
    [{}, ['a@one.example', 'b@two.example', 'c@one.example', 'd@two.example']],
    [{ ids: [first!, second!] }, ['a@one.example', 'b@two.example']],
    [{ recipient: 'C@ONE.example' }, ['c@one.example']],
    [{ recipient: '@two.example' }, ['b@two.example', 'd@two.example']],
    [{ recipient: '@wo.example' }, []],
    [{ sender: '<>' }, ['c@one.example', 'd@two.example']],
    [{ sender: 'other@example.com' }, ['b@two.example']],
    [{ sender: '@example.org' }, ['a@one.example']],
    [{ nextHop: 'mx:two.example' }, ['b@two.example', 'd@two.example']],
    [{ status: 'deferred' }, ['a@one.example', 'b@two.example', 'c@one.example', 'd@two.example']],
    [{ status: 'held' }, []],
    [{ olderThan: new Date(Date.now() - hours(1)) }, []],
    [
      { olderThan: new Date(Date.now() + hours(1)), reply: 'BUSY', nextHop: 'mx:one.example', sender: '<>' },
      ['c@one.example'],
    ],
    [{ reply: '%' }, []],
  ];
  for (const [filter, expected] of table)
    expect(addresses(await list(filter)), JSON.stringify(filter)).toEqual(expected);
});

test('counts', async () => {
  await waiting();
  await act('hold', { recipient: 'a@one.example' });
  expect(await control.counts(signal())).toMatchObject({
    messages: 3,
    recipients: 4,
    byStatus: { due: 0, active: 0, deferred: 3, held: 1 },
    byNextHop: { 'mx:one.example': 2, 'mx:two.example': 2 },
    oldest: expect.any(Number),
  });
});

test('headers shows the header section, ours on top, and nothing of the body', async () => {
  const [id] = await waiting();
  expect(await control.headers(id!, signal())).toBe(
    received + sample.slice(0, sample.indexOf('\r\n\r\n') + 2),
  );
  expect(await control.headers('none', signal())).toBeUndefined();
});

test('a dry run says what would be done, and does nothing', async () => {
  await waiting();
  for (const action of ['hold', 'retry', 'bounce', 'delete'] as const) {
    expect(await act(action, { nextHop: 'mx:one.example' }, { dryRun: true })).toEqual({
      messages: 2,
      recipients: 2,
      busy: 0,
    });
  }
  expect(addresses(await list({ status: 'deferred' }))).toHaveLength(4);
});

test('held mail stays until it is released', async () => {
  const [id] = await waiting();
  expect(await act('hold', { ids: [id!] }, { reason: 'audit' })).toEqual({
    messages: 1,
    recipients: 1,
    busy: 0,
  });
  bench.work();
  bench.pass(hours(1));
  await until(async () => (await bench.count('message')) === 1, 'the others stay');
  const [held] = await list();
  expect(held?.recipients[0]).toMatchObject({ status: 'held', holdReason: 'audit' });
  expect(await act('release', {})).toEqual({ messages: 1, recipients: 1, busy: 0 });
  await bench.empty();
  const story = await bench.story(id!);
  expect(story.map((row) => row.event)).toEqual([
    'accepted',
    'deferred',
    'held',
    'released',
    'delivered',
    'done',
  ]);
  expect(story[2]).toMatchObject({ because: ['operator ada: hold, audit'], detail: { by: 'ada' } });
});

test('retry tries at once', async () => {
  await waiting();
  bench.work();
  await act('retry', { recipient: '@one.example' });
  await until(() => bench.peer.deliveries.length === 2, 'not tried');
  await until(async () => (await bench.count('message')) === 2, 'not settled');
  expect(addresses(await list())).toEqual(['b@two.example', 'd@two.example']);
});

test('bounce returns mail to its sender, with the reason and who it was', async () => {
  const [id] = await waiting();
  bench.work();
  await act('bounce', { ids: [id!] }, { reason: '550 5.7.1 Not wanted here' });
  await until(() => bench.peer.to('sender@example.org').length === 1, 'no report');
  expect(bench.peer.to('sender@example.org')[0]?.content.toString()).toContain('550 5.7.1 Not wanted here');
  expect((await bench.story(id!)).find((row) => row.event === 'failed')?.because).toEqual([
    'operator ada: returned to the sender',
  ]);
});

test('delete takes recipients away without a report, and a message with its last one', async () => {
  const [, , id] = await waiting();
  expect(await act('delete', { recipient: 'c@one.example' })).toEqual({
    messages: 1,
    recipients: 1,
    busy: 0,
  });
  expect(await bench.count('message')).toBe(3);
  expect(await act('delete', { recipient: 'd@two.example' })).toEqual({
    messages: 1,
    recipients: 1,
    busy: 0,
  });
  expect([await bench.count('message'), await bench.count('recipient')]).toEqual([2, 2]);
  const events = (await bench.story(id!)).map((row) => row.event);
  expect(events.slice(-3)).toEqual(['deleted', 'deleted', 'done']);
});

test('what is in delivery is left alone, and counted', async () => {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  bench.peer.answer = async () => {
    await gate;
    return ok;
  };
  bench.work();
  await bench.accept({ to: ['a@one.example'] });
  await until(async () => (await list({ status: 'active' })).length === 1, 'not active');
  for (const action of ['hold', 'bounce', 'delete'] as const) {
    expect(await act(action)).toEqual({ messages: 0, recipients: 0, busy: 1 });
  }
  open();
  await bench.empty();
  expect(bench.peer.deliveries).toHaveLength(1);
});

test('actions on many go through them all, in portions', async () => {
  await fresh.database.query(
    `with m as (
       insert into message (id, sender, size, received_at, expires_at, facts, trace, body, recipients)
       select 'id' || n, '', 10, now(), now() + interval '5 days', '{}', '', '', 1 from generate_series(1, 2500) n
     ) insert into recipient (message_id, slot, address, due_at)
       select 'id' || n, 'u' || n, 'u@x.example', now() from generate_series(1, 2500) n`,
    [],
  );
  expect(await act('hold')).toEqual({ messages: 2500, recipients: 2500, busy: 0 });
  expect(await act('release')).toEqual({ messages: 2500, recipients: 2500, busy: 0 });
  expect(await act('delete')).toEqual({ messages: 2500, recipients: 2500, busy: 0 });
  expect([await bench.count('message'), await bench.count('recipient'), await bench.count('trace')]).toEqual([
    0, 0, 7500,
  ]);
});

test('the trace finds whole stories by recipient, sender, message id, queue id, time and event', async () => {
  const [first, second, third] = await waiting();
  const refusal: TraceRow = {
    at: new Date(),
    event: 'refused',
    recipient: 'nobody@one.example',
    because: ['directory: nobody'],
    detail: { sender: 'Sender@example.org', reply: '550 5.1.1 unknown' },
  };
  const trace = openTrace({ database: fresh.database, log: silentLog, metrics: noMetrics });
  trace.record(refusal);
  await trace.close();
  const find = (query: TraceQuery) => Array.fromAsync(bench.trace.find(query, signal()));
  const ids = async (query: TraceQuery) =>
    [...new Set((await find(query)).map((row) => row.queueId ?? 'none'))].toSorted();
  expect(await ids({})).toEqual([first, second, third, 'none'].toSorted());
  expect(await ids({ queueId: second! })).toEqual([second]);
  expect(await ids({ recipient: 'A@one.example' })).toEqual([first]);
  expect(await ids({ recipient: '@one.example' })).toEqual([first, third, 'none'].toSorted());
  expect(await ids({ sender: 'sender@example.org' })).toEqual([first, 'none'].toSorted());
  expect(await ids({ sender: 'sender@example.org', recipient: '@two.example' })).toEqual([]);
  expect(await ids({ sender: '@example.com', recipient: '@two.example' })).toEqual([second]);
  expect(await ids({ messageId: '<1@example.org>' })).toEqual([first, second, third].toSorted());
  expect(await ids({ event: 'refused' })).toEqual(['none']);
  expect(await ids({ event: 'delivered' })).toEqual([]);
  expect(await ids({ since: new Date(Date.now() + hours(1)) })).toEqual([]);
  expect(await find({ limit: 2 })).toHaveLength(2);
  const story = await find({ recipient: 'c@one.example' });
  expect(story.map((row) => row.event)).toEqual(['accepted', 'deferred', 'deferred']);
  expect((await find({ event: 'refused' }))[0]).toEqual(refusal);
});

test('addresses and domains are searched by one index, and found in any script and case', async () => {
  await fresh.database.query(
    `insert into trace (at, event, queue_id, recipient, sender, detail)
     select now(), 'delivered', 'id' || n, 'U' || n || '@D' || n % 500 || '.example', 's@x.example', '{}'::jsonb
     from generate_series(1, 20000) n
     union all select now(), 'delivered', 'idn', 'Jürgen@müller.example', '<>', '{}'::jsonb`,
    [],
  );
  await fresh.database.query('analyze trace');
  const search = async (wanted: string) => {
    const values: unknown[] = [];
    const where = matches('recipient', wanted, (value) => `$${values.push(value)}`);
    const from = `from trace where ${where}`;
    const [found] = await fresh.database.query<{ count: number }>(`select count(*) as count ${from}`, values);
    const plan = await fresh.database.query(`explain select queue_id ${from}`, values);
    return [found?.count, JSON.stringify(plan).includes('trace_recipient')];
  };
  expect(await search('u77@d77.example')).toEqual([1, true]);
  expect(await search('@d77.EXAMPLE')).toEqual([40, true]);
  expect(await search('@77.example')).toEqual([0, true]);
  expect(await search('@example')).toEqual([0, true]);
  expect(await search('JÜRGEN@MÜLLER.example')).toEqual([1, true]);
  expect(await search('@Müller.example')).toEqual([1, true]);
});

test('a recipient that still waits for its first try is found too', async () => {
  const id = await bench.accept({ to: ['a@one.example'] });
  const rows = await Array.fromAsync(bench.trace.find({ recipient: 'a@one.example' }, signal()));
  expect(rows.map((row) => [row.queueId, row.event])).toEqual([[id, 'accepted']]);
});

test('refusals beyond the buffer are dropped and counted, not kept', async () => {
  let dropped = 0;
  const metrics = {
    ...noMetrics,
    count: () => {
      dropped += 1;
    },
  };
  const trace = openTrace({ database: fresh.database, log: silentLog, metrics });
  for (let count = 0; count < 10_500; count += 1) {
    trace.record({ at: new Date(), event: 'refused', because: [], detail: {} });
  }
  expect(dropped).toBe(500);
  await trace.close();
  expect(await bench.count('trace')).toBe(10_000);
});

test('the sweep takes old trace rows and blobs that nobody refers to, and nothing else', async () => {
  const text = Buffer.alloc(100_000, `${'x'.repeat(70)}\r\n`);
  await bench.accept({ to: ['a@one.example'], text });
  const [used] = bench.blobs.kept.keys();
  await bench.blobs.write(
    (async function* () {
      yield text;
    })(),
  );
  await bench.accept({ to: ['b@one.example'] });
  await fresh.database.query(
    "update trace set at = now() - interval '31 days' where id = (select min(id) from trace)",
    [],
  );
  const options = {
    database: fresh.database,
    blobs: bench.blobs,
    retention: hours(24 * 30),
    log: silentLog,
    now: bench.now,
  };
  expect(await sweep(options, signal())).toEqual({ rows: 1, blobs: 1, claims: 0 });
  expect([...bench.blobs.kept.keys()]).toEqual([used]);
  expect(await bench.count('trace')).toBe(1);
  await fresh.database.query('update recipient set claimed_by = 12345', []);
  expect(await sweep(options, signal())).toEqual({ rows: 0, blobs: 0, claims: 2 });
});
