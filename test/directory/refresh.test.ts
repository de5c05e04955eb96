import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SuspiciousLoss } from '../../src/directory/apply.ts';
import { refresh } from '../../src/directory/refresh.ts';
import { survey } from '../../src/directory/survey.ts';
import type { Database } from '../../src/ports/database.ts';
import { CursorExpired, type DirectorySource } from '../../src/ports/directory.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import { brief, context, entry, look, never, openDirectory, refreshed, WrittenSource } from './sample.ts';

let fresh: FreshDatabase;
let database: Database;

beforeEach(async () => {
  fresh = await freshDatabase();
  database = fresh.database;
});

afterEach(() => fresh.drop());

const mail = (name: string) => ({ mail: [`${name}@example.org`] });

const crowd = (count: number, source = 'ad') =>
  Array.from({ length: count }, (_, n) => entry(source, `cn=p${n}`, mail(`p${n}`)));

const ids = async (): Promise<string[]> =>
  (await database.query<{ id: string }>('select id from directory_entry order by id', [])).map(
    (row) => row.id,
  );

test('the first refresh reads everything, the next ones what changed', async () => {
  const source = new WrittenSource('ad', ...crowd(3));
  expect(await refreshed(database, source)).toEqual({
    mode: 'full',
    read: 3,
    inserted: 3,
    updated: 0,
    deleted: 0,
  });
  source.put(entry('ad', 'cn=p1', mail('renamed')), entry('ad', 'cn=new', mail('new')));
  source.drop('ad/cn=p2');
  const result = await refreshed(database, source);
  expect(result).toMatchObject({ mode: 'changes', inserted: 1, updated: 1, deleted: 1 });
  await using directory = await openDirectory(database, ['ad']);
  const answers = ['p1', 'renamed', 'new', 'p2', 'p0'].map((name) => look(directory, `${name}@example.org`));
  expect((await Promise.all(answers)).map(brief)).toEqual([
    'nobody',
    'exact ad/cn=p1',
    'exact ad/cn=new',
    'nobody',
    'exact ad/cn=p0',
  ]);
});

test('what is told again unchanged is not written', async () => {
  const source = new WrittenSource('ad', ...crowd(3));
  await refreshed(database, source);
  const before = await database.query('select n, xmin::text from directory_entry order by n', []);
  const again = await refreshed(database, source, { full: true });
  expect(again).toMatchObject({ mode: 'full', inserted: 0, updated: 0, deleted: 0 });
  expect(await database.query('select n, xmin::text from directory_entry order by n', [])).toEqual(before);
});

test('everything is read when it is time, and when the source cannot go on from the cursor', async () => {
  const source = new WrittenSource('ad', ...crowd(1));
  await refreshed(database, source);
  await database.query(`update directory_source set full_at = now() - interval '25h'`);
  await refreshed(database, source);
  await database.query(`update directory_source set cursor = 'lost'`);
  await refreshed(database, source);
  expect(source.reads).toEqual(['everything', 'everything', 'changes', 'everything']);
});

test('deletions are found by the list of ids where changes do not tell them', async () => {
  const source = new WrittenSource('ad', ...crowd(5));
  source.silentDeletions = true;
  await refreshed(database, source);
  source.drop('ad/cn=p3');
  source.put(entry('ad', 'cn=new', mail('new')));
  expect(await refreshed(database, source)).toMatchObject({ mode: 'changes', deleted: 1, inserted: 1 });
  expect(await ids()).toEqual(['ad/cn=new', 'ad/cn=p0', 'ad/cn=p1', 'ad/cn=p2', 'ad/cn=p4']);
});

test('the list of ids is read only as often as it should be', async () => {
  const source = new WrittenSource('ad', ...crowd(5));
  source.silentDeletions = true;
  await refreshed(database, source);
  source.drop('ad/cn=p3');
  const seldom = context(database, { deletionsEvery: 900_000 });
  expect(await refresh(seldom, source, {}, never)).toMatchObject({ deleted: 0 });
  await database.query(`update directory_source set deletions_at = now() - interval '16min'`);
  expect(await refresh(seldom, source, {}, never)).toMatchObject({ deleted: 1 });
});

test('a read that fails half way changes nothing', async () => {
  const source = new WrittenSource('ad', ...crowd(4));
  await refreshed(database, source);
  source.entries.clear();
  source.put(...crowd(2), entry('ad', 'cn=other', mail('other')));
  source.trouble = new Error('the server is gone');
  await expect(refreshed(database, source, { full: true })).rejects.toThrow('the server is gone');
  expect(await ids()).toHaveLength(4);
  source.trouble = undefined;
  await refreshed(database, source, { full: true });
  expect(await ids()).toEqual(['ad/cn=other', 'ad/cn=p0', 'ad/cn=p1']);
});

test('readers see the old snapshot until the new one is whole', async () => {
  const source = new WrittenSource('ad', ...crowd(1));
  await refreshed(database, source);
  await using directory = await openDirectory(database, ['ad'], { cache: { size: 1 << 20, age: 1 } });
  const seen: string[] = [];
  const slow: DirectorySource = {
    name: 'ad',
    async *everything() {
      for (const each of crowd(2500)) {
        yield each;
        if (each.id.endsWith('00')) seen.push(brief(await look(directory, 'p1@example.org')));
      }
      return '0';
    },
    changes: () => {
      throw new CursorExpired('never');
    },
    async close() {},
  };
  await refresh(context(database), slow, { full: true }, never);
  expect(seen.length).toBeGreaterThan(10);
  expect(new Set(seen)).toEqual(new Set(['nobody']));
  await expect.poll(async () => brief(await look(directory, 'p1@example.org'))).toBe('exact ad/cn=p1');
});

test('another process forgets what it has cached when a refresh changed something', async () => {
  const source = new WrittenSource('ad', ...crowd(1));
  await refreshed(database, source);
  await using directory = await openDirectory(database, ['ad'], { cache: { size: 1 << 20, age: 3_600_000 } });
  expect(brief(await look(directory, 'new@example.org'))).toBe('nobody');
  source.put(entry('ad', 'cn=new', mail('new')));
  await refreshed(database, source);
  await expect.poll(async () => brief(await look(directory, 'new@example.org'))).toBe('exact ad/cn=new');
});

test('a full read that lost a suspicious share is refused, and taken when it is meant', async () => {
  const source = new WrittenSource('ad', ...crowd(200));
  await refreshed(database, source);
  for (const { id } of crowd(61)) source.drop(id);
  await expect(refreshed(database, source, { full: true })).rejects.toBeInstanceOf(SuspiciousLoss);
  expect(await ids()).toHaveLength(200);
  await expect(refreshed(database, source)).rejects.toThrow('61 of 200 entries are gone at once');
  expect(await ids()).toHaveLength(200);
  await refreshed(database, source, { full: true, acceptLoss: true });
  expect(await ids()).toHaveLength(139);
});

test.each([
  ['fewer than fifty', 60, 50],
  ['a small share', 400, 100],
])('a loss of %s is believed', async (_name, count, gone) => {
  const source = new WrittenSource('ad', ...crowd(count));
  await refreshed(database, source);
  for (const { id } of crowd(gone)) source.drop(id);
  await refreshed(database, source, { full: true });
  expect(await ids()).toHaveLength(count - gone);
});

test('sources do not touch each other', async () => {
  const ad = new WrittenSource('ad', ...crowd(3));
  const hr = new WrittenSource('hr', ...crowd(2, 'hr'));
  await refreshed(database, ad);
  await refreshed(database, hr);
  ad.entries.clear();
  await refreshed(database, ad, { full: true });
  expect(await ids()).toEqual(['hr/cn=p0', 'hr/cn=p1']);
});

test('a member that comes later, leaves and comes back under a new id is found each time', async () => {
  const source = new WrittenSource('ad', entry('ad', 'cn=team', { ...mail('team'), members: ['cn=ada'] }));
  await refreshed(database, source);
  await using directory = await openDirectory(database, ['ad'], { cache: { size: 1 << 20, age: 1 } });
  const memberIds = async () => {
    const found: string[] = [];
    for await (const member of directory.members('ad/cn=team', never)) {
      found.push(member.kind === 'entry' ? member.entryId : member.kind);
    }
    return found;
  };
  expect(await memberIds()).toEqual(['unusable']);
  source.put(entry('ad', 'cn=ada', { id: 'one', ...mail('ada') }));
  await refreshed(database, source);
  expect(await memberIds()).toEqual(['ad/one']);
  source.drop('ad/one');
  await refreshed(database, source);
  expect(await memberIds()).toEqual(['unusable']);
  source.put(entry('ad', 'cn=ada', { id: 'two', ...mail('ada') }));
  await refreshed(database, source);
  expect(await memberIds()).toEqual(['ad/two']);
});

test('text that a database cannot hold is stored without what it cannot', async () => {
  const odd = entry('ad', 'cn=odd', {
    ...mail('odd'),
    more: { displayName: 'a\0b\ud800c', x500: ['\\u0000'] },
  });
  await refreshed(database, new WrittenSource('ad', odd));
  await using directory = await openDirectory(database, ['ad']);
  expect(await look(directory, 'odd@example.org')).toMatchObject({
    entry: { displayName: 'ab\ufffdc', x500: ['\\u0000'] },
  });
});

test('names and X.500 addresses longer than an index takes keep nobody from being read, and are found', async () => {
  // Not to be compressed.
  const long = (seed: string): string =>
    Array.from({ length: 200 }, (_, n) => createHash('sha256').update(`${seed}${n}`).digest('hex')).join('');
  const x500 = `/o=contoso/cn=${long('x')}`;
  const ada = entry('ad', `cn=${long('dn')}`, { id: 'ada', ...mail('ada'), more: { x500: [x500] } });
  const team = entry('ad', 'cn=team', { ...mail('team'), members: [ada.where, `uid:${long('nobody')}`] });
  await refreshed(database, new WrittenSource('ad', ada, team, entry('ad', 'cn=bob', mail('bob'))));
  await using directory = await openDirectory(database, ['ad']);
  expect(brief(await look(directory, 'bob@example.org'))).toBe('exact ad/cn=bob');
  const enclosed = { local: `IMCEAEX-${x500.replaceAll('/', '_')}`, domain: 'example.org' };
  const [moved] = await directory.lookup([{ ...enclosed, text: '' }], { groups: false }, never);
  expect(brief(moved!)).toBe('exact ad/ada');
  const members = [];
  for await (const member of directory.members('ad/cn=team', never)) members.push(member.kind);
  expect(members.sort()).toEqual(['entry', 'unusable']);
});

test('the survey tells of ambiguous addresses, loops and unknown members, and of no others', async () => {
  const group = (name: string, members: readonly string[]) =>
    entry('ad', `cn=${name}`, { ...mail(name), members });
  const source = new WrittenSource(
    'ad',
    entry('ad', 'cn=a', { mail: ['a@example.org', 'twin@example.org'] }),
    entry('ad', 'cn=b', { mail: ['twin@example.org'] }),
    group('above', ['cn=ring1']),
    group('ring1', ['cn=ring2', 'cn=a']),
    group('ring2', ['cn=ring1', 'cn=below']),
    group('self', ['cn=self']),
    group('below', ['cn=deep']),
    group('deep', ['cn=b', 'cn=gone']),
    entry('ad', 'cn=silent', { members: ['cn=foreign'] }),
    entry('ad', 'cn=mod', {
      ...mail('mod'),
      members: [],
      more: {
        hiddenFromAddressLists: true,
        group: {
          moderated: true,
          internalOnly: false,
          owners: [],
          reportTo: 'owner',
          opaque: true,
          members: [],
        },
      },
    }),
    entry('ad', 'cn=bad', {
      more: { problems: [{ source: 'ad', where: 'cn=bad', kind: 'bad address', text: 'x is none' }] },
    }),
  );
  const hr = new WrittenSource('hr', entry('hr', 'line 1', { mail: ['a@example.org'] }));
  await refreshed(database, source);
  await refreshed(database, hr);
  const told = async (precedence: readonly string[]) => {
    await survey(database, { sources: ['ad', 'hr'], precedence });
    await using directory = await openDirectory(database, ['ad', 'hr'], { precedence });
    const health = await directory.health(never);
    return health.flatMap((each) => each.problems.map((p) => `${p.source} ${p.kind} ${p.where}`)).sort();
  };
  const always = [
    'ad ambiguous cn=a',
    'ad bad address cn=bad',
    'ad group loop cn=ring1',
    'ad group loop cn=ring2',
    'ad group loop cn=self',
    'ad hidden cn=mod',
    'ad moderated cn=mod',
    'ad opaque cn=mod',
    'ad unknown member cn=deep',
  ];
  expect(await told(['ad', 'hr'])).toEqual(always);
  expect(await told([])).toEqual([...always, 'ad ambiguous cn=a', 'hr ambiguous line 1'].sort());
});

test('what is told of a knot of groups is bounded', async () => {
  const names = Array.from({ length: 60 }, (_, n) => `cn=g${n},${'ou=deep,'.repeat(20)}dc=x`);
  const knot = names.map((where, n) => entry('ad', where, { ...mail(`g${n}`), members: names }));
  await refreshed(database, new WrittenSource('ad', ...knot));
  await survey(database, { sources: ['ad'], precedence: [] });
  const [row] = await database.query<{ found: number; longest: number }>(
    "select count(*) as found, max(length(what)) as longest from directory_problem where kind = 'group loop'",
    [],
  );
  expect(row?.found).toBe(60);
  expect(row?.longest).toBeLessThan(1_200);
});

test('health tells entries, age and trouble', async () => {
  await refreshed(database, new WrittenSource('ad', ...crowd(3)));
  await database.query(
    `update directory_source set good_at = '2026-01-01T00:00:00Z', trouble = 'no route to host'`,
  );
  await using directory = await openDirectory(database, ['ad', 'new']);
  expect(await directory.health(never)).toEqual([
    {
      source: 'ad',
      entries: 3,
      goodAt: new Date('2026-01-01T00:00:00Z'),
      tooOld: true,
      trouble: 'no route to host',
      problems: [],
    },
    { source: 'new', entries: 0, tooOld: true, problems: [] },
  ]);
  await database.query('update directory_source set good_at = now(), trouble = null');
  expect((await directory.health(never))[0]).toMatchObject({ tooOld: false });
});

/** All that the snapshot says, without the numbers of its rows. */
const dumpText = `
  select e.id, e.source, e.place, e.kind, e.home, e.target, e.facts,
    array(select a.key || ' ' || a.role::text from directory_address a where a.entry = e.n order by 1) as keys,
    array(select m.role::text || ' ' || m.ref from directory_member m where m.grp = e.n order by 1) as members,
    array(select p.kind || p.what from directory_problem p where p.entry = e.n order by 1) as problems,
    (select d.entries from directory_source d) as entries
  from directory_entry e order by e.id`;

const orphansText = `select
  (select count(*) from directory_address where entry not in (select n from directory_entry)) +
  (select count(*) from directory_member where grp not in (select n from directory_entry)) +
  (select count(*) from directory_stage) + (select count(*) from directory_seen) as orphans`;

test('changes applied one by one make the same snapshot as a full read', { timeout: 60_000 }, async () => {
  const whole = await freshDatabase();
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        put: name,
        kind: fc.constantFrom('user', 'group'),
        mail: fc.uniqueArray(name, { maxLength: 3 }),
        members: fc.uniqueArray(name, { maxLength: 3 }),
        home: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ drop: name }) },
    { weight: 2, arbitrary: fc.constant('refresh' as const) },
  );
  const runs = fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.boolean(), async (steps, silent) => {
    for (const each of [database, whole.database]) {
      await each.query(
        `truncate directory_source, directory_entry, directory_address, directory_member, directory_problem, directory_stage, directory_seen`,
      );
    }
    const source = new WrittenSource('ad');
    source.silentDeletions = silent;
    await refreshed(database, source);
    for (const each of steps) {
      if (each === 'refresh') await refreshed(database, source);
      else if ('drop' in each) source.drop(`ad/cn=${each.drop}`);
      else {
        const members =
          each.kind === 'group' ? { members: each.members.map((member) => `cn=${member}`) } : {};
        const addresses = each.mail.map((local) => `${local}@example.org`);
        source.put(
          entry('ad', `cn=${each.put}`, {
            mail: addresses,
            ...members,
            ...(each.home && { home: each.home }),
          }),
        );
      }
    }
    await refreshed(database, source);
    await refreshed(whole.database, source);
    expect(source.reads.at(-2)).toBe('changes');
    expect(await database.query(dumpText, [])).toEqual(await whole.database.query(dumpText, []));
    expect(await database.query(orphansText, [])).toEqual([{ orphans: 0 }]);
  });
  try {
    await fc.assert(runs, { seed: 7, numRuns: 40 });
  } finally {
    await whole.drop();
  }
});
