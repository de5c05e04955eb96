/** APPEND in all its forms, and what is refused. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { letter, nested } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
let talk: ImapTalk;
let count = 0;
beforeAll(async () => {
  server = await imapServer({
    imap: {
      limits: {
        ...(await import('../../src/protocol/imap/request/limits.ts')).defaultLimits,
        message: 200_000,
      },
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  const name = `user${++count}`;
  await server.tree.accounts.create({ name });
  talk = await server.as(name);
});

const wholeOf = async (uid: number, mailbox = 'INBOX'): Promise<string> => {
  await talk.ok(`EXAMINE ${mailbox}`);
  const [response = ''] = await talk.ok(`UID FETCH ${uid} BODY.PEEK[]`);
  return response.slice(response.indexOf('\r\n') + 2, -1);
};

test('a client that waits is told to go on, and before that whether it may', async () => {
  const message = letter('one');
  const tag = talk.begin(`APPEND INBOX {${message.length}}`);
  expect(await talk.response()).toBe('+ Go on');
  talk.write(`${message}\r\n`);
  expect((await talk.until(tag)).at(-1)).toMatch(/^OK \[APPENDUID \d+ 1\]/);
  expect(await talk.say(`APPEND Nowhere {${message.length}}`)).toEqual([
    'NO [TRYCREATE] There is no such mailbox',
  ]);
  expect(await talk.answer('NOOP')).toBe('OK Done');
});

test('octets come back as they went in', async () => {
  const odd = 'Subject: \xff\xfe bare\nlines\r\n\r\n\x80\x81\rx\n\n';
  expect(await talk.append('INBOX', odd)).toMatch(/^OK/);
  expect(await wholeOf(1)).toBe(odd);
});

test('flags, keywords and date are kept', async () => {
  await talk.append('INBOX', letter('one'), '(\\Seen $Label1) "01-Feb-2020 03:04:05 +0200"');
  await talk.ok('SELECT INBOX');
  expect(await talk.ok('FETCH 1 (FLAGS INTERNALDATE)')).toEqual([
    '* 1 FETCH (FLAGS (\\Recent \\Seen $Label1) INTERNALDATE " 1-Feb-2020 01:04:05 +0000")',
  ]);
});

test('several messages are filed together, or none is', async () => {
  const [one, two] = [letter('one'), letter('two')];
  const both = `APPEND INBOX {${one.length}+}\r\n${one} (\\Flagged) {${two.length}+}\r\n${two}`;
  expect(await talk.answer(both)).toMatch(/^OK \[APPENDUID \d+ 1:2\]/);
  expect(await talk.answer(`APPEND INBOX {${one.length}+}\r\n${one} {0+}\r\n`)).toMatch(/^NO/);
  expect(await talk.answer(`APPEND INBOX {${one.length}+}\r\n${one} (\\Seen nonsense`)).toMatch(/^BAD/);
  expect(await talk.ok('STATUS INBOX (MESSAGES)')).toEqual(['* STATUS "INBOX" (MESSAGES 2)']);
});

test('what is too big is refused, asked for or not, and the session goes on', async () => {
  expect(await talk.answer('APPEND INBOX {200001}')).toMatch(/^NO \[TOOBIG\]/);
  const big = 'x'.repeat(200_001);
  expect(await talk.append('INBOX', big)).toMatch(/^NO \[TOOBIG\]/);
  expect(await talk.answer('NOOP')).toBe('OK Done');
});

test('a part with NUL is kept in base64, and read as it was', async () => {
  expect(await talk.append('INBOX', 'Subject: x\r\n\r\n\0\r\n')).toMatch(/^NO \[UNKNOWN-CTE\]/);
  const octets = `\0-\x01\r\n${'\xff\0'.repeat(200)}`;
  const message = [
    'Subject: x',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    'Content-Transfer-Encoding: binary',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'text',
    '--b',
    'Content-Type: application/octet-stream',
    'Content-Transfer-Encoding: binary',
    '',
    octets,
    '--b--',
    '',
  ].join('\r\n');
  expect(await talk.answer(`APPEND INBOX ~{${message.length}+}\r\n${message}`)).toMatch(/^OK/);
  await talk.ok('SELECT INBOX');
  expect(await talk.ok('FETCH 1 BINARY.PEEK[2]')).toEqual([
    `* 1 FETCH (BINARY[2] ~{${octets.length}}\r\n${octets})`,
  ]);
  const whole = await wholeOf(1);
  expect(whole).not.toContain('\0');
  expect(whole).toContain(
    'Content-Transfer-Encoding: 8bit\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\ntext\r\n',
  );
  expect(whole).toContain('Content-Transfer-Encoding: base64\r\n\r\nAC0BDQr');
  const headerNul = 'Subject: \0\r\nContent-Transfer-Encoding: binary\r\n\r\nx\r\n';
  expect(await talk.answer(`APPEND INBOX ~{${headerNul.length}+}\r\n${headerNul}`)).toMatch(
    /^NO \[UNKNOWN-CTE\]/,
  );
});

test('UTF8 needs to be enabled', async () => {
  const message = `Subject: ${Buffer.from('Grüße').toString('latin1')}\r\n\r\nx\r\n`;
  const command = `APPEND INBOX UTF8 (~{${message.length}+}\r\n${message})`;
  expect(await talk.answer(command)).toMatch(/^BAD/);
  await talk.ok('ENABLE UTF8=ACCEPT');
  expect(await talk.answer(command)).toMatch(/^OK/);
  expect(await wholeOf(1)).toBe(message);
});

test('a message is put together of texts and parts of others', async () => {
  await talk.append('Drafts', nested);
  const head = 'Subject: put together\r\n\r\n';
  const command = [
    `APPEND INBOX (\\Draft) CATENATE (TEXT {${head.length}+}\r\n${head}`,
    'URL "/Drafts/;UID=1/;SECTION=3.TEXT"',
    'URL "/Drafts/;UID=1/;SECTION=3.HEADER/;PARTIAL=0.7" TEXT {2+}\r\n!!)',
  ].join(' ');
  expect(await talk.answer(command)).toMatch(/^OK/);
  expect(await wholeOf(1)).toBe(`${head}Inner text.Subject!!`);
});

test.each([
  '/Drafts/;UID=9',
  '/Nowhere/;UID=1',
  '/Drafts/;UID=1/;SECTION=9',
  '/Drafts;UIDVALIDITY=1/;UID=1',
  ';UID=1',
  'http://example.org/',
])('the URL %s names nothing', async (url) => {
  await talk.append('Drafts', nested);
  expect(await talk.answer(`APPEND INBOX CATENATE (URL "${url}" TEXT {1+}\r\nx)`)).toContain('NO [BADURL ');
  expect(await talk.answer('NOOP')).toBe('OK Done');
});

test('REPLACE takes the old message away in the same instant', async () => {
  await talk.append('Drafts', letter('first'));
  await talk.ok('SELECT Drafts');
  const better = letter('better');
  const responses = await talk.say(`REPLACE 1 Drafts (\\Draft) {${better.length}+}\r\n${better}`);
  expect(responses).toEqual([
    '* 1 EXPUNGE',
    '* 1 EXISTS',
    '* 1 RECENT',
    expect.stringMatching(/^OK \[APPENDUID \d+ 2\]/),
  ]);
  const last = letter('last');
  expect(await talk.answer(`UID REPLACE 2 Sent {${last.length}+}\r\n${last}`)).toMatch(
    /^OK \[APPENDUID \d+ 1\]/,
  );
  expect(await talk.ok('STATUS Drafts (MESSAGES)')).toEqual(['* STATUS "Drafts" (MESSAGES 0)']);
  expect(await talk.answer(`UID REPLACE 2 Sent {${last.length}+}\r\n${last}`)).toMatch(
    /^NO \[EXPUNGEISSUED\]/,
  );
});

test('what is filed in the selected mailbox is told at once', async () => {
  await talk.ok('SELECT INBOX');
  const message = letter('one');
  expect(await talk.say(`APPEND INBOX {${message.length}+}\r\n${message}`)).toEqual([
    '* 1 EXISTS',
    '* 1 RECENT',
    expect.stringMatching(/^OK \[APPENDUID/),
  ]);
});

test('over quota nothing is filed', async () => {
  const { id } = await server.account(`user${count}`);
  await server.tree.accounts.change(id, { quota: { messages: 1 } });
  expect(await talk.append('INBOX', letter('one'))).toMatch(/^OK/);
  expect(await talk.append('INBOX', letter('two'))).toMatch(/^NO \[OVERQUOTA\]/);
  await talk.ok('SELECT INBOX');
  expect(await talk.answer('COPY 1 Sent')).toMatch(/^NO \[OVERQUOTA\]/);
  expect(await talk.answer('MOVE 1 Sent')).toMatch(/^OK/);
});

test('a client that goes away in the middle leaves nothing', async () => {
  talk.write('x APPEND INBOX {1000+}\r\nSubject: half');
  talk.socket.destroy();
  const again = await server.as(`user${count}`);
  expect(await again.ok('STATUS INBOX (MESSAGES)')).toEqual(['* STATUS "INBOX" (MESSAGES 0)']);
});
