/** Mail goes out into files of each format and comes back as it was, once, whatever was broken off. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { letter } from '../contract/mail-source.ts';
import { hostedStage } from './hosted-stage.ts';

let at: Awaited<ReturnType<typeof hostedStage>>;
let folder: string;
const when = new Date('2020-02-29T23:59:58Z');
const awkward = Buffer.from(
  'From: ada@example.org\r\nStatus: mine\r\n\r\nFrom here on\r\n>From there\r\n\r\nFrom ada Sat Jan  3 01:05:34 1996\r\n\r\n',
);

beforeAll(async () => {
  at = await hostedStage();
  folder = await mkdtemp(join(tmpdir(), 'isthmus-files-'));
  await at.create(['Projekte', 'Brücke v1.2']);
  await at.create(['Empty']);
  await at.create(['Sent'], '\\Sent');
  await at.put(['INBOX'], letter('one', 'größe'), ['\\Seen', '\\Flagged', '$Work'], when);
  await at.put(['INBOX'], awkward, ['\\Answered', 'other'], new Date('2021-01-01T00:00:00Z'));
  for (let n = 0; n < 130; n++) await at.put(['Projekte', 'Brücke v1.2'], letter(`m${n}`), [], when);
  await at.put(['Sent'], letter('big', 'x'.repeat(150_000)), ['\\Draft', '\\Deleted', '$Forwarded'], when);
});
afterAll(async () => {
  await at.close();
  await rm(folder, { recursive: true, force: true });
});

/** Everything an account has, as text that can be compared. */
async function everything(account: string): Promise<string[]> {
  const { id } = (await at.tree.accounts.byName(account))!;
  const all: string[] = [];
  const signal = AbortSignal.timeout(30_000);
  for (const mailbox of await at.tree.mailboxes.list(id)) {
    all.push(mailbox.name);
    const range = [{ first: 1, last: mailbox.status.uidNext }];
    for await (const rows of at.messages.rows(mailbox.id, range, {}, signal))
      for (const { body, flags, internalDate } of rows) {
        const content = Buffer.concat(await Array.fromAsync(at.messages.content(body, signal)));
        const what = [flags.system, ...[...flags.keywords].sort(), internalDate.toISOString()].join(' ');
        all.push(`${mailbox.name} ${what} ${content.toString('latin1')}`);
      }
  }
  return all.sort();
}

const formats = ['maildir', 'mbox', 'eml'] as const;

test.each(formats)(
  '%s: what was exported is imported as it was, and imported again it adds nothing',
  async (format) => {
    const place = join(folder, format);
    const out = await at.run('account', 'export', 'ada', place, '--format', format);
    expect(out.out).toContain(`Exported 133 messages of ada to ${place}.`);
    await at.run('account', 'create', format);
    const dry = await at.run('account', 'import', format, place, '--format', format, '--dry-run', '--json');
    expect(JSON.parse(dry.out).mailboxes).toContainEqual({
      mailbox: 'Projekte/Brücke v1.2',
      added: 130,
      size: expect.any(Number),
      there: 0,
      failed: 0,
    });
    expect(await everything(format)).toEqual(['INBOX']);
    const first = await at.run('account', 'import', format, place, '--format', format);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain(`Imported 133 messages into ${format}.`);
    const had = await everything('ada');
    expect(await everything(format)).toEqual(had);
    const again = await at.run('account', 'import', format, place, '--format', format);
    expect(again.out).toContain(`Imported 0 messages into ${format}.`);
    expect(await everything(format)).toEqual(had);
  },
);

test('files of mail are for their owner only', async () => {
  for (const name of await readdir(join(folder, 'eml'), { recursive: true }))
    expect((await stat(join(folder, 'eml', name))).mode & 0o077).toBe(0);
});

test('an import that was broken off goes on where it was', async () => {
  await at.run('account', 'create', 'broken');
  await at.run('account', 'import', 'broken', join(folder, 'mbox'), '--format', 'mbox');
  const { id } = (await at.tree.accounts.byName('broken'))!;
  const mailbox = (await at.tree.mailboxes.get(id, 'Projekte/Brücke v1.2'))!;
  await at.messages.expunge(mailbox.id, [{ first: 50, last: 130 }], { anyway: true });
  const { out } = await at.run(
    'account',
    'import',
    'broken',
    join(folder, 'mbox'),
    '--format',
    'mbox',
    '--json',
  );
  expect(JSON.parse(out).mailboxes).toContainEqual(
    expect.objectContaining({ added: 81, there: 49, failed: 0 }),
  );
});

test('one mailbox is exported alone, and imported below another', async () => {
  const place = join(folder, 'alone');
  await at.run('account', 'export', 'ada', place, '--format', 'mbox', '--mailbox', 'Sent');
  expect(await readdir(place)).toEqual(['Sent.mbox']);
  await at.run('account', 'create', 'alone');
  const one = join(place, 'Sent.mbox');
  await at.run('account', 'import', 'alone', one, '--format', 'mbox', '--into', 'Old/2025');
  expect((await everything('alone')).map((line) => line.slice(0, 13))).toContain('Old/2025/Sent');
});

test('mail of other programs is read: folders in folders, Thunderbird, files by hand', async () => {
  await at.run('account', 'create', 'other');
  const place = join(folder, 'other');
  await mkdir(join(place, 'md', 'Work', 'new'), { recursive: true });
  await mkdir(join(place, 'md', 'Work', 'cur'), { recursive: true });
  await writeFile(join(place, 'md', 'Work', 'new', '1.a'), 'Subject: lf\n\nhello\n');
  await mkdir(join(place, 'tb', 'Local.sbd'), { recursive: true });
  await writeFile(
    join(place, 'tb', 'Local.sbd', 'Old'),
    `From - Sat Jan  3 01:05:34 1996\n${'Subject: tb\n\nhello\n\n'}`,
  );
  await writeFile(join(place, 'tb', 'Local.sbd', 'Old.msf'), 'an index');
  await mkdir(join(place, 'eml'), { recursive: true });
  await writeFile(join(place, 'eml', 'note.EML'), 'Subject: by hand\n\nhello');
  await at.run('account', 'import', 'other', join(place, 'md'), '--format', 'maildir');
  await at.run('account', 'import', 'other', join(place, 'tb'), '--format', 'mbox');
  await at.run('account', 'import', 'other', join(place, 'eml'), '--format', 'eml');
  const all = (await everything('other')).map((line) => line.replace(/ 0 \S+ /, ' '));
  expect(all).toContain('Work Subject: lf\r\n\r\nhello\r\n');
  expect(all).toContain('Local/Old Subject: tb\r\n\r\nhello\r\n');
  expect(all).toContain('INBOX Subject: by hand\n\nhello');
});

test('a Maildir of Dovecot comes in the order of its UIDs, with the UIDLs that its POP3 clients know', async () => {
  await at.run('account', 'create', 'dovecot');
  const place = join(folder, 'dovecot');
  await mkdir(join(place, 'cur'), { recursive: true });
  for (const name of ['1.z', '2.y', '3.x'])
    await writeFile(join(place, 'cur', `${name}:2,`), `Subject: ${name}\n\n`);
  await writeFile(join(place, 'dovecot-uidlist'), '3 V1700000000 N9\n1 :3.x\n2 Pold :2.y:2,S\n5 :1.z\n');
  await at.run('account', 'import', 'dovecot', place, '--format', 'maildir');
  const rows = await at.database.query(
    `select lower(b.sort_subject) as subject, m.uidl from mailbox_message m join body b on b.id = m.body
     join mailbox f on f.id = m.mailbox join account a on a.id = f.account where a.name = 'dovecot' order by m.uid`,
  );
  expect(rows).toEqual([
    { subject: '3.x', uidl: '000000016553f100' },
    { subject: '2.y', uidl: 'old' },
    { subject: '1.z', uidl: '000000056553f100' },
  ]);
});

test('what cannot be taken is told, and the rest is taken', async () => {
  await at.run('account', 'create', 'partly');
  const place = join(folder, 'partly');
  await mkdir(join(place, 'bad%25name'), { recursive: true });
  await mkdir(join(place, 'good'), { recursive: true });
  await writeFile(join(place, 'bad%25name', '1.eml'), 'a: b\r\n\r\n');
  await writeFile(join(place, 'good', '1.eml'), 'a: b\r\n\r\n');
  await writeFile(join(place, 'good', '2.eml'), `a: ${'b'.repeat(2_000)}\r\n\r\n`);
  const told = await at.run('account', 'import', 'partly', place, '--format', 'eml', '--max-size', '1KB');
  expect(told.code).toBe(1);
  expect(told.err).toMatch(/^bad%name: no mailbox can have this name/);
  expect(told.err).toMatch(/2\.eml: it has 2007 octets, more than --max-size/);
  expect(told.out).toContain('Imported 1 messages into partly.');
});

test.each([
  ['an export into a folder with something in it', ['export', 'ada', '.', '--format', 'eml'], /is not empty/],
  ['an import from nowhere', ['import', 'ada', '/nowhere/at/all', '--format', 'mbox'], /cannot be read/],
  ['an import of what is no Maildir', ['import', 'ada', 'src/mail', '--format', 'maildir'], /is no Maildir/],
  [
    'an import of what is no mbox',
    ['import', 'ada', 'package.json', '--format', 'mbox'],
    /does not begin with/,
  ],
])('%s is refused with a reason', async (_, words, why) => {
  const { err, code } = await at.run('account', ...words);
  expect([code, err]).toEqual([1, expect.stringMatching(why)]);
});

test('an mbox is text that other programs can read', async () => {
  const text = await readFile(join(folder, 'mbox', 'INBOX.mbox'), 'latin1');
  expect(text).not.toContain('\r');
  expect(text.match(/^From /gm)).toHaveLength(2);
  expect(text).toContain('From MAILER-DAEMON Sat Feb 29 23:59:58 2020\n');
  expect(text).toContain('\n>From here on\n>>From there\n');
  expect(text).toContain('Status: RO\nX-Status: F\nX-Keywords: $Work\n\n');
});
