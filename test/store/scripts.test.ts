/** Scripts, what they remember, and annotations: within bounds, and right when many come at once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sweepScriptMemory } from '../../src/store/script-memory.ts';
import { usualTreeLimits } from '../../src/store/tree.ts';
import { fault, garden } from './tree-parts.ts';

async function one(limits: Partial<typeof usualTreeLimits> = {}) {
  const at = await garden({ newcomers: [], limits: { ...usualTreeLimits, ...limits } });
  const account = (await at.tree.accounts.create({ name: 'ada' })).id;
  return { ...at, ...at.tree, account, [Symbol.asyncDispose]: () => at[Symbol.asyncDispose]() };
}

test('a script is put, listed, got, replaced, activated, renamed and removed', async () => {
  await using at = await one();
  const { scripts, account } = at;
  await scripts.put(account, 'größe', 'keep; # ü');
  await scripts.put(account, 'b', 'stop;');
  await scripts.put(account, 'b', 'discard;');
  expect(await scripts.list(account)).toEqual([
    { name: 'b', active: false, size: 8 },
    { name: 'größe', active: false, size: 10 },
  ]);
  expect(await scripts.get(account, 'größe')).toBe('keep; # ü');
  expect(await scripts.get(account, 'c')).toBeUndefined();
  expect(await scripts.active(account)).toBeUndefined();
  await scripts.activate(account, 'b');
  await scripts.activate(account, 'größe');
  await scripts.rename(account, 'größe', 'a');
  expect(await scripts.active(account)).toEqual({ name: 'a', content: 'keep; # ü' });
  expect(await fault(scripts.remove(account, 'a'))).toBe('active');
  await scripts.activate(account, undefined);
  await scripts.remove(account, 'a');
  expect((await scripts.list(account)).map(({ name }) => name)).toEqual(['b']);
});

test('each fault of a script has its name', async () => {
  await using at = await one();
  const { scripts, account } = at;
  await scripts.put(account, 'a', '');
  await scripts.put(account, 'b', '');
  expect(await fault(scripts.activate(account, 'c'))).toBe('missing');
  expect(await fault(scripts.remove(account, 'c'))).toBe('missing');
  expect(await fault(scripts.rename(account, 'c', 'd'))).toBe('missing');
  expect(await fault(scripts.rename(account, 'a', 'b'))).toBe('exists');
  expect(await fault(scripts.put(999, 'a', ''))).toBe('missing');
  for (const name of ['', 'a\n', 'a\u2028', 'x'.repeat(129), '\ud800'])
    expect(await fault(scripts.put(account, name, ''))).toBe('badName');
  expect(await fault(scripts.put(account, '𝒳'.repeat(128), ''))).toBe('no fault');
});

test('scripts are bounded in size, number and together, and room says so before', async () => {
  await using at = await one({ scripts: { size: 10, perAccount: 3, total: 20 } });
  const { scripts, account } = at;
  expect(await scripts.room(account, 'a', 11)).toBe('tooBig');
  expect(await fault(scripts.put(account, 'a', 'x'.repeat(11)))).toBe('quota');
  await scripts.put(account, 'a', 'x'.repeat(10));
  await scripts.put(account, 'b', 'x'.repeat(8));
  expect(await scripts.room(account, 'c', 3)).toBe('quota');
  expect(await scripts.room(account, 'b', 10)).toBe('room');
  expect(await fault(scripts.put(account, 'c', 'xxx'))).toBe('quota');
  await scripts.put(account, 'c', '');
  expect(await scripts.room(account, 'd', 0)).toBe('tooMany');
  expect(await scripts.room(account, 'a', 5)).toBe('room');
});

test('of many who put at once as many succeed as there is room for', async () => {
  await using at = await one({ scripts: { size: 10, perAccount: 3, total: 20 } });
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, (_, n) => fault(at.scripts.put(at.account, `s${n}`, 'x'))),
  );
  expect(outcomes.filter((outcome) => outcome === 'no fault')).toHaveLength(3);
});

const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));

test('what is remembered is so until it ends, of that account only', async () => {
  await using all = await one();
  const { memory, account } = all;
  const bob = (await all.accounts.create({ name: 'bob' })).id;
  await memory.remember(account, 'k', at(10));
  expect(await memory.has(account, 'k', at(9))).toBe(true);
  expect(await memory.has(account, 'k', at(10))).toBe(false);
  expect(await memory.has(bob, 'k', at(9))).toBe(false);
  expect(await memory.has(account, 'K', at(9))).toBe(false);
  await memory.remember(account, 'k', at(20));
  expect(await memory.has(account, 'k', at(15))).toBe(true);
});

test('a claim is had by one of many at once, and by one again when it has ended', async () => {
  await using all = await one();
  const { memory, account } = all;
  const claims = async (now: Date, until: Date) =>
    (
      await Promise.all(
        Array.from({ length: 20 }, () => memory.claim(account, 'k'.repeat(5_000), now, until)),
      )
    ).filter(Boolean).length;
  expect(await claims(at(0), at(10))).toBe(1);
  expect(await claims(at(9), at(20))).toBe(0);
  expect(await claims(at(10), at(20))).toBe(1);
  expect(await memory.claim(999, 'k', at(0), at(10))).toBe(false);
});

test('an account remembers so many keys: those that end last', async () => {
  await using all = await one({ remembered: 5 });
  const { memory, account } = all;
  for (const n of [3, 9, 1, 7, 5, 8, 2, 6, 4]) await memory.remember(account, `k${n}`, at(10 + n));
  const kept = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => memory.has(account, `k${n}`, at(0)));
  expect(await Promise.all(kept)).toEqual([false, false, false, false, true, true, true, true, true]);
});

test('the sweep forgets what has ended, and only that', async () => {
  await using all = await one({ remembered: 20_000 });
  const { memory, account, database } = all;
  await database.query(
    `insert into script_memory select $1, sha256(n::text::bytea), $2::timestamptz + n * interval '1 ms'
     from generate_series(1, 12000) as n`,
    [account, at(0)],
  );
  await memory.remember(account, 'k', at(60));
  expect(await sweepScriptMemory(database, at(11), AbortSignal.timeout(20_000))).toBe(11_000);
  expect(await sweepScriptMemory(database, at(11), AbortSignal.timeout(20_000))).toBe(0);
  expect(await memory.has(account, 'k', at(59))).toBe(true);
});

test('private annotations are seen by one, shared ones by all, and the server has its own', async () => {
  await using all = await one();
  const { annotations, account } = all;
  const bob = (await all.accounts.create({ name: 'bob' })).id;
  const [inbox] = await all.mailboxes.list(account);
  const value = String.fromCharCode(...Array.from({ length: 256 }, (_, n) => n));
  await annotations.set(
    inbox!.id,
    account,
    new Map([
      ['/private/comment', 'mine'],
      ['/shared/comment', value],
    ]),
  );
  await annotations.set(inbox!.id, bob, new Map([['/private/comment', 'his']]));
  await annotations.set('server', bob, new Map([['/private/vendor/x/y', '']]));
  expect(Object.fromEntries(await annotations.of(inbox!.id, account))).toEqual({
    '/private/comment': 'mine',
    '/shared/comment': value,
  });
  expect(Object.fromEntries(await annotations.of(inbox!.id, bob))).toEqual({
    '/private/comment': 'his',
    '/shared/comment': value,
  });
  expect(Object.fromEntries(await annotations.of('server', bob))).toEqual({ '/private/vendor/x/y': '' });
  expect((await annotations.of('server', account)).size).toBe(0);
  await annotations.set(inbox!.id, bob, new Map([['/shared/comment', undefined]]));
  expect([...(await annotations.of(inbox!.id, account)).keys()]).toEqual(['/private/comment']);
  expect(all.said.at(-1)).toBe(`tree ${account} ${inbox!.id}`);
});

test('annotations are bounded in name, value and number, and a refused set changes nothing', async () => {
  await using all = await one({ annotations: { entries: 2, value: 5 } });
  const { annotations, account } = all;
  const [inbox] = await all.mailboxes.list(account);
  const set = (...entries: [string, string | undefined][]) =>
    fault(annotations.set(inbox!.id, account, new Map(entries)));
  expect(await set(['/shared/a', '123456'])).toBe('tooBig');
  const bad = [
    '/shared',
    '/other/a',
    'shared/a',
    '/shared//a',
    '/shared/a/',
    '/shared/a*',
    '/shared/%',
    '/shared/ü',
  ];
  for (const name of [...bad, '/Shared/a', '/shared/A', `/shared/${'x'.repeat(600)}`])
    expect(await set([name, 'x']), name).toBe('badName');
  expect(await set(['/shared/a', '1'], ['/shared/b', '2'], ['/shared/c', '3'])).toBe('tooMany');
  expect(await set(['/shared/a', '1'], ['/shared/b', '2'], ['/private/a', '3'])).toBe('no fault');
  expect(await set(['/shared/c', '3'])).toBe('tooMany');
  expect(await set(['/shared/c', '3'], ['/shared/a', undefined])).toBe('no fault');
  expect([...(await annotations.of(inbox!.id, account)).keys()]).toEqual([
    '/private/a',
    '/shared/b',
    '/shared/c',
  ]);
});

test('any octets come back as they were put', async () => {
  await using all = await one();
  const { annotations, account } = all;
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (octets) => {
      const value = Buffer.from(octets).toString('latin1');
      await annotations.set('server', account, new Map([['/private/any', value]]));
      expect((await annotations.of('server', account)).get('/private/any')).toBe(value);
    }),
    { numRuns: 30 },
  );
});
