/** METADATA (RFC 5464): notes about mailboxes and the server, one's own and shared ones. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
let talk: ImapTalk;
let name: string;
let count = 0;
beforeAll(async () => {
  server = await imapServer();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  name = `user${++count}`;
  await server.tree.accounts.create({ name });
  talk = await server.as(name);
});

test('a note is set, read and removed', async () => {
  await talk.ok('SETMETADATA INBOX (/private/comment {17+}\r\nMy new, "comment" /shared/comment "All")');
  expect(await talk.ok('GETMETADATA INBOX (/shared/comment /PRIVATE/Comment)')).toEqual([
    '* METADATA "INBOX" ("/shared/comment" "All" "/PRIVATE/Comment" "My new, \\"comment\\"")',
  ]);
  await talk.ok('SETMETADATA INBOX (/private/comment NIL)');
  expect(await talk.ok('GETMETADATA INBOX /private/comment')).toEqual([
    '* METADATA "INBOX" ("/private/comment" NIL)',
  ]);
});

test('values are octets, NUL among them', async () => {
  await talk.ok('SETMETADATA INBOX (/private/vendor/x/odd ~{4+}\r\n\0\r\n\xff)');
  await talk.ok('SETMETADATA INBOX (/private/vendor/x/none "")');
  talk.write('z1 GETMETADATA INBOX (/private/vendor/x/odd /private/vendor/x/none)\r\n');
  expect(await talk.response()).toBe(
    '* METADATA "INBOX" ("/private/vendor/x/odd" ~{4}\r\n\0\r\n\xff "/private/vendor/x/none" "")',
  );
});

test('depth tells what is below', async () => {
  await talk.ok(
    'SETMETADATA INBOX (/private/f "0" /private/f/a "1" /private/f/a/b "2" /private/fx "3" /shared/f "4")',
  );
  expect(await talk.ok('GETMETADATA INBOX (DEPTH 1) /private/f')).toEqual([
    '* METADATA "INBOX" ("/private/f" "0" "/private/f/a" "1")',
  ]);
  expect(await talk.ok('GETMETADATA (DEPTH infinity) INBOX (/private/f /private/nothing)')).toEqual([
    '* METADATA "INBOX" ("/private/f" "0" "/private/f/a" "1" "/private/f/a/b" "2")',
  ]);
  expect(await talk.ok('GETMETADATA INBOX (DEPTH infinity) /private/nothing')).toEqual([]);
  expect(await talk.ok('GETMETADATA INBOX (DEPTH 0) /private/f')).toEqual([
    '* METADATA "INBOX" ("/private/f" "0")',
  ]);
});

test('longer values than the client takes are left out, and their size told', async () => {
  await talk.ok('SETMETADATA INBOX (/private/comment "0123456789" /shared/comment "01234")');
  expect(await talk.say('GETMETADATA INBOX (MAXSIZE 5) (/private/comment /shared/comment)')).toEqual([
    '* METADATA "INBOX" ("/shared/comment" "01234")',
    'OK [METADATA LONGENTRIES 10] Some are longer',
  ]);
  expect(await talk.say('GETMETADATA INBOX (MAXSIZE 10 DEPTH infinity) /private')).toEqual([
    '* METADATA "INBOX" ("/private/comment" "0123456789")',
    'OK That is noted',
  ]);
});

test('there are bounds of size and number', async () => {
  expect(await talk.answer(`SETMETADATA INBOX (/private/comment {40000+}\r\n${'x'.repeat(40_000)})`)).toMatch(
    /^NO \[METADATA MAXSIZE 32768\]/,
  );
  const many = Array.from({ length: 150 }, (_, index) => `/private/vendor/x/${index} "v"`).join(' ');
  expect(await talk.answer(`SETMETADATA INBOX (${many})`)).toMatch(/^NO \[METADATA TOOMANY\]/);
  expect(await talk.ok('GETMETADATA INBOX (DEPTH infinity) /private')).toEqual([]);
  expect(await talk.answer('SETMETADATA INBOX (/public/comment "x")')).toMatch(/^BAD/);
  expect(await talk.answer('SETMETADATA INBOX (/private/a*b "x")')).toMatch(/^BAD/);
  expect(await talk.answer('GETMETADATA nowhere /private/comment')).toMatch(/^NO \[NONEXISTENT\]/);
});

test("the server's notes are one's own; what all see is the operator's", async () => {
  await talk.ok('SETMETADATA "" (/private/vendor/x/color "red")');
  expect(await talk.ok('GETMETADATA "" /private/vendor/x/color')).toEqual([
    '* METADATA "" ("/private/vendor/x/color" "red")',
  ]);
  expect(await talk.answer('SETMETADATA "" (/shared/admin "mailto:me@example.org")')).toMatch(
    /^NO \[NOPERM\]/,
  );
  const other = await server.as('bob');
  expect(await other.ok('GETMETADATA "" (DEPTH infinity) /private')).toEqual([]);
});

test('notes about a shared mailbox need rights in it', async () => {
  const bob = await server.as('bob');
  const box = `"Other Users/${name}/Team"`;
  await talk.ok('CREATE Team');
  await talk.ok('SETMETADATA Team (/private/comment "mine" /shared/comment "all")');
  expect(await bob.answer(`GETMETADATA ${box} /shared/comment`)).toMatch(/^NO \[NONEXISTENT\]/);
  await talk.ok('SETACL Team bob l');
  expect(await bob.answer(`GETMETADATA ${box} /shared/comment`)).toMatch(/^NO \[NOPERM\]/);
  await talk.ok('SETACL Team bob lr');
  expect(await bob.ok(`GETMETADATA ${box} (/shared/comment /private/comment)`)).toEqual([
    `* METADATA ${box} ("/shared/comment" "all" "/private/comment" NIL)`,
  ]);
  await bob.ok(`SETMETADATA ${box} (/private/comment "bob's")`);
  expect(await bob.answer(`SETMETADATA ${box} (/shared/comment "bob's")`)).toMatch(/^NO \[NOPERM\]/);
  await talk.ok('SETACL Team bob lrw');
  await bob.ok(`SETMETADATA ${box} (/shared/comment "ours")`);
  expect(await talk.ok('GETMETADATA Team (DEPTH infinity) (/shared /private)')).toEqual([
    '* METADATA "Team" ("/private/comment" "mine" "/shared/comment" "ours")',
  ]);
});

test('the special use of a mailbox is a note of its owner', async () => {
  expect(await talk.ok('GETMETADATA Sent /private/specialuse')).toEqual([
    '* METADATA "Sent" ("/private/specialuse" "\\\\Sent")',
  ]);
  await talk.ok('CREATE Vital');
  await talk.ok('SETMETADATA Vital (/private/specialuse "\\\\Important")');
  expect(await talk.ok('LIST (SPECIAL-USE) "" Vital')).toEqual([
    '* LIST (\\HasNoChildren \\Important) "/" "Vital"',
  ]);
  expect(await talk.answer('SETMETADATA Vital (/private/specialuse "\\\\Sent")')).toMatch(/^NO \[USEATTR\]/);
  expect(await talk.answer('SETMETADATA Vital (/private/specialuse "\\\\Odd")')).toMatch(/^NO \[USEATTR\]/);
  expect(
    await talk.answer('SETMETADATA Vital (/private/comment "x" /private/specialuse "\\\\Sent")'),
  ).toMatch(/^NO \[USEATTR\]/);
  expect(await talk.ok('GETMETADATA Vital /private/comment')).toEqual([
    '* METADATA "Vital" ("/private/comment" NIL)',
  ]);
  await talk.ok('SETMETADATA Vital (/private/specialuse NIL)');
  expect(await talk.ok('LIST (SPECIAL-USE) "" Vital')).toEqual([]);
});
