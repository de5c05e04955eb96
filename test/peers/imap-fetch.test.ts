/**
 * IMAP as programs know it that fetch mail or say single commands: curl, fetchmail, getmail and Python's imaplib.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { letter } from '../access/imap-letters.ts';
import { command, killGroup, until } from './command.ts';
import { curl, type FetchClient, type Fetching, fetched, fetchmail, getmail } from './fetch-clients.ts';
import { type ImapGround, imapGround } from './imap-ground.ts';
import { describeWith } from './need.ts';
import { program } from './packages.ts';

const letters = [
  letter('first', '.\r\n..\r\n.dot'),
  letter('second', '\xc3\xa4 8-bit'),
  letter('third', 'line of text\r\n'.repeat(20_000)),
];
const fourth = letter('fourth');

let ground: ImapGround;
beforeEach(async () => {
  ground = await imapGround();
  for (const one of letters) await ground.other.append('INBOX', one);
}, 120_000);
afterEach(() => ground.close());

const fetching = (implicit: boolean): Fetching => ({
  protocol: 'imap',
  port: implicit ? ground.port : ground.startTlsPort,
  implicit,
  user: 'ada',
  password: 'secret',
  ca: ground.ca,
  folder: ground.folder,
  keep: true,
});

/** Fetches, fetches again and finds nothing, fetches what came since and takes it away. */
async function wholeCycle(client: FetchClient, how: Fetching, mark: string): Promise<void> {
  const first = await client.run(how);
  expect(first, first.stderr).toMatchObject({ code: 0 });
  expect(fetched(how.folder).sort()).toEqual([...letters].sort());
  expect((await ground.look('INBOX')).map(({ flags }) => flags)).toEqual([mark, mark, mark]);
  await client.run(how);
  expect(fetched(how.folder)).toHaveLength(3);
  await ground.other.append('INBOX', fourth);
  const last = await client.run({ ...how, keep: false });
  expect(last, last.stderr).toMatchObject({ code: 0 });
  expect(fetched(how.folder).sort()).toEqual([...letters, fourth].sort());
  expect((await ground.look('INBOX')).filter(({ content }) => content === fourth)).toEqual([]);
}

await describeWith(['fetchmail', 'openssl'], 'fetchmail by IMAP', () => {
  test(
    'fetches within TLS and takes the mail away',
    () => wholeCycle(fetchmail, fetching(true), '\\Seen'),
    120_000,
  );
  test('fetches after STARTTLS', () => wholeCycle(fetchmail, fetching(false), '\\Seen'), 120_000);
});

await describeWith(['getmail6', 'openssl'], 'getmail by IMAP', () => {
  test('fetches within TLS and takes the mail away', () => wholeCycle(getmail, fetching(true), ''), 120_000);
});

await describeWith(['curl', 'openssl'], 'curl by IMAP', () => {
  const said = async (path: string, more: readonly string[] = []): Promise<string> => {
    const ended = await curl(fetching(true), path, more);
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    return ended.stdout;
  };

  test('lists, fetches whole messages and parts of them, and searches', async () => {
    await ground.other.ok('CREATE Gr&APwA3w-e');
    expect(await said('')).toContain('* LIST (\\HasNoChildren) "/" "Gr&APwA3w-e"\r\n');
    expect(await said('INBOX;UID=1')).toBe(letters[0]);
    expect(await said('INBOX;MAILINDEX=2;SECTION=TEXT')).toBe('\u00e4 8-bit\r\n');
    expect(await said('INBOX;UID=3')).toBe(letters[2]);
    expect(await said('INBOX?SUBJECT%20third')).toBe('* SEARCH 3\r\n');
    expect(await said('INBOX', ['--request', 'STORE 1 +FLAGS (\\Flagged)'])).toContain('\\Flagged');
    expect(await said('INBOX?FLAGGED')).toBe('* SEARCH 1\r\n');
  }, 120_000);

  test('appends a message, octet for octet', async () => {
    const file = join(ground.folder, 'letter');
    writeFileSync(file, letters[1] ?? '', 'latin1');
    await said('Sent', ['--upload-file', file]);
    expect(await ground.look('Sent')).toEqual([{ flags: '\\Seen', content: letters[1] }]);
    const nowhere = await curl(fetching(true), 'Nowhere', ['--upload-file', file]);
    expect(nowhere.code).not.toBe(0);
  }, 120_000);

  test('signs in after STARTTLS, and not with a wrong password', async () => {
    const how = fetching(false);
    for (const mechanism of [
      [],
      ['--login-options', 'AUTH=PLAIN'],
      ['--login-options', 'AUTH=*', '--sasl-ir'],
    ])
      expect(await curl(how, 'INBOX;UID=1', mechanism)).toMatchObject({ code: 0, stdout: letters[0] });
    expect(await curl({ ...how, password: 'wrong' }, '')).toMatchObject({ code: 67 });
  }, 120_000);
});

/** Everything imaplib has a method for; what it answers is printed as JSON. */
const pythonScript = `
import imaplib, json, ssl, sys
port, ca = int(sys.argv[1]), sys.argv[2]
heard = {}
def well(name, answer):
    kind, data = answer
    assert kind == 'OK', (name, kind, data)
    heard[name] = [repr(one) for one in data]
    return data
imap = imaplib.IMAP4('localhost', port)
well('starttls', imap.starttls(ssl.create_default_context(cafile=ca)))
well('plain', imap.authenticate('PLAIN', lambda _: b'\\0ada\\0secret'))
well('namespace', imap.namespace())
well('create', imap.create('Work'))
well('subscribe', imap.subscribe('Work'))
well('lsub', imap.lsub())
date = '"23-Nov-2026 10:00:00 +0100"'
well('append', imap.append('Work', '(\\\\Flagged)', date, b'Subject: by python\\r\\n\\r\\nhello\\r\\n'))
well('quotaroot', imap.getquotaroot('INBOX'))
well('acl', imap.getacl('INBOX'))
well('status', imap.status('Work', '(MESSAGES UIDNEXT UNSEEN)'))
well('select', imap.select('INBOX'))
well('search', imap.search(None, 'SUBJECT', '"second"'))
well('sort', imap.sort('REVERSE SUBJECT', 'UTF-8', 'ALL'))
well('thread', imap.thread('REFERENCES', 'UTF-8', 'ALL'))
well('fetch', imap.fetch('1', '(RFC822.SIZE FLAGS BODY.PEEK[TEXT])'))
well('partial', imap.fetch('1', '(BODY.PEEK[]<0.4>)'))
well('store', imap.store('1:2', '+FLAGS', '(\\\\Deleted)'))
well('copy', imap.uid('COPY', '1', 'Work'))
well('move', imap.uid('MOVE', '3', 'Work'))
well('expunge', imap.expunge())
well('close', imap.close())
well('rename', imap.rename('Work', 'Done'))
well('select again', imap.select('Done', readonly=True))
well('flags', imap.fetch('1:*', '(FLAGS)'))
well('unselect', imap.unselect())
well('delete', imap.delete('Done'))
kind, data = imap.select('Done')
heard['gone'] = [kind, repr(data[0])]
well('enable', imap.enable('UTF8=ACCEPT'))
well('create utf8', imap.create('"Gr\\u00fc\\u00dfe"'))
well('append utf8', imap.append('"Gr\\u00fc\\u00dfe"', None, None, 'Subject: gr\\u00fc\\u00df\\r\\n\\r\\n'.encode()))
well('list utf8', imap.list('""', '"Gr*"'))
kind, data = imap.logout()
heard['logout'] = [kind]
print(json.dumps(heard))
`;

await describeWith(['python3', 'openssl'], "Python's imaplib", () => {
  test('says every command it has', async () => {
    const args = ['-c', pythonScript, String(ground.startTlsPort), ground.ca];
    const ended = await command(program('python3'), args);
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    const heard = JSON.parse(ended.stdout) as Record<string, readonly string[]>;
    expect(heard).toMatchObject({
      lsub: expect.arrayContaining([expect.stringContaining('Work')]),
      status: [`b'"Work" (MESSAGES 1 UIDNEXT 2 UNSEEN 1)'`],
      select: ["b'3'"],
      search: ["b'2'"],
      sort: ["b'3 2 1'"],
      flags: [
        expect.stringContaining('\\\\Flagged'),
        expect.stringContaining('\\\\Deleted'),
        expect.stringContaining('3 (FLAGS'),
      ],
      gone: ['NO', expect.stringContaining('NONEXISTENT')],
      logout: ['BYE'],
    });
    expect(heard.partial?.[0]).toContain("b'From'");
    expect((await ground.look('INBOX')).length).toBe(0);
    expect(await ground.look('Gr&APwA3w-e')).toHaveLength(1);
  }, 120_000);
});

await describeWith(['fetchmail', 'openssl'], 'fetchmail by IMAP IDLE', () => {
  test('fetches what comes while it waits', async () => {
    await fetchmail.run(fetching(true));
    const args = [
      '-f',
      join(ground.folder, 'fetchmailrc'),
      '--idle',
      '--nodetach',
      '--pidfile',
      join(ground.folder, 'pid'),
    ];
    const waiting = spawn(program('fetchmail'), args, {
      env: { ...process.env, FETCHMAILHOME: ground.folder, HOME: ground.folder },
      stdio: 'ignore',
      detached: true,
    });
    try {
      for (const [index, subject] of ['while waiting', 'and again'].entries()) {
        await ground.other.append('INBOX', letter(subject));
        await until(subject, () => fetched(ground.folder).length === 4 + index, 25_000);
      }
    } finally {
      killGroup(waiting.pid);
    }
  }, 120_000);
});
