/** Subscriptions, and who may do what in whose mailboxes. */
import { expect, test } from 'vitest';
import { usualTreeLimits } from '../../src/store/tree.ts';
import { fault, garden } from './tree-parts.ts';

async function two(options: Parameters<typeof garden>[0] = {}) {
  const at = await garden({ newcomers: [], ...options });
  const ada = await at.tree.accounts.create({ name: 'ada' });
  const bob = await at.tree.accounts.create({ name: 'bob' });
  const inbox = (await at.tree.mailboxes.get(ada.id, 'INBOX'))!;
  return { ...at, ada, bob, inbox, [Symbol.asyncDispose]: () => at[Symbol.asyncDispose]() };
}

test('the owner may do all, others nothing until they are given something', async () => {
  await using at = await two();
  expect(await at.tree.rights.of(at.inbox.id, at.ada.id)).toBe('lrswipkxtea');
  expect(await at.tree.rights.of(at.inbox.id, at.bob.id)).toBe('');
  expect(await at.tree.rights.of(at.inbox.id, 999)).toBe('');
  expect(await at.tree.rights.of(999, at.ada.id)).toBe('');
  expect(await at.tree.rights.entries(at.inbox.id)).toEqual(new Map([['ada', 'lrswipkxtea']]));
});

const effective = [
  ['own entry', [['bob', 'srl']], 'lrs'],
  [
    'own and anyone together',
    [
      ['bob', 'lr'],
      ['anyone', 'ls'],
    ],
    'lrs',
  ],
  [
    'less what is taken from one',
    [
      ['bob', 'lrst'],
      ['-bob', 'st'],
    ],
    'lr',
  ],
  [
    'less what is taken from anyone',
    [
      ['bob', 'lrst'],
      ['-anyone', 'r'],
    ],
    'lst',
  ],
  ['letters that are no rights count for nothing', [['bob', 'lcdz9']], 'l'],
  [
    'taken from nobody else',
    [
      ['anyone', 'lr'],
      ['-cy', 'r'],
    ],
    'lr',
  ],
  [
    'set again replaces',
    [
      ['bob', 'lrs'],
      ['bob', 'l'],
    ],
    'l',
  ],
  [
    'set to none removes',
    [
      ['bob', 'lrs'],
      ['bob', ''],
    ],
    '',
  ],
] as const;

test('what an account may do is what all entries say together', async () => {
  await using at = await two();
  await at.tree.accounts.create({ name: 'cy' });
  for (const [what, entries, expected] of effective) {
    const { id } = await at.tree.mailboxes.create(at.ada.id, what);
    for (const [who, rights] of entries) await at.tree.rights.set(id, who, rights);
    expect(await at.tree.rights.of(id, at.bob.id), what).toBe(expected);
  }
  const shared = await at.tree.rights.shared(at.bob.id);
  expect(shared.map(({ owner, mailbox, rights }) => [owner, mailbox.name, rights])).toEqual(
    effective
      .filter(([, , expected]) => expected.includes('l'))
      .map(([what, , expected]) => ['ada', what, expected])
      .sort(([, a], [, b]) => (a! < b! ? -1 : 1)),
  );
});

test('identifiers are accounts other than the owner, in any case of letters', async () => {
  await using at = await two();
  await at.tree.rights.set(at.inbox.id, 'BOB', 'lr');
  expect(await at.tree.rights.of(at.inbox.id, at.bob.id)).toBe('lr');
  expect(await fault(at.tree.rights.set(at.inbox.id, 'nobody', 'lr'))).toBe('unknownIdentifier');
  expect(await fault(at.tree.rights.set(at.inbox.id, '-ada', 'lr'))).toBe('unknownIdentifier');
  expect(await fault(at.tree.rights.set(999, 'bob', 'lr'))).toBe('missing');
  expect(at.said.slice(-2)).toEqual([`tree ${at.ada.id} ${at.inbox.id}`, `tree ${at.bob.id} ${at.inbox.id}`]);
});

test('nobody is shown own mailboxes as shared', async () => {
  await using at = await two();
  await at.tree.rights.set(at.inbox.id, 'anyone', 'lr');
  expect(await at.tree.rights.shared(at.ada.id)).toEqual([]);
  expect(await at.tree.rights.shared(at.bob.id)).toHaveLength(1);
});

test('a new mailbox starts with the rights of its parent', async () => {
  await using at = await two();
  await at.tree.rights.set(at.inbox.id, 'bob', 'lrs');
  const child = await at.tree.mailboxes.create(at.ada.id, 'INBOX/a/b');
  expect(await at.tree.rights.of(child.id, at.bob.id)).toBe('lrs');
});

test('entries of one mailbox are bounded', async () => {
  await using at = await two({ limits: { ...usualTreeLimits, rightsPerMailbox: 2 } });
  await at.tree.rights.set(at.inbox.id, 'bob', 'lrs');
  await at.tree.rights.set(at.inbox.id, 'anyone', 'l');
  expect(await fault(at.tree.rights.set(at.inbox.id, '-bob', 's'))).toBe('tooMany');
  expect(await fault(at.tree.rights.set(at.inbox.id, 'bob', 'l'))).toBe('no fault');
});

test('a subscription outlives its mailbox, comes once, and is bounded', async () => {
  await using at = await two({ limits: { ...usualTreeLimits, subscriptionsPerAccount: 3 } });
  const { subscriptions, mailboxes } = at.tree;
  const folder = await mailboxes.create(at.ada.id, 'a');
  await subscriptions.set(at.ada.id, 'a', true);
  await subscriptions.set(at.ada.id, 'a', true);
  await mailboxes.remove(folder.id);
  await subscriptions.set(at.ada.id, 'shared/bob/INBOX', true);
  expect(await subscriptions.list(at.ada.id)).toEqual(['INBOX', 'a', 'shared/bob/INBOX']);
  expect(await fault(subscriptions.set(at.ada.id, 'b', true))).toBe('tooMany');
  expect(await fault(subscriptions.set(at.ada.id, 'b\n', true))).toBe('badName');
  expect(await fault(subscriptions.set(999, 'b', true))).toBe('missing');
  await subscriptions.set(at.ada.id, 'a', false);
  await subscriptions.set(at.ada.id, 'a', false);
  expect(await subscriptions.list(at.ada.id)).toEqual(['INBOX', 'shared/bob/INBOX']);
  expect(await subscriptions.list(at.bob.id)).toEqual(['INBOX']);
});
