/** Accounts: how they come, are named, and go with all their mail. */
import { expect, test } from 'vitest';
import { fault, garden, grow, names, startedAt } from './tree-parts.ts';

test('a new account has INBOX and the usual folders, each with its use, all subscribed', async () => {
  await using at = await garden();
  const account = await at.tree.accounts.create({ name: 'Ada@Example.org' });
  expect(account).toMatchObject({
    name: 'ada@example.org',
    disabled: false,
    quota: {},
    usage: { storage: 0, messages: 0 },
    createdAt: startedAt,
  });
  const folders = await at.tree.mailboxes.list(account.id);
  expect(folders.map(({ name, specialUse }) => [name, specialUse])).toEqual([
    ['INBOX', undefined],
    ['Archive', '\\Archive'],
    ['Drafts', '\\Drafts'],
    ['Junk', '\\Junk'],
    ['Sent', '\\Sent'],
    ['Trash', '\\Trash'],
  ]);
  expect(await at.tree.subscriptions.list(account.id)).toEqual(folders.map(({ name }) => name));
  expect(new Set(folders.map(({ objectId }) => objectId)).size).toBe(6);
  expect(folders[0]?.status).toMatchObject({ uidNext: 1, highestModSeq: 1, messages: 0, recentFrom: 1 });
});

test('newcomers get what the configuration says, with the parents that it leaves out', async () => {
  await using at = await garden({
    newcomers: [{ name: 'Work/2026/Q1' }, { name: 'Work', specialUse: '\\Archive' }, { name: 'inbox/lists' }],
  });
  const { id } = await at.tree.accounts.create({ name: 'ada' });
  const all = await at.tree.mailboxes.list(id);
  expect(all.map(({ name, specialUse }) => [name, specialUse])).toEqual([
    ['INBOX', undefined],
    ['INBOX/lists', undefined],
    ['Work', '\\Archive'],
    ['Work/2026', undefined],
    ['Work/2026/Q1', undefined],
  ]);
});

test('a name is taken once, whatever its case, and found in any', async () => {
  await using at = await garden();
  const account = await at.tree.accounts.create({ name: 'ada@example.org' });
  expect(await fault(at.tree.accounts.create({ name: 'ADA@example.org' }))).toBe('AccountExists');
  expect(await at.tree.accounts.byName('Ada@EXAMPLE.org')).toEqual(account);
  expect(await at.tree.accounts.byName('bob')).toBeUndefined();
});

test('some names no account can have', async () => {
  await using at = await garden();
  const bad = ['', 'anyone', '-ada', 'a b', 'a\u00a0b', 'a\u0007', '\ud800', 'x'.repeat(321)];
  for (const name of bad)
    expect(await fault(at.tree.accounts.create({ name })), JSON.stringify(name)).toBe('badName');
});

test('whatever is an address can be an account, as mail for it must have a place', async () => {
  await using at = await garden({ newcomers: [] });
  for (const name of [
    '/g=ada/s=byron@x400.example',
    'a%b@example.org',
    "o'hara*@example.org",
    'größe@example.org',
  ])
    expect(await at.tree.accounts.create({ name })).toMatchObject({ name });
});

test('twenty at once who ask for one entry get one account', async () => {
  await using at = await garden();
  const all = await Promise.all(
    Array.from({ length: 20 }, () => at.tree.accounts.forEntry('ad/42', 'ada@example.org')),
  );
  expect(new Set(all.map(({ id }) => id)).size).toBe(1);
  expect(await at.tree.accounts.byEntry('ad/42')).toEqual(all[0]);
  expect(await names(at.tree, all[0]!.id)).toHaveLength(6);
});

test('an account follows the name of its entry, and rights that others gave it come along', async () => {
  await using at = await garden();
  const bob = await at.tree.accounts.create({ name: 'bob' });
  const ada = await at.tree.accounts.forEntry('ad/42', 'ada.byron@example.org');
  const inbox = (await at.tree.mailboxes.get(bob.id, 'INBOX'))!;
  await at.tree.rights.set(inbox.id, 'ada.byron@example.org', 'lrs');
  await at.tree.rights.set(inbox.id, '-ada.byron@example.org', 's');
  const renamed = await at.tree.accounts.forEntry('ad/42', 'ada.lovelace@example.org');
  expect(renamed).toMatchObject({ id: ada.id, name: 'ada.lovelace@example.org' });
  expect(await at.tree.rights.of(inbox.id, ada.id)).toBe('lr');
  expect([...(await at.tree.rights.entries(inbox.id)).keys()]).toEqual([
    'bob',
    '-ada.lovelace@example.org',
    'ada.lovelace@example.org',
  ]);
});

test('mail of one entry is never handed to another that has the name now', async () => {
  await using at = await garden();
  await at.tree.accounts.forEntry('ad/1', 'info@example.org');
  expect(await fault(at.tree.accounts.forEntry('ad/2', 'info@example.org'))).toBe('AccountExists');
});

test('an entry that takes the name of another account keeps its own until that is free', async () => {
  await using at = await garden();
  const one = await at.tree.accounts.forEntry('ad/1', 'one');
  const two = await at.tree.accounts.forEntry('ad/2', 'two');
  expect(await at.tree.accounts.forEntry('ad/1', 'two')).toMatchObject({ id: one.id, name: 'one' });
  await at.tree.accounts.change(two.id, { name: 'three' });
  expect(await at.tree.accounts.forEntry('ad/1', 'two')).toMatchObject({ id: one.id, name: 'two' });
});

test('whoever keeps passwords by name is told in the same transaction when a name moves or is free', async () => {
  const moved: string[] = [];
  let refuse = false;
  await using at = await garden({
    renamed: async (tx, from, to) => {
      await tx.query('select 1');
      if (refuse) throw new Error('no');
      moved.push(`${from} to ${to}`);
    },
  });
  const ada = await at.tree.accounts.forEntry('ad/1', 'ada');
  await at.tree.accounts.forEntry('ad/1', 'ada');
  await at.tree.accounts.change(ada.id, { disabled: true, name: 'ADA' });
  await at.tree.accounts.forEntry('ad/1', 'augusta');
  await at.tree.accounts.change(ada.id, { name: 'countess' });
  refuse = true;
  await expect(at.tree.accounts.remove(ada.id)).rejects.toThrow('no');
  expect(await at.tree.accounts.byName('countess')).toBeDefined();
  refuse = false;
  await at.tree.accounts.remove(ada.id);
  expect(moved).toEqual(['ada to augusta', 'augusta to countess', 'countess to undefined']);
});

test('an account made by hand becomes that of the entry with its name', async () => {
  await using at = await garden();
  const made = await at.tree.accounts.create({ name: 'ada' });
  expect(await at.tree.accounts.forEntry('ad/42', 'Ada')).toEqual({ ...made, entryId: 'ad/42' });
});

test('quota and access change, and what an account uses is told', async () => {
  await using at = await garden({ quota: { storage: 1_000 } });
  const account = await at.tree.accounts.create({ name: 'ada' });
  expect(account.quota).toEqual({ storage: 1_000 });
  const [inbox, archive] = await at.tree.mailboxes.list(account.id);
  await grow(at.database, inbox!.id, 3);
  await grow(at.database, archive!.id, 2);
  expect(await at.tree.accounts.change(account.id, { quota: { messages: 9 }, disabled: true })).toMatchObject(
    {
      quota: { messages: 9 },
      disabled: true,
      usage: { storage: 50, messages: 5 },
    },
  );
  expect(await at.tree.accounts.change(account.id, { quota: {} })).toMatchObject({ quota: {} });
  expect(await fault(at.tree.accounts.change(99, { disabled: true }))).toBe('missing');
});

test('a removed account leaves its mail to be restored, and nothing else', async () => {
  await using at = await garden();
  const account = await at.tree.accounts.create({ name: 'ada' });
  const bob = await at.tree.accounts.create({ name: 'bob' });
  const shared = (await at.tree.mailboxes.get(bob.id, 'INBOX'))!;
  await at.tree.rights.set(shared.id, 'ada', 'lr');
  const inbox = (await at.tree.mailboxes.get(account.id, 'INBOX'))!;
  await grow(at.database, inbox.id, 30_000);
  await at.tree.accounts.remove(account.id);
  expect(await at.tree.accounts.byName('ada')).toBeUndefined();
  expect(await at.tree.mailboxes.list(account.id)).toEqual([]);
  expect([...(await at.tree.rights.entries(shared.id)).keys()]).toEqual(['bob']);
  expect(
    await at.database.query(
      `select account, account_name, mailbox, mailbox_name, count(*), min(uid), max(uid), max(expunged_at) as at
       from expunged group by 1, 2, 3, 4`,
    ),
  ).toEqual([
    {
      account: account.id,
      account_name: 'ada',
      mailbox: inbox.id,
      mailbox_name: 'INBOX',
      count: 30_000,
      min: 1,
      max: 30_000,
      at: startedAt,
    },
  ]);
  expect(await fault(at.tree.accounts.remove(account.id))).toBe('missing');
});

test('accounts are listed by name', async () => {
  await using at = await garden({ newcomers: [] });
  for (const name of ['cy', 'ada', 'bob']) await at.tree.accounts.create({ name });
  const all = await Array.fromAsync(at.tree.accounts.list(AbortSignal.timeout(5_000)));
  expect(all.map(({ name }) => name)).toEqual(['ada', 'bob', 'cy']);
});
