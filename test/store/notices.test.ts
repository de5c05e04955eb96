/** Changes are heard here at once, on other nodes soon, and none is lost for good. */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/ports/database.ts';
import { DatabaseAway } from '../../src/ports/database.ts';
import { silentLog } from '../../src/ports/log.ts';
import { openDatabase } from '../../src/state/database.ts';
import { type Change, Gathered, longestNotice, parseNotice } from '../../src/store/notice-text.ts';
import { noticesChannel, openNotices } from '../../src/store/notices.ts';
import { openTree } from '../../src/store/tree.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';

let fresh: FreshDatabase;
let other: Database;
beforeAll(async () => {
  fresh = await freshDatabase();
  other = await openDatabase({
    url: fresh.url,
    maxConnections: 3,
    statementTimeoutMs: 30_000,
    connectTimeoutMs: 10_000,
    applicationName: 'other node',
    log: silentLog,
  });
});
afterAll(async () => {
  await other.close();
  await fresh.drop();
});

const never = { batch: 1_000, pause: 1, cycle: 3_600_000 };
const nodes = async (pace = never) => ({
  here: await openNotices({ database: fresh.database, self: 'here', log: silentLog, pace }),
  there: await openNotices({ database: other, self: 'there', log: silentLog, pace }),
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 1_000) throw new Error('it did not come to pass');
    await sleep(5);
  }
}

test('a change is heard in this process and on the other node, once each, by those who wait for it', async () => {
  const { here, there } = await nodes();
  const heard: string[] = [];
  for (const [name, { watch }] of [
    ['here', here],
    ['there', there],
  ] as const) {
    watch.mailbox(2, (latest) => heard.push(`${name} mailbox ${latest}`));
    watch.mailbox(3, () => heard.push(`${name} not this one`));
    watch.account(1, (what, mailbox) => heard.push(`${name} account ${what} ${mailbox}`));
    watch.account(7, () => heard.push(`${name} not this one`));
  }
  here.changed.messages(1, 2, 30);
  expect(heard).toEqual([]);
  await until(() => heard.length >= 4);
  here.changed.tree(1, 2);
  await until(() => heard.length >= 6);
  await sleep(50);
  expect(heard.filter((one) => one.startsWith('here'))).toEqual([
    'here mailbox 30',
    'here account messages 2',
    'here account tree 2',
  ]);
  expect(heard.filter((one) => one.startsWith('there'))).toEqual([
    'there mailbox 30',
    'there account messages 2',
    'there account tree 2',
  ]);
  await here[Symbol.asyncDispose]();
  await there[Symbol.asyncDispose]();
});

test('ten thousand changes become a few notices, and the highest MODSEQ is told', async () => {
  const { here, there } = await nodes();
  let notices = 0;
  const counting = await other.listen(noticesChannel, () => notices++);
  let latest = 0;
  there.watch.mailbox(2, (modSeq) => {
    latest = Math.max(latest, modSeq ?? 0);
  });
  for (let modSeq = 10_000; modSeq > 0; modSeq--) here.changed.messages(1, 2, modSeq);
  await until(() => latest === 10_000);
  expect(notices).toBeLessThan(5);
  await counting[Symbol.asyncDispose]();
  await here[Symbol.asyncDispose]();
  await there[Symbol.asyncDispose]();
});

test('thousands of mailboxes changed at once are all told', async () => {
  const { here, there } = await nodes();
  const missing = new Set<number>();
  for (let id = 1; id <= 3_000; id++) {
    missing.add(id);
    there.watch.mailbox(id, () => missing.delete(id));
  }
  for (let id = 1; id <= 3_000; id++) here.changed.messages(id, id, 1);
  await until(() => missing.size === 0);
  await here[Symbol.asyncDispose]();
  await there[Symbol.asyncDispose]();
});

test('one that throws when told keeps no other from hearing, and one that left hears nothing', async () => {
  const { here, there } = await nodes();
  const heard: string[] = [];
  here.watch.mailbox(2, () => {
    throw new Error('a broken session');
  });
  const same = () => heard.push('same');
  const left = here.watch.mailbox(2, same);
  here.watch.mailbox(2, same);
  left[Symbol.dispose]();
  left[Symbol.dispose]();
  here.changed.messages(1, 2, 1);
  await until(() => heard.length > 0);
  expect(heard).toEqual(['same']);
  await here[Symbol.asyncDispose]();
  await there[Symbol.asyncDispose]();
});

test('an empty notice, as after a reconnect, wakes everyone', async () => {
  const { here, there } = await nodes();
  const heard = new Set<string>();
  for (let id = 1; id <= 1_000; id++)
    there.watch.mailbox(id, (latest) => heard.add(`mailbox ${id} ${latest}`));
  there.watch.account(1, (what) => heard.add(`account ${what}`));
  await other.notify(noticesChannel, '');
  await until(() => heard.size === 1_002);
  expect(heard).toContain('mailbox 1000 undefined');
  expect(heard).toContain('account tree');
  await here[Symbol.asyncDispose]();
  await there[Symbol.asyncDispose]();
});

test('what could not be sent is sent when the database is back', async () => {
  let away = true;
  const flaky: Database = Object.assign(Object.create(fresh.database), {
    notify: (channel: string, payload?: string) =>
      away ? Promise.reject(new DatabaseAway('test')) : fresh.database.notify(channel, payload),
    listen: (channel: string, heard: (payload: string) => void) => fresh.database.listen(channel, heard),
    query: (text: string, values: unknown[]) => fresh.database.query(text, values),
  });
  const here = await openNotices({ database: flaky, self: 'here', log: silentLog, pace: never });
  const there = await openNotices({ database: other, self: 'there', log: silentLog, pace: never });
  const heard: (number | undefined)[] = [];
  there.watch.mailbox(2, (latest) => heard.push(latest));
  here.changed.messages(1, 2, 5);
  await sleep(100);
  expect(heard).toEqual([]);
  away = false;
  await until(() => heard.length > 0);
  expect(heard).toEqual([5]);
  await here[Symbol.asyncDispose]();
  await there[Symbol.asyncDispose]();
});

test('what a process told nobody, since it died, is found by looking', async () => {
  const tree = openTree({
    database: fresh.database,
    changed: { messages() {}, tree() {} },
    now: () => new Date(),
  });
  const account = await tree.accounts.create({ name: 'ada' });
  const [inbox] = await tree.mailboxes.list(account.id);
  const { here, there } = await nodes({ batch: 1, pause: 1, cycle: 20 });
  const heard: string[] = [];
  there.watch.mailbox(inbox!.id, (latest) => heard.push(`mailbox ${latest}`));
  there.watch.account(account.id, (what) => heard.push(`account ${what}`));
  await until(() => heard.length === 3);
  await sleep(100);
  expect(heard.splice(0).sort()).toEqual(['account messages', 'account tree', 'mailbox 1']);
  await fresh.database.query('update mailbox set mod_seq = 9 where id = $1', [inbox!.id]);
  await until(() => heard.length === 3);
  expect(heard.splice(0).sort()).toEqual(['account messages', 'account tree', 'mailbox 9']);
  await tree.mailboxes.create(account.id, 'new');
  await until(() => heard.length === 2);
  expect(heard.splice(0)).toEqual(['account tree', 'account messages']);
  await tree.accounts.remove(account.id);
  await until(() => heard.length === 3);
  expect(heard).toContain('mailbox undefined');
  await here[Symbol.asyncDispose]();
  await there[Symbol.asyncDispose]();
});

const number = fc.nat({ max: 2 ** 50 });
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ account: number, mailbox: number, modSeq: number }),
  fc.record({ account: number, mailbox: number }),
  fc.record({ account: number }),
);

test('what is gathered comes out of notices within bounds, and nothing else does', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 600 }), (changes) => {
      const gathered = new Gathered();
      for (const one of changes) gathered.add(one);
      const read = new Gathered();
      while (!gathered.empty) {
        const text = gathered.take('me');
        expect(text.length).toBeLessThanOrEqual(longestNotice);
        read.giveBack(text);
      }
      const all = new Gathered();
      for (const one of changes) all.add(one);
      expect(read.takeAll()).toEqual(all.takeAll());
    }),
    { numRuns: 50 },
  );
});

test('too much to gather becomes one notice for all', () => {
  const gathered = new Gathered();
  for (let id = 0; id < 30_000; id++) gathered.add({ account: id });
  expect(gathered.take('me')).toBe('me *');
  expect(gathered.empty).toBe(true);
});

test('what is not understood is taken for a notice for all', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const notice = parseNotice(`x ${text}`);
      expect(notice.all || notice.changes.length > 0).toBe(true);
    }),
  );
  expect(parseNotice('x m1.2.3 v1')).toMatchObject({ all: true, changes: [{ modSeq: 3 }] });
});
