/** The tree: made, renamed with children, removed down to a mere level, and safe when many change it at once. */
import { expect, test } from 'vitest';
import { usualTreeLimits } from '../../src/store/tree.ts';
import { fault, type Garden, garden, grow, names } from './tree-parts.ts';

async function planted(options: Parameters<typeof garden>[0] = {}) {
  const at = await garden({ newcomers: [], ...options });
  const { id } = await at.tree.accounts.create({ name: 'ada' });
  const made = async (name: string) => (await at.tree.mailboxes.create(id, name)).id;
  return { ...at, account: id, made, [Symbol.asyncDispose]: () => at[Symbol.asyncDispose]() };
}

const uids = async ({ database }: Garden, mailbox: number) =>
  (
    await database.query<{ first: number; last: number; count: number; pages: number }>(
      `select min(uid) as first, max(uid) as last, count(*),
         (select count(*) from uid_page where mailbox = $1) as pages from mailbox_message where mailbox = $1`,
      [mailbox],
    )
  )[0];

test('missing parents are made, and a second one of the name is not', async () => {
  await using at = await planted();
  const folder = await at.tree.mailboxes.create(at.account, 'a/b/c');
  expect(await names(at.tree, at.account)).toEqual(['INBOX', 'a', 'a/b', 'a/b/c']);
  expect(folder).toEqual(await at.tree.mailboxes.get(at.account, 'a/b/c'));
  expect(folder).toEqual(await at.tree.mailboxes.byId(folder.id));
  expect(folder.objectId).toMatch(/^[A-Za-z0-9_-]{1,255}$/);
  expect(await fault(at.tree.mailboxes.create(at.account, 'a/b'))).toBe('exists');
  expect(await fault(at.tree.mailboxes.create(at.account, 'inbox'))).toBe('exists');
  expect(await fault(at.tree.mailboxes.create(at.account, 'a//b'))).toBe('badName');
  expect(await fault(at.tree.mailboxes.create(99, 'a'))).toBe('missing');
  expect(await at.tree.mailboxes.get(at.account, 'a//b')).toBeUndefined();
  expect(at.said.at(-1)).toBe(`tree ${at.account} ${folder.id}`);
});

test('as many mailboxes as the limit says, parents counted', async () => {
  await using at = await planted({ limits: { ...usualTreeLimits, mailboxesPerAccount: 4 } });
  expect(await fault(at.tree.mailboxes.create(at.account, 'a/b/c/d'))).toBe('tooMany');
  await at.made('a/b/c');
  expect(await fault(at.tree.mailboxes.create(at.account, 'd'))).toBe('tooMany');
  const c = (await at.tree.mailboxes.get(at.account, 'a/b/c'))!;
  expect(await fault(at.tree.mailboxes.rename(c.id, 'x/c'))).toBe('tooMany');
  expect(await fault(at.tree.mailboxes.rename(c.id, 'a/d'))).toBe('no fault');
});

test('a special use belongs to one mailbox', async () => {
  await using at = await planted();
  const sent = await at.tree.mailboxes.create(at.account, 'Sent', { specialUse: '\\Sent' });
  expect(sent.specialUse).toBe('\\Sent');
  expect(await fault(at.tree.mailboxes.create(at.account, 'Sent 2', { specialUse: '\\Sent' }))).toBe(
    'useTaken',
  );
  const other = await at.made('Gesendet');
  expect(await fault(at.tree.mailboxes.setSpecialUse(other, '\\Sent'))).toBe('useTaken');
  await at.tree.mailboxes.setSpecialUse(sent.id, undefined);
  await at.tree.mailboxes.setSpecialUse(other, '\\Sent');
  expect((await at.tree.mailboxes.byId(other))?.specialUse).toBe('\\Sent');
  const inbox = (await at.tree.mailboxes.get(at.account, 'INBOX'))!;
  expect(await fault(at.tree.mailboxes.setSpecialUse(inbox.id, '\\Archive'))).toBe('inbox');
});

test('a removed mailbox is gone, and its messages are kept for the operator', async () => {
  await using at = await planted();
  const id = await at.made('a');
  await grow(at.database, id, 45_000);
  await at.tree.mailboxes.remove(id);
  expect(await at.tree.mailboxes.byId(id)).toBeUndefined();
  expect(await uids(at, id)).toMatchObject({ count: 0, pages: 0 });
  expect(
    await at.database.query(
      'select account_name, mailbox_name, count(*), max(mod_seq) from expunged group by 1, 2',
    ),
  ).toEqual([{ account_name: 'ada', mailbox_name: 'a', count: 45_000, max: 3 }]);
  expect(at.said.slice(-2)).toEqual([`messages ${at.account} ${id} 3`, `tree ${at.account} ${id}`]);
  expect(await fault(at.tree.mailboxes.remove(id))).toBe('missing');
});

test('a mailbox removed above its children stays as a level, and made again it is another one', async () => {
  await using at = await planted();
  const a = await at.made('a');
  const before = (await at.tree.mailboxes.byId(a))!;
  await at.made('a/b');
  await at.tree.rights.set(a, 'anyone', 'lr');
  await grow(at.database, a, 5);
  await at.tree.mailboxes.remove(a);
  expect(await names(at.tree, at.account)).toEqual(['INBOX', '(a)', 'a/b']);
  expect((await at.tree.rights.entries(a)).size).toBe(1);
  expect(await fault(at.tree.mailboxes.remove(a))).toBe('hasChildren');
  expect(await fault(at.tree.mailboxes.setSpecialUse(a, '\\Junk'))).toBe('missing');
  const again = await at.tree.mailboxes.create(at.account, 'a');
  expect(again).toMatchObject({ id: a, selectable: true, status: { messages: 0, uidNext: 6 } });
  expect(again.objectId).not.toBe(before.objectId);
  expect(again.status.uidValidity).toBeGreaterThan(before.status.uidValidity);
});

test('a level whose children are gone can be removed', async () => {
  await using at = await planted();
  const [a, b] = [await at.made('a'), await at.made('a/b')];
  await at.tree.mailboxes.remove(a);
  await at.tree.mailboxes.remove(b);
  await at.tree.mailboxes.remove(a);
  expect(await names(at.tree, at.account)).toEqual(['INBOX']);
});

test('INBOX cannot be removed', async () => {
  await using at = await planted();
  const inbox = (await at.tree.mailboxes.get(at.account, 'INBOX'))!;
  expect(await fault(at.tree.mailboxes.remove(inbox.id))).toBe('inbox');
});

test('children go along with a rename, ids and UIDs stay, and new parents are made', async () => {
  await using at = await planted();
  const a = await at.made('a');
  for (const name of ['a/b', 'a/b/c', 'ab', 'a b']) await at.made(name);
  await grow(at.database, a, 3);
  const before = (await at.tree.mailboxes.byId(a))!;
  await at.tree.mailboxes.rename(a, 'x/y');
  expect(await names(at.tree, at.account)).toEqual(['INBOX', 'a b', 'ab', 'x', 'x/y', 'x/y/b', 'x/y/b/c']);
  expect(await at.tree.mailboxes.byId(a)).toEqual({ ...before, name: 'x/y' });
});

test('a rename goes neither onto another nor into itself nor to a bad name', async () => {
  await using at = await planted();
  const a = await at.made('a');
  await at.made('b/c');
  expect(await fault(at.tree.mailboxes.rename(a, 'b'))).toBe('exists');
  expect(await fault(at.tree.mailboxes.rename(a, 'a'))).toBe('exists');
  expect(await fault(at.tree.mailboxes.rename(a, 'Inbox'))).toBe('exists');
  expect(await fault(at.tree.mailboxes.rename(a, 'a/b'))).toBe('intoItself');
  expect(await fault(at.tree.mailboxes.rename(a, 'a%'))).toBe('badName');
  expect(await fault(at.tree.mailboxes.rename(999, 'x'))).toBe('missing');
  await at.tree.mailboxes.rename(a, 'A');
  expect(await names(at.tree, at.account)).toEqual(['INBOX', 'A', 'b', 'b/c']);
});

test('a rename that would make a child too deep changes nothing', async () => {
  await using at = await planted({
    limits: { ...usualTreeLimits, names: { levels: 3, level: 50, total: 100 } },
  });
  const a = await at.made('a');
  await at.made('a/b/c');
  expect(await fault(at.tree.mailboxes.rename(a, 'x/y'))).toBe('badName');
  expect(await names(at.tree, at.account)).toEqual(['INBOX', 'a', 'a/b', 'a/b/c']);
});

test('INBOX renamed gives its messages to a new mailbox and stays, empty, with its children', async () => {
  await using at = await planted();
  const inbox = (await at.tree.mailboxes.get(at.account, 'INBOX'))!;
  await at.made('INBOX/child');
  await grow(at.database, inbox.id, 45_000);
  await at.tree.mailboxes.rename(inbox.id, 'old/inbox');
  expect(await names(at.tree, at.account)).toEqual(['INBOX', 'INBOX/child', 'old', 'old/inbox']);
  const moved = (await at.tree.mailboxes.get(at.account, 'old/inbox'))!;
  expect(moved.objectId).not.toBe(inbox.objectId);
  expect(moved.status).toMatchObject({ messages: 45_000, unseen: 45_000, size: 450_000, uidNext: 45_001 });
  expect(await uids(at, moved.id)).toEqual({ first: 1, last: 45_000, count: 45_000, pages: 44 });
  const left = (await at.tree.mailboxes.get(at.account, 'INBOX'))!;
  expect(left).toMatchObject({ id: inbox.id, objectId: inbox.objectId });
  expect(left.status).toMatchObject({ messages: 0, size: 0, unseen: 0, uidNext: 45_001 });
  expect(left.status.highestModSeq).toBeGreaterThan(moved.status.highestModSeq);
  expect(await uids(at, inbox.id)).toMatchObject({ count: 0, pages: 0 });
  const [row] = await at.database.query('select forgotten_to = mod_seq as told from mailbox where id = $1', [
    inbox.id,
  ]);
  expect(row).toEqual({ told: true });
  expect(await at.database.query('select from expunged')).toEqual([]);
});

test('many who make, rename and remove at once leave a whole tree', async () => {
  await using at = await planted();
  const random = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4];
  const pick = (n: number) => `${'abc'[random[n % 20]! % 3]}/${'xyz'[random[(n * 7) % 20]! % 3]}/${n % 4}`;
  const outcomes = await Promise.all(
    Array.from({ length: 120 }, async (_, n) => {
      const all = await at.tree.mailboxes.list(at.account);
      const some = all[(n * 13) % all.length]!;
      if (n % 3 === 0) return fault(at.tree.mailboxes.create(at.account, pick(n)));
      if (n % 3 === 1) return fault(at.tree.mailboxes.rename(some.id, pick(n)));
      return fault(at.tree.mailboxes.remove(some.id));
    }),
  );
  expect([...new Set(outcomes)].filter((one) => !mayHappen.has(one))).toEqual([]);
  const all = await at.tree.mailboxes.list(at.account);
  const there = new Set(all.map(({ name }) => name));
  const orphans = [...there].filter(
    (name) => name.includes('/') && !there.has(name.slice(0, name.lastIndexOf('/'))),
  );
  expect(orphans).toEqual([]);
  expect(there.has('INBOX')).toBe(true);
});

const mayHappen = new Set(['no fault', 'exists', 'missing', 'hasChildren', 'intoItself', 'inbox']);
