/** QUOTA (RFC 9208) as accounts have it, their own and those who share with them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { letter } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';

let server: ImapServer;
beforeAll(async () => {
  server = await imapServer({ people: ['ada', 'bob', 'cid'] });
  const ada = await server.account('ada');
  await server.tree.accounts.change(ada.id, { quota: { storage: 4096, messages: 3 } });
});
afterAll(() => server[Symbol.asyncDispose]());

test('an account without limits has no root', async () => {
  const bob = await server.as('bob');
  expect(await bob.ok('GETQUOTAROOT INBOX')).toEqual(['* QUOTAROOT "INBOX"']);
  expect(await bob.answer('GETQUOTA bob')).toMatch(/^NO \[NONEXISTENT\]/);
});

test('all mailboxes of an account have its root; usage is rounded up to units', async () => {
  const ada = await server.as('ada');
  const root = (usage: string) => `* QUOTA "ada" (${usage})`;
  expect(await ada.ok('GETQUOTAROOT INBOX')).toEqual([
    '* QUOTAROOT "INBOX" "ada"',
    root('STORAGE 0 4 MESSAGE 0 3'),
  ]);
  await ada.append('INBOX', letter('one'));
  expect(await ada.ok('GETQUOTA ada')).toEqual([root('STORAGE 1 4 MESSAGE 1 3')]);
  expect(await ada.ok('GETQUOTAROOT Sent')).toEqual([
    '* QUOTAROOT "Sent" "ada"',
    root('STORAGE 1 4 MESSAGE 1 3'),
  ]);
  expect((await ada.ok('GETQUOTAROOT to-be'))[0]).toBe('* QUOTAROOT "to-be" "ada"');
  expect(await ada.answer('GETQUOTAROOT "Other Users/nobody/INBOX"')).toMatch(/^NO \[NONEXISTENT\]/);
  expect(await ada.answer('GETQUOTA ""')).toMatch(/^NO \[NONEXISTENT\]/);
});

test('what exceeds the quota is refused with OVERQUOTA', async () => {
  const ada = await server.as('ada');
  expect(await ada.append('INBOX', letter('big', 'x'.repeat(5000)))).toMatch(/^NO \[OVERQUOTA\]/);
  await ada.append('INBOX', letter('two'));
  await ada.append('INBOX', letter('three'));
  expect(await ada.append('INBOX', letter('four'))).toMatch(/^NO \[OVERQUOTA\]/);
  await ada.ok('SELECT INBOX');
  expect(await ada.answer('COPY 1 Sent')).toMatch(/^NO \[OVERQUOTA\]/);
  expect(await ada.answer('MOVE 1 Sent')).toMatch(/^OK/);
  await ada.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
  expect((await ada.ok('STATUS INBOX (DELETED DELETED-STORAGE)')).join()).toMatch(
    /DELETED 1 DELETED-STORAGE [1-9]/,
  );
});

test('nobody sets a quota', async () => {
  const ada = await server.as('ada');
  expect(await ada.answer('SETQUOTA ada (STORAGE 100000)')).toMatch(/^NO \[NOPERM\]/);
  expect((await ada.ok('CAPABILITY')).join()).not.toContain('QUOTASET');
});

test("the owner's quota is told to who may read, and to nobody else", async () => {
  const ada = await server.as('ada');
  const cid = await server.as('cid');
  await ada.ok('CREATE Team');
  expect(await cid.answer('GETQUOTA ada')).toMatch(/^NO \[NONEXISTENT\]/);
  expect(await cid.answer('GETQUOTAROOT "Other Users/ada/Team"')).toMatch(/^NO \[NONEXISTENT\]/);
  await ada.ok('SETACL Team cid l');
  expect(await cid.answer('GETQUOTA ada')).toMatch(/^NO \[NONEXISTENT\]/);
  expect(await cid.answer('GETQUOTAROOT "Other Users/ada/Team"')).toMatch(/^NO \[NOPERM\]/);
  await ada.ok('SETACL Team cid lr');
  expect((await cid.ok('GETQUOTAROOT "Other Users/ada/Team"'))[0]).toBe(
    '* QUOTAROOT "Other Users/ada/Team" "ada"',
  );
  expect(await cid.ok('GETQUOTA ada')).toHaveLength(1);
});
