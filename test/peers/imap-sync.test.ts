/**
 * IMAP as programs know it that keep a second copy of all mail: what changes here comes there, what changes there comes
 * here, and where nothing changed nothing changes.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { letter } from '../access/imap-letters.ts';
import { command, type Ended } from './command.ts';
import { type ImapGround, imapGround, type Kept } from './imap-ground.ts';
import { drop, inOrder, mailsIn, mark, move, remove } from './maildir.ts';
import { describeWith } from './need.ts';
import { program } from './packages.ts';

let ground: ImapGround;
beforeEach(async () => {
  ground = await imapGround();
  const { other } = ground;
  await other.append('INBOX', first, '(\\Seen)');
  await other.append('INBOX', second, '(\\Flagged \\Answered)');
  await other.append('INBOX', third);
  await other.ok('CREATE Lists/Dev');
  await other.ok('CREATE Gr&APwA3w-e');
  await other.append('Lists/Dev', letter('dev'), '(\\Draft)');
}, 120_000);
afterEach(() => ground.close());

const first = letter('first', '.\r\n..\r\n.dot');
const second = letter('second', '\xc3\xa4 8-bit');
const third = letter('third', 'line of text\r\n'.repeat(20_000));

const at = (mailbox: string): string => join(ground.folder, 'mail', mailbox);
const subjects = (mails: readonly Kept[]): string[] =>
  mails.map(({ flags, content }) => `${/^Subject: (.*)\r$/m.exec(content)?.[1]} ${flags}`.trim()).sort();

/** A message without the mark by which mbsync knows it again. */
const own = ({ content }: Kept): string => content.replace(/^X-TUID: .*\r\n/m, '');

/** Both sides have the same messages with the same flags, octet for octet. */
async function same(...mailboxes: readonly string[]): Promise<void> {
  for (const mailbox of mailboxes) {
    const here = inOrder(await ground.look(mailbox));
    expect(subjects(mailsIn(at(mailbox))), mailbox).toEqual(subjects(here));
    const [far, near] = [here, mailsIn(at(mailbox))].map((mails) => mails.map(own));
    const different = near?.find((content, index) => content !== far?.[index]);
    expect(different?.slice(0, 500), mailbox).toBeUndefined();
  }
}

async function well(run: () => Promise<Ended>): Promise<void> {
  const ended = await run();
  expect(ended, ended.stderr + ended.stdout).toMatchObject({ code: 0 });
}

/** A run after which nothing that anybody can see is different. */
async function idly(run: () => Promise<Ended>): Promise<void> {
  const before = await ground.state();
  await well(run);
  expect(await ground.state()).toEqual(before);
}

const mbsync = (port = ground.port, type = 'IMAPS', password = 'secret'): Promise<Ended> => {
  const rc = join(ground.folder, 'mbsyncrc');
  mkdirSync(at(''), { recursive: true });
  const lines = [
    'SyncState *\nCreate Both\nRemove Both\nExpunge Both\nCopyArrivalDate yes',
    `IMAPStore far\nHost localhost\nPort ${port}\nUser ada\nPass ${password}\n` +
      `SSLType ${type}\nSystemCertificates no\nCertificateFile ${ground.ca}`,
    `MaildirStore near\nPath ${at('/')}\nInbox ${at('INBOX')}\nSubFolders Verbatim`,
    'Channel all\nFar :far:\nNear :near:\nPatterns *',
  ];
  writeFileSync(rc, `${lines.join('\n\n')}\n`);
  return command(program('mbsync'), ['-c', rc, 'all'], { env: { HOME: ground.folder } });
};

const offlineimap = (): Promise<Ended> => {
  const rc = join(ground.folder, 'offlineimaprc');
  const sections = [
    `[general]\naccounts = ada\nmetadata = ${join(ground.folder, 'metadata')}\nui = basic`,
    '[Account ada]\nlocalrepository = near\nremoterepository = far',
    `[Repository near]\ntype = Maildir\nlocalfolders = ${at('')}\nsep = /`,
    `[Repository far]\ntype = IMAP\nremotehost = localhost\nremoteport = ${ground.port}\nremoteuser = ada`,
    `remotepass = secret\nssl = yes\nstarttls = no\nsslcacertfile = ${ground.ca}`,
  ];
  writeFileSync(rc, `${sections.join('\n')}\n`);
  return command(program('offlineimap'), ['-o', '-c', rc], { env: { HOME: ground.folder } });
};

async function copies(run: () => Promise<Ended>): Promise<void> {
  await well(run);
  await same('INBOX', 'Lists/Dev', 'Gr&APwA3w-e', 'Sent');
  await idly(run);
  await same('INBOX', 'Lists/Dev');
}

async function carries(run: () => Promise<Ended>): Promise<void> {
  await well(run);
  drop(at('INBOX'), 'new.1', letter('from there'));
  drop(at('Made'), 'new.2', letter('in a mailbox from there'));
  mark(at('INBOX'), 'Subject: third', 'FRS');
  remove(at('INBOX'), 'Subject: second');
  move(at('Lists/Dev'), 'Subject: dev', at('Gr&APwA3w-e'));
  const { other } = ground;
  await other.append('INBOX', letter('from here'), '(\\Flagged)');
  await other.ok('CREATE Fresh');
  await other.ok('CREATE Fresh/Deep');
  await other.append('Fresh/Deep', letter('in a mailbox from here'));
  await other.append('INBOX', letter('went at once'));
  await other.ok('SELECT INBOX');
  await other.ok('UID STORE 1 FLAGS (\\Answered)');
  await other.ok('UID STORE 5 +FLAGS.SILENT (\\Deleted)');
  await other.ok('UID EXPUNGE 5');
  await well(run);
  await same('INBOX', 'Lists/Dev', 'Gr&APwA3w-e', 'Made', 'Fresh/Deep');
  expect(subjects(await ground.look('INBOX'))).toEqual([
    'first \\Answered',
    'from here \\Flagged',
    'from there',
    'third \\Answered \\Flagged \\Seen',
  ]);
  expect(subjects(await ground.look('Gr&APwA3w-e'))).toEqual(['dev \\Draft']);
  await idly(run);
}

await describeWith(['isync', 'openssl'], 'mbsync', () => {
  test('copies everything, and a second time nothing', () => copies(mbsync), 120_000);
  test('carries changes both ways', () => carries(mbsync), 120_000);

  test('takes away what went, on either side, mailboxes too', async () => {
    await well(mbsync);
    mark(at('INBOX'), 'Subject: first', 'T');
    rmSync(join(at('Gr&APwA3w-e'), 'cur'), { recursive: true });
    const { other } = ground;
    await other.ok('SELECT INBOX');
    await other.ok('UID STORE 3 +FLAGS.SILENT (\\Deleted)');
    await other.ok('UID EXPUNGE 3');
    await other.ok('RENAME Lists/Dev Lists/Work');
    await other.ok('DELETE Archive');
    await well(mbsync);
    await same('INBOX', 'Lists/Work');
    expect(subjects(await ground.look('INBOX'))).toEqual(['second \\Answered \\Flagged']);
    expect((await other.ok('LIST "" (Gr* Archive)')).length).toBe(0);
    expect(existsSync(join(at('Archive'), 'cur'))).toBe(false);
  }, 120_000);

  test('signs in after STARTTLS, and not with a wrong password', async () => {
    await well(() => mbsync(ground.startTlsPort, 'STARTTLS'));
    await same('INBOX');
    const refused = await mbsync(ground.port, 'IMAPS', 'wrong');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('AUTHENTICATIONFAILED');
  }, 120_000);
});

await describeWith(['offlineimap3', 'openssl'], 'OfflineIMAP', () => {
  test('copies everything, and a second time nothing', () => copies(offlineimap), 120_000);
  test('carries changes both ways', () => carries(offlineimap), 120_000);
});
