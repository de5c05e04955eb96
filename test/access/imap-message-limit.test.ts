/** MESSAGELIMIT: of too many messages the newest are dealt with, and the client can go on below. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { letter } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
let talk: ImapTalk;
let count = 0;
beforeAll(async () => {
  server = await imapServer({ imap: { messageLimit: 3 } });
});
afterAll(() => server[Symbol.asyncDispose]());
/** UIDs 1, 2, 4, 5, 6, 7: numbers and UIDs differ. */
beforeEach(async () => {
  const name = `user${++count}`;
  await server.tree.accounts.create({ name });
  talk = await server.as(name);
  for (const subject of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await talk.append('INBOX', letter(subject));
  await talk.ok('CREATE Other');
  await talk.ok('SELECT INBOX');
  await talk.ok('STORE 3 +FLAGS.SILENT (\\Deleted)');
  await talk.ok('EXPUNGE');
});

const uidsIn = (responses: readonly string[]): number[] =>
  responses.flatMap((line) => /^\* \d+ FETCH .*UID (\d+)/.exec(line)?.[1] ?? []).map(Number);

const searched = async (program: string): Promise<readonly string[]> => {
  const responses = await talk.say(program);
  return [responses.find((line) => /^\* (SEARCH|ESEARCH)/.test(line)) ?? '', responses.at(-1) ?? ''];
};

test('it is announced where it is set, and only there', async () => {
  expect((await talk.ok('CAPABILITY')).join(' ')).toContain(' MESSAGELIMIT=3');
  await using unlimited = await imapServer();
  const other = await unlimited.as('ada');
  expect((await other.ok('CAPABILITY')).join(' ')).not.toContain('MESSAGELIMIT');
  for (const subject of ['a', 'b', 'c', 'd']) await other.append('INBOX', letter(subject));
  await other.ok('SELECT INBOX');
  expect(uidsIn(await other.ok('FETCH 1:* UID'))).toHaveLength(4);
});

test('FETCH tells of the newest, and a client that goes on below the UID told gets all, once', async () => {
  expect((await talk.say('FETCH 1:* UID')).at(-1)).toMatch(/^OK \[MESSAGELIMIT 3 5\] /);
  const got: number[] = [];
  for (let last: number | '*' = '*'; ; ) {
    const responses = await talk.say(`UID FETCH 1:${last} UID`);
    got.push(...uidsIn(responses));
    const lowest = /^OK \[MESSAGELIMIT 3 (\d+)\]/.exec(responses.at(-1) ?? '')?.[1];
    if (lowest === undefined) break;
    last = Number(lowest) - 1;
  }
  expect(got).toEqual([5, 6, 7, 1, 2, 4]);
});

test('as many as there may be are dealt with without a word, and gaps do not count', async () => {
  expect((await talk.say('UID FETCH 2:5 UID')).at(-1)).toBe('OK Fetched');
  expect((await talk.say('UID FETCH 1,3,4,5 UID')).at(-1)).toBe('OK Fetched');
  const responses = await talk.say('UID FETCH 1:2,4,6:7 UID');
  expect(uidsIn(responses)).toEqual([4, 6, 7]);
  expect(responses.at(-1)).toMatch(/^OK \[MESSAGELIMIT 3 4\] /);
});

test('a window of FETCH has its size, and is refused where that is too much', async () => {
  expect(uidsIn(await talk.ok('UID FETCH 1:* UID (PARTIAL -2:-4)'))).toEqual([4, 5, 6]);
  expect(await talk.answer('UID FETCH 1:* UID (PARTIAL -1:-4)')).toMatch(/^NO \[MESSAGELIMIT 3\] /);
});

test('STORE leaves the others as they are', async () => {
  expect((await talk.say('STORE 1:* +FLAGS (\\Flagged)')).at(-1)).toMatch(/^OK \[MESSAGELIMIT 3 5\] /);
  expect(await searched('UID SEARCH UID 5:7 FLAGGED')).toEqual(['* SEARCH 5 6 7', 'OK Searched']);
  expect(await searched('UID SEARCH UID 1:4 FLAGGED')).toEqual(['* SEARCH', 'OK Searched']);
});

test('beside another code it stands in a NO of its own', async () => {
  const responses = await talk.say('UID STORE 1:* (UNCHANGEDSINCE 1) +FLAGS (\\Flagged)');
  expect(responses).toContainEqual(expect.stringMatching(/^\* NO \[MESSAGELIMIT 3 5\] /));
  expect(responses.at(-1)).toMatch(/^OK \[MODIFIED 5:7\] /);
});

test('COPY is refused whole', async () => {
  expect(await talk.answer('UID COPY 1:* Other')).toMatch(/^NO \[MESSAGELIMIT 3 5\] /);
  expect((await talk.ok('STATUS Other (MESSAGES)')).join()).toContain('MESSAGES 0');
  await talk.ok('UID COPY 5:7 Other');
  expect((await talk.ok('STATUS Other (MESSAGES)')).join()).toContain('MESSAGES 3');
});

test('MOVE moves the newest', async () => {
  const responses = await talk.say('MOVE 1:* Other');
  expect(responses).toContainEqual(expect.stringMatching(/^\* OK \[COPYUID \d+ 5:7 1:3\]/));
  expect(responses.at(-1)).toMatch(/^OK \[MESSAGELIMIT 3 5\] /);
  expect(uidsIn(await talk.ok('UID FETCH 1:* UID'))).toEqual([1, 2, 4]);
});

test('SEARCH looks at the newest of those its numbers leave over, found or not', async () => {
  expect(await searched('UID SEARCH SUBJECT a')).toEqual([
    '* SEARCH',
    expect.stringMatching(/^OK \[MESSAGELIMIT 3 5\] /),
  ]);
  expect(await searched('UID SEARCH UID 1:4 SUBJECT a')).toEqual(['* SEARCH 1', 'OK Searched']);
  // Only both together say which are left over.
  expect(await searched('UID SEARCH UID 1:5 UID 2:* ALL')).toEqual(['* SEARCH 2 4 5', 'OK Searched']);
  expect(await searched('UID SEARCH NOT UID 6 ALL')).toEqual([
    '* SEARCH 5 7',
    expect.stringMatching(/^OK \[MESSAGELIMIT 3 5\] /),
  ]);
});

test('what SEARCH saves is what it told', async () => {
  expect(await talk.answer('UID SEARCH RETURN (SAVE) ALL')).toMatch(/^OK \[MESSAGELIMIT 3 5\] /);
  const responses = await talk.ok('UID FETCH $ UID');
  expect(uidsIn(responses)).toEqual([5, 6, 7]);
});

test('UID EXPUNGE has a limit, EXPUNGE has none', async () => {
  await talk.ok('STORE 1:3 +FLAGS.SILENT (\\Deleted)');
  await talk.ok('STORE 4:6 +FLAGS.SILENT (\\Deleted)');
  expect((await talk.say('UID EXPUNGE 1:6')).at(-1)).toMatch(/^OK \[MESSAGELIMIT 3 4\] /);
  expect(uidsIn(await talk.ok('UID FETCH 1:* UID'))).toEqual([1, 2, 7]);
  for (const subject of ['h', 'i']) await talk.append('INBOX', letter(subject), '(\\Deleted) ');
  await talk.ok('NOOP');
  expect((await talk.say('EXPUNGE')).at(-1)).toBe('OK Expunged');
  expect(await searched('UID SEARCH ALL')).toEqual(['* SEARCH', 'OK Searched']);
});

test('more messages than that are not appended at once, nor is one of them', async () => {
  const one = (subject: string): string => {
    const text = letter(subject);
    return ` {${Buffer.byteLength(text)}+}\r\n${text}`;
  };
  expect(await talk.answer(`APPEND Other${['a', 'b', 'c', 'd'].map(one).join('')}`)).toMatch(
    /^NO \[MESSAGELIMIT 3\] /,
  );
  expect((await talk.ok('STATUS Other (MESSAGES)')).join()).toContain('MESSAGES 0');
});
