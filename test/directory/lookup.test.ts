import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PgDirectory } from '../../src/directory/pg-directory.ts';
import { PgHomes, UnknownEntry } from '../../src/directory/pg-homes.ts';
import { DirectoryUnready, type GroupMember, type SourceEntry } from '../../src/ports/directory.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import { address, brief, entry, look, never, openDirectory, refreshed, WrittenSource } from './sample.ts';

let fresh: FreshDatabase;
let directory: PgDirectory;

/** A group without an address that routing would not simply expand, if it were asked. */
const closed = (how: Partial<SourceEntry['group'] & object>) => ({
  kind: 'group' as const,
  more: {
    group: {
      moderated: false,
      internalOnly: false,
      opaque: false,
      reportTo: 'originator' as const,
      owners: [],
      members: ['cn=eai'],
      ...how,
    },
  },
});

const people = new WrittenSource(
  'ad',
  entry('ad', 'cn=ada', { mail: ['ada@example.org', 'countess@example.org'], home: 'onprem' }),
  entry('ad', 'cn=bob', { mail: ['bob@example.org'], home: 'cloud', target: 'bob@tenant.example' }),
  entry('ad', 'cn=plus', { mail: ['with+plus@example.org'] }),
  entry('ad', 'cn=twin1', { mail: ['twin@example.org', 'one@example.org'] }),
  entry('ad', 'cn=twin2', { mail: ['two@example.org', 'twin@example.org'] }),
  entry('ad', 'cn=idn', { mail: ['ada@bücher.example'] }),
  entry('ad', 'cn=eai', { mail: ['jürgen@example.org'] }),
  entry('ad', 'cn=moved', {
    mail: ['moved@example.org'],
    more: { x500: ['/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=moved'] },
  }),
  entry('ad', 'cn=contact', { kind: 'contact', mail: ['out@example.org'], target: 'out@elsewhere.example' }),
  entry('ad', 'cn=mute', {}),
  entry('ad', 'cn=staff', {
    mail: ['staff@example.org'],
    members: ['cn=team', 'cn=bob'],
    owners: ['cn=bob', 'cn=nobody'],
  }),
  entry('ad', 'cn=team', {
    mail: ['team@example.org'],
    members: ['cn=ada', 'cn=mute', 'cn=nobody', 'mailto:far@away.example', 'mailto:bob@example.org'],
  }),
  entry('ad', 'cn=loop1', { mail: ['loop1@example.org'], members: ['cn=loop2', 'cn=contact'] }),
  entry('ad', 'cn=loop2', { mail: ['loop2@example.org'], members: ['cn=loop1'] }),
  entry('ad', 'cn=secret', { members: ['cn=ada'] }),
  entry('ad', 'cn=posix', { mail: ['posix@example.org'], members: ['uid:linus'] }),
  entry('ad', 'cn=all', {
    mail: ['all@example.com'],
    members: [...['cn=open', 'cn=moderated', 'cn=internal', 'cn=query', 'cn=unread', 'cn=open-moderated']],
  }),
  entry('ad', 'cn=open', closed({})),
  entry('ad', 'cn=moderated', closed({ moderated: true })),
  entry('ad', 'cn=open-moderated', { ...closed({ moderated: true }), mail: ['moderated@example.org'] }),
  entry('ad', 'cn=internal', closed({ internalOnly: true })),
  entry('ad', 'cn=query', closed({ opaque: true })),
  entry('ad', 'cn=unread', { kind: 'group', more: { group: undefined } as unknown as Partial<SourceEntry> }),
  entry('ad', 'cn=linus', { mail: ['linus@example.org'], names: ['cn=linus', 'uid:linus'] }),
);

const other = new WrittenSource(
  'hr',
  entry('hr', 'line 1', { mail: ['ada@example.org'], home: 'local' }),
  entry('hr', 'line 2', { mail: ['hr@example.org'] }),
  entry('hr', 'line 3', { mail: ['all@example.org'], members: ['mailto:linus@example.org'] }),
  entry('hr', 'line 4', { mail: ['twins@example.org'], members: ['mailto:twin@example.org'] }),
);

beforeAll(async () => {
  fresh = await freshDatabase();
  await refreshed(fresh.database, people);
  await refreshed(fresh.database, other);
  directory = await openDirectory(fresh.database, ['ad']);
});

afterAll(async () => {
  await directory?.[Symbol.asyncDispose]();
  await fresh?.drop();
});

test.each([
  ['a primary address', 'ada@example.org', 'exact ad/cn=ada'],
  ['another address', 'countess@example.org', 'exact ad/cn=ada'],
  ['case does not matter', 'ADA@Example.ORG', 'exact ad/cn=ada'],
  ['quotes do not matter', '"ada"@example.org', 'exact ad/cn=ada'],
  ['a detail is left out where nobody has the whole address', 'ada+lists@example.org', 'detail ad/cn=ada'],
  ['only from the first plus on', 'ada+a+b@example.org', 'detail ad/cn=ada'],
  ['an address with a plus of its own is exact', 'with+plus@example.org', 'exact ad/cn=plus'],
  ['and is not the address without it', 'with@example.org', 'nobody'],
  ['a target address', 'bob@tenant.example', 'target ad/cn=bob'],
  ['two entries with one address are ambiguous', 'twin@example.org', 'ambiguous ad/cn=twin1 ad/cn=twin2'],
  ['with a detail as well', 'twin+x@example.org', 'ambiguous ad/cn=twin1 ad/cn=twin2'],
  ['their other addresses are not', 'one@example.org', 'exact ad/cn=twin1'],
  ['an international domain', 'ada@xn--bcher-kva.example', 'exact ad/cn=idn'],
  ['and in letters', 'ada@BÜCHER.example', 'exact ad/cn=idn'],
  ['an international local part', 'JÜRGEN@example.org', 'exact ad/cn=eai'],
  ['composed in another way', 'ju\u0308rgen@example.org', 'exact ad/cn=eai'],
  [
    'a reply to an old message, by the enclosed X.500 address',
    'IMCEAEX-_O=CONTOSO_OU=EXCHANGE+20ADMINISTRATIVE+20GROUP+20+28FYDIBOHF23SPDLT+29_CN=RECIPIENTS_CN=MOVED@example.org',
    'exact ad/cn=moved',
  ],
  ['an X.500 address that nobody has', 'IMCEAEX-_o=contoso_cn=eve@example.org', 'nobody'],
  ['a stranger', 'eve@example.org', 'nobody'],
  ['a name of a group member is no address', 'ad\tcn=ada@example.org', 'nobody'],
  ['a source that is not configured counts for nothing', 'hr@example.org', 'nobody'],
])('%s: %s', async (_name, text, expected) => {
  const at = text.lastIndexOf('@');
  const asked = text.includes('\t')
    ? { text, local: text.slice(0, at), domain: text.slice(at + 1) }
    : address(text);
  const [answer] = await directory.lookup([asked], { groups: false }, never);
  expect(brief(answer!)).toBe(expected);
});

test('many addresses are answered in their order', async () => {
  const texts = ['bob@example.org', 'eve@example.org', 'ada@example.org', 'bob@example.org'];
  const answers = await directory.lookup(texts.map(address), { groups: false }, never);
  expect(answers.map(brief)).toEqual(['exact ad/cn=bob', 'nobody', 'exact ad/cn=ada', 'exact ad/cn=bob']);
});

test('what a source said of an entry comes back', async () => {
  const lookup = await look(directory, 'bob@example.org');
  expect(lookup).toEqual({
    found: 'one',
    by: 'exact',
    entry: {
      id: 'ad/cn=bob',
      source: 'ad',
      where: 'cn=bob',
      kind: 'user',
      primary: address('bob@example.org'),
      addresses: [address('bob@example.org')],
      x500: [],
      home: 'cloud',
      targetAddress: address('bob@tenant.example'),
      hiddenFromAddressLists: false,
      disabled: false,
      attributes: {},
    },
  });
  expect(await directory.entry('ad/cn=bob', never)).toEqual(lookup.found === 'one' && lookup.entry);
  expect(await directory.entry('ad/cn=eve', never)).toBeUndefined();
});

test('owners of a group are ids; those who are nobody are left out', async () => {
  const staff = await directory.entry('ad/cn=staff', never);
  expect(staff?.group?.owners).toEqual(['ad/cn=bob']);
});

test.each([
  [
    'of a member, with the groups around its group',
    'ada@example.org',
    ['ad/cn=team', 'team@example.org', 'ad/cn=staff', 'staff@example.org', 'ad/cn=secret'],
  ],
  [
    'of a member by address',
    'bob@example.org',
    ['ad/cn=team', 'team@example.org', 'ad/cn=staff', 'staff@example.org'],
  ],
  [
    'of a group within itself: loops are cut',
    'loop1@example.org',
    ['ad/cn=loop1', 'loop1@example.org', 'ad/cn=loop2', 'loop2@example.org'],
  ],
  [
    'of somebody below a loop',
    'out@example.org',
    ['ad/cn=loop1', 'loop1@example.org', 'ad/cn=loop2', 'loop2@example.org'],
  ],
  ['of a member by uid', 'linus@example.org', ['ad/cn=posix', 'posix@example.org']],
  ['of one who is in none', 'one@example.org', []],
])('groups %s', async (_name, text, expected) => {
  const lookup = await look(directory, text, true);
  expect(lookup.found === 'one' && [...(lookup.groups ?? [])].sort()).toEqual([...expected].sort());
});

test('groups are given only where they are asked for', async () => {
  expect(await look(directory, 'ada@example.org', false)).not.toHaveProperty('groups');
});

async function members(id: string): Promise<GroupMember[]> {
  const all: GroupMember[] = [];
  for await (const member of directory.members(id, never)) all.push(member);
  return all;
}

test('direct members: entries, groups, outsiders by address, and the unusable with a reason', async () => {
  expect(await members('ad/cn=staff')).toEqual([
    { kind: 'entry', address: address('bob@example.org'), entryId: 'ad/cn=bob' },
    { kind: 'group', id: 'ad/cn=team', address: address('team@example.org') },
  ]);
  const team = await members('ad/cn=team');
  expect(team).toHaveLength(5);
  expect(team).toEqual(
    expect.arrayContaining([
      { kind: 'entry', address: address('ada@example.org'), entryId: 'ad/cn=ada' },
      { kind: 'entry', address: address('bob@example.org'), entryId: 'ad/cn=bob' },
      { kind: 'entry', address: address('far@away.example'), entryId: 'mailto:far@away.example' },
      { kind: 'unusable', where: 'cn=mute', why: 'the member has no mail address' },
      { kind: 'unusable', where: 'cn=nobody', why: 'no entry of this directory has that name' },
    ]),
  );
  expect(await members('ad/cn=ada')).toEqual([]);
});

test('a nested group without an address is entered only where nobody would have had to judge it', async () => {
  const nested = 'the group has no mail address of its own, and';
  expect(new Set(await members('ad/cn=all'))).toEqual(
    new Set([
      { kind: 'group', id: 'ad/cn=open' },
      { kind: 'group', id: 'ad/cn=open-moderated', address: address('moderated@example.org') },
      { kind: 'unusable', where: 'cn=moderated', why: `${nested} it is moderated` },
      { kind: 'unusable', where: 'cn=internal', why: `${nested} it is only for authenticated senders` },
      { kind: 'unusable', where: 'cn=query', why: `${nested} its members cannot be read` },
      { kind: 'unusable', where: 'cn=unread', why: `${nested} its members cannot be read` },
    ]),
  );
});

test('an enclosed X.500 address that no database can hold is nobody’s, and spoils no other lookup', async () => {
  const odd = address('IMCEAEX-_o+00_cn+09x@example.org');
  const [nobody, ada] = await directory.lookup([odd, address('ada@example.org')], { groups: false }, never);
  expect([nobody, ada].map((one) => brief(one!))).toEqual(['nobody', 'exact ad/cn=ada']);
});

test('a member by an address that several claim is left to routing, and never guessed', async () => {
  await using both = await openDirectory(fresh.database, ['ad', 'hr']);
  const found: GroupMember[] = [];
  for await (const member of both.members('hr/line 4', never)) found.push(member);
  expect(found).toEqual([
    { kind: 'entry', address: address('twin@example.org'), entryId: 'mailto:twin@example.org' },
  ]);
});

test('a member by address may be of another source', async () => {
  await using both = await openDirectory(fresh.database, ['ad', 'hr']);
  const lookup = await look(both, 'linus@example.org', true);
  expect(lookup.found === 'one' && lookup.groups).toContain('all@example.org');
});

test('one address in two sources is ambiguous, unless the sources have an order', async () => {
  const answer = async (precedence: readonly string[]) => {
    await using both = await openDirectory(fresh.database, ['ad', 'hr'], { precedence });
    return brief(await look(both, 'ada@example.org'));
  };
  expect(await answer([])).toBe('ambiguous ad/cn=ada hr/line 1');
  expect(await answer(['ad', 'hr'])).toBe('exact ad/cn=ada');
  expect(await answer(['hr', 'ad'])).toBe('exact hr/line 1');
  expect(await answer(['ad'])).toBe('ambiguous ad/cn=ada hr/line 1');
});

test('an order of sources does not help two of one source', async () => {
  await using both = await openDirectory(fresh.database, ['ad', 'hr'], { precedence: ['ad', 'hr'] });
  expect(brief(await look(both, 'twin@example.org'))).toBe('ambiguous ad/cn=twin1 ad/cn=twin2');
});

test('another separator, or none', async () => {
  await using minus = await openDirectory(fresh.database, ['ad'], { detailSeparator: '-' });
  expect(brief(await look(minus, 'ada-lists@example.org'))).toBe('detail ad/cn=ada');
  await using none = await openDirectory(fresh.database, ['ad'], { detailSeparator: '' });
  expect(brief(await look(none, 'ada+lists@example.org'))).toBe('nobody');
});

test('nobody is unknown while a configured source was never read, and those who are known are known', async () => {
  await using waiting = await openDirectory(fresh.database, ['ad', 'never-read']);
  await expect(look(waiting, 'eve@example.org')).rejects.toBeInstanceOf(DirectoryUnready);
  expect(brief(await look(waiting, 'ada@example.org'))).toBe('exact ad/cn=ada');
});

test('without any source everybody is unknown', async () => {
  await using empty = await openDirectory(fresh.database, []);
  expect(brief(await look(empty, 'ada@example.org'))).toBe('nobody');
});

test('a caller that gives up is let go, the others are answered', async () => {
  await using own = await openDirectory(fresh.database, ['ad']);
  const stop = new AbortController();
  const given = own.lookup([address('ada@example.org')], { groups: false }, stop.signal);
  const kept = look(own, 'ada@example.org');
  stop.abort(new Error('gone'));
  await expect(given).rejects.toThrow('gone');
  expect(brief(await kept)).toBe('exact ad/cn=ada');
});

test('a flip counts from its return on, in this process and in others, and leaves a trail', async () => {
  await using here = await openDirectory(fresh.database, ['ad']);
  await using there = await openDirectory(fresh.database, ['ad']);
  const homes = new PgHomes(fresh.database, () => new Date('2026-01-02T03:04:05Z'), here);
  const overrideOf = async (from: PgDirectory) => {
    const lookup = await look(from, 'ada@example.org');
    return lookup.found === 'one' ? lookup.override : 'not found';
  };
  expect([await overrideOf(here), await overrideOf(there)]).toEqual([undefined, undefined]);

  await homes.flip('ad/cn=ada', 'cloud', 'batch 7');
  expect(await overrideOf(here)).toBe('cloud');
  await expect.poll(() => overrideOf(there)).toBe('cloud');
  expect(await homes.override('ad/cn=ada')).toBe('cloud');

  await homes.flip('ad/cn=ada', 'local', 'changed our mind');
  expect(await overrideOf(here)).toBe('local');
  await homes.clear('ad/cn=ada', 'rollback');
  expect(await overrideOf(here)).toBeUndefined();
  await homes.clear('ad/cn=ada', 'rollback again');
  expect(await homes.override('ad/cn=ada')).toBeUndefined();

  const trail = await fresh.database.query(
    `select before, after, why, at from home_change where entry_id = 'ad/cn=ada' order by n`,
  );
  const at = new Date('2026-01-02T03:04:05Z');
  expect(trail).toEqual([
    { before: null, after: 'cloud', why: 'batch 7', at },
    { before: 'cloud', after: 'local', why: 'changed our mind', at },
    { before: 'local', after: null, why: 'rollback', at },
  ]);
});

test('a flip of an id that nobody has is refused', async () => {
  const homes = new PgHomes(fresh.database, () => new Date(), directory);
  await expect(homes.flip('ad/cn=ade', 'cloud', 'typo')).rejects.toBeInstanceOf(UnknownEntry);
  expect(await homes.override('ad/cn=ade')).toBeUndefined();
});

test('lookups in flight during a flip are not kept', async () => {
  await using own = await openDirectory(fresh.database, ['ad']);
  const homes = new PgHomes(fresh.database, () => new Date(), own);
  const asked = look(own, 'linus@example.org');
  await Promise.all([asked, homes.flip('ad/cn=linus', 'cloud', 'race')]);
  expect(await look(own, 'linus@example.org')).toMatchObject({ override: 'cloud' });
  await homes.clear('ad/cn=linus', 'end');
});
