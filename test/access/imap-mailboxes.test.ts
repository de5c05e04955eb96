/** Mailboxes by their names: CREATE, DELETE, RENAME, SUBSCRIBE, LIST, LSUB, STATUS, NAMESPACE. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { letter } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
let talk: ImapTalk;
let count = 0;
beforeAll(async () => {
  server = await imapServer();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  const name = `user${++count}`;
  await server.tree.accounts.create({ name });
  talk = await server.as(name);
});

test('CREATE makes parents too, and says the id', async () => {
  expect(await talk.answer('CREATE a/b/c')).toMatch(/^OK \[MAILBOXID \(\S+\)\]/);
  expect(await talk.ok('LIST "" a*')).toEqual([
    '* LIST (\\HasChildren) "/" "a"',
    '* LIST (\\HasChildren) "/" "a/b"',
    '* LIST (\\HasNoChildren) "/" "a/b/c"',
  ]);
  expect(await talk.answer('CREATE a/b/c')).toMatch(/^NO \[ALREADYEXISTS\]/);
  expect(await talk.answer('CREATE inbox')).toMatch(/^NO \[ALREADYEXISTS\]/);
  expect(await talk.answer('CREATE d/')).toMatch(/^OK/);
  expect(await talk.answer('CREATE "a//b"')).toMatch(/^NO \[CANNOT\]/);
});

test('names are UTF-7 until UTF-8 is enabled', async () => {
  await talk.ok('CREATE Gr&APwA3w-e');
  expect(await talk.answer('CREATE Gr&APw-&AN8-e')).toMatch(/^NO \[CANNOT\]/);
  expect(await talk.ok('LIST "" Gr*')).toEqual(['* LIST (\\HasNoChildren) "/" "Gr&APwA3w-e"']);
});

test('after ENABLE UTF8=ACCEPT names are UTF-8', async () => {
  await talk.ok('CREATE Gr&APwA3w-e');
  await talk.ok('ENABLE UTF8=ACCEPT');
  const utf8 = Buffer.from('Grüße').toString('latin1');
  expect(await talk.ok('LIST "" Gr*')).toEqual([`* LIST (\\HasNoChildren) "/" "${utf8}"`]);
  expect(await talk.answer(`SELECT "${utf8}"`)).toMatch(/^OK/);
});

test('DELETE leaves children in place, and the selected mailbox is closed', async () => {
  await talk.ok('CREATE a/b');
  await talk.ok('SELECT a');
  expect(await talk.say('DELETE a')).toEqual(['* OK [CLOSED] The selected mailbox is gone', 'OK Deleted']);
  expect(await talk.ok('LIST "" a*')).toEqual([
    '* LIST (\\Noselect \\HasChildren) "/" "a"',
    '* LIST (\\HasNoChildren) "/" "a/b"',
  ]);
  expect(await talk.answer('SELECT a')).toMatch(/^NO \[NONEXISTENT\]/);
  expect(await talk.answer('DELETE a')).toMatch(/^NO \[HASCHILDREN\]/);
  expect(await talk.answer('DELETE INBOX')).toMatch(/^NO \[CANNOT\]/);
  expect(await talk.answer('DELETE zzz')).toMatch(/^NO \[NONEXISTENT\]/);
});

test('RENAME takes children along; of INBOX it takes the messages', async () => {
  await talk.ok('CREATE a/b');
  await talk.ok('RENAME a z');
  expect(await talk.ok('LIST "" z*')).toHaveLength(2);
  expect(await talk.answer('RENAME nowhere b')).toMatch(/^NO \[NONEXISTENT\]/);
  expect(await talk.answer('RENAME z Sent')).toMatch(/^NO \[ALREADYEXISTS\]/);
  await talk.append('INBOX', letter('one'));
  await talk.ok('RENAME INBOX Old');
  expect(await talk.ok('STATUS Old (MESSAGES)')).toEqual(['* STATUS "Old" (MESSAGES 1)']);
  expect(await talk.ok('STATUS INBOX (MESSAGES)')).toEqual(['* STATUS "INBOX" (MESSAGES 0)']);
});

test('special uses are told, chosen and given once', async () => {
  expect(await talk.ok('LIST (SPECIAL-USE) "" *')).toContain('* LIST (\\HasNoChildren \\Sent) "/" "Sent"');
  expect(await talk.answer('CREATE More (USE (\\Sent))')).toMatch(/^NO \[USEATTR\]/);
  expect(await talk.answer('CREATE Odd (USE (\\Flagged))')).toMatch(/^NO \[USEATTR\]/);
  expect(await talk.answer('CREATE Vital (USE (\\Important))')).toMatch(/^OK/);
  expect(await talk.ok('LIST "" Vital RETURN (SPECIAL-USE)')).toEqual(['* LIST (\\Important) "/" "Vital"']);
});

test('subscriptions are told by LSUB and LIST, also those to what has gone', async () => {
  await talk.ok('CREATE a/b');
  await talk.ok('SUBSCRIBE a/b');
  await talk.ok('UNSUBSCRIBE Trash');
  expect(await talk.answer('SUBSCRIBE nowhere')).toMatch(/^NO \[NONEXISTENT\]/);
  expect(await talk.ok('LSUB "" a%')).toEqual(['* LSUB (\\Noselect) "/" "a"']);
  expect(await talk.ok('LSUB "" a*')).toEqual(['* LSUB () "/" "a/b"']);
  expect((await talk.ok('LSUB "" *')).join()).not.toContain('Trash');
  expect(await talk.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" a')).toEqual([
    '* LIST (\\HasChildren) "/" "a" ("CHILDINFO" ("SUBSCRIBED"))',
  ]);
  await talk.ok('DELETE a/b');
  expect(await talk.ok('LIST (SUBSCRIBED) "" a*')).toEqual([
    '* LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" "a/b"',
  ]);
});

test('LIST knows its wildcards', async () => {
  await talk.ok('CREATE x/y/z');
  const names = async (pattern: string): Promise<string[]> =>
    (await talk.ok(`LIST "" ${pattern}`)).map((line) => / "([^"]*)"$/.exec(line)?.[1] ?? line);
  expect(await names('x%')).toEqual(['x']);
  expect(await names('x/%')).toEqual(['x/y']);
  expect(await names('%/%/z')).toEqual(['x/y/z']);
  expect(await names('*z')).toEqual(['x/y/z']);
  expect(await names('inbox')).toEqual(['INBOX']);
  expect(await talk.ok('LIST "" ""')).toEqual(['* LIST (\\Noselect) "/" ""']);
  expect(await talk.ok('LIST x/ %')).toEqual(['* LIST (\\HasChildren) "/" "x/y"']);
  expect(await names('(x INBOX)')).toEqual(['INBOX', 'x']);
  expect(await talk.answer(`LIST "" ${'*a'.repeat(3000)}`)).toMatch(/^NO \[TOOBIG\]/);
});

test('LIST tells status and rights in one go', async () => {
  await talk.append('INBOX', letter('one'));
  expect(await talk.ok('LIST "" INBOX RETURN (STATUS (MESSAGES UNSEEN) MYRIGHTS CHILDREN)')).toEqual([
    '* LIST (\\HasNoChildren) "/" "INBOX"',
    '* MYRIGHTS "INBOX" lrswipkxteacd',
    '* STATUS "INBOX" (MESSAGES 1 UNSEEN 1)',
  ]);
  expect(await talk.ok('LIST "" INBOX RETURN (METADATA (/shared/comment))')).toEqual([
    '* LIST () "/" "INBOX"',
    '* METADATA "INBOX" ("/shared/comment" NIL)',
  ]);
});

test('STATUS tells all it is asked', async () => {
  const message = letter('one');
  await talk.append('INBOX', message);
  await talk.append('INBOX', message, '(\\Seen \\Deleted)');
  const items =
    'MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE DELETED-STORAGE RECENT HIGHESTMODSEQ APPENDLIMIT MAILBOXID';
  const [line = ''] = await talk.ok(`STATUS INBOX (${items})`);
  expect(line).toMatch(
    new RegExp(
      `^\\* STATUS "INBOX" \\(MESSAGES 2 UIDNEXT 3 UIDVALIDITY \\d+ UNSEEN 1 DELETED 1 SIZE ${2 * message.length} DELETED-STORAGE ${message.length} RECENT 2 HIGHESTMODSEQ \\d+ APPENDLIMIT 67108864 MAILBOXID \\(\\S+\\)\\)$`,
    ),
  );
  await talk.ok('SELECT INBOX');
  expect(await talk.ok('STATUS INBOX (RECENT)')).toEqual(['* STATUS "INBOX" (RECENT 0)']);
  expect(await talk.answer('STATUS nowhere (MESSAGES)')).toMatch(/^NO \[NONEXISTENT\]/);
});

test('NAMESPACE tells where others are', async () => {
  expect(await talk.ok('NAMESPACE')).toEqual(['* NAMESPACE (("" "/")) (("Other Users/" "/")) NIL']);
});

test('shared mailboxes lie under their owner; rights are asked for everything', async () => {
  const owner = await server.account('ada');
  const ada = await server.as('ada');
  await ada.ok('CREATE Team');
  await ada.append('Team', letter('shared'));
  const team = await server.tree.mailboxes.get(owner.id, 'Team');
  const me = `user${count}`;
  expect(await talk.answer('SELECT "Other Users/ada/Team"')).toMatch(/^NO \[NONEXISTENT\]/);
  await server.tree.rights.set(team!.id, me, 'lr');
  expect(await talk.ok('LIST "" "Other*"')).toEqual([
    '* LIST (\\NonExistent \\HasChildren) "/" "Other Users"',
    '* LIST (\\NonExistent \\HasChildren) "/" "Other Users/ada"',
    '* LIST (\\HasNoChildren) "/" "Other Users/ada/Team"',
  ]);
  expect((await talk.say('SELECT "Other Users/ada/Team"')).at(-1)).toMatch(/^OK \[READ-ONLY\]/);
  expect(await talk.answer('STORE 1 +FLAGS (\\Seen)')).toMatch(/^NO \[NOPERM\]/);
  expect(await talk.answer('COPY 1 INBOX')).toMatch(/^OK/);
  expect(await talk.answer('COPY 1 "Other Users/ada/Team"')).toMatch(/^NO \[NOPERM\]/);
  expect(await talk.append('"Other Users/ada/Team"', letter('x'))).toMatch(/^NO \[NOPERM\]/);
  expect(await talk.answer('DELETE "Other Users/ada/Team"')).toMatch(/^NO \[NOPERM\]/);
  expect(await talk.answer('CREATE "Other Users/ada/Team/Sub"')).toMatch(/^NO \[NOPERM\]/);
  expect(await talk.answer('CREATE "Other Users/ada/New"')).toMatch(/^NO \[NOPERM\]/);
  await server.tree.rights.set(team!.id, me, 'lrs');
  expect((await talk.say('SELECT "Other Users/ada/Team"')).join('\n')).toContain('PERMANENTFLAGS (\\Seen)]');
  expect(await talk.ok('STORE 1 +FLAGS (\\Seen \\Flagged)')).toEqual([
    expect.stringMatching(/^\* 1 FETCH \(UID 1 FLAGS \((\\Recent )?\\Seen\)\)$/),
  ]);
  expect(await talk.answer('EXPUNGE')).toMatch(/^NO \[NOPERM\]/);
  await server.tree.rights.set(team!.id, me, 'lrkx');
  expect(await talk.answer('CREATE "Other Users/ada/Team/Sub"')).toMatch(/^OK/);
});

test('the operator says what the mailboxes of others lie under, and whether COMPRESS is offered', async () => {
  await using other = await imapServer({ imap: { othersPrefix: 'Geteilt', compress: false } });
  const ada = await other.as('ada');
  await ada.ok('CREATE Team');
  await ada.ok('SETACL Team bob lrk');
  const bob = await other.as('bob');
  expect(await bob.ok('NAMESPACE')).toEqual(['* NAMESPACE (("" "/")) (("Geteilt/" "/")) NIL']);
  expect(await bob.ok('LIST "" "Geteilt/*"')).toHaveLength(2);
  expect((await bob.say('SELECT "geteilt/ada/Team"')).at(-1)).toMatch(/^OK/);
  await bob.ok('CREATE Geteilt/ada/Team/Sub');
  await bob.ok('CREATE "Other Users/x"');
  expect(await bob.answer('COMPRESS DEFLATE')).toMatch(/^NO \[CANNOT\]/);
  expect((await bob.ok('CAPABILITY')).join()).not.toContain('COMPRESS');
});
