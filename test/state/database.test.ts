import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, DatabaseAway, DatabaseFull } from '../../src/ports/database.ts';
import { silentLog } from '../../src/ports/log.ts';
import { type DatabaseOptions, openDatabase } from '../../src/state/database.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';

const never = new AbortController().signal;

let fresh: FreshDatabase;
let database: Database;
const opened: Database[] = [];

const another = async (changes: Partial<DatabaseOptions> = {}): Promise<Database> => {
  const options = {
    url: fresh.url,
    maxConnections: 4,
    statementTimeoutMs: 10_000,
    connectTimeoutMs: 5_000,
    applicationName: 'another',
    log: silentLog,
  };
  const one = await openDatabase({ ...options, ...changes });
  opened.push(one);
  return one;
};

/** Ends the connections of one application from the server's side. */
const cut = (application: string) =>
  database.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and datname = current_database()',
    [application],
  );

beforeAll(async () => {
  fresh = await freshDatabase({ empty: true });
  database = fresh.database;
  await database.query('create table thing (id integer primary key, name text)');
});
afterAll(async () => {
  for (const each of opened) await each.close();
  await fresh.drop();
});

test('values come back as the port says', async () => {
  const [row] = await database.query(
    `select 9007199254740991::int8 as big, 1.50::numeric as exact, '2026-01-02T03:04:05Z'::timestamptz as at,
            '\\x00ff'::bytea as bytes, '{"a":[1]}'::jsonb as value, $1::text as absent,
            '{1,NULL,3}'::int8[] as bigs, '{}'::int8[] as none, '2026-01-02'::date as day`,
    [undefined],
  );
  expect(row).toEqual({
    big: 9007199254740991,
    exact: '1.50',
    at: new Date('2026-01-02T03:04:05Z'),
    bytes: Buffer.from([0, 255]),
    value: { a: [1] },
    absent: null,
    bigs: [1, null, 3],
    none: [],
    day: '2026-01-02',
  });
});

test('values are bound as they are', async () => {
  const at = new Date('2026-01-02T03:04:05.678Z');
  const bytes = Buffer.from([0, 39, 92, 255]);
  const [row] = await database.query(
    'select $1::timestamptz as at, $2::bytea as bytes, $3::text[] as texts, $4::jsonb as value, $5::bytea[] as many',
    [at, bytes, ['a', "b'\\", null], { x: 'ä' }, [bytes]],
  );
  expect(row).toEqual({ at, bytes, texts: ['a', "b'\\", null], value: { x: 'ä' }, many: [bytes] });
});

test('a script of several statements is sent without values', async () => {
  expect(await database.query('select 1 as a; select 2 as b')).toEqual([{ b: 2 }]);
});

test('a transaction is kept when its work returns', async () => {
  const name = await database.transaction(async (tx) => {
    await tx.query('insert into thing values ($1, $2)', [1, 'kept']);
    return (await tx.query<{ name: string }>('select name from thing where id = $1', [1]))[0]?.name;
  });
  expect(name).toBe('kept');
  expect(await database.query('select name from thing where id = 1')).toEqual([{ name: 'kept' }]);
});

test('a transaction is undone when its work throws, and the connection is used again', async () => {
  const one = await another({ maxConnections: 1 });
  const backend = async () => (await one.query('select pg_backend_pid() as pid'))[0];
  const before = await backend();
  const work = one.transaction(async (tx) => {
    await tx.query('insert into thing values (2, $1)', ['undone']);
    throw new Error('the message was refused');
  });
  await expect(work).rejects.toThrow('the message was refused');
  expect(await one.query('select 1 from thing where id = 2')).toEqual([]);
  expect(await backend()).toEqual(before);
});

test('a broken constraint passes with its SQLSTATE and undoes the transaction', async () => {
  const work = database.transaction(async (tx) => {
    await tx.query('insert into thing values (3, $1)', ['three']);
    await tx.query('insert into thing values (3, $1)', ['three again']);
  });
  await expect(work).rejects.toMatchObject({ code: '23505' });
  expect(await database.query('select 1 from thing where id = 3')).toEqual([]);
});

test('a failure that the work swallowed does not look like a commit', async () => {
  const work = database.transaction(async (tx) => {
    await tx.query('insert into thing values (4, $1)', ['four']);
    await tx.query('select 1/0').catch(() => {});
  });
  await expect(work).rejects.toThrow('rolled back');
  expect(await database.query('select 1 from thing where id = 4')).toEqual([]);
});

test('a statement after the end of its transaction is refused', async () => {
  const leaked = await database.transaction(async (tx) => tx);
  await expect(leaked.query('select 1')).rejects.toThrow('the transaction is over');
});

test('statements of one transaction may be asked at once', async () => {
  const sums = await database.transaction((tx) =>
    Promise.all(
      [1, 2, 3].map(async (n) => (await tx.query<{ sum: number }>('select $1::int + 1 as sum', [n]))[0]?.sum),
    ),
  );
  expect(sums).toEqual([2, 3, 4]);
});

test('when one of several statements asked at once fails, none of them is kept', async () => {
  const work = database.transaction((tx) =>
    Promise.all([
      tx.query('insert into thing values (5, $1)', ['five']),
      tx.query('select 1/0', []),
      tx.query('insert into thing values (6, $1)', ['six']),
    ]),
  );
  await expect(work).rejects.toMatchObject({ code: '22012' });
  expect(await database.query('select 1 from thing where id in (5, 6)')).toEqual([]);
});

test('many transactions at once share few connections', async () => {
  const one = await another({ maxConnections: 3, applicationName: 'few' });
  await database.query('create table tally (id integer)');
  const add = (id: number) => one.transaction(async (tx) => tx.query('insert into tally values ($1)', [id]));
  await Promise.all(Array.from({ length: 200 }, (_, id) => add(id)));
  expect(await database.query('select count(distinct id) as n from tally')).toEqual([{ n: 200 }]);
  const [{ n } = { n: 0 }] = await database.query<{ n: number }>(
    "select count(*) as n from pg_stat_activity where application_name = 'few'",
  );
  expect(n).toBeLessThanOrEqual(3);
});

test('a long result is read in batches, in one snapshot', async () => {
  await database.query('create table long as select generate_series(1, 2500) as n');
  const seen: number[] = [];
  for await (const { n } of database.rows<{ n: number }>(
    'select n from long where n > $1',
    [0],
    never,
    100,
  )) {
    if (n === 1) await database.query('delete from long where n > 1000');
    seen.push(n);
  }
  expect(seen).toEqual(Array.from({ length: 2500 }, (_, index) => index + 1));
});

test('a reader of rows may stop early, or be aborted while it waits', async () => {
  const one = await another({ maxConnections: 1 });
  for await (const row of one.rows('select generate_series(1, 1000) as n', [], never, 10)) {
    expect(row).toEqual({ n: 1 });
    break;
  }
  const controller = new AbortController();
  const slow = Array.fromAsync(one.rows('select pg_sleep(60)', [], controller.signal));
  setTimeout(() => controller.abort(new Error('enough')), 100);
  await expect(slow).rejects.toThrow('enough');
  expect(await one.query('select 1 as one')).toEqual([{ one: 1 }]);
});

test('a statement that takes too long is cut off, and may be tried again', async () => {
  const one = await another({ statementTimeoutMs: 100 });
  await expect(one.query('select pg_sleep(30)')).rejects.toBeInstanceOf(DatabaseAway);
  expect(await one.query('select 1 as one')).toEqual([{ one: 1 }]);
});

test('waiting for a connection has an end', async () => {
  const one = await another({ maxConnections: 1, connectTimeoutMs: 200 });
  const free = Promise.withResolvers<void>();
  const holding = one.transaction(() => free.promise);
  await expect(one.query('select 1')).rejects.toBeInstanceOf(DatabaseAway);
  free.resolve();
  await holding;
  expect(await one.query('select 1 as one')).toEqual([{ one: 1 }]);
});

test('a connection that is cut in a transaction is DatabaseAway, nothing is kept, and the next one works', async () => {
  const one = await another({ applicationName: 'doomed' });
  const work = one.transaction(async (tx) => {
    await tx.query('insert into thing values (7, $1)', ['lost']);
    await cut('doomed');
    await sleep(50);
  });
  await expect(work).rejects.toBeInstanceOf(DatabaseAway);
  expect(await one.query('select 1 from thing where id = 7')).toEqual([]);
});

test('a database that is not there is DatabaseAway', async () => {
  const gone = openDatabase({
    url: 'postgresql://isthmus@127.0.0.1:1/isthmus',
    maxConnections: 1,
    statementTimeoutMs: 1_000,
    connectTimeoutMs: 1_000,
    applicationName: 'test',
    log: silentLog,
  });
  await expect(gone).rejects.toBeInstanceOf(DatabaseAway);
});

test('a read-only database is DatabaseFull: it can be read, not written', async () => {
  const one = await another({
    url: `${fresh.url}&options=${encodeURIComponent('-c default_transaction_read_only=on')}`,
  });
  await expect(one.query('insert into thing values (8, $1)', ['eight'])).rejects.toBeInstanceOf(DatabaseFull);
  expect(await one.query("select current_setting('client_connection_check_interval') as look")).toEqual([
    { look: '10s' },
  ]);
});

test('notices reach all who listen, until they stop', async () => {
  const heard: string[] = [];
  const other = await another();
  const first = await other.listen('News', (payload) => heard.push(`first ${payload}`));
  await using _second = await other.listen('News', (payload) => heard.push(`second ${payload}`));
  await database.notify('News', 'a');
  await expect.poll(() => heard).toEqual(['first a', 'second a']);
  await first[Symbol.asyncDispose]();
  await database.transaction(async (tx) => tx.query('select pg_notify($1, $2)', ['News', 'b']));
  await expect.poll(() => heard).toEqual(['first a', 'second a', 'second b']);
});

test('after a cut the listener hears an empty notice, and then the news again', async () => {
  const heard: string[] = [];
  const other = await another({ applicationName: 'listener' });
  await using _listening = await other.listen('news', (payload) => heard.push(payload));
  await cut('listener');
  await expect.poll(() => heard, { timeout: 5_000 }).toEqual(['']);
  await database.notify('news', 'again');
  await expect.poll(() => heard).toEqual(['', 'again']);
});

test('a lock has one holder, here and elsewhere, until it is given back', async () => {
  const other = await another();
  const held = await database.tryLock(7, 1);
  expect(held?.lost.aborted).toBe(false);
  expect(await other.tryLock(7, 1)).toBeUndefined();
  expect(await database.tryLock(7, 1)).toBeUndefined();
  await using different = await other.tryLock(7, 2);
  expect(different).toBeDefined();
  await held?.[Symbol.asyncDispose]();
  await using again = await other.tryLock(7, 1);
  expect(again).toBeDefined();
});

test('a holder is told when the connection of its lock is lost, and somebody else can have it', async () => {
  const one = await another({ applicationName: 'holder' });
  const held = await one.tryLock(7, 3);
  await cut('holder');
  await expect.poll(() => held?.lost.aborted).toBe(true);
  expect(held?.lost.reason).toBeInstanceOf(DatabaseAway);
  await using next = await database.tryLock(7, 3);
  expect(next).toBeDefined();
  await held?.[Symbol.asyncDispose]();
  await using own = await one.tryLock(7, 4);
  expect(own).toBeDefined();
});

test('closing frees locks and tells their holders, and closed is closed', async () => {
  const one = await another();
  const held = await one.tryLock(7, 5);
  await one.close();
  await one.close();
  expect(held?.lost.aborted).toBe(true);
  await using next = await database.tryLock(7, 5);
  expect(next).toBeDefined();
  await expect(one.query('select 1')).rejects.toBeInstanceOf(DatabaseAway);
  await expect(one.tryLock(7, 6)).rejects.toBeInstanceOf(DatabaseAway);
  await expect(one.listen('news', () => {})).rejects.toBeInstanceOf(DatabaseAway);
});

test('a statement whose result changed its shape works again after one failure', async () => {
  const one = await another({ maxConnections: 1 });
  await database.query('create table shape (a integer)');
  expect(await one.query('select * from shape', [])).toEqual([]);
  await database.query('alter table shape add column b integer');
  await one.query('select * from shape', []).catch(() => {});
  await database.query('insert into shape values (1, 2)');
  expect(await one.query('select * from shape', [])).toEqual([{ a: 1, b: 2 }]);
});

test('a statement that cannot be prepared says why each time, and what follows works', async () => {
  const one = await another({ maxConnections: 1 });
  for (let round = 0; round < 2; round++) {
    await expect(one.query('select * from nowhere where id = $1', [1])).rejects.toMatchObject({
      code: '42P01',
    });
    const work = one.transaction((tx) => tx.query('select * from nowhere where id = $1', [1]));
    await expect(work).rejects.toMatchObject({ code: '42P01' });
  }
  await database.query('create table nowhere (id integer)');
  expect(await one.query('select * from nowhere where id = $1', [1])).toEqual([]);
});

test('the server looks after clients that vanished, and ends transactions that were forgotten', async () => {
  const [settings] = await database.query(
    "select current_setting('client_connection_check_interval') as look, current_setting('idle_in_transaction_session_timeout') as idle",
  );
  expect(settings).toEqual({ look: '10s', idle: '5min' });
});
