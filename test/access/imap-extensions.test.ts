/** What is announced is what the table of extensions says, no more and no less; and what has no test elsewhere. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { capabilitiesOf } from '../../src/access/imap/capabilities.ts';
import { defaultImapOptions } from '../../src/access/imap/options.ts';
import { progress } from '../../src/access/imap/progress.ts';
import type { Session } from '../../src/access/imap/session.ts';
import { letter } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
let talk: ImapTalk;
beforeAll(async () => {
  server = await imapServer({ imap: { messageLimit: 1000 } });
  talk = await server.as('ada');
});
afterAll(() => server[Symbol.asyncDispose]());

const path = (of: string): string => fileURLToPath(new URL(of, import.meta.url));

const table = readFileSync(path('../../src/access/imap/EXTENSIONS.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| capability') && !line.startsWith('| ---'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, capability = '', rfc = '', where = '', tests = '']) => ({
    capability,
    rfc,
    where,
    tests: tests.split(', '),
  }));

/** Without what an installation says of itself. */
const general = (capability: string): string =>
  capability.replace(/^(AUTH|APPENDLIMIT|MESSAGELIMIT)=.*$/, '$1=');

function announced(): ReadonlySet<string> {
  const common = {
    options: { ...defaultImapOptions, messageLimit: 1000 },
    mayAuthenticate: true,
    channel: {},
    deps: { authenticator: { mechanisms: () => ['PLAIN', 'SCRAM-SHA-256'] } },
  };
  const situations = [
    { state: { kind: 'notAuthenticated' }, mayLogin: false, connection: { mayStartTls: true } },
    { state: { kind: 'authenticated' }, mayLogin: true, connection: { isCompressed: false } },
  ].map((one) => ({ ...common, ...one }) as unknown as Session);
  return new Set(situations.flatMap(capabilitiesOf).map(general));
}

test('the table of extensions is what is announced', () => {
  expect(table.map(({ capability }) => capability).sort()).toEqual([...announced()].sort());
});

test.each(table)(
  '$capability is where the table says, and has the tests it names',
  ({ where, tests, rfc }) => {
    expect(existsSync(path(`../../src/access/imap/${where}`))).toBe(true);
    for (const name of tests) expect(existsSync(path(`imap-${name}.test.ts`))).toBe(true);
    expect(rfc).toMatch(/^(\d{4,5}|-)$/);
  },
);

test('a session announces it too', async () => {
  const [line = ''] = await talk.ok('CAPABILITY');
  const names = line.split(' ').slice(2).map(general);
  const before = ['AUTH=', 'LOGINDISABLED', 'STARTTLS'];
  expect(names.sort()).toEqual(
    table
      .map(({ capability }) => capability)
      .filter((capability) => !before.includes(capability))
      .sort(),
  );
});

test('a long search says how far it is, not too often', () => {
  let now = 0;
  const said: string[] = [];
  const session = {
    connection: {
      get now() {
        return new Date(now);
      },
    },
    dialect: { utf8: false },
    say: (octets: string) => said.push(octets),
  } as unknown as Session;
  const tell = progress(session, 'A001');
  for (const [at, done] of [
    [0, 0],
    [9_000, 0.1],
    [11_000, 0.454],
    [12_000, 0.5],
    [60_000, 1],
  ] as const) {
    now = at;
    tell(done);
  }
  expect(said).toEqual([
    '* OK [INPROGRESS ("A001" 45 100)] Still at it\r\n',
    '* OK [INPROGRESS ("A001" 100 100)] Still at it\r\n',
  ]);
});

test('letter case and composition do not hide a message', async () => {
  await talk.ok('CREATE Words');
  await talk.append('Words', letter('=?utf-8?Q?Gr=C3=BC=C3=9Fe?='));
  await talk.append('Words', letter('=?utf-8?Q?GRU=CC=88SSE?='));
  await talk.append('Words', letter('other'));
  await talk.ok('SELECT Words');
  const utf8 = (text: string): string => {
    const octets = Buffer.from(text).toString('latin1');
    return `{${octets.length}+}\r\n${octets}`;
  };
  for (const word of ['grüße', 'GRÜSSE', 'gru\u0308sse'])
    expect(await talk.ok(`SEARCH CHARSET UTF-8 SUBJECT ${utf8(word)}`)).toEqual(['* SEARCH 1 2']);
});

test('messages are found by their ids and by the date of saving', async () => {
  const days = (count: number): string => {
    const [, day, month, year] = new Date(Date.now() + count * 86_400_000).toUTCString().split(' ');
    return `${day}-${month}-${year}`;
  };
  const box = await server.as('bob');
  await box.append('INBOX', letter('old'), '"01-Jan-2001 10:00:00 +0000"');
  await box.append('INBOX', letter('other'));
  await box.ok('SELECT INBOX');
  const [row = ''] = await box.ok('FETCH 1 (EMAILID THREADID)');
  const { email, thread } = /EMAILID \((?<email>\S+)\) THREADID \((?<thread>[^)]+)\)/.exec(row)?.groups ?? {};
  expect(await box.ok(`SEARCH EMAILID ${email}`)).toEqual(['* SEARCH 1']);
  expect(await box.ok(`SEARCH THREADID ${thread}`)).toEqual(['* SEARCH 1']);
  expect(await box.ok('SEARCH EMAILID nothing')).toEqual(['* SEARCH']);
  expect(await box.ok(`SEARCH SAVEDSINCE ${days(-1)}`)).toEqual(['* SEARCH 1 2']);
  expect(await box.ok(`SEARCH SAVEDBEFORE ${days(-1)}`)).toEqual(['* SEARCH']);
  expect(await box.ok(`SEARCH BEFORE ${days(-1)} SAVEDATESUPPORTED`)).toEqual(['* SEARCH 1']);
  // A copy is another message of the same content.
  await box.ok('COPY 1 Sent');
  await box.ok('SELECT Sent');
  expect(await box.ok(`SEARCH EMAILID ${email}`)).toEqual(['* SEARCH 1']);
});
