/** Nothing lost, nothing doubled: workers that die, databases that go away, two workers on one spool. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Database, DatabaseAway, type HeldLock } from '../../src/ports/database.ts';
import { silentLog } from '../../src/ports/log.ts';
import { insertRecipients } from '../../src/queue/insert.ts';
import { workerLocks } from '../../src/queue/liveness.ts';
import { openDatabase } from '../../src/state/database.ts';
import { runSteps } from '../../src/state/steps.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import { address, Bench, busy, copyTo, deliverTo, minutes, ok, unknown, until } from './fakes.ts';

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

const claimed = async (): Promise<number> => {
  const [row] = await fresh.database.query<{ count: number }>(
    'select count(*) as count from recipient where claimed_by is not null',
    [],
  );
  return row?.count ?? 0;
};

const delivered = (...benches: readonly Bench[]): string[] =>
  benches.flatMap(({ peer }) =>
    peer.deliveries.flatMap(({ recipients }) => recipients.map((one) => one.address.text)),
  );

/** The same database, and a schema of its own in it. */
async function beside({ database, url }: FreshDatabase): Promise<Database> {
  await database.query('create schema other');
  const other = await openDatabase({
    url: `${url}&options=-csearch_path%3Dother`,
    maxConnections: 5,
    statementTimeoutMs: 30_000,
    connectTimeoutMs: 10_000,
    applicationName: 'test',
    log: silentLog,
  });
  await runSteps(other, silentLog);
  return other;
}

/** A database that can be away, and whose locks can be lost. */
class Fickle {
  away = false;
  /** The next statement that this matches is committed, and its answer lost. */
  loseAnswer: ((text: string) => boolean) | undefined;
  /** The next transaction is committed, and its answer lost. */
  loseTransaction = false;
  /** Statements that the database does not take. */
  refuse: (values: readonly unknown[]) => boolean = () => false;
  readonly #locks: AbortController[] = [];
  readonly database: Database;

  constructor(inner: Database) {
    const check = (): void => {
      if (this.away) throw new DatabaseAway('away, says the test');
    };
    const ask: Database['query'] = async (text, values) => {
      check();
      if (this.refuse(values ?? [])) throw new Error('not taken, says the test');
      const rows = await inner.query(text, values);
      if (this.loseAnswer?.(text)) {
        this.loseAnswer = undefined;
        throw new DatabaseAway('the answer is lost, says the test');
      }
      return rows as never;
    };
    this.database = {
      query: ask,
      transaction: async (work) => {
        check();
        const result = await inner.transaction((tx) =>
          work({
            query: async (text, values) => {
              if (this.refuse(values ?? [])) throw new Error('not taken, says the test');
              return tx.query(text, values);
            },
          }),
        );
        if (this.loseTransaction) {
          this.loseTransaction = false;
          throw new DatabaseAway('the answer is lost, says the test');
        }
        return result;
      },
      rows: (...args) => inner.rows(...args),
      listen: (...args) => inner.listen(...args),
      notify: async (...args) => {
        check();
        await inner.notify(...args);
      },
      tryLock: async (group, id) => {
        check();
        const lock = await inner.tryLock(group, id);
        return lock ? this.#losable(lock) : undefined;
      },
      close: () => inner.close(),
    };
  }

  #losable(lock: HeldLock): HeldLock {
    const lost = new AbortController();
    this.#locks.push(lost);
    lost.signal.addEventListener('abort', () => void lock[Symbol.asyncDispose]());
    return { lost: lost.signal, [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose]() };
  }

  loseLocks(): void {
    for (const lock of this.#locks.splice(0)) lock.abort();
  }
}

test('what a killed worker had claimed is delivered by another', async () => {
  for (let count = 0; count < 20; count += 1) await bench.accept({ to: [`u${count}@x.example`] });
  const doomed = spawn(process.execPath, [join(import.meta.dirname, 'doomed-worker.ts'), fresh.url], {
    stdio: 'inherit',
  });
  await until(async () => (await claimed()) === 20, 'the doomed worker does not claim');
  bench.work();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(bench.peer.deliveries).toHaveLength(0);
  doomed.kill('SIGKILL');
  await bench.empty();
  expect(delivered(bench).toSorted()).toEqual(
    Array.from({ length: 20 }, (_, index) => `u${index}@x.example`).toSorted(),
  );
  const workers = await fresh.database.query('select id from worker', []);
  expect(workers).toHaveLength(1);
});

test('two workers on one spool, faults of every kind: each recipient exactly once', async () => {
  const other = new Bench(fresh.database);
  const faults = new Map<string, number>();
  for (const { peer } of [bench, other]) {
    peer.answer = async ({ address: { text, domain } }) => {
      const before = faults.get(text) ?? 0;
      faults.set(text, before + 1);
      if (domain === 'example.org' || before > 2) return ok;
      const dice = Math.random();
      if (dice < 0.05) return busy;
      if (dice < 0.07) throw new Error('a defect');
      if (dice < 0.09) return { ...busy, destinationDown: true };
      if (dice < 0.1) await new Promise((resolve) => setTimeout(resolve, 20));
      return ok;
    };
  }
  const quick = {
    retry: [200],
    greylistRetry: 100,
    delayWarning: 0,
    concurrency: { start: 5, max: 20, total: 100, downFirst: 20, downMax: 100 },
  };
  const workers = [bench.work(quick), other.work(quick)];
  const count = 10_000;
  const near = new Bench(fresh.database, { worker: workers[0]! });
  await Promise.all(
    Array.from({ length: 50 }, async (_, lane) => {
      for (let index = lane; index < count; index += 50) {
        const spool = index % 3 === 0 ? near : index % 3 === 1 ? bench : other;
        await spool.accept({ to: [`u${index}@d${index % 40}.example`] });
      }
    }),
  );
  await until(async () => (await bench.count('message')) === 0, 'something stays', 50_000);
  const all = delivered(bench, other);
  expect(new Set(all).size).toBe(count);
  expect(all.length).toBe(count);
  expect(bench.peer.deliveries.length).toBeGreaterThan(0);
  expect(other.peer.deliveries.length).toBeGreaterThan(0);
  await near.close();
  await other.close();
});

test('an outcome outlives the absence of the database', async () => {
  const fickle = new Fickle(fresh.database);
  const shaky = new Bench(fickle.database);
  shaky.work();
  shaky.peer.answer = ({ address: { local } }) => {
    fickle.away = true;
    return local === 'bad' ? unknown : ok;
  };
  await bench.accept({ to: ['good@x.example', 'bad@x.example'] });
  await until(() => shaky.peer.deliveries.length === 1, 'no delivery');
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(await claimed()).toBe(2);
  shaky.peer.answer = () => ok;
  fickle.away = false;
  await shaky.empty();
  expect(delivered(shaky).toSorted()).toEqual(['good@x.example', 'sender@example.org']);
  await shaky.close();
});

test('a settlement that was committed without an answer is not written twice', async () => {
  const fickle = new Fickle(fresh.database);
  const shaky = new Bench(fickle.database);
  fickle.loseAnswer = (text) => text.includes('delete from message');
  shaky.work();
  const id = await bench.accept({ to: ['a@x.example'] });
  await shaky.empty();
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect((await bench.story(id)).map((row) => row.event)).toEqual(['accepted', 'delivered', 'done']);
  await shaky.close();
});

test('a claim whose answer was lost is found and given up', async () => {
  const fickle = new Fickle(fresh.database);
  const shaky = new Bench(fickle.database);
  await bench.accept({ to: ['a@x.example'] });
  fickle.loseAnswer = (text) => text.includes('set claimed_by = $1 from picked');
  shaky.work();
  await until(async () => (await claimed()) === 1, 'not claimed');
  expect(fickle.loseAnswer).toBeUndefined();
  await shaky.empty();
  expect(delivered(shaky)).toEqual(['a@x.example']);
  await shaky.close();
});

test('additional copies whose making was in doubt are made once', async () => {
  const fickle = new Fickle(fresh.database);
  const shaky = new Bench(fickle.database);
  shaky.routing.decide = ({ recipient }) =>
    deliverTo(copyTo(recipient), copyTo(address('copy@y.example'), { purpose: 'dual' }));
  fickle.loseTransaction = true;
  shaky.work();
  await bench.accept({ to: ['a@x.example'] });
  await until(() => !fickle.loseTransaction, 'not split');
  shaky.pass(minutes(1));
  await shaky.empty();
  expect(delivered(shaky).toSorted()).toEqual(['a@x.example', 'copy@y.example']);
  await shaky.close();
});

test('one outcome that the database does not take holds up no other, and is not delivered again', async () => {
  const fickle = new Fickle(fresh.database);
  const shaky = new Bench(fickle.database);
  fickle.refuse = (values) =>
    values.some((value) => Buffer.isBuffer(value) && value.includes('poison reply'));
  shaky.peer.answer = ({ address: { local } }) =>
    local === 'poison' ? { ...ok, reply: { code: 250, lines: ['poison reply'] } } : ok;
  shaky.work();
  await Promise.all(['a', 'poison', 'b', 'c'].map((local) => bench.accept({ to: [`${local}@x.example`] })));
  await until(async () => (await bench.count('message')) === 1, 'the others wait');
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  shaky.workers[0]?.wake();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(delivered(shaky).toSorted()).toEqual([
    'a@x.example',
    'b@x.example',
    'c@x.example',
    'poison@x.example',
  ]);
  await shaky.close();
});

test('a worker whose lock is lost starts nothing, ends what was sent whole, breaks off the rest, and comes back under its old id', async () => {
  const fickle = new Fickle(fresh.database);
  const shaky = new Bench(fickle.database);
  const started: string[] = [];
  const gate = Promise.withResolvers<void>();
  shaky.peer.answer = async ({ address: { local } }) => {
    started.push(local);
    if (local === 'unsent') await gate.promise;
    return ok;
  };
  shaky.peer.ponder = async ({ recipients }) => {
    if (recipients[0]?.address.local === 'sent') await gate.promise;
  };
  shaky.work();
  await bench.accept({ to: ['sent@one.example', 'unsent@two.example'] });
  await until(() => started.length === 2, 'not started');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const [before] = await fresh.database.query<{ id: number }>('select id from worker', []);
  fickle.away = true;
  fickle.loseLocks();
  await bench.accept({ to: ['next@x.example'] });
  await new Promise((resolve) => setTimeout(resolve, 300));
  gate.resolve();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(started).toHaveLength(2);
  expect(delivered(shaky)).toEqual(['sent@one.example']);
  fickle.away = false;
  await shaky.empty();
  expect(delivered(shaky).toSorted()).toEqual(['next@x.example', 'sent@one.example', 'unsent@two.example']);
  expect(started.toSorted()).toEqual(['next', 'sent', 'unsent', 'unsent']);
  expect(await fresh.database.query('select id from worker', [])).toEqual([before]);
  await shaky.close();
});

test('a worker that stays away is given up: its deliveries are cut off before others make them, and it gets a new id', async () => {
  const fickle = new Fickle(fresh.database);
  const shaky = new Bench(fickle.database);
  let cutAt = Number.POSITIVE_INFINITY;
  shaky.peer.answer = () => new Promise(() => undefined);
  const deliver = shaky.peer.deliver.bind(shaky.peer);
  shaky.peer.deliver = async (task, signal) => {
    signal.addEventListener('abort', () => {
      cutAt = performance.now();
    });
    return deliver(task, signal);
  };
  shaky.work();
  await bench.accept({ to: ['a@x.example'] });
  await until(async () => (await claimed()) === 1, 'not claimed');
  await new Promise((resolve) => setTimeout(resolve, 200));
  fickle.away = true;
  fickle.loseLocks();
  let tookOverAt = 0;
  bench.peer.answer = () => {
    tookOverAt = performance.now();
    return ok;
  };
  bench.work();
  await bench.empty();
  expect(delivered(bench, shaky)).toEqual(['a@x.example']);
  expect(cutAt).toBeLessThan(tookOverAt);
  fickle.away = false;
  await until(
    async () => (await fresh.database.query('select 1 from worker', [])).length === 2,
    'it does not come back',
  );
  shaky.peer.answer = () => ok;
  await shaky.close();
});

test('time without a database is held against no worker: one that was missed before it keeps its claims', async () => {
  const fickle = new Fickle(fresh.database);
  const shaky = new Bench(fickle.database);
  const gate = Promise.withResolvers<void>();
  shaky.peer.ponder = () => gate.promise;
  shaky.work();
  await bench.accept({ to: ['a@x.example'] });
  await until(async () => (await claimed()) === 1, 'not claimed');
  await new Promise((resolve) => setTimeout(resolve, 200));
  fickle.away = true;
  fickle.loseLocks();
  await fresh.database.query("update worker set missed_at = now() - interval '1 minute'", []);
  bench.work();
  const nextSweep = async (since: Date) =>
    (await fresh.database.query('select 1 from worker where missed_at > $1', [since])).length === 1;
  await until(() => nextSweep(new Date(Date.now() - 30_000)), 'nobody looks for it');
  gate.resolve();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await claimed()).toBe(1);
  fickle.away = false;
  await shaky.empty();
  expect(delivered(bench, shaky)).toEqual(['a@x.example']);
  await shaky.close();
});

test('a worker waits for its lock while the server takes the lost connection for alive', async () => {
  const fickle = new Fickle(fresh.database);
  const shaky = new Bench(fickle.database);
  shaky.work();
  const workers = () => fresh.database.query<{ id: number }>('select id from worker', []);
  await until(async () => (await workers()).length === 1, 'it does not join');
  const before = await workers();
  fickle.away = true;
  fickle.loseLocks();
  let ghost: HeldLock | undefined;
  await until(async () => {
    ghost = await fresh.database.tryLock(workerLocks, before[0]?.id ?? 0);
    return ghost !== undefined;
  }, 'the lock is not free');
  fickle.away = false;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(await workers()).toEqual(before);
  await ghost?.[Symbol.asyncDispose]();
  await bench.accept({ to: ['a@x.example'] });
  await shaky.empty();
  expect(await workers()).toEqual(before);
  await shaky.close();
});

test('a worker that slept while another finished the message leaves no recipients without one', async () => {
  const to = address('late@example.net');
  const row = { slot: 'late@example.net', recipient: { address: to }, dueAt: new Date() };
  expect(await insertRecipients(fresh.database, [{ ...row, messageId: 'gone' }])).toEqual(new Set());
  expect(await bench.count('recipient')).toBe(0);
});

test('two installations in schemas of their own in one database know nothing of each other’s workers', async () => {
  const other = await beside(fresh);
  try {
    const there = new Bench(other);
    const worker = there.work();
    bench.work();
    await there.accept({ to: ['there@example.net'] });
    await bench.accept({ to: ['here@example.net'] });
    await there.empty();
    await bench.empty();
    // Both have a worker 1: that one of them lives says nothing of the other.
    expect(await other.query('select id from worker', [])).toEqual([{ id: 1 }]);
    expect(await fresh.database.query('select id from worker', [])).toEqual([{ id: 1 }]);
    await worker.close(AbortSignal.timeout(5_000));
    await other.query('insert into worker (id, node) values (1, $1)', ['dead']);
    const next = there.work();
    await until(
      async () => (await other.query('select 1 as one from worker where id = 1', [])).length === 0,
      'the dead worker was taken for alive',
    );
    await next.close(AbortSignal.timeout(5_000));
    await there.spool.close();
    await there.trace.close();
  } finally {
    await other.close();
  }
});

test('close() lets deliveries end, gives back what was not started, and frees its claims', async () => {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  bench.peer.answer = async () => {
    await gate;
    return ok;
  };
  const worker = bench.work({ concurrency: { start: 2, max: 2, total: 2, downFirst: 1, downMax: 1 } });
  for (let count = 0; count < 10; count += 1) await bench.accept({ to: [`u${count}@x.example`] });
  await until(async () => (await claimed()) === 10, 'not claimed');
  await new Promise((resolve) => setTimeout(resolve, 100));
  const closing = worker.close(AbortSignal.timeout(10_000));
  await new Promise((resolve) => setTimeout(resolve, 100));
  open();
  await closing;
  expect(bench.peer.deliveries).toHaveLength(1);
  expect([await claimed(), await bench.count('message')]).toEqual([0, 9]);
  expect(await fresh.database.query('select id from worker', [])).toEqual([]);
  const locks = await fresh.database.query(
    `select 1 from pg_locks where locktype = 'advisory' and classid = $1::oid
       and database = (select oid from pg_database where datname = current_database())`,
    [workerLocks],
  );
  expect(locks).toEqual([]);
});

test('close() cuts deliveries off when its time is over, and they are tried by the next worker', async () => {
  bench.peer.answer = () => new Promise(() => undefined);
  const worker = bench.work();
  await bench.accept({ to: ['a@x.example'] });
  await until(async () => (await claimed()) === 1, 'not claimed');
  await new Promise((resolve) => setTimeout(resolve, 100));
  await worker.close(AbortSignal.timeout(200));
  expect(await claimed()).toBe(0);
  bench.peer.answer = () => ok;
  bench.work();
  await bench.empty();
  expect(delivered(bench)).toEqual(['a@x.example']);
});

test('claims are bounded, however much is due', async () => {
  await fresh.database.query(
    `with m as (
       insert into message (id, sender, size, received_at, expires_at, facts, trace, body, recipients)
       select 'id' || n, '', 10, now(), now() + interval '5 days',
              '{"transaction":{"body":"7bit","smtputf8":false,"requireTls":false},"client":{},"content":{"size":10}}',
              '', repeat('x', 10)::bytea, 1 from generate_series(1, 20000) n
     ) insert into recipient (message_id, slot, address, due_at)
       select 'id' || n, 'u' || n || '@x.example', 'u' || n || '@x.example', now() from generate_series(1, 20000) n`,
    [],
  );
  let most = 0;
  let running = 0;
  bench.peer.answer = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    return ok;
  };
  bench.work({ inHand: { recipients: 120, memory: 1e8 } });
  let peak = 0;
  const end = Date.now() + 1_500;
  while (Date.now() < end) {
    peak = Math.max(peak, await claimed());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(peak).toBeGreaterThan(10);
  expect(peak).toBeLessThanOrEqual(120);
  expect(most).toBeLessThanOrEqual(20);
  bench.pass(minutes(0));
});
