import { afterEach, beforeEach, expect, test } from 'vitest';
import { Refresher, requestRefresh } from '../../src/directory/refresher.ts';
import type { Log } from '../../src/ports/log.ts';
import { silentLog } from '../../src/ports/log.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import { brief, entry, look, openDirectory, WrittenSource } from './sample.ts';

let fresh: FreshDatabase;
let running: Refresher[];
let counted: string[];
let said: string[];

beforeEach(async () => {
  fresh = await freshDatabase();
  running = [];
  counted = [];
  said = [];
});

afterEach(async () => {
  await Promise.all(running.map((refresher) => refresher.stop()));
  await fresh.drop();
});

const metrics: Metrics = {
  count: (name, labels) => counted.push(`${name} ${Object.values(labels ?? {}).join(' ')}`),
  observe() {},
};

const log: Log = { ...silentLog, error: (_facts, text) => said.push(text), child: () => log };

async function start(
  sources: readonly WrittenSource[],
  options: { refreshEvery?: number; allowAge?: number; now?: () => Date } = {},
): Promise<Refresher> {
  const refresher = new Refresher(
    {
      database: fresh.database,
      sources,
      log,
      metrics,
      now: options.now ?? (() => new Date()),
      random: () => 0.5,
    },
    {
      refreshEvery: options.refreshEvery ?? 3_600_000,
      fullEvery: 86_400_000,
      deletionsEvery: 900_000,
      allowAge: options.allowAge ?? 86_400_000,
      refuseLoss: { share: 0.3, atLeast: 50 },
      precedence: [],
    },
  );
  running.push(refresher);
  await refresher.start();
  return refresher;
}

const ada = entry('ad', 'cn=ada', { mail: ['ada@example.org'] });
const bob = entry('ad', 'cn=bob', { mail: ['bob@example.org'] });

test('a source is read at the start, and again when it is asked for', async () => {
  const source = new WrittenSource('ad', ada);
  await start([source]);
  await using directory = await openDirectory(fresh.database, ['ad'], { cache: { size: 1 << 20, age: 1 } });
  await expect
    .poll(async () => brief(await look(directory, 'ada@example.org')).replace(/Error.*/, ''))
    .toBe('exact ad/cn=ada');
  source.put(bob);
  await requestRefresh(fresh.database, {});
  await expect.poll(async () => brief(await look(directory, 'bob@example.org'))).toBe('exact ad/cn=bob');
  await requestRefresh(fresh.database, { source: 'other', full: true });
  await requestRefresh(fresh.database, { source: 'ad', full: true });
  await expect.poll(() => source.reads).toEqual(['everything', 'changes', 'everything']);
});

test('a source is read again and again by itself', async () => {
  const source = new WrittenSource('ad', ada);
  await start([source], { refreshEvery: 20 });
  await expect.poll(() => source.reads.length).toBeGreaterThan(4);
  expect(source.reads.slice(0, 2)).toEqual(['everything', 'changes']);
});

test('of several processes one refreshes, and another goes on when it ends', {
  timeout: 30_000,
}, async () => {
  const mine = new WrittenSource('ad', ada);
  const theirs = new WrittenSource('ad', ada);
  const first = await start([mine], { refreshEvery: 50 });
  await expect.poll(() => mine.reads.length).toBeGreaterThan(2);
  await start([theirs], { refreshEvery: 50 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(theirs.reads).toEqual([]);
  await first.stop();
  expect(mine.closed).toBe(true);
  const before = mine.reads.length;
  await expect.poll(() => theirs.reads.length, { timeout: 15_000 }).toBeGreaterThan(0);
  expect(theirs.reads[0]).toBe('changes');
  expect(mine.reads).toHaveLength(before);
});

test('a failure is written down, tried again soon, and forgotten when it is over', {
  timeout: 30_000,
}, async () => {
  const source = new WrittenSource('ad', ada);
  source.trouble = new Error('no directory server let us in');
  await start([source], { refreshEvery: 50 });
  await using directory = await openDirectory(fresh.database, ['ad']);
  const health = async () => (await directory.health(AbortSignal.timeout(5000)))[0];
  await expect.poll(health).toMatchObject({ trouble: 'no directory server let us in', tooOld: true });
  expect(said).toContain('directory could not be refreshed; the last good snapshot stands');
  expect(counted).toContain('isthmus_directory_refreshes_total ad failed');
  source.trouble = undefined;
  await expect.poll(health, { timeout: 10_000 }).toMatchObject({ tooOld: false, entries: 1 });
  expect(await health()).not.toHaveProperty('trouble');
  expect(counted).toContain('isthmus_directory_refreshes_total ad good');
});

test('a slow or broken source does not keep the others from being read', async () => {
  const broken = new WrittenSource('broken');
  broken.trouble = new Error('broken');
  const good = new WrittenSource('ad', ada);
  await start([broken, good], { refreshEvery: 30 });
  await expect.poll(() => good.reads.length).toBeGreaterThan(3);
});

test('a snapshot that is too old raises one alarm', { timeout: 30_000 }, async () => {
  const source = new WrittenSource('ad', ada);
  const first = await start([source]);
  await expect.poll(() => source.reads.length).toBe(1);
  await expect.poll(() => counted).toContain('isthmus_directory_refreshes_total ad good');
  await first.stop();
  await fresh.database.query(
    `update directory_source set good_at = now() - interval '2 days', trouble = 'away'`,
  );
  source.trouble = new Error('away');
  await start([source], { refreshEvery: 30 });
  await expect.poll(() => source.reads.length, { timeout: 10_000 }).toBeGreaterThan(4);
  expect(counted.filter((line) => line === 'isthmus_alarms_total directory-too-old ad')).toHaveLength(1);
  expect(said.filter((text) => text.startsWith('directory snapshot is older than allowed'))).toHaveLength(1);
});

test('a source that answers no more raises the alarm while it is waited for', {
  timeout: 30_000,
}, async () => {
  let ahead = 0;
  const source = new WrittenSource('ad', ada);
  await start([source], { refreshEvery: 30, now: () => new Date(Date.now() + ahead) });
  await expect.poll(() => counted).toContain('isthmus_directory_refreshes_total ad good');
  let stuck = false;
  source.changes = async function* (_cursor, signal?: AbortSignal) {
    stuck = true;
    await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    return '';
  };
  await expect.poll(() => stuck).toBe(true);
  ahead = 2 * 86_400_000;
  await expect.poll(() => counted, { timeout: 5_000 }).toContain('isthmus_alarms_total directory-too-old ad');
});

test('a suspicious loss raises an alarm and keeps the snapshot', { timeout: 30_000 }, async () => {
  const crowd = Array.from({ length: 100 }, (_, n) =>
    entry('ad', `cn=p${n}`, { mail: [`p${n}@example.org`] }),
  );
  const source = new WrittenSource('ad', ...crowd);
  await start([source]);
  await expect.poll(() => counted).toContain('isthmus_directory_refreshes_total ad good');
  source.entries.clear();
  await requestRefresh(fresh.database, { full: true });
  await expect.poll(() => counted).toContain('isthmus_alarms_total directory-loss-refused ad');
  const [row] = await fresh.database.query<{ entries: number }>(
    'select count(*) as entries from directory_entry',
    [],
  );
  expect(row?.entries).toBe(100);
  await requestRefresh(fresh.database, { full: true, acceptLoss: true });
  const entries = async () =>
    (await fresh.database.query<{ n: number }>('select count(*) as n from directory_entry', []))[0]?.n;
  await expect.poll(entries, { timeout: 5000 }).toBe(0);
});

test('what a source left behind that is no longer configured goes after a week', async () => {
  const old = new WrittenSource('old', entry('old', 'cn=x', { mail: ['x@example.org'] }));
  const first = await start([old]);
  await expect.poll(() => counted).toContain('isthmus_directory_refreshes_total old good');
  await first.stop();
  const sources = async () =>
    (await fresh.database.query<{ source: string }>('select source from directory_entry order by 1', [])).map(
      (row) => row.source,
    );
  const second = await start([new WrittenSource('ad', ada)]);
  await expect.poll(sources).toEqual(['ad', 'old']);
  await second.stop();
  await fresh.database.query(
    `update directory_source set good_at = now() - interval '8 days' where source = 'old'`,
  );
  await start([new WrittenSource('ad', ada)]);
  await expect.poll(sources).toEqual(['ad']);
  const left = await fresh.database.query(`select key from directory_address where key like 'x@%'`, []);
  expect(left).toEqual([]);
});
