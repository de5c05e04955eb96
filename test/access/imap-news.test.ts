/** What one session hears of another's doings, and when. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { StoreAway } from '../../src/ports/messages.ts';
import { letter } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
let one: ImapTalk;
let two: ImapTalk;
let count = 0;
beforeAll(async () => {
  server = await imapServer();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  const name = `user${++count}`;
  await server.tree.accounts.create({ name });
  one = await server.as(name);
  two = await server.as(name);
  for (const subject of ['a', 'b', 'c', 'd']) await one.append('INBOX', letter(subject));
  await one.ok('SELECT INBOX');
  await two.ok('SELECT INBOX');
});

test('new messages, flags and expunges are told with NOOP', async () => {
  await one.append('INBOX', letter('e'));
  await one.ok('STORE 1 +FLAGS (\\Flagged $New)');
  await one.ok('STORE 2 +FLAGS (\\Deleted)');
  await one.ok('EXPUNGE');
  expect(await two.ok('NOOP')).toEqual([
    '* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $New)',
    '* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $New \\*)] Flags permitted',
    '* 1 FETCH (UID 1 FLAGS (\\Flagged $New))',
    '* 2 EXPUNGE',
    '* 4 EXISTS',
    expect.stringMatching(/^\* \d RECENT$/),
  ]);
  expect(await two.ok('FETCH 4 UID')).toEqual(['* 4 FETCH (UID 5)']);
});

test('no number changes during FETCH, STORE and SEARCH; UID commands may bring it', async () => {
  await one.ok('UID STORE 1:2 +FLAGS.SILENT (\\Deleted)');
  await one.ok('EXPUNGE');
  await new Promise((resolve) => setTimeout(resolve, 100));
  const numbered = [
    ...(await two.say('FETCH 3 UID')),
    ...(await two.say('SEARCH ALL')),
    ...(await two.say('STORE 4 +FLAGS (\\Seen)')),
  ];
  expect(numbered.join('\n')).not.toContain('EXPUNGE\n');
  expect(numbered).toContain('* 3 FETCH (UID 3)');
  expect(numbered).toContain('* SEARCH 3 4');
  expect(await two.say('FETCH 1:2 UID')).toEqual(['OK [EXPUNGEISSUED] Some of these messages are gone']);
  expect(await two.ok('UID FETCH 4 UID')).toEqual(['* 4 FETCH (UID 4)', '* 2 EXPUNGE', '* 1 EXPUNGE']);
  expect(await two.ok('FETCH 1:* UID')).toEqual(['* 1 FETCH (UID 3)', '* 2 FETCH (UID 4)']);
});

test('IDLE tells at once, and ends with DONE', async () => {
  const tag = two.begin('IDLE');
  expect(await two.response()).toMatch(/^\+ /);
  await one.append('INBOX', letter('e'));
  expect(await two.response()).toBe('* 5 EXISTS');
  expect(await two.response()).toMatch(/RECENT/);
  await one.ok('UID STORE 3 +FLAGS (\\Answered)');
  expect(await two.response()).toBe('* 3 FETCH (UID 3 FLAGS (\\Answered))');
  await one.ok('UID STORE 1 +FLAGS (\\Deleted)');
  expect(await two.response()).toMatch(/\\Deleted/);
  await one.ok('UID EXPUNGE 1');
  expect(await two.response()).toBe('* 1 EXPUNGE');
  two.write('DONE\r\n');
  expect(await two.until(tag)).toEqual(['OK Done waiting']);
  const again = two.begin('IDLE');
  await two.response();
  two.write('SELECT INBOX\r\n');
  expect((await two.until(again)).at(-1)).toMatch(/^BAD/);
});

test('a client that idles without news hears now and then that we are there', async () => {
  await using patient = await imapServer({ imap: { idleBeat: 50 } });
  const talk = await patient.as('ada');
  const tag = talk.begin('IDLE');
  await talk.response();
  expect(await talk.response()).toBe('* OK Still here');
  talk.write('DONE\r\n');
  expect((await talk.until(tag)).at(-1)).toBe('OK Done waiting');
});

test('what a session does itself it is told once', async () => {
  expect(await one.ok('STORE 1:2 +FLAGS (\\Seen)')).toHaveLength(2);
  expect(await one.ok('NOOP')).toEqual([]);
  expect(await one.ok('STORE 1 +FLAGS (\\Seen)')).toHaveLength(1);
  expect(await one.ok('STORE 1:3 FLAGS.SILENT (\\Draft)')).toEqual([]);
  expect(await one.ok('NOOP')).toEqual([]);
  expect(await two.ok('NOOP')).toHaveLength(3);
  await one.ok('STORE 4 +FLAGS.SILENT (\\Flagged)');
  await two.ok('STORE 4 +FLAGS.SILENT (\\Seen)');
  expect(await one.ok('NOOP')).toEqual([expect.stringContaining('4 FETCH (UID 4 FLAGS')]);
});

test('CLOSE expunges silently, UNSELECT and EXAMINE do not', async () => {
  await one.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
  await one.ok('UNSELECT');
  await one.ok('EXAMINE INBOX');
  expect(await one.answer('EXPUNGE')).toMatch(/^NO/);
  expect(await one.answer('STORE 1 -FLAGS (\\Deleted)')).toMatch(/^NO/);
  expect(await one.ok('CLOSE')).toEqual([]);
  await one.ok('SELECT INBOX');
  expect(await one.ok('CLOSE')).toEqual([]);
  expect(await one.ok('STATUS INBOX (MESSAGES)')).toEqual(['* STATUS "INBOX" (MESSAGES 3)']);
  expect((await two.ok('NOOP')).at(-1)).toBe('* 1 EXPUNGE');
});

test('MOVE and COPY tell the UIDs, and others see it', async () => {
  expect(await one.say('MOVE 2:3 Archive')).toEqual([
    expect.stringMatching(/^\* OK \[COPYUID \d+ 2:3 1:2\]/),
    '* 3 EXPUNGE',
    '* 2 EXPUNGE',
    'OK Moved',
  ]);
  expect(await two.ok('NOOP')).toEqual(['* 3 EXPUNGE', '* 2 EXPUNGE']);
  expect(await one.answer('COPY 1 Nowhere')).toMatch(/^NO \[TRYCREATE\]/);
  expect(await one.answer('UID COPY 2 Archive')).toBe('OK Nothing to copy');
  expect(await two.say('COPY 1 INBOX')).toEqual([expect.stringMatching(/^OK \[COPYUID/)]);
});

test('a session whose mailbox was removed is told goodbye', async () => {
  await one.ok('CREATE Gone');
  await two.ok('SELECT Gone');
  await one.ok('DELETE Gone');
  expect((await two.say('NOOP'))[0]).toMatch(/^\* BYE/);
});

test('flags of others: what is set is replaced, what is not permitted is refused', async () => {
  expect(await one.ok('STORE 1 FLAGS (\\Seen A B)')).toContain(
    '* 1 FETCH (UID 1 FLAGS (\\Recent \\Seen A B))',
  );
  expect(await one.ok('STORE 1 -FLAGS (a)')).toEqual(['* 1 FETCH (UID 1 FLAGS (\\Recent \\Seen B))']);
  expect(await one.answer('STORE 1 +FLAGS (\\Nonsense)')).toMatch(/^BAD/);
  expect(await one.ok('STORE 1 FLAGS ()')).toEqual(['* 1 FETCH (UID 1 FLAGS (\\Recent))']);
});

test('with IMAP4rev2 there is no RECENT, and LIST and ESEARCH come by themselves', async () => {
  await two.ok('ENABLE IMAP4rev2');
  const select = await two.ok('SELECT INBOX');
  expect(select.join('\n')).not.toMatch(/RECENT|UNSEEN|Recent/);
  expect(select[0]).toBe('* OK [CLOSED] The mailbox before is closed');
  expect(select).toContain('* LIST () "/" "INBOX"');
  expect(await two.ok('SEARCH ALL')).toEqual([expect.stringMatching(/^\* ESEARCH \(TAG "a\d+"\) ALL 1:4$/)]);
  await one.append('INBOX', letter('e'));
  expect(await two.ok('NOOP')).toEqual(['* 5 EXISTS']);
});

test('a store that is away is said to be, and the session goes on when it is back', async () => {
  const { reading } = server.deps;
  const { changes, rows } = reading;
  const away = (): never => {
    throw new StoreAway('no database');
  };
  Object.assign(reading, { changes: async () => away(), rows: away });
  try {
    expect(await two.answer('NOOP')).toMatch(/^NO \[UNAVAILABLE\]/);
    expect(await two.answer('FETCH 1 FLAGS')).toMatch(/^NO \[UNAVAILABLE\]/);
  } finally {
    Object.assign(reading, { changes, rows });
  }
  await one.append('INBOX', letter('e'));
  expect((await two.ok('NOOP'))[0]).toBe('* 5 EXISTS');
});
