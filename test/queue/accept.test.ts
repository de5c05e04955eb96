/** Taking mail in: durable when it resolves, nothing kept when it rejects, and few transactions for many messages. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MailError } from '../../src/mail/condition.ts';
import { type Database, DatabaseAway, DatabaseFull } from '../../src/ports/database.ts';
import { queueIds } from '../../src/queue/queue-id.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import { address, Bench, limits, sample, until } from './fakes.ts';

let fresh: FreshDatabase;
let bench: Bench;

beforeEach(async () => {
  fresh = await freshDatabase();
  bench = new Bench(fresh.database);
});
afterEach(async () => {
  await bench.close();
  await fresh.drop();
});

/** The database with its `query` replaced; what the spool asks goes through it. */
const wrapped = (query: Database['query']): Database =>
  new Proxy(fresh.database, {
    get: (target, name) => {
      if (name === 'query') return query;
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

const isAccept = (text: string): boolean => text.includes('insert into message');

const reason = async (promise: Promise<unknown>): Promise<MailError> => {
  const error = await promise.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(MailError);
  return error as MailError;
};

test('what was accepted is in the database, whole, with its story begun', async () => {
  const id = await bench.accept({
    to: ['a@x.example', 'b@x.example'],
    transaction: { envid: 'e', ret: 'full' },
  });
  const [row] = await fresh.database.query<Record<string, unknown>>('select * from message', []);
  expect(row).toMatchObject({
    id,
    sender: 'sender@example.org',
    recipients: 2,
    body: Buffer.from(sample),
    blob: null,
  });
  expect(row?.facts).toMatchObject({ transaction: { envid: 'e', ret: 'full' }, client: { listener: 'mx' } });
  expect(await bench.count('recipient')).toBe(2);
  expect((await bench.story(id)).map((step) => step.event)).toEqual(['accepted']);
});

test('many at once share few transactions, and each is there when its accept resolves', async () => {
  let statements = 0;
  const database = wrapped((text, values) => {
    if (isAccept(text)) statements += 1;
    return fresh.database.query(text, values);
  });
  const busy = new Bench(database);
  await Promise.all(
    Array.from({ length: 300 }, async (_, index) => {
      const id = await busy.accept({ to: [`u${index}@x.example`] });
      const rows = await fresh.database.query('select 1 from message where id = $1', [id]);
      expect(rows).toHaveLength(1);
    }),
  );
  expect(statements).toBeLessThan(30);
  await busy.close();
});

test('a message refused at its end leaves nothing, small or large', async () => {
  for (const size of [100, 200_000]) {
    const incoming = bench.incoming({
      to: ['a@x.example'],
      text: Buffer.alloc(size, `${'x'.repeat(70)}\r\n`),
    });
    const refusal = new MailError('never', 'badLineEnding');
    const refused = { ...incoming, finish: () => Promise.reject(refusal) };
    expect(await reason(bench.spool.accept(refused, AbortSignal.timeout(5_000)))).toBe(refusal);
  }
  expect(await bench.count('message')).toBe(0);
  expect(bench.blobs.kept.size).toBe(0);
});

test('fields that a message lacks are kept below its trace, small or large', async () => {
  for (const size of [100, 200_000]) {
    const incoming = bench.incoming({
      to: ['a@x.example'],
      text: Buffer.alloc(size, `${'x'.repeat(70)}\r\n`),
    });
    const lacking = Buffer.from('Date: Sun, 29 Nov 2026 02:00:00 +0000\r\n');
    const finish = async () => ({ ...(await incoming.finish()), lacking });
    await bench.spool.accept({ ...incoming, finish }, AbortSignal.timeout(5_000));
    const [row] = await fresh.database.query<{ trace: Buffer }>('select trace from message where id = $1', [
      incoming.id,
    ]);
    expect(row?.trace).toEqual(Buffer.concat([incoming.trace, lacking]));
  }
});

test('content that breaks off leaves nothing', async () => {
  const incoming = bench.incoming({ to: ['a@x.example'] });
  const broken = {
    ...incoming,
    content: (async function* () {
      yield Buffer.from(sample);
      throw new Error('connection reset');
    })(),
  };
  expect((await reason(bench.spool.accept(broken, AbortSignal.timeout(5_000)))).reply.code).toBe(451);
  expect(await bench.count('message')).toBe(0);
});

test('one message that the database does not take spoils none of its batch', async () => {
  const database = wrapped(async (text, values) => {
    if (
      isAccept(text) &&
      values?.some((value) => Buffer.isBuffer(value) && value.includes('poison@x.example'))
    ) {
      throw Object.assign(new Error('value too strange'), { code: '22P02' });
    }
    return fresh.database.query(text, values);
  });
  const strange = new Bench(database);
  const results = await Promise.allSettled(
    ['a', 'poison', 'b', 'c'].map((local) => strange.accept({ to: [`${local}@x.example`] })),
  );
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  expect(await bench.count('message')).toBe(3);
  await strange.close();
});

test('text that PostgreSQL cannot hold is made harmless: NUL and lone surrogates', async () => {
  bench.work();
  const id = await bench.accept({
    to: ['a@x.example'],
    transaction: { envid: 'a\0b\ud800c' },
    facts: { messageId: '<a\0b@\udfff>' },
  });
  await bench.empty();
  expect(bench.peer.deliveries[0]?.transaction.envid).toBe('a\ufffdb\ufffdc');
  expect((await bench.story(id))[0]?.detail.messageId).toBe('<a\ufffdb@\ufffd>');
});

test('a database that is away is 451, and a commit in doubt is taken back', async () => {
  let away = true;
  const database = wrapped(async (text, values) => {
    const rows = await fresh.database.query(text, values);
    // Committed, but nobody hears of it.
    if (isAccept(text) && away) throw new DatabaseAway('connection lost');
    return rows as never;
  });
  const lost = new Bench(database);
  expect((await reason(lost.accept({ to: ['a@x.example'] }))).reply).toMatchObject({
    code: 451,
    enhanced: '4.3.0',
  });
  expect(await bench.count('message')).toBe(1);
  await until(async () => (await bench.count('message')) === 0, 'it was kept');
  expect([await bench.count('recipient'), await bench.count('trace')]).toEqual([0, 0]);
  away = false;
  const kept = await lost.accept({ to: ['b@x.example'] });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await fresh.database.query('select id from message', [])).toEqual([{ id: kept }]);
  await lost.close();
});

test('a full disk is 452', async () => {
  const database = wrapped(async (text, values) => {
    if (isAccept(text)) throw new DatabaseFull('no space left');
    return fresh.database.query(text, values);
  });
  const full = new Bench(database);
  expect((await reason(full.accept({ to: ['a@x.example'] }))).reply).toMatchObject({
    code: 452,
    enhanced: '4.3.1',
  });
  await full.close();
});

test('the bound on waiting messages is 452, and mail is taken again when there is room', async () => {
  const small = new Bench(fresh.database, { limits: { ...limits, maxMessages: 3 } });
  for (let count = 0; count < 3; count += 1) await small.accept({ to: ['a@x.example'] });
  expect((await reason(small.accept({ to: ['a@x.example'] }))).reply.code).toBe(452);
  small.work();
  await small.empty();
  const wait = 15_000;
  await until(
    () =>
      small.accept({ to: ['b@x.example'] }).then(
        () => true,
        () => false,
      ),
    'still full',
    wait,
  );
  await small.close();
});

test('a near worker gets messages without a way through the database, and others cannot claim them', async () => {
  const worker = bench.work();
  const near = new Bench(fresh.database, { worker });
  let loads = 0;
  const spied = wrapped((text, values) => {
    if (text.includes('from message where id = any')) loads += 1;
    return fresh.database.query(text, values);
  });
  expect(spied).toBeDefined();
  await until(() => worker.reserve('probe', 0, 0) !== undefined, 'the worker does not start');
  await Promise.all(Array.from({ length: 200 }, (_, index) => near.accept({ to: [`u${index}@x.example`] })));
  await bench.empty();
  const got = bench.peer.deliveries.flatMap(({ recipients }) => recipients.map((one) => one.address.text));
  expect(new Set(got).size).toBe(200);
  expect(got).toHaveLength(200);
  expect(loads).toBe(0);
  await near.close();
});

test('queue ids sort by time, and no two are equal', () => {
  let clock = 1_700_000_000_000;
  const newId = queueIds(() => new Date(clock), Math.random);
  const ids: string[] = [];
  for (let count = 0; count < 20_000; count += 1) {
    if (count % 7_000 === 0) clock += 1;
    ids.push(newId());
  }
  clock -= 5_000;
  ids.push(newId());
  expect(new Set(ids).size).toBe(ids.length);
  expect(
    ids
      .map((id) => Buffer.from(id))
      .sort(Buffer.compare)
      .map(String),
  ).toEqual(ids);
  expect(ids.every((id) => /^[0-9A-Za-z]{16}$/.test(id))).toBe(true);
  expect(address('a@b.example').domain).toBe('b.example');
});
