/** ESEARCH in several mailboxes (RFC 7377). */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { letter } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
let talk: ImapTalk;
beforeAll(async () => {
  server = await imapServer();
  talk = await server.as('ada');
  for (const name of ['f1', 'f2', 'f2/salmon', 'f2/salmon/deep', 'f3']) await talk.ok(`CREATE ${name}`);
  for (const [box, flags] of [
    ['INBOX', '(\\Seen)'],
    ['f1', ''],
    ['f1', '(\\Seen)'],
    ['f1', ''],
    ['f2', '(\\Seen)'],
    ['f2/salmon', ''],
    ['f2/salmon/deep', '(\\Flagged)'],
  ] as const)
    await talk.append(box, letter(box), flags);
});
afterAll(() => server[Symbol.asyncDispose]());

const search = async (of: ImapTalk, command: string): Promise<string[]> =>
  (await of.ok(`ESEARCH ${command}`)).map((line) =>
    line.replace(/\(TAG "[^"]+" MAILBOX ("[^"]*") UIDVALIDITY [1-9]\d*\)/, '$1').replace('* ESEARCH ', ''),
  );

test('each mailbox with results answers', async () => {
  expect(await talk.ok('ESEARCH IN (mailboxes f1 subtree f2) UNSEEN')).toEqual([
    expect.stringMatching(/^\* ESEARCH \(TAG "a\d+" MAILBOX "f1" UIDVALIDITY \d+\) UID ALL 1,3$/),
    expect.stringMatching(/^\* ESEARCH \(TAG "a\d+" MAILBOX "f2\/salmon" UIDVALIDITY \d+\) UID ALL 1$/),
    expect.stringMatching(/^\* ESEARCH \(TAG "a\d+" MAILBOX "f2\/salmon\/deep" UIDVALIDITY \d+\) UID ALL 1$/),
  ]);
});

test.each([
  ['IN (subtree-one f2) UNSEEN', ['"f2/salmon" UID ALL 1']],
  ['IN (mailboxes (f3 nowhere f2)) ALL', ['"f2" UID ALL 1']],
  [
    'IN (personal) RETURN (COUNT) UNSEEN',
    ['"f1" UID COUNT 2', '"f2/salmon" UID COUNT 1', '"f2/salmon/deep" UID COUNT 1'],
  ],
  ['IN (mailboxes f1 mailboxes f1 subtree f1) RETURN (MIN MAX) ALL', ['"f1" UID MIN 1 MAX 3']],
  ['IN (mailboxes f1) RETURN (PARTIAL -1:-2) ALL', ['"f1" UID PARTIAL (-1:-2 2:3)']],
  ['IN (mailboxes (f1 f2)) UID 2:*', ['"f1" UID ALL 2:3', '"f2" UID ALL 1']],
  ['IN (personal) SUBJECT nothing', []],
  ['IN (subtree "") FLAGGED', ['"f2/salmon/deep" UID ALL 1']],
  ['IN (mailboxes f1) RETURN (ALL) CHARSET UTF-8 SUBJECT f1', ['"f1" UID ALL 1:3']],
])('ESEARCH %s', async (command, expected) => {
  expect(await search(talk, command)).toEqual(expected);
});

test('subscribed mailboxes may be meant', async () => {
  await talk.ok('SUBSCRIBE f2/salmon');
  expect(await search(talk, 'IN (subscribed) UNSEEN')).toContain('"f2/salmon" UID ALL 1');
  expect((await search(talk, 'IN (subscribed) UNSEEN')).join()).not.toContain('deep');
});

test('the selected mailbox is one of them, and its numbers mean it alone', async () => {
  const other = await server.as('ada');
  expect(await other.answer('ESEARCH IN (selected) ALL')).toMatch(/^BAD/);
  expect(await other.answer('ESEARCH ALL')).toMatch(/^BAD/);
  await other.ok('SELECT f1');
  expect(await search(other, 'ALL')).toEqual(['"f1" UID ALL 1:3']);
  expect(await search(other, 'IN (selected) 2:3')).toEqual(['"f1" UID ALL 2:3']);
  expect(await search(other, 'IN (selected) RETURN (SAVE) UNSEEN')).toEqual([]);
  expect(await search(other, 'IN (selected) $')).toEqual(['"f1" UID ALL 1,3']);
  expect(await search(other, 'IN (selected mailboxes f2) ALL')).toEqual([
    '"f1" UID ALL 1:3',
    '"f2" UID ALL 1',
  ]);
  expect(await search(other, 'IN (selected mailboxes f2) 1:2')).toEqual([
    '"f1" UID ALL 1:2',
    '"f2" UID ALL 1',
  ]);
  expect(await search(other, 'IN (mailboxes (f1 f2)) 2:100,*')).toEqual([
    '"f1" UID ALL 2:3',
    '"f2" UID ALL 1',
  ]);
  expect(await search(other, 'IN (mailboxes (f1 f2)) 101:200')).toEqual([]);
  expect(await other.answer('ESEARCH IN (mailboxes f2) $')).toMatch(/^BAD/);
  expect(await other.answer('ESEARCH IN (mailboxes f2) RETURN (SAVE) ALL')).toMatch(/^BAD/);
  // What the client has not been told of is not found in the selected one.
  await talk.append('f1', letter('late'));
  expect(await search(other, 'IN (selected) ALL')).toContain('"f1" UID ALL 1:3');
});

test("others' mailboxes are searched by who may read them, and passed over else", async () => {
  const bob = await server.as('bob');
  const command = 'IN (subtree "Other Users" personal) FLAGGED';
  expect(await search(bob, command)).toEqual([]);
  await talk.ok('SETACL f2/salmon/deep bob l');
  expect(await search(bob, command)).toEqual([]);
  await talk.ok('SETACL f2/salmon/deep bob lr');
  expect(await search(bob, command)).toEqual(['"Other Users/ada/f2/salmon/deep" UID ALL 1']);
  // What is named need not be listed.
  await talk.ok('SETACL f2/salmon/deep bob r');
  expect(await search(bob, command)).toEqual([]);
  expect(await search(bob, 'IN (mailboxes "Other Users/ada/f2/salmon/deep") ALL')).toHaveLength(1);
});

test('updates are told of the selected mailbox', async () => {
  const [one, two] = [await server.as('ada'), await server.as('ada')];
  expect(await one.answer('ESEARCH IN (mailboxes f3) RETURN (UPDATE) ALL')).toMatch(/^BAD/);
  await one.ok('SELECT f3');
  expect(await one.say('ESEARCH IN (mailboxes f2) RETURN (UPDATE COUNT) ALL')).toEqual([
    expect.stringMatching(/^\* NO \[NOUPDATE "a\d+"\]/),
    expect.stringContaining('COUNT 1'),
    'OK Searched',
  ]);
  expect(await one.ok('ESEARCH IN (selected mailboxes f2) RETURN (UPDATE COUNT) ALL')).toHaveLength(1);
  await two.append('f3', letter('late'));
  expect((await one.ok('NOOP')).at(-1)).toMatch(
    /^\* ESEARCH \(TAG "a\d+" MAILBOX "f3" UIDVALIDITY \d+\) UID ADDTO \(0 1\)$/,
  );
});

test('mailboxes are not named without end', async () => {
  expect(await talk.answer(`ESEARCH IN (${'mailboxes f1 '.repeat(101).trim()}) ALL`)).toMatch(
    /^NO \[LIMIT\]/,
  );
});
