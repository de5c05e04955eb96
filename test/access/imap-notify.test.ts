/** NOTIFY (RFC 5465): what is told at any time, of the selected mailbox and of others. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { letter } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
/** Is told. */
let talk: ImapTalk;
/** Makes it happen. */
let other: ImapTalk;
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
  other = await server.as(name);
});

/** What comes without being asked for, up to the first that matches. */
async function unasked(pattern: RegExp): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = await talk.response();
    if (line === undefined) throw new Error(`closed after ${lines.join(' / ')}`);
    lines.push(line);
    if (pattern.test(line)) return lines;
  }
}

test('new and expunged messages and flags of the selected mailbox come at once', async () => {
  await talk.ok('SELECT INBOX');
  await talk.ok(
    'NOTIFY SET (SELECTED (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange))',
  );
  await other.append('INBOX', letter('one'));
  expect(await unasked(/FETCH/)).toEqual([
    '* 1 EXISTS',
    expect.stringMatching(/RECENT/),
    '* 1 FETCH (UID 1 BODY[HEADER.FIELDS (SUBJECT)] {16}\r\nSubject: one\r\n\r\n)',
  ]);
  await other.ok('SELECT INBOX');
  await other.ok('STORE 1 +FLAGS (\\Flagged \\Deleted)');
  expect((await unasked(/FETCH/)).at(-1)).toMatch(/^\* 1 FETCH \(UID 1 FLAGS \(.*\\Flagged \\Deleted.*\)\)$/);
  await other.ok('EXPUNGE');
  expect(await unasked(/EXPUNGE/)).toEqual(['* 1 EXPUNGE']);
  expect(await talk.ok('NOOP')).toEqual([]);
});

test('events said one by one are told, SELECTED NONE is not', async () => {
  await talk.ok('SELECT INBOX');
  await talk.ok('NOTIFY SET (SELECTED MessageExpunge) (mailboxes Sent MessageNew)');
  await other.append('INBOX', letter('one'));
  expect((await unasked(/EXISTS/)).at(-1)).toBe('* 1 EXISTS');
  await other.append('Sent', letter('two'));
  expect((await unasked(/STATUS/)).at(-1)).toMatch(/^\* STATUS "Sent" \(MESSAGES 1 /);
  await talk.ok('NOTIFY SET (SELECTED NONE) (mailboxes Sent (MessageNew MessageExpunge))');
  await other.append('INBOX', letter('three'));
  await other.append('Sent', letter('four'));
  expect((await unasked(/MESSAGES 2/)).join()).not.toContain('EXISTS');
});

test('delayed, expunges wait for a command, and flags that nobody asked for are not told', async () => {
  await talk.append('INBOX', letter('one'), '(\\Deleted)');
  await talk.ok('SELECT INBOX');
  await talk.ok('NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge))');
  await other.ok('SELECT INBOX');
  await other.ok('STORE 1 +FLAGS (\\Flagged)');
  await other.ok('EXPUNGE');
  await other.append('INBOX', letter('two'));
  expect((await unasked(/RECENT/)).at(0)).toBe('* 2 EXISTS');
  expect(await talk.ok('FETCH 2 UID')).toEqual(['* 2 FETCH (UID 2)']);
  expect(await talk.ok('NOOP')).toEqual(['* 1 EXPUNGE']);
});

test('without SELECTED nothing is told of it but what commands bring', async () => {
  await talk.append('INBOX', letter('one'), '(\\Deleted)');
  await talk.ok('SELECT INBOX');
  await talk.ok('NOTIFY SET (personal (MessageNew MessageExpunge))');
  await other.append('INBOX', letter('two'));
  await other.append('Sent', letter('three'));
  expect(await unasked(/STATUS/)).toEqual([expect.stringMatching(/^\* STATUS "Sent" /)]);
  expect(await talk.ok('UID SEARCH ALL')).toEqual(['* SEARCH 1']);
  expect((await talk.ok('EXPUNGE')).join()).toContain('* 1 EXPUNGE');
});

test('accumulated changes are told before the answer', async () => {
  await talk.ok('SELECT INBOX');
  await other.append('INBOX', letter('one'));
  expect(await talk.ok('NOTIFY NONE')).toContain('* 1 EXISTS');
  await other.append('INBOX', letter('two'));
  expect(await talk.ok('UID FETCH 1 UID')).toEqual(['* 1 FETCH (UID 1)']);
  expect(await talk.ok('NOOP')).toContain('* 2 EXISTS');
});

test('other mailboxes are told of by STATUS, at first where wished', async () => {
  await talk.ok('CREATE Lists');
  await talk.append('Lists', letter('one'));
  const began = await talk.ok(
    'NOTIFY SET STATUS (mailboxes (Lists Sent) (MessageNew MessageExpunge FlagChange))',
  );
  expect(began).toEqual([
    expect.stringMatching(
      /^\* STATUS "Lists" \(MESSAGES 1 UIDNEXT 2 UIDVALIDITY \d+ UNSEEN 1 HIGHESTMODSEQ \d+\)$/,
    ),
    expect.stringMatching(
      /^\* STATUS "Sent" \(MESSAGES 0 UIDNEXT 1 UIDVALIDITY \d+ UNSEEN 0 HIGHESTMODSEQ \d+\)$/,
    ),
  ]);
  await other.append('Drafts', letter('not watched'));
  await other.append('Lists', letter('two'));
  expect(await unasked(/STATUS/)).toEqual([
    expect.stringMatching(/^\* STATUS "Lists" \(MESSAGES 2 UIDNEXT 3 UIDVALIDITY \d+ UNSEEN 2\)$/),
  ]);
  await other.ok('SELECT Lists');
  await other.ok('STORE 1 +FLAGS (\\Flagged)');
  await other.ok('STORE 1 +FLAGS (\\Seen)');
  expect(await unasked(/STATUS/)).toEqual([
    expect.stringMatching(/^\* STATUS "Lists" \(MESSAGES 2 UIDNEXT 3 UIDVALIDITY \d+ UNSEEN 1\)$/),
  ]);
  await talk.ok('ENABLE CONDSTORE');
  await other.ok('STORE 1 -FLAGS (\\Flagged)');
  expect(await unasked(/STATUS/)).toEqual([
    expect.stringMatching(/^\* STATUS "Lists" .* HIGHESTMODSEQ \d+\)$/),
  ]);
});

test('groups that mean the same mailbox add up', async () => {
  await talk.ok('CREATE Lists');
  await talk.ok(
    'NOTIFY SET (mailboxes Lists (MessageNew MessageExpunge)) (personal (SubscriptionChange)) (subtree Lists NONE)',
  );
  await other.append('Lists', letter('one'));
  expect(await unasked(/STATUS/)).toEqual([expect.stringMatching(/^\* STATUS "Lists" /)]);
  await other.ok('SUBSCRIBE Lists');
  expect(await unasked(/LIST/)).toEqual(['* LIST (\\HasNoChildren \\Subscribed) "/" "Lists"']);
});

test('what is above a name is told with it; what is below a renamed one is not', async () => {
  await talk.ok('CREATE A');
  await talk.ok('NOTIFY SET (personal (MailboxName))');
  await other.ok('CREATE A/b');
  expect(await unasked(/"A"$/)).toEqual([
    '* LIST (\\HasNoChildren) "/" "A/b"',
    '* LIST (\\HasChildren) "/" "A"',
  ]);
  await other.ok('CREATE A/b/c');
  await unasked(/"A\/b"$/);
  await other.ok('RENAME A Z');
  expect(await unasked(/LIST/)).toEqual(['* LIST (\\HasChildren) "/" "Z" ("OLDNAME" ("A"))']);
  await other.ok('DELETE Z/b/c');
  expect(await unasked(/"Z\/b"$/)).toEqual([
    '* LIST (\\NonExistent) "/" "Z/b/c"',
    '* LIST (\\HasNoChildren) "/" "Z/b"',
  ]);
});

test('names that come, change and go are told', async () => {
  await talk.ok('NOTIFY SET (personal (MailboxName))');
  await other.ok('CREATE New');
  expect(await unasked(/LIST/)).toEqual(['* LIST (\\HasNoChildren) "/" "New"']);
  await other.ok('RENAME New Newer');
  expect(await unasked(/LIST/)).toEqual(['* LIST (\\HasNoChildren) "/" "Newer" ("OLDNAME" ("New"))']);
  await other.ok('SUBSCRIBE Newer');
  await other.ok('DELETE Newer');
  expect(await unasked(/LIST/)).toEqual(['* LIST (\\NonExistent \\Subscribed) "/" "Newer"']);
});

test('subscriptions are told', async () => {
  await talk.ok('CREATE A');
  await talk.ok('NOTIFY SET (personal (SubscriptionChange))');
  await other.ok('SUBSCRIBE A');
  expect(await unasked(/LIST/)).toEqual(['* LIST (\\HasNoChildren \\Subscribed) "/" "A"']);
  await other.ok('UNSUBSCRIBE A');
  expect(await unasked(/LIST/)).toEqual(['* LIST (\\HasNoChildren) "/" "A"']);
});

test('a mailbox may be watched for being subscribed to', async () => {
  await talk.ok('CREATE A');
  await talk.ok('NOTIFY SET (subscribed (MessageNew MessageExpunge SubscriptionChange))');
  await other.ok('SUBSCRIBE A');
  expect(await unasked(/LIST/)).toHaveLength(1);
  await other.append('A', letter('one'));
  expect(await unasked(/STATUS/)).toEqual([expect.stringMatching(/^\* STATUS "A" \(MESSAGES 1 /)]);
});

test('notes are told by their names', async () => {
  await talk.ok('NOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))');
  await other.ok('SETMETADATA Sent (/private/comment "x")');
  expect(await unasked(/METADATA/)).toEqual(['* METADATA "Sent" "/private/comment"']);
  await other.ok('SETMETADATA Sent (/private/comment NIL)');
  expect(await unasked(/METADATA/)).toEqual(['* METADATA "Sent" "/private/comment"']);
  await other.ok('SETMETADATA "" (/private/vendor/x/y "z")');
  expect(await unasked(/METADATA/)).toEqual(['* METADATA "" "/private/vendor/x/y"']);
});

test('shared mailboxes are told of to who may know, and read', async () => {
  const owner = await server.as('ada');
  const box = `Team${count}`;
  await owner.ok(`CREATE ${box}`);
  await talk.ok('NOTIFY SET (subtree "Other Users" (MessageNew MessageExpunge MailboxName))');
  await owner.ok(`SETACL ${box} ${name} l`);
  expect(await unasked(/NoAccess/)).toEqual([
    `* LIST (\\HasNoChildren) "/" "Other Users/ada/${box}"`,
    `* LIST (\\NoAccess) "/" "Other Users/ada/${box}"`,
  ]);
  await owner.append(box, letter('unseen by me'));
  await owner.ok(`SETACL ${box} ${name} lr`);
  expect((await unasked(/LIST/)).at(-1)).toBe(`* LIST (\\HasNoChildren) "/" "Other Users/ada/${box}"`);
  await owner.append(box, letter('one'));
  expect((await unasked(/MESSAGES 2/)).at(-1)).toMatch(
    /^\* STATUS "Other Users\/ada\/Team\d+" \(MESSAGES 2 /,
  );
  await owner.ok(`DELETEACL ${box} ${name}`);
  expect(await unasked(/NonExistent/)).toEqual([`* LIST (\\NonExistent) "/" "Other Users/ada/${box}"`]);
});

test('IDLE tells the same', async () => {
  await talk.ok('NOTIFY SET (personal (MessageNew MessageExpunge))');
  const tag = talk.begin('IDLE');
  expect(await talk.response()).toMatch(/^\+/);
  await other.append('Sent', letter('one'));
  expect(await unasked(/STATUS/)).toHaveLength(1);
  talk.write('DONE\r\n');
  expect(await talk.until(tag)).toEqual(['OK Done waiting']);
});

test('events that we cannot tell are refused, and those that do not fit together', async () => {
  expect(await talk.answer('NOTIFY SET (personal (MessageNew MessageExpunge AnnotationChange))')).toMatch(
    /^NO \[BADEVENT \(MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange\)\]/,
  );
  expect(await talk.answer('NOTIFY SET (personal (Weather))')).toMatch(/^NO \[BADEVENT/);
  expect(await talk.answer('NOTIFY SET (selected (MailboxName))')).toMatch(/^BAD/);
  const many = '(personal (MailboxName)) '.repeat(150).trim();
  expect(await talk.answer(`NOTIFY SET ${many}`)).toMatch(/^NO \[NOTIFICATIONOVERFLOW\]/);
});

test('NOTIFY NONE and UNAUTHENTICATE end it', async () => {
  await talk.ok('NOTIFY SET (personal (MessageNew MessageExpunge))');
  await talk.ok('NOTIFY NONE');
  await other.append('Sent', letter('one'));
  expect(await talk.ok('NOOP')).toEqual([]);
  await talk.ok('NOTIFY SET (personal (MessageNew MessageExpunge))');
  await talk.ok('UNAUTHENTICATE');
  await other.append('Sent', letter('two'));
  expect(await talk.ok('NOOP')).toEqual([]);
});

test('the selected mailbox may be removed under the one who watches', async () => {
  await talk.ok('CREATE Doomed');
  await talk.ok('SELECT Doomed');
  await talk.ok('NOTIFY SET (SELECTED (MessageNew MessageExpunge))');
  await other.ok('DELETE Doomed');
  expect(await talk.rest()).toEqual([expect.stringMatching(/^\* BYE/)]);
});
