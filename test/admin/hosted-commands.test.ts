/** What operators do with hosted accounts and mailboxes, and what they are told. */
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askSecret } from '../../src/admin/ask.ts';
import { UsageError } from '../../src/admin/usage.ts';
import { letter } from '../contract/mail-source.ts';
import { hostedStage } from './hosted-stage.ts';

let at: Awaited<ReturnType<typeof hostedStage>>;
beforeAll(async () => {
  at = await hostedStage();
  await at.put(['INBOX'], letter('one'), ['\\Seen']);
  await at.put(['INBOX'], letter('two'));
});
afterAll(() => at.close());

test('accounts are listed with what they hold and may hold, for people and for programs', async () => {
  await at.run('account', 'create', 'bob@example.org', '--storage', '2GB', '--messages', '1000');
  const { out } = await at.run('account', 'list');
  expect(out.split('\n').map((line) => line.trim().split(/\s{2,}/))).toEqual([
    ['ACCOUNT', 'STATE', 'MESSAGES', 'OF', 'SIZE', 'OF', 'ENTRY'],
    ['ada', 'open', '2', 'any', '154', 'any'],
    ['bob@example.org', 'open', '0', '1000', '0', '2.0G'],
  ]);
  const told = JSON.parse((await at.run('account', 'list', '--json')).out);
  expect(told).toMatchObject([{ name: 'ada', usage: { messages: 2 } }, { quota: { storage: 2 ** 31 } }]);
});

test('an account is shown, and one that there is not is said so', async () => {
  expect((await at.run('account', 'show', 'ADA')).out).toMatch(/^ada\n {2}messages {2}2 of any/);
  expect(await at.run('account', 'show', 'cy')).toMatchObject({
    code: 1,
    err: 'isthmus: there is no account cy; see: isthmus account list',
  });
  expect((await at.run('account', 'create', 'ada')).code).toBe(1);
  expect((await at.run('account', 'create', 'a b')).err).toContain("an account's name has");
});

test('a quota is told, set in part, and taken away', async () => {
  await at.run('account', 'create', 'quota', '--messages', '5');
  const quota = async (...words: string[]) =>
    JSON.parse((await at.run('account', 'quota', 'quota', '--json', ...words)).out).quota;
  expect(await quota()).toEqual({ messages: 5 });
  expect(await quota('--storage', '1KB')).toEqual({ storage: 1024, messages: 5 });
  expect(await quota('--messages', 'none')).toEqual({ storage: 1024 });
  await expect(at.run('account', 'quota', 'quota', '--storage', '2 GB')).rejects.toThrow(UsageError);
  await expect(at.run('account', 'quota', 'quota', '--messages', '0')).rejects.toThrow(UsageError);
});

test('an account is disabled, enabled, renamed with what it enters by, and removed only when that is meant', async () => {
  await at.run('account', 'create', 'dora');
  await at.run('account', 'disable', 'dora');
  expect((await at.run('account', 'show', 'dora')).out).toContain('dora, disabled');
  await at.run('account', 'enable', 'dora');
  await at.run('account', 'rename', 'dora', 'Theodora');
  expect(at.changes.at(-1)).toBe('dora to theodora by root');
  expect((await at.run('account', 'remove', 'theodora')).out).toContain('Nothing was done');
  expect((await at.run('account', 'show', 'theodora')).code).toBe(0);
  await at.run('account', 'remove', 'theodora', '--yes');
  expect(at.changes.at(-1)).toBe('theodora to undefined by root');
  expect((await at.run('account', 'show', 'theodora')).code).toBe(1);
});

test('app passwords are made, listed and revoked', async () => {
  const made = await at.run(
    'account',
    'app-password',
    'add',
    'ada',
    '--label',
    'phone',
    '--for',
    'imap,smtp',
  );
  expect(made.out).toContain('abcde-fghij');
  await at.run('account', 'app-password', 'add', 'ada', '--label', 'old', '--days', '3', '--json');
  const { out } = await at.run('account', 'app-password', 'list', 'ada');
  expect(out).toMatch(/1 {2}phone {2}imap,smtp .* never/);
  expect(out).toContain('2026-12-02 12:00:00');
  expect((await at.run('account', 'app-password', 'revoke', 'ada', '1')).code).toBe(0);
  expect((await at.run('account', 'app-password', 'revoke', 'ada', '9')).code).toBe(1);
  expect((await at.run('account', 'app-password', 'add', 'ada', '--label', '')).err).toContain(
    'a label is needed',
  );
  const wrong = at.run('account', 'app-password', 'add', 'ada', '--label', 'x', '--for', 'ftp');
  await expect(wrong).rejects.toThrow(UsageError);
});

test('a password is the first line of what is piped in, and nothing is none', async () => {
  const typing = (text: string) => ({ input: Readable.from([text]), err: () => undefined });
  expect(await askSecret('password', typing('pass word\nmore\n'))).toBe('pass word');
  expect(await askSecret('password', typing('no line end'))).toBe('no line end');
  await expect(askSecret('password', typing(''))).rejects.toThrow(UsageError);
  await expect(askSecret('password', typing('\nsecond\n'))).rejects.toThrow(UsageError);
  await expect(askSecret('password', typing('x'.repeat(5_000)))).rejects.toThrow(UsageError);
});

test('mailboxes are listed, made, renamed, subscribed to and removed', async () => {
  await at.run('mailbox', 'create', 'ada', 'Work/Projects', '--use', 'archive', '--subscribe');
  const { out } = await at.run('mailbox', 'list', 'ada');
  expect(out.split('\n').map((line) => line.trim().split(/\s{2,}/))).toEqual([
    ['MAILBOX', 'USE', 'MESSAGES', 'UNSEEN', 'SIZE', 'SUBSCRIBED'],
    ['INBOX', '2', '1', '154', 'yes'],
    ['Work', '0', '0', '0'],
    ['Work/Projects', 'Archive', '0', '0', '0', 'yes'],
  ]);
  await at.run('mailbox', 'rename', 'ada', 'Work', 'Play');
  await at.run('mailbox', 'unsubscribe', 'ada', 'Work/Projects');
  await at.run('mailbox', 'subscribe', 'ada', 'Play');
  const listed = JSON.parse((await at.run('mailbox', 'list', 'ada', '--json')).out);
  expect(listed.map((one: { name: string; subscribed: boolean }) => [one.name, one.subscribed])).toEqual([
    ['INBOX', true],
    ['Play', true],
    ['Play/Projects', false],
  ]);
  expect((await at.run('mailbox', 'remove', 'ada', 'Play')).out).toContain('Nothing was done');
  await at.run('mailbox', 'remove', 'ada', 'Play', '--yes');
  expect((await at.run('mailbox', 'list', 'ada')).out).toContain('(Play)');
  expect((await at.run('mailbox', 'remove', 'ada', 'INBOX', '--yes')).code).toBe(1);
  expect((await at.run('mailbox', 'create', 'ada', 'a//b')).err).toContain('a level of it is empty');
});

test('the status of a mailbox has all its numbers', async () => {
  const { out } = await at.run('mailbox', 'status', 'ada', 'inbox');
  expect(out).toMatch(/messages +2, 1 unseen, 0 marked deleted/);
  expect(out).toMatch(/UIDNEXT +3/);
  const told = JSON.parse((await at.run('mailbox', 'status', 'ada', 'INBOX', '--json')).out);
  expect(told.status).toMatchObject({ uidNext: 3, messages: 2 });
  expect((await at.run('mailbox', 'status', 'ada', 'nowhere')).code).toBe(1);
});

test('rights are shown, given and taken', async () => {
  const rights = async (...words: string[]) =>
    JSON.parse((await at.run('mailbox', 'rights', 'ada', 'INBOX', '--json', ...words)).out);
  expect(await rights()).toEqual({ ada: 'lrswipkxtea' });
  expect(await rights('bob@example.org', 'rl')).toEqual({ ada: 'lrswipkxtea', 'bob@example.org': 'lr' });
  expect(await rights('bob@example.org', '--remove')).toEqual({ ada: 'lrswipkxtea' });
  expect((await at.run('mailbox', 'rights', 'ada', 'INBOX', 'nobody', 'lr')).err).toContain(
    'no account nobody',
  );
});

test('fsck says that all is well, or what is not, and ends with 1 while something stays wrong', async () => {
  expect(await at.run('fsck')).toMatchObject({ out: 'The store is whole.', code: 0 });
  const spoil = () =>
    at.database.query(`update mailbox set unseen = 7 where name = 'INBOX' and messages = 2`);
  await spoil();
  const found = await at.run('fsck', '--account', 'ada');
  expect(found.out).toMatch(/^ada\/INBOX: totals: .*\(can be mended\)\n1 findings: 1 can be mended/);
  expect(found.code).toBe(1);
  expect((await at.run('fsck', '--account', 'bob@example.org')).code).toBe(0);
  const mended = await at.run('fsck', '--repair', '--deep', '--json');
  expect(mended.out.split('\n').map((line) => JSON.parse(line))).toMatchObject([
    { fault: 'totals', mending: 'mended' },
    { mended: 1, lost: 0 },
  ]);
  expect(mended.code).toBe(0);
  expect((await at.run('fsck')).out).toBe('The store is whole.');
});
