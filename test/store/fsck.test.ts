/** The check finds every kind of damage, mends what can be, changes nothing without being asked, and is quiet otherwise. */
import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/ports/log.ts';
import type { StoreCheckProgress, StoreFinding } from '../../src/ports/store-check.ts';
import { openFsck } from '../../src/store/fsck.ts';
import { noticesChannel } from '../../src/store/notices.ts';
import { openMessages } from '../../src/store/open-messages.ts';
import { letter, soon } from '../contract/mail-source.ts';
import { mailPlace } from './mail-place.ts';

let at: Awaited<ReturnType<typeof mailPlace>>;
let inbox: number;
let now = new Date();
beforeAll(async () => {
  at = await mailPlace();
  await at.create(['Work', 'Deep']);
  for (let n = 0; n < 5; n++) await at.put(['INBOX'], letter(`m${n}`), n % 2 ? ['\\Seen', 'Blue'] : ['red']);
  const big = Buffer.concat([letter('big'), randomBytes(100_000)]);
  await at.put(['Work', 'Deep'], big, ['\\Deleted']);
  await at.remove(['INBOX'], '2');
  inbox = (await at.tree.mailboxes.get(at.account, 'INBOX'))!.id;
});
afterAll(() => at.close());

interface Wish {
  readonly deep?: boolean;
  readonly repair?: boolean;
  readonly account?: number;
  readonly progress?: (progress: StoreCheckProgress) => void;
}

async function check({ deep = false, repair = false, account, progress = () => undefined }: Wish = {}) {
  const { database, blobs, messages } = at;
  const fsck = openFsck({ database, blobs, reading: messages, now: () => now });
  return Array.fromAsync(
    fsck.run({ deep, repair, ...(account === undefined ? {} : { account }) }, progress, soon()),
  );
}

const told = (findings: readonly StoreFinding[]): string[] =>
  findings.map(({ fault, where, mending }) => `${fault} ${where.replace(/body \d+/, 'body')} ${mending}`);

test('a store that nobody damaged is whole, looked at in any way', async () => {
  expect(await check()).toEqual([]);
  expect(await check({ deep: true, repair: true })).toEqual([]);
  expect(await check({ account: at.account, deep: true })).toEqual([]);
});

test('progress is told for each stage, and never goes back', async () => {
  const all: StoreCheckProgress[] = [];
  await check({ progress: (one) => all.push(one) });
  expect([...new Set(all.map(({ stage }) => stage))]).toEqual(['accounts', 'mailboxes', 'bodies', 'blobs']);
  for (const { done, of } of all) expect(of ?? done).toBeGreaterThanOrEqual(done);
  expect(all.filter(({ stage }) => stage === 'bodies').at(-1)).toEqual({ stage: 'bodies', done: 6, of: 6 });
});

const here = 'where mailbox = $1 and uid = 1';
/** Damage, $1 being INBOX, and what is said of it. */
const damages: readonly (readonly [string, string, string])[] = [
  ['unseen counted wrong', 'update mailbox set unseen = 9 where id = $1', 'totals ada/INBOX'],
  ['sizes summed wrong', 'update mailbox set size = size - 1 where id = $1', 'totals ada/INBOX'],
  [
    'a UID that will be given twice',
    'update mailbox set uid_next = 3, recent_from = 1 where id = $1',
    'numbers ada/INBOX',
  ],
  [
    'a MODSEQ below its messages',
    'update mailbox set mod_seq = 1, forgotten_to = 0 where id = $1',
    'numbers ada/INBOX',
  ],
  ['recent beyond all UIDs', 'update mailbox set recent_from = 99 where id = $1', 'numbers ada/INBOX'],
  ['a lost page', 'delete from uid_page where mailbox = $1', 'pages ada/INBOX'],
  ['a bit too many', 'update uid_page set bits = set_bit(bits, 2, 1) where mailbox = $1', 'pages ada/INBOX'],
  [
    'a page of nothing',
    `insert into uid_page select $1, 7, decode(repeat('01', 128), 'hex')`,
    'pages ada/INBOX',
  ],
  [
    'a keyword nobody knows',
    `update mailbox_message set keywords = '{new,RED}' ${here}`,
    'keywords ada/INBOX',
  ],
  ['flags that there are not', `update mailbox_message set system = 32 ${here}`, 'flags ada/INBOX'],
  ['another size than the body', `update mailbox_message set size = 1 ${here}`, 'size ada/INBOX'],
  ['expunged and yet there', `update expunged set uid = 1 where mailbox = $1`, 'expungedYetThere ada/INBOX'],
  ['INBOX as a level', 'update mailbox set selectable = false where id = $1', 'noInbox ada/INBOX'],
  ['a use that there is not', `update mailbox set special_use = '\\All' where id = $1`, 'badUse ada/INBOX'],
  ['rights of nobody', `insert into mailbox_right values ($1, '-nobody', 'lr')`, 'badRight ada/INBOX'],
  ['rights misspelt', `insert into mailbox_right values ($1, 'anyone', 'rlz')`, 'badRight ada/INBOX'],
];

test.each(damages)('%s is found, left alone, mended when asked, and gone then', async (_, damage, said) => {
  await at.database.query(damage, [inbox]);
  const found = told(await check());
  expect(found).toContain(`${said} can be mended`);
  expect(told(await check())).toEqual(found);
  const mended = told(await check({ repair: true }));
  expect(mended).toContain(`${said} mended`);
  expect(await check()).toEqual([]);
  const messages = await at.messages.snapshot(inbox);
  expect([...messages.uids]).toEqual([1, 3, 4, 5]);
  expect(messages.status).toMatchObject({ messages: 4, unseen: 3, deleted: 0 });
});

test('what was mended is told to all sessions, and known to clients as a new beginning', async () => {
  const before = (await at.tree.mailboxes.byId(inbox))!.status.highestModSeq;
  const heard: string[] = [];
  const listening = await at.database.listen(noticesChannel, (payload) => heard.push(payload));
  await at.database.query('delete from uid_page where mailbox = $1', [inbox]);
  await check({ repair: true });
  const changes = await at.messages.changes(inbox, before);
  expect(changes).toMatchObject({ forgotten: true, gone: [{ first: 2, last: 2 }] });
  await expect.poll(() => heard).toEqual(['']);
  await listening[Symbol.asyncDispose]();
});

test('a keyword is spelt as its mailbox spells it, after mending', async () => {
  await at.database.query(`update mailbox_message set keywords = '{new,RED,BLUE}' ${here}`, [inbox]);
  await check({ repair: true });
  const [rows] = await Array.fromAsync(at.messages.rows(inbox, [{ first: 1, last: 1 }], {}, soon()));
  expect([...rows![0]!.flags.keywords].sort()).toEqual(['Blue', 'new', 'red']);
});

test('an account without INBOX or with mailboxes in the air gets what it lacks', async () => {
  const bob = await at.tree.accounts.create({ name: 'bob' });
  await at.tree.mailboxes.create(bob.id, 'a/b/c');
  await at.database.query(`delete from mailbox where account = $1 and name in ('INBOX', 'a', 'a/b')`, [
    bob.id,
  ]);
  const all = ['noInbox bob/INBOX', 'noParent bob/a', 'noParent bob/a/b'];
  expect(told(await check())).toEqual(all.map((one) => `${one} can be mended`));
  expect(told(await check({ account: at.account }))).toEqual([]);
  expect(told(await check({ repair: true }))).toEqual(all.map((one) => `${one} mended`));
  expect(await check()).toEqual([]);
  const folders = await at.tree.mailboxes.list(bob.id);
  expect(folders.map(({ name, selectable }) => [name, selectable])).toEqual([
    ['INBOX', true],
    ['a', false],
    ['a/b', false],
    ['a/b/c', true],
  ]);
});

test('a name that no client can use is told, and left to the operator', async () => {
  const folder = await at.tree.mailboxes.create(at.account, 'fine');
  await at.database.query(`update mailbox set name = 'not%fine' where id = $1`, [folder.id]);
  expect(told(await check({ repair: true }))).toEqual(['badName ada/not%fine lost']);
  await at.tree.mailboxes.remove(folder.id);
});

test('octets that changed are found by reading all, and the message is kept anew when it comes again', async () => {
  await at.database.query(
    `update body b set content = overlay(content placing 'X' from 1) from mailbox_message m
     where m.body = b.id and m.mailbox = $1 and m.uid = 1`,
    [inbox],
  );
  expect(await check()).toEqual([]);
  const said = 'contentDiffers body (ada/INBOX UID 1) lost';
  expect(told(await check({ deep: true }))).toEqual([said]);
  await check({ deep: true, repair: true });
  const again = await at.put(['INBOX'], letter('m0'));
  expect(told(await check({ deep: true }))).toEqual([said]);
  const content = at.source.content((await Array.fromAsync(at.source.mailboxes(soon())))[0]!, again, soon());
  expect(Buffer.concat(await Array.fromAsync(content))).toEqual(letter('m0'));
  await at.remove(['INBOX'], '1');
});

test('what is sealed by a key that is not here is told as that; what does not open is told as damaged', async () => {
  const sealing = openMessages({
    database: at.database,
    blobs: at.blobs,
    keys: [{ number: 7, key: Buffer.alloc(32, 7) }],
    now: () => now,
    log: silentLog,
  });
  const content = (async function* () {
    yield letter('sealed');
  })();
  const { body } = await sealing.stage(content, 10_000, soon());
  const [appended] = await sealing.append([{ mailbox: inbox, body, flags: { system: 0, keywords: [] } }]);
  const where = `body (ada/INBOX UID ${appended!.uid})`;
  expect(told(await check())).toEqual([]);
  expect(told(await check({ deep: true, repair: true }))).toContain(`keyMissing ${where} lost`);
  const withKey = openFsck({ database: at.database, blobs: at.blobs, reading: sealing, now: () => now });
  const deep = () => Array.fromAsync(withKey.run({ deep: true, repair: false }, () => undefined, soon()));
  expect(told(await deep()).join()).not.toContain(where);
  await at.database.query(
    `update body set content = overlay(content placing '\\xffff' from octet_length(content) - 3) where id = $1`,
    [body],
  );
  expect(told(await deep())).toContain(`contentDiffers ${where} lost`);
  await at.remove(['INBOX'], String(appended!.uid));
  await at.database.query('delete from expunged where body = $1', [body]);
  await at.database.query('delete from body where id = $1', [body]);
  await sealing.close();
});

test('a structure that cannot be read is told', async () => {
  await at.database.query(
    `update body b set structure = 'nonsense' from mailbox_message m where m.body = b.id and m.mailbox = $1 and m.uid = 3`,
    [inbox],
  );
  expect(told(await check())).toEqual(['structure body (ada/INBOX UID 3) lost']);
});

test('a blob without a body is found when it is old, and removed when asked', async () => {
  async function* octets(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('nobody wants this');
  }
  const { key } = await at.blobs.write(octets(), soon());
  expect(told(await check())).not.toContain(`strayBlob ${key} can be mended`);
  now = new Date(Date.now() + 72 * 3_600_000);
  expect(told(await check())).toContain(`strayBlob ${key} can be mended`);
  expect(told(await check({ repair: true }))).toContain(`strayBlob ${key} mended`);
  expect(told(await check()).filter((one) => one.startsWith('strayBlob'))).toEqual([]);
});

test('a blob that is missing is found without reading all', async () => {
  for (const name of await readdir(at.folder, { recursive: true }))
    if (/[0-9a-f]{64}$/.test(name)) await rm(`${at.folder}/${name}`);
  expect(told(await check())).toContain('blobMissing body (ada/Work/Deep UID 1) lost');
});

test('a check that is given up ends', async () => {
  const { database, blobs, messages } = at;
  const fsck = openFsck({ database, blobs, reading: messages, now: () => now });
  const ended = AbortSignal.abort(new Error('given up'));
  const run = fsck.run({ deep: false, repair: false }, () => undefined, ended);
  await expect(Array.fromAsync(run)).rejects.toThrow('given up');
});
