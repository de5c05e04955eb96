/** Deleted mail comes back where it was, once, and what was only moved is not taken for deleted. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { letter } from '../contract/mail-source.ts';
import { hostedStage } from './hosted-stage.ts';

let at: Awaited<ReturnType<typeof hostedStage>>;
beforeEach(async () => {
  at = await hostedStage();
});
afterEach(() => at.close());

/** Mailbox and number of messages of each that has some. */
async function held(account = 'ada'): Promise<Record<string, number>> {
  const { out } = await at.run('mailbox', 'list', account, '--json');
  const all: { name: string; status: { messages: number } }[] = JSON.parse(out);
  return Object.fromEntries(
    all.filter(({ status }) => status.messages > 0).map(({ name, status }) => [name, status.messages]),
  );
}

const one = (uid: string) => [{ first: Number(uid), last: Number(uid) }];
const idOf = async (name: string) => (await at.tree.mailboxes.get(at.account, name))!.id;

test('a deleted message comes back with its flags and date, without \\Deleted, and only once', async () => {
  const when = new Date('2020-01-02T03:04:05Z');
  const uid = await at.put(['INBOX'], letter('a'), ['\\Flagged', '\\Deleted', 'Work'], when);
  await at.put(['INBOX'], letter('b'));
  await at.remove(['INBOX'], uid);
  const dry = await at.run('account', 'restore', 'ada', '--dry-run');
  expect(dry.out).toMatch(/INBOX +1 +73\nWould put 1 messages back into ada\./);
  expect(await held()).toEqual({ INBOX: 1 });
  expect((await at.run('account', 'restore', 'ada')).out).toContain('Put 1 messages back into ada.');
  expect(await held()).toEqual({ INBOX: 2 });
  const [rows] = await Array.fromAsync(
    at.messages.rows(await idOf('INBOX'), one('3'), {}, AbortSignal.timeout(5_000)),
  );
  expect(rows).toMatchObject([{ flags: { system: 4, keywords: ['Work'] }, internalDate: when }]);
  expect((await at.run('account', 'restore', 'ada')).out).toContain('Nothing that matches');
  expect(await held()).toEqual({ INBOX: 2 });
});

test('what went through the trash comes back where it was before, what was moved stays where it is', async () => {
  await at.run('mailbox', 'create', 'ada', 'Trash', '--use', 'trash');
  await at.run('mailbox', 'create', 'ada', 'Work');
  const [thrown, moved] = [
    await at.put(['INBOX'], letter('thrown')),
    await at.put(['INBOX'], letter('moved')),
  ];
  await at.messages.move(await idOf('INBOX'), one(moved), await idOf('Work'));
  await at.messages.move(await idOf('INBOX'), one(thrown), await idOf('Trash'));
  await at.messages.expunge(await idOf('Trash'), undefined, { anyway: true });
  await at.run('account', 'restore', 'ada');
  expect(await held()).toEqual({ INBOX: 1, Work: 1 });
});

test('a removed mailbox comes back under its name, or into another', async () => {
  await at.create(['Projects', 'Old']);
  for (const id of ['a', 'b', 'c']) await at.put(['Projects', 'Old'], letter(id));
  await at.removeMailbox(['Projects', 'Old']);
  await at.run('account', 'restore', 'ada', '--mailbox', 'Projects/Old', '--into', 'Back/Here');
  expect(await held()).toEqual({ 'Back/Here': 3 });
  await at.removeMailbox(['Back', 'Here']);
  await at.run('account', 'restore', 'ada', '--mailbox', 'Projects/Old');
  expect(await held()).toEqual({ 'Projects/Old': 3 });
});

test('a removed account comes back as a new one, or into another', async () => {
  for (let n = 0; n < 250; n++) await at.put(['INBOX'], letter(`m${n}`));
  await at.run('account', 'remove', 'ada', '--yes');
  expect((await at.run('account', 'restore', 'ada')).code).toBe(1);
  const { out } = await at.run('account', 'restore', 'ada', '--removed', '--dry-run', '--json');
  expect(JSON.parse(out)).toMatchObject({ dryRun: true, mailboxes: [{ mailbox: 'INBOX', messages: 250 }] });
  expect((await at.run('account', 'show', 'ada')).code).toBe(1);
  await at.run('account', 'restore', 'ADA', '--removed');
  expect(await held()).toEqual({ INBOX: 250 });
  await at.run('account', 'create', 'heir');
  await at.run('account', 'restore', 'ada', '--removed', '--to', 'heir', '--into', 'From Ada');
  expect(await held('heir')).toEqual({ 'From Ada': 250 });
  expect(await at.run('fsck')).toMatchObject({ code: 0 });
});

test('only what was deleted since a moment is put back when that is asked', async () => {
  const old = await at.put(['INBOX'], letter('old'));
  const young = await at.put(['INBOX'], letter('young'));
  await at.remove(['INBOX'], old);
  await at.remove(['INBOX'], young);
  await at.database.query(`update expunged set expunged_at = '2026-11-01' where uid = $1`, [Number(old)]);
  await at.database.query(`update expunged set expunged_at = '2026-11-29T11:00:00Z' where uid = $1`, [
    Number(young),
  ]);
  await at.run('account', 'restore', 'ada', '--since', '2h');
  expect(await held()).toEqual({ INBOX: 1 });
});

test('a quota is kept to, and said', async () => {
  const uid = await at.put(['INBOX'], letter('a'));
  await at.remove(['INBOX'], uid);
  await at.run('account', 'quota', 'ada', '--storage', '10B');
  const { err, code } = await at.run('account', 'restore', 'ada');
  expect([code, err]).toEqual([1, expect.stringMatching(/the storage of ada is full/)]);
});
