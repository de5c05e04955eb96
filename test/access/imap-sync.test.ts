/** CONDSTORE, QRESYNC and UIDONLY: coming back to a mailbox. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
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
  for (const subject of ['a', 'b', 'c', 'd', 'e']) await one.append('INBOX', letter(subject));
  await one.ok('SELECT INBOX');
});

const codeOf = (responses: readonly string[], name: string): number =>
  Number(new RegExp(`\\[${name} (\\d+)\\]`).exec(responses.join('\n'))?.[1]);

test('UNCHANGEDSINCE stores where nothing has changed, and names the rest', async () => {
  const select = await two.ok('SELECT INBOX (CONDSTORE)');
  const modSeq = codeOf(select, 'HIGHESTMODSEQ');
  expect(modSeq).toBeGreaterThan(0);
  await one.ok('STORE 2 +FLAGS (\\Flagged)');
  const responses = await two.say(`STORE 1:3 (UNCHANGEDSINCE ${modSeq}) +FLAGS (\\Seen)`);
  expect(responses.at(-1)).toBe('OK [MODIFIED 2] Some have changed since');
  expect(responses).toContainEqual(
    expect.stringMatching(/^\* 1 FETCH \(UID 1 FLAGS \(\\Seen\) MODSEQ \(\d+\)\)$/),
  );
  expect(await two.answer(`UID STORE 1:3 (UNCHANGEDSINCE 1) +FLAGS.SILENT (\\Draft)`)).toMatch(
    /^OK \[MODIFIED 1:3\]/,
  );
  expect(await two.ok('STORE 5 +FLAGS.SILENT (\\Draft)')).toEqual([
    expect.stringMatching(/^\* 5 FETCH \(UID 5 MODSEQ \(\d+\)\)$/),
  ]);
});

test('CHANGEDSINCE tells what has changed, VANISHED what has gone', async () => {
  const modSeq = codeOf(await two.ok('SELECT INBOX'), 'HIGHESTMODSEQ');
  await two.ok('ENABLE QRESYNC');
  await one.ok('STORE 2 +FLAGS (\\Flagged)');
  await one.ok('STORE 4 +FLAGS (\\Deleted)');
  await one.ok('EXPUNGE');
  const responses = await two.ok(`UID FETCH 1:* (FLAGS) (CHANGEDSINCE ${modSeq} VANISHED)`);
  expect(responses).toContainEqual(
    expect.stringMatching(/^\* 2 FETCH \(UID 2 MODSEQ \(\d+\) FLAGS \(\\Flagged\)\)$/),
  );
  expect(responses.filter((line) => line.includes('FETCH'))).toHaveLength(1);
  expect(responses.join('\n')).toMatch(/VANISHED (\(EARLIER\) )?4/);
  expect(await two.ok('FETCH 4 UID')).toEqual(['* 4 FETCH (UID 5)']);
});

test('SELECT with QRESYNC brings everything since', async () => {
  await two.ok('ENABLE QRESYNC');
  const select = await two.ok('SELECT INBOX');
  const validity = codeOf(select, 'UIDVALIDITY');
  const modSeq = codeOf(select, 'HIGHESTMODSEQ');
  await two.ok('UNSELECT');
  await one.ok('STORE 3 +FLAGS (\\Answered)');
  await one.ok('STORE 1,5 +FLAGS (\\Deleted)');
  await one.ok('EXPUNGE');
  await one.append('INBOX', letter('f'));
  const again = await two.ok(`SELECT INBOX (QRESYNC (${validity} ${modSeq} 1:5))`);
  expect(again).toContain('* VANISHED (EARLIER) 1,5');
  expect(again).toContainEqual(
    expect.stringMatching(/^\* 2 FETCH \(UID 3 FLAGS \(\\Answered\) MODSEQ \(\d+\)\)$/),
  );
  await two.ok('UNSELECT');
  const other = await two.ok(`SELECT INBOX (QRESYNC (${validity + 1} ${modSeq}))`);
  expect(other.join('\n')).not.toMatch(/VANISHED|FETCH/);
  const some = await two.ok(`SELECT INBOX (QRESYNC (${validity} ${modSeq} 1:2))`);
  expect(some).toContain('* VANISHED (EARLIER) 1');
  expect(some.join('\n')).not.toContain('FETCH');
});

test('with QRESYNC expunges are told by UID, and EXPUNGE tells the new MODSEQ', async () => {
  await two.ok('ENABLE QRESYNC');
  await two.ok('SELECT INBOX');
  await one.ok('STORE 1:2,5 +FLAGS.SILENT (\\Deleted)');
  await one.ok('EXPUNGE');
  expect((await two.ok('NOOP')).at(-1)).toBe('* VANISHED 1:2,5');
  await two.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
  const responses = await two.say('EXPUNGE');
  expect(responses[0]).toBe('* VANISHED 3');
  expect(responses[1]).toMatch(/^OK \[HIGHESTMODSEQ \d+\]/);
});

test('MODSEQ in a search tells the highest', async () => {
  await two.ok('SELECT INBOX');
  await one.ok('STORE 2 +FLAGS (\\Flagged)');
  const [news = '', response = ''] = await two.ok('SEARCH MODSEQ 1 FLAGGED');
  expect(news).toMatch(/^\* OK \[HIGHESTMODSEQ \d+\]/);
  expect(response).toMatch(/^\* SEARCH 2 \(MODSEQ \d+\)$/);
});

test('UIDONLY knows no numbers', async () => {
  await two.ok('ENABLE UIDONLY');
  await two.ok('SELECT INBOX');
  expect(await two.answer('FETCH 1 FLAGS')).toMatch(/^BAD \[UIDREQUIRED\]/);
  expect(await two.answer('UID SEARCH 1:3')).toMatch(/^BAD \[UIDREQUIRED\]/);
  expect(await two.answer('SEARCH ALL')).toMatch(/^BAD \[UIDREQUIRED\]/);
  expect(await two.ok('UID FETCH 2 (FLAGS)')).toEqual(['* 2 UIDFETCH (FLAGS ())']);
  expect(await two.ok('UID STORE 2 +FLAGS (\\Deleted)')).toEqual(['* 2 UIDFETCH (FLAGS (\\Deleted))']);
  expect(await two.ok('EXPUNGE')).toEqual(['* VANISHED 2']);
});

test('UIDBATCHES divides the mailbox, newest first', async () => {
  await one.ok('UID STORE 2 +FLAGS.SILENT (\\Deleted)');
  await one.ok('EXPUNGE');
  expect(await one.ok('UIDBATCHES 2')).toEqual([
    expect.stringMatching(/^\* UIDBATCHES \(TAG "a\d+"\) 5:4,3:1$/),
  ]);
  expect(await one.ok('UIDBATCHES 3 2:9')).toEqual([expect.stringMatching(/\) 1:1$/)]);
  await one.ok('SELECT Trash');
  expect(await one.ok('UIDBATCHES 500')).toEqual([expect.stringMatching(/^\* UIDBATCHES \(TAG "a\d+"\)$/)]);
});
