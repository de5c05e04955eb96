/** SORT, ESORT and THREAD (RFC 5256, 5267, 5957). */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
let talk: ImapTalk;

interface Letter {
  readonly subject: string;
  readonly from: string;
  readonly to?: string;
  readonly cc?: string;
  readonly date: string;
  readonly id: string;
  readonly references?: string;
  readonly text?: string;
}
const printed = ({ subject, from, to = 'x@example.org', cc, date, id, references, text = 'x' }: Letter) =>
  [
    `From: ${from}`,
    `To: ${to}`,
    ...(cc === undefined ? [] : [`Cc: ${cc}`]),
    `Subject: ${subject}`,
    `Date: ${date}`,
    `Message-ID: <${id}@x>`,
    ...(references === undefined ? [] : [`References: ${references}`]),
    '',
    text,
    '',
  ].join('\r\n');

const at = (day: number, hour = 10): string => `${day} Nov 2026 ${hour}:00:00 +0000`;
const letters: readonly Letter[] = [
  { subject: 'banana', from: 'Zoe <adam@x>', date: at(3), id: 'a', text: 'y'.repeat(500) },
  { subject: 'Re: Apple', from: 'Bob <zed@x>', date: at(2), id: 'b', references: '<c@x>' },
  { subject: 'apple', from: 'bob@x', date: at(1), id: 'c', to: 'Carl <ann@x>', cc: 'q@x' },
  { subject: '=?utf-8?Q?[list]_FWD:_=C3=84pfel?=', from: 'Carl <carl@x>', date: at(5), id: 'd' },
  { subject: 'Re: re: BANANA', from: 'Zoe <adam@x>', date: at(4), id: 'e', references: '<a@x> <nil@x>' },
];

beforeAll(async () => {
  server = await imapServer();
  talk = await server.as('ada');
  await talk.append('INBOX', 'Subject: gone\r\n\r\n');
  for (const [index, one] of letters.entries())
    await talk.append(
      'INBOX',
      printed(one),
      `(${index === 2 ? '\\Seen' : ''}) "0${9 - index}-Nov-2026 10:00:00 +0000"`,
    );
  await talk.ok('SELECT INBOX');
  await talk.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
  await talk.ok('EXPUNGE');
});
afterAll(() => server[Symbol.asyncDispose]());

test.each([
  ['(ARRIVAL)', '5 4 3 2 1'],
  ['(REVERSE ARRIVAL)', '1 2 3 4 5'],
  ['(DATE)', '3 2 1 5 4'],
  ['(SUBJECT)', '2 3 4 1 5'],
  ['(SUBJECT DATE)', '3 2 4 1 5'],
  ['(SUBJECT REVERSE DATE)', '2 3 4 5 1'],
  ['(FROM SUBJECT)', '1 5 3 4 2'],
  ['(DISPLAYFROM DATE)', '2 3 4 1 5'],
  ['(DISPLAYTO DATE)', '3 2 1 5 4'],
  ['(TO DATE)', '3 2 1 5 4'],
  ['(CC DATE)', '2 1 5 4 3'],
  ['(REVERSE SIZE)', '1'],
])('SORT %s', async (by, order) => {
  const [line = ''] = await talk.ok(`SORT ${by} UTF-8 ALL`);
  expect(line).toMatch(new RegExp(`^\\* SORT ${order}`));
});

test('what is sorted is searched for, by any charset that is known', async () => {
  expect(await talk.ok('SORT (DATE) US-ASCII UNSEEN SUBJECT banana')).toEqual(['* SORT 1 5']);
  expect(await talk.ok('UID SORT (REVERSE DATE) UTF-8 2:4')).toEqual(['* SORT 5 3 4']);
  expect(await talk.ok('SORT (DATE) UTF-8 SUBJECT nothing')).toEqual(['* SORT']);
  expect(await talk.answer('SORT (DATE) X-ODD ALL')).toMatch(/^NO \[BADCHARSET/);
  expect(await talk.answer('SORT (COLOUR) UTF-8 ALL')).toMatch(/^BAD/);
  expect(await talk.answer('SORT () UTF-8 ALL')).toMatch(/^BAD/);
});

const esort = async (command: string): Promise<string> =>
  (await talk.ok(command)).map((line) => line.replace(/\(TAG "[^"]+"\)/, '(TAG)')).join();

test('ESORT keeps the order: ranges only where it rises', async () => {
  expect(await esort('SORT RETURN () (REVERSE ARRIVAL) UTF-8 ALL')).toBe('* ESEARCH (TAG) ALL 1:5');
  expect(await esort('UID SORT RETURN () (DATE) UTF-8 ALL')).toBe('* ESEARCH (TAG) UID ALL 4,3,2,6,5');
  expect(await esort('SORT RETURN (MIN MAX COUNT) (DATE) UTF-8 ALL')).toBe(
    '* ESEARCH (TAG) MIN 3 MAX 4 COUNT 5',
  );
  expect(await esort('SORT RETURN (MIN COUNT) (DATE) UTF-8 SUBJECT nothing')).toBe('* ESEARCH (TAG) COUNT 0');
  expect(await esort('SORT RETURN (PARTIAL 2:3) (DATE) UTF-8 ALL')).toBe('* ESEARCH (TAG) PARTIAL (2:3 2,1)');
  expect(await esort('UID SORT RETURN (PARTIAL -1:-2) (DATE) UTF-8 ALL')).toBe(
    '* ESEARCH (TAG) UID PARTIAL (-1:-2 6,5)',
  );
  expect(await esort('SORT RETURN (PARTIAL 7:9 COUNT) (DATE) UTF-8 ALL')).toBe(
    '* ESEARCH (TAG) COUNT 5 PARTIAL (7:9 NIL)',
  );
});

test('a sort may be saved for later', async () => {
  expect(await talk.ok('SORT RETURN (SAVE) (DATE) UTF-8 SUBJECT banana')).toEqual([]);
  expect(await talk.ok('FETCH $ UID')).toEqual(['* 1 FETCH (UID 2)', '* 5 FETCH (UID 6)']);
  await talk.ok('SORT RETURN (SAVE MIN) (DATE) UTF-8 ALL');
  expect(await talk.ok('FETCH $ UID')).toEqual(['* 3 FETCH (UID 4)']);
});

test('MODSEQ is told where it was asked for', async () => {
  const line = (await talk.ok('SORT (DATE) UTF-8 MODSEQ 1')).at(-1);
  expect(line).toMatch(/^\* SORT 3 2 1 5 4 \(MODSEQ \d+\)$/);
  expect(await talk.ok('SORT (DATE) UTF-8 MODSEQ 1000000')).toEqual(['* SORT']);
  // Of the one that is told.
  const [fetched = ''] = await talk.ok('FETCH 3 MODSEQ');
  const modSeq = /MODSEQ \((\d+)\)/.exec(fetched)?.[1];
  expect(await esort('SORT RETURN (MIN) (DATE) UTF-8 MODSEQ 1')).toBe(
    `* ESEARCH (TAG) MIN 3 MODSEQ ${modSeq}`,
  );
});

test('messages become threads', async () => {
  expect(await talk.ok('THREAD ORDEREDSUBJECT UTF-8 ALL')).toEqual(['* THREAD (3 2)(1 5)(4)']);
  expect(await talk.ok('THREAD REFERENCES UTF-8 ALL')).toEqual(['* THREAD (3 2)(1 5)(4)']);
  expect(await talk.ok('UID THREAD REFERENCES UTF-8 ALL')).toEqual(['* THREAD (4 3)(2 6)(5)']);
  expect(await talk.ok('UID THREAD REFS UTF-8 UNSEEN')).toEqual(['* THREAD (3)(2 6)(5)']);
  expect(await talk.ok('THREAD REFS UTF-8 SUBJECT nothing')).toEqual(['* THREAD']);
  expect(await talk.answer('THREAD JWZ UTF-8 ALL')).toMatch(/^BAD/);
  expect(await talk.answer('THREAD REFS X-ODD ALL')).toMatch(/^NO \[BADCHARSET/);
});

test('what others bring has no place before it is told', async () => {
  const other = await server.as('ada');
  await other.append('INBOX', printed({ subject: 'late', from: 'z@x', date: at(9), id: 'z' }));
  expect(await talk.ok('SORT (DATE) UTF-8 ALL')).toEqual(['* SORT 3 2 1 5 4', '* 6 EXISTS', '* 6 RECENT']);
  expect(await talk.ok('SORT (DATE) UTF-8 ALL')).toEqual(['* SORT 3 2 1 5 4 6']);
});
