/** SEARCH in its old and its new form, and `$`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { letter } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
let talk: ImapTalk;
beforeAll(async () => {
  server = await imapServer();
  talk = await server.as('ada');
  for (const [index, flags] of ['', '(\\Flagged)', '(\\Seen)', '(\\Flagged $X)', ''].entries())
    await talk.append('INBOX', letter(`Nr ${index + 1}`, index === 2 ? 'A needle.' : 'Hay.'), flags);
  await talk.ok('SELECT INBOX');
  await talk.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
  await talk.ok('EXPUNGE');
});
afterAll(() => server[Symbol.asyncDispose]());

test.each([
  ['ALL', '1 2 3 4'],
  ['FLAGGED', '1 3'],
  ['NOT FLAGGED', '2 4'],
  ['OR SEEN KEYWORD $x', '2 3'],
  ['2:3 UNSEEN', '3'],
  ['UID 4:5', '3 4'],
  ['UID 5:*', '4'],
  ['TEXT needle', '2'],
  ['BODY "A NEEDLE"', '2'],
  ['SUBJECT "nr 3"', '2'],
  ['HEADER Message-ID Nr-4', '3'],
  ['LARGER 1000000', ''],
  ['SINCE 1-Jan-2020 SMALLER 1000000', '1 2 3 4'],
  ['SENTON 23-Nov-2026', '1 2 3 4'],
  ['YOUNGER 3600', '1 2 3 4'],
  ['OLDER 3600', ''],
  ['RECENT', '1 2 3 4'],
  ['OLD', ''],
  ['NEW', '1 3 4'],
])('SEARCH %s', async (key, numbers) => {
  expect(await talk.ok(`SEARCH ${key}`)).toEqual([`* SEARCH${numbers === '' ? '' : ` ${numbers}`}`]);
});

test('UID SEARCH answers in UIDs', async () => {
  expect(await talk.ok('UID SEARCH 1:2')).toEqual(['* SEARCH 2 3']);
});

const esearch = async (command: string): Promise<string> =>
  (await talk.ok(command)).map((line) => line.replace(/\(TAG "[^"]+"\)/, '(TAG)')).join();

test('what is returned is chosen', async () => {
  expect(await esearch('SEARCH RETURN (MIN MAX COUNT ALL) ALL')).toBe(
    '* ESEARCH (TAG) MIN 1 MAX 4 COUNT 4 ALL 1:4',
  );
  expect(await esearch('UID SEARCH RETURN () FLAGGED')).toBe('* ESEARCH (TAG) UID ALL 2,4');
  expect(await esearch('SEARCH RETURN (MIN COUNT) LARGER 1000000')).toBe('* ESEARCH (TAG) COUNT 0');
  expect(await esearch('UID SEARCH RETURN (PARTIAL -1:-2) ALL')).toBe(
    '* ESEARCH (TAG) UID PARTIAL (-1:-2 4:5)',
  );
  expect(await esearch('UID SEARCH RETURN (PARTIAL 10:20) ALL')).toBe(
    '* ESEARCH (TAG) UID PARTIAL (10:20 NIL)',
  );
});

test('a result may be saved and used', async () => {
  expect(await talk.ok('SEARCH RETURN (SAVE) FLAGGED')).toEqual([]);
  expect(await talk.ok('FETCH $ UID')).toEqual(['* 1 FETCH (UID 2)', '* 3 FETCH (UID 4)']);
  expect(await talk.ok('UID SEARCH $ KEYWORD $X')).toEqual(['* SEARCH 4']);
  expect(await esearch('SEARCH RETURN (SAVE MAX) ALL')).toBe('* ESEARCH (TAG) MAX 4');
  expect(await talk.ok('UID FETCH $ UID')).toEqual(['* 4 FETCH (UID 5)']);
  expect(await talk.ok('SEARCH RETURN (SAVE) SUBJECT nothing')).toEqual([]);
  expect(await talk.ok('FETCH $ UID')).toEqual([]);
  await talk.ok('SEARCH RETURN (SAVE) ALL');
  expect(await talk.answer('SEARCH RETURN (SAVE) CHARSET X-ODD TEXT x')).toMatch(/^NO \[BADCHARSET/);
});

test('what has gone is found no more, and not renumbered', async () => {
  const other = await server.as('ada');
  await other.ok('SELECT INBOX');
  await other.append('INBOX', letter('late'), '(\\Deleted)');
  await talk.ok('NOOP');
  await other.ok('UID EXPUNGE 6');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await talk.ok('SEARCH ALL')).toEqual(['* SEARCH 1 2 3 4']);
  expect(await talk.ok('NOOP')).toEqual(['* 5 EXPUNGE']);
});
