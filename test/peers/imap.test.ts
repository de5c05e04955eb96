/**
 * IMAP as other people's clients know it: mirrors, requests, fetches, scripts.
 */
import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { letter } from '../access/imap-letters.ts';
import { type ImapServer, imapServer } from '../access/imap-server.ts';
import { authorityFile, certificate } from '../fixture/tls.ts';
import { curl, fetchmail, type ImapVisit, imaplib, maildir, mbsync } from './imap-clients.ts';
import { describeWith } from './need.ts';

let server: ImapServer;
const folders: string[] = [];
beforeAll(async () => {
  const { cert, key } = await certificate(['mail.example.org', 'localhost']);
  server = await imapServer({
    listener: {
      tls: {
        mode: 'required',
        certificates: [{ cert, key }],
        minVersion: 'TLSv1.2',
        clientCertificates: 'ignore',
      },
    },
    people: [],
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function visitor(user: string): Promise<ImapVisit> {
  await server.tree.accounts.create({ name: user });
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-imap-'));
  folders.push(folder);
  return { port: server.port, user, password: 'secret', ca: await authorityFile(), folder };
}

/** A session of our own, by TLS as well. */
async function own(user: string) {
  const talk = await server.connect();
  await talk.ok('STARTTLS');
  await talk.startTls();
  await talk.ok(`LOGIN ${user} secret`);
  return talk;
}

await describeWith(['isync'], 'mbsync mirrors', () => {
  test('both ways: new mail, flags, removals, mailboxes; and finds nothing to do the second time', async () => {
    const visit = await visitor('mbsync');
    const talk = await own('mbsync');
    const messages = ['one', 'two', 'three'].map((subject) => letter(subject));
    for (const message of messages) await talk.append('INBOX', message);
    await talk.ok('CREATE Projects/Gr&APwA3w-e');
    const first = await mbsync(visit);
    expect(first, first.stderr).toMatchObject({ code: 0 });
    const there = maildir(visit.folder, 'INBOX');
    expect(there.map(({ content }) => content).sort()).toEqual([...messages].sort());

    await talk.ok('SELECT INBOX');
    await talk.ok('UID STORE 1 +FLAGS.SILENT (\\Flagged)');
    await talk.ok('UID STORE 2 +FLAGS.SILENT (\\Deleted)');
    await talk.ok('EXPUNGE');
    const three = there.find(({ content }) => content.includes('three'));
    renameSync(three!.path, `${three!.path.replace(/\/new\//, '/cur/').replace(/:2,[A-Z]*$/, '')}:2,S`);
    writeFileSync(join(visit.folder, 'mail/INBOX/new/4.x.y'), letter('four').replaceAll('\r\n', '\n'));
    const second = await mbsync(visit);
    expect(second, second.stderr).toMatchObject({ code: 0 });
    expect(
      maildir(visit.folder, 'INBOX')
        .map(({ flags }) => flags)
        .sort(),
    ).toEqual(['', 'F', 'S']);
    expect(await talk.ok('UID SEARCH SEEN')).toContain('* SEARCH 3');
    const [four = ''] = (await talk.ok('UID FETCH 4:* BODY.PEEK[]')).slice(-1);
    expect(four).toContain('Subject: four\r\n');

    for (const { path, content } of maildir(visit.folder, 'INBOX'))
      if (content.includes('four')) unlinkSync(path);
    expect(await mbsync(visit)).toMatchObject({ code: 0 });
    expect(await mbsync(visit)).toMatchObject({ code: 0 });
    expect(await talk.ok('UID SEARCH ALL')).toContain('* SEARCH 1 3');
  });
});

await describeWith(['curl'], 'curl', () => {
  test('lists, fetches by UID and by section, files, and says commands', async () => {
    const visit = await visitor('curl');
    const talk = await own('curl');
    await talk.append('INBOX', letter('one'));
    expect((await curl(visit, '')).stdout).toContain('* LIST (\\HasNoChildren \\Sent) "/" "Sent"');
    expect((await curl(visit, 'INBOX;UID=1')).stdout).toBe(letter('one'));
    expect((await curl(visit, 'INBOX;UID=1;SECTION=TEXT')).stdout).toBe('Hello.\r\n');
    const file = join(visit.folder, 'two.eml');
    writeFileSync(file, letter('two'));
    expect(await curl(visit, 'Drafts', ['--upload-file', file])).toMatchObject({ code: 0 });
    expect((await curl(visit, 'Drafts;UID=1')).stdout).toBe(letter('two'));
    expect((await curl(visit, 'INBOX?SUBJECT%20one')).stdout).toContain('* SEARCH 1');
    expect((await curl(visit, 'INBOX', ['--request', 'STORE 1 +FLAGS \\Seen'])).stdout).toContain('\\Seen');
    for (const mechanism of ['PLAIN', 'LOGIN']) {
      const options = ['--login-options', `AUTH=${mechanism}`];
      const { code } = await curl(visit, 'INBOX;UID=1', options);
      expect(code === 0, mechanism).toBe(mechanism === 'PLAIN');
    }
  });
});

await describeWith(['fetchmail'], 'fetchmail', () => {
  test('fetches what is new, once', async () => {
    const visit = await visitor('fetchmail');
    const talk = await own('fetchmail');
    for (const subject of ['one', 'two']) await talk.append('INBOX', letter(subject));
    const first = await fetchmail(visit);
    expect(first, first.stderr).toMatchObject({ code: 0 });
    expect(await talk.ok('STATUS INBOX (MESSAGES UNSEEN)')).toEqual([
      '* STATUS "INBOX" (MESSAGES 2 UNSEEN 0)',
    ]);
    expect((await fetchmail(visit)).code).toBe(1); // no mail
  });
});

await describeWith(['python3'], "Python's imaplib", () => {
  test('files, searches, copies, flags and expunges', async () => {
    const visit = await visitor('python');
    const { stdout, stderr, code } = await imaplib(visit, [
      'for n in range(3): imap.append("INBOX", "(\\\\Flagged)" if n == 1 else None, None, b"Subject: m%d\\r\\n\\r\\nbody\\r\\n" % n)',
      'print(imap.select("INBOX"))',
      'print(imap.search(None, "FLAGGED"))',
      'print(imap.fetch("2", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))',
      'print(imap.uid("COPY", "1:2", "Archive")[0])',
      'print(imap.store("3", "+FLAGS", "\\\\Deleted"))',
      'print(imap.expunge())',
      'print(imap.namespace(), imap.noop()[0])',
      'print(imap.status("Archive", "(MESSAGES)"))',
    ]);
    expect(code, stderr).toBe(0);
    expect(stdout.split('\n')).toEqual([
      "('OK', [b'3'])",
      "('OK', [b'2'])",
      expect.stringContaining('Subject: m1'),
      'OK',
      expect.stringContaining('Deleted'),
      "('OK', [b'3'])",
      expect.stringContaining("'OK'"),
      expect.stringContaining('(MESSAGES 2)'),
      '',
    ]);
  });
});
