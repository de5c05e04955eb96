/** Searches and sorts that are kept up to date (RFC 5267), with items of what is new (RFC 5465 §7). */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { letter } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
let talk: ImapTalk;
let other: ImapTalk;
let count = 0;
beforeAll(async () => {
  server = await imapServer();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  const name = `user${++count}`;
  await server.tree.accounts.create({ name });
  talk = await server.as(name);
  other = await server.as(name);
  for (const [index, flags] of ['(\\Seen)', '', '(\\Seen)', ''].entries())
    await talk.append('INBOX', letter(`Nr ${index + 1}`), flags);
  await talk.ok('SELECT INBOX');
  await other.ok('SELECT INBOX');
});

const told = async (of: ImapTalk, command: string): Promise<string[]> =>
  (await of.say(command)).filter((line) => /ESEARCH|EXISTS|EXPUNGE|FETCH|NOUPDATE|^BAD|^NO/.test(line));

test('what comes to match and what no longer does is told', async () => {
  expect(await talk.say('UID SEARCH RETURN (UPDATE COUNT) UNSEEN')).toEqual([
    '* ESEARCH (TAG "a7") UID COUNT 2',
    'OK Searched',
  ]);
  await other.ok('UID STORE 2 +FLAGS.SILENT (\\Seen)');
  await other.ok('UID STORE 1 -FLAGS.SILENT (\\Seen)');
  expect(await told(talk, 'NOOP')).toEqual([
    expect.stringContaining('* 2 FETCH'),
    expect.stringContaining('* 1 FETCH'),
    '* ESEARCH (TAG "a7") UID REMOVEFROM (0 2)',
    '* ESEARCH (TAG "a7") UID ADDTO (0 1)',
  ]);
  expect(await told(talk, 'NOOP')).toEqual([]);
});

test('own changes are told too', async () => {
  await talk.ok('UID SEARCH RETURN (UPDATE) UNSEEN');
  expect(await told(talk, 'UID STORE 2 +FLAGS.SILENT (\\Seen)')).toEqual([
    '* ESEARCH (TAG "a7") UID REMOVEFROM (0 2)',
  ]);
  expect(await told(talk, 'UID STORE 2,4 FLAGS (\\Flagged)')).toEqual([
    expect.stringContaining('* 2 FETCH'),
    expect.stringContaining('* 4 FETCH'),
    '* ESEARCH (TAG "a7") UID ADDTO (0 2)',
  ]);
});

test('numbers are told as long as they are right: before EXPUNGE, after EXISTS', async () => {
  expect(await told(talk, 'SEARCH RETURN (UPDATE ALL) ALL')).toEqual(['* ESEARCH (TAG "a7") ALL 1:4']);
  await other.ok('STORE 2:3 +FLAGS.SILENT (\\Deleted)');
  await talk.ok('NOOP');
  await other.ok('EXPUNGE');
  await other.append('INBOX', letter('late'));
  expect(await told(talk, 'NOOP')).toEqual([
    '* ESEARCH (TAG "a7") REMOVEFROM (0 2:3)',
    '* 3 EXPUNGE',
    '* 2 EXPUNGE',
    '* 3 EXISTS',
    '* ESEARCH (TAG "a7") ADDTO (0 3)',
  ]);
});

test('items of what is new come between EXISTS and ADDTO; a change of flags brings none', async () => {
  await talk.ok('UID SEARCH RETURN (UPDATE (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])) SUBJECT boss');
  await other.append('INBOX', letter('other'));
  await other.append('INBOX', letter('boss'));
  expect(await told(talk, 'NOOP')).toEqual([
    '* 6 EXISTS',
    '* 6 FETCH (UID 6 BODY[HEADER.FIELDS (SUBJECT)] {17}\r\nSubject: boss\r\n\r\n)',
    '* ESEARCH (TAG "a7") UID ADDTO (0 6)',
  ]);
});

test('of a sort the places are told', async () => {
  await talk.ok('UID SORT RETURN (UPDATE COUNT) (REVERSE SUBJECT) UTF-8 UNSEEN');
  await other.append('INBOX', letter('Nr 3'));
  await other.append('INBOX', letter('Nr 5'));
  expect(await told(talk, 'NOOP')).toEqual([
    '* 6 EXISTS',
    // Nr 5, Nr 4, Nr 3, Nr 2
    '* ESEARCH (TAG "a7") UID ADDTO (1 6 3 5)',
  ]);
  await other.ok('NOOP');
  await other.ok('UID STORE 2,6 +FLAGS.SILENT (\\Seen)');
  expect((await told(talk, 'NOOP')).at(-1)).toBe('* ESEARCH (TAG "a7") UID REMOVEFROM (4 2 1 6)');
  await other.ok('UID STORE 2,4 FLAGS.SILENT (\\Deleted)');
  await other.ok('EXPUNGE');
  const lines = await told(talk, 'NOOP');
  expect(lines.filter((line) => line.includes('ESEARCH'))).toEqual([
    '* ESEARCH (TAG "a7") UID REMOVEFROM (1 4)',
  ]);
});

test('IDLE tells them as they come', async () => {
  await talk.ok('UID SEARCH RETURN (UPDATE) UNSEEN');
  const tag = talk.begin('IDLE');
  expect(await talk.response()).toMatch(/^\+/);
  await other.append('INBOX', letter('late'));
  expect(await talk.response()).toBe('* 5 EXISTS');
  expect(await talk.response()).toMatch(/RECENT/);
  expect(await talk.response()).toBe('* ESEARCH (TAG "a7") UID ADDTO (0 5)');
  talk.write('DONE\r\n');
  expect(await talk.until(tag)).toEqual(['OK Done waiting']);
});

test('what is named to the end goes on beyond it', async () => {
  await talk.ok('UID SEARCH RETURN (UPDATE) UID 4:*');
  await talk.ok('UID SEARCH RETURN (UPDATE) UID 1:4');
  await other.append('INBOX', letter('late'));
  expect((await told(talk, 'NOOP')).filter((line) => line.includes('ESEARCH'))).toEqual([
    '* ESEARCH (TAG "a7") UID ADDTO (0 5)',
  ]);
});

test('a context ends when it is cancelled, and with the mailbox', async () => {
  await talk.ok('UID SEARCH RETURN (UPDATE) UNSEEN');
  await talk.ok('UID SEARCH RETURN (UPDATE) ALL');
  await talk.ok('CANCELUPDATE "a7" "unknown"');
  await other.append('INBOX', letter('late'));
  expect((await told(talk, 'NOOP')).filter((line) => line.includes('ESEARCH'))).toEqual([
    '* ESEARCH (TAG "a8") UID ADDTO (0 5)',
  ]);
  await talk.ok('SELECT INBOX');
  await other.append('INBOX', letter('later'));
  expect((await told(talk, 'NOOP')).filter((line) => line.includes('ESEARCH'))).toEqual([]);
});

test('a tag is not used twice, and contexts are counted', async () => {
  talk.write('b1 UID SEARCH RETURN (UPDATE) UNSEEN\r\n');
  expect((await talk.until('b1')).at(-1)).toMatch(/^OK/);
  talk.write('b1 UID SEARCH RETURN (UPDATE COUNT) ALL\r\n');
  expect(await talk.until('b1')).toEqual([expect.stringMatching(/^BAD/)]);
  for (let more = 0; more < 7; more++) expect(await told(talk, 'SEARCH RETURN (UPDATE) ALL')).toHaveLength(1);
  expect(await talk.say('SEARCH RETURN (UPDATE COUNT CONTEXT) ALL')).toEqual([
    '* NO [NOUPDATE "a14"] No updates will be told',
    '* ESEARCH (TAG "a14") COUNT 4',
    'OK Searched',
  ]);
});
