/** FETCH: every item, sections, partials, binary parts, the implicit \Seen. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { letter, nested } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
let talk: ImapTalk;
beforeAll(async () => {
  server = await imapServer();
  talk = await server.as('ada');
  await talk.append('INBOX', nested);
  await talk.append('INBOX', letter('plain', 'One.\r\nTwo.', ['X-Folded: a', ' b']), '(\\Seen)');
  await talk.ok('EXAMINE INBOX');
});
afterAll(() => server[Symbol.asyncDispose]());

const literal = (text: string): string => `{${text.length}}\r\n${text}`;
const header = (message: string): string => message.slice(0, message.indexOf('\r\n\r\n') + 4);
const body = (message: string): string => message.slice(message.indexOf('\r\n\r\n') + 4);

const inner = 'Subject: inner\r\nX-Deep: yes\r\n\r\nInner text.';

test.each([
  ['BODY[]', nested],
  ['BODY[HEADER]', header(nested)],
  ['BODY[TEXT]', body(nested)],
  ['BODY[1]', 'Gr=C3=BC=C3=9Fe=\r\n an alle'],
  [
    'BODY[1.MIME]',
    'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n',
  ],
  ['BODY[2]', 'AAEC/w=='],
  ['BODY[3]', inner],
  ['BODY[3.HEADER]', header(inner)],
  ['BODY[3.TEXT]', 'Inner text.'],
  ['BODY[3.1]', 'Inner text.'],
  ['BODY[3.HEADER.FIELDS (X-Deep)]', 'X-Deep: yes\r\n\r\n'],
  ['BODY[3.HEADER.FIELDS.NOT (X-Deep)]', 'Subject: inner\r\n\r\n'],
  ['BODY[HEADER.FIELDS (Subject Nothing)]', 'Subject: nested\r\n\r\n'],
])('%s', async (item, content) => {
  expect(await talk.ok(`FETCH 1 ${item}`)).toEqual([`* 1 FETCH (${item} ${literal(content)})`]);
});

test.each(['BODY[4]', 'BODY[1.1]', 'BODY[2.HEADER]', 'BODY[3.2]'])('%s is not there', async (item) => {
  expect(await talk.ok(`FETCH 1 ${item}`)).toEqual([`* 1 FETCH (${item} NIL)`]);
});

test.each([
  ['BODY[]<0.4>', 'BODY[]<0>', 'From'],
  ['BODY[TEXT]<9.1000000>', 'BODY[TEXT]<9>', body(nested).slice(9)],
  ['BODY[]<1000000.5>', 'BODY[]<1000000>', ''],
  ['BODY[HEADER.FIELDS (SUBJECT)]<3.6>', 'BODY[HEADER.FIELDS (SUBJECT)]<3>', 'ject: '],
])('%s', async (item, answered, content) => {
  expect(await talk.ok(`FETCH 1 ${item}`)).toEqual([`* 1 FETCH (${answered} ${literal(content)})`]);
});

test.each([
  ['BINARY[1]', `~${literal('Gr\xc3\xbc\xc3\x9fe an alle')}`],
  ['BINARY[2]', `~${literal('\0\x01\x02\xff')}`],
  ['BINARY[2]<1.2>', `~${literal('\x01\x02')}`],
  ['BINARY.SIZE[2]', '4'],
  ['BINARY.SIZE[1]', '15'],
  ['BINARY[3]', `~${literal(inner)}`],
])('%s', async (item, content) => {
  const answered = item.replace(/<(\d+)\.\d+>/, '<$1>');
  expect(await talk.ok(`FETCH 1 ${item.replace('BINARY[', 'BINARY.PEEK[')}`)).toEqual([
    `* 1 FETCH (${answered} ${content})`,
  ]);
});

test('an unknown encoding is said to be unknown', async () => {
  const other = await server.as('bob');
  await other.append('INBOX', 'MIME-Version: 1.0\r\nContent-Transfer-Encoding: x-odd\r\n\r\nx\r\n');
  await other.ok('EXAMINE INBOX');
  expect(await other.answer('FETCH 1 BINARY[1]')).toMatch(/^NO \[UNKNOWN-CTE\]/);
  expect(await other.answer('FETCH 1 BODY[1]')).toMatch(/^OK/);
});

test('a big encoded part is decoded as it streams', async () => {
  const other = await server.as('bob');
  const octets = Buffer.from(Array.from({ length: 500_000 }, (_, index) => (index * 7) % 251));
  const lines = octets.toString('base64').replace(/.{76}/g, '$&\r\n');
  await other.append(
    'Archive',
    `MIME-Version: 1.0\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines}\r\n`,
  );
  await other.ok('EXAMINE Archive');
  const [response = ''] = await other.ok('FETCH 1 BINARY[1]');
  expect(response.slice(response.indexOf('\r\n') + 2, -1)).toBe(octets.toString('latin1'));
  const [part = ''] = await other.ok('FETCH 1 BINARY[1]<400000.10>');
  expect(part).toBe(`* 1 FETCH (BINARY[1]<400000> ~${literal(octets.toString('latin1', 400_000, 400_010))})`);
  expect(await other.ok('FETCH 1 BINARY.SIZE[1]')).toEqual(['* 1 FETCH (BINARY.SIZE[1] 500000)']);
});

test('RFC822 and its parts, macros, sizes and dates', async () => {
  const plain = letter('plain', 'One.\r\nTwo.', ['X-Folded: a', ' b']);
  expect(await talk.ok('FETCH 2 (RFC822 RFC822.HEADER RFC822.TEXT)')).toEqual([
    `* 2 FETCH (RFC822 ${literal(plain)} RFC822.HEADER ${literal(header(plain))} RFC822.TEXT ${literal(body(plain))})`,
  ]);
  expect(await talk.ok('FETCH 2 BODY[HEADER.FIELDS (X-FOLDED)]')).toEqual([
    `* 2 FETCH (BODY[HEADER.FIELDS (X-FOLDED)] ${literal('X-Folded: a\r\n b\r\n\r\n')})`,
  ]);
  const [fast = ''] = await talk.ok('FETCH 2 FAST');
  expect(fast).toMatch(
    new RegExp(
      `^\\* 2 FETCH \\(FLAGS \\(\\\\Recent \\\\Seen\\) INTERNALDATE "[^"]+" RFC822.SIZE ${plain.length}\\)$`,
    ),
  );
  const [full = ''] = await talk.ok('FETCH 2 FULL');
  expect(full).toContain(
    'ENVELOPE ("Mon, 23 Nov 2026 10:00:00 +0100" "plain" (("Ada" NIL "ada" "example.org"))',
  );
  expect(full).toContain('BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 12 2)');
});

test('BODYSTRUCTURE tells the whole tree', async () => {
  const [response = ''] = await talk.ok('FETCH 1 BODYSTRUCTURE');
  expect(response.toLowerCase()).toContain('"application" "octet-stream" ("name" "x.bin")');
  expect(response.toLowerCase()).toContain('"mixed" ("boundary" "b1")');
  expect(response).toContain('"inner"');
});

test('ids, dates of saving, previews', async () => {
  const [, response = ''] = await talk.ok('UID FETCH 2 (EMAILID THREADID SAVEDATE PREVIEW MODSEQ)');
  expect(response).toMatch(
    /^\* 2 FETCH \(UID 2 EMAILID \(\S+\) THREADID \(\S+\) SAVEDATE "[^"]+" PREVIEW "One\. Two\." MODSEQ \(\d+\)\)$/,
  );
  expect(await talk.ok('FETCH 2 PREVIEW (LAZY)')).toEqual(['* 2 FETCH (PREVIEW "One. Two.")']);
});

test('numbers and UIDs that are not there', async () => {
  expect(await talk.answer('FETCH 3 FLAGS')).toMatch(/^BAD/);
  expect(await talk.ok('UID FETCH 100:200 FLAGS')).toEqual([]);
  expect(await talk.ok('UID FETCH 100:* UID')).toEqual(['* 2 FETCH (UID 2)']);
  expect(await talk.ok('UID FETCH 1,* UID')).toEqual(['* 1 FETCH (UID 1)', '* 2 FETCH (UID 2)']);
  expect(await talk.ok('FETCH *:1 UID')).toHaveLength(2);
  const bob = await server.as('bob');
  await bob.ok('SELECT Trash');
  expect(await bob.answer('FETCH 1:* FLAGS')).toMatch(/^OK/);
  expect(await bob.answer('FETCH 1 FLAGS')).toMatch(/^BAD/);
});

test('reading a body marks it as seen, unless it is only peeked at or may not be changed', async () => {
  const bob = await server.as('bob');
  for (const subject of ['a', 'b']) await bob.append('Junk', letter(subject));
  await bob.ok('EXAMINE Junk');
  expect((await bob.ok('FETCH 1 BODY[TEXT]'))[0]).not.toContain('FLAGS');
  await bob.ok('SELECT Junk');
  expect((await bob.ok('FETCH 1 BODY.PEEK[]'))[0]).not.toContain('FLAGS');
  expect((await bob.ok('FETCH 1 (RFC822.HEADER)'))[0]).not.toContain('FLAGS');
  expect((await bob.ok('FETCH 1:2 BODY[TEXT]')).map((line) => line.slice(0, 40))).toEqual([
    expect.stringContaining('* 1 FETCH (FLAGS (\\Recent \\Seen)'),
    expect.stringContaining('* 2 FETCH (FLAGS (\\Recent \\Seen)'),
  ]);
  expect((await bob.ok('FETCH 1 (FLAGS BODY[TEXT])'))[0]).toContain('(FLAGS (\\Recent \\Seen) BODY[TEXT]');
  expect(await bob.ok('STATUS Junk (UNSEEN)')).toEqual(['* STATUS "Junk" (UNSEEN 0)']);
});

test('a window of the messages (PARTIAL)', async () => {
  const bob = await server.as('bob');
  for (let index = 0; index < 5; index++) await bob.append('Sent', letter(`n${index}`));
  await bob.ok('SELECT Sent');
  const uids = async (partial: string): Promise<string[]> =>
    (await bob.ok(`UID FETCH 1:* (UID) (PARTIAL ${partial})`)).map(
      (line) => /UID (\d+)/.exec(line)?.[1] ?? '',
    );
  expect(await uids('1:2')).toEqual(['1', '2']);
  expect(await uids('-1:-2')).toEqual(['4', '5']);
  expect(await uids('4:100')).toEqual(['4', '5']);
  expect(await uids('6:100')).toEqual([]);
});
