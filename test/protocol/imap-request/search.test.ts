/**
 * SEARCH, SORT, THREAD, ESEARCH: keys, charsets, what to return.
 */
import { expect, test } from 'vitest';
import { command, refused } from './said.ts';

const key = (text: string): unknown => {
  const read = command(`SEARCH ${text}`);
  return read.name === 'SEARCH' ? read.key : read;
};
const day = (year: number, month: number, dayOfMonth: number) => ({ year, month, day: dayOfMonth });

test('the SEARCH of RFC 9051 §6.4.4', () => {
  expect(command('SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"')).toEqual({
    name: 'SEARCH',
    uid: false,
    returns: undefined,
    key: {
      key: 'and',
      keys: [
        { key: 'flag', flag: '\\Flagged', set: true },
        { key: 'date', of: 'internal', is: 'since', day: day(1994, 2, 1) },
        { key: 'not', not: { key: 'header', field: 'From', text: 'Smith' } },
      ],
    },
  });
});

test.each([
  ['ALL', { key: 'all' }],
  ['unseen', { key: 'flag', flag: '\\Seen', set: false }],
  ['UNDELETED', { key: 'flag', flag: '\\Deleted', set: false }],
  ['OLD', { key: 'recent', set: false }],
  [
    'NEW',
    {
      key: 'and',
      keys: [
        { key: 'recent', set: true },
        { key: 'flag', flag: '\\Seen', set: false },
      ],
    },
  ],
  ['KEYWORD $Junk', { key: 'keyword', keyword: '$Junk', set: true }],
  ['UNKEYWORD $Junk', { key: 'keyword', keyword: '$Junk', set: false }],
  ['BCC x', { key: 'header', field: 'Bcc', text: 'x' }],
  ['SUBJECT ""', { key: 'header', field: 'Subject', text: '' }],
  ['HEADER X-Spam {3}\r\nyes', { key: 'header', field: 'X-Spam', text: 'yes' }],
  ['BODY x', { key: 'body', text: 'x' }],
  ['TEXT {4}\r\n)( "', { key: 'text', text: ')( "' }],
  ['LARGER 1000', { key: 'size', is: 'larger', than: 1000 }],
  ['SMALLER 5000000000', { key: 'size', is: 'smaller', than: 5_000_000_000 }],
  ['BEFORE "29-Feb-2024"', { key: 'date', of: 'internal', is: 'before', day: day(2024, 2, 29) }],
  ['SENTON 09-dec-1999', { key: 'date', of: 'sent', is: 'on', day: day(1999, 12, 9) }],
  ['SAVEDSINCE 31-Jan-2026', { key: 'date', of: 'saved', is: 'since', day: day(2026, 1, 31) }],
  ['SAVEDATESUPPORTED', { key: 'saveDateSupported' }],
  ['YOUNGER 259200', { key: 'within', is: 'younger', seconds: 259200 }],
  ['MODSEQ 620162338', { key: 'modSeq', least: 620162338 }],
  ['MODSEQ "/flags/\\\\draft" all 620162338', { key: 'modSeq', least: 620162338 }],
  ['EMAILID M6d99ac3275bb4e', { key: 'emailId', id: 'M6d99ac3275bb4e' }],
  ['THREADID T64b478a75b7ea9', { key: 'threadId', id: 'T64b478a75b7ea9' }],
  [
    '2,4:7',
    {
      key: 'sequence',
      uid: false,
      set: [
        { first: 2, last: 2 },
        { first: 4, last: 7 },
      ],
    },
  ],
  ['*', { key: 'sequence', uid: false, set: [{ first: '*', last: '*' }] }],
  ['$', { key: 'sequence', uid: false, set: '$' }],
  ['UID 9:5', { key: 'uids', ranges: [{ first: 5, last: 9 }] }],
  ['UID 5:*', { key: 'sequence', uid: true, set: [{ first: 5, last: '*' }] }],
  ['UID $', { key: 'sequence', uid: true, set: '$' }],
  ['(ALL)', { key: 'all' }],
  [
    '(1 (2 ALL))',
    {
      key: 'and',
      keys: [
        { key: 'sequence', uid: false, set: [{ first: 1, last: 1 }] },
        { key: 'and', keys: [{ key: 'sequence', uid: false, set: [{ first: 2, last: 2 }] }, { key: 'all' }] },
      ],
    },
  ],
])('%s', (text, wanted) => {
  expect(key(text)).toEqual(wanted);
  expect(key(`${text} `)).toEqual(wanted);
});

test('a chain of OR is one key', () => {
  const one = (text: string) => ({ key: 'header', field: 'From', text });
  expect(key('OR FROM a OR FROM b FROM c')).toEqual({ key: 'or', keys: [one('a'), one('b'), one('c')] });
  expect(key('OR OR FROM a FROM b FROM c')).toEqual({
    key: 'or',
    keys: [{ key: 'or', keys: [one('a'), one('b')] }, one('c')],
  });
  expect(key('OR (FROM a FROM b) NOT FROM c ALL')).toEqual({
    key: 'and',
    keys: [
      {
        key: 'or',
        keys: [
          { key: 'and', keys: [one('a'), one('b')] },
          { key: 'not', not: one('c') },
        ],
      },
      { key: 'all' },
    ],
  });
  const names = Array.from({ length: 500 }, (_, index) => `n${index}`);
  expect(
    key(
      `${names
        .slice(1)
        .map((name) => `OR FROM ${name} `)
        .join('')}FROM n0`,
    ),
  ).toMatchObject({
    keys: { length: 500 },
  });
});

test.each([
  '',
  'FROB',
  'CONSTRUCTOR x',
  'FROM',
  'FROM ',
  'NOT',
  'OR ALL',
  'OR ALL OR',
  '()',
  '(ALL',
  'ALL)',
  'ALL  ALL',
  'ALLNEW',
  'SINCE 30-Feb-2024',
  'SINCE 29-Feb-2023',
  'SINCE 1-Foo-2024',
  'SINCE 1-Feb-24',
  'SINCE "1-Feb-2024',
  'KEYWORD \\Seen',
  'LARGER -1',
  'YOUNGER 0',
  'MODSEQ',
  'MODSEQ "/flags/x" some 1',
  'MODSEQ "x" all 1',
  'EMAILID "a b"',
  'UID',
  'UID 0',
  'TEXT {2}\r\n\xff\xfe',
  'TEXT {3}\r\na\0b',
  'FROM "a',
])('SEARCH %j is not IMAP', (text) => {
  expect(refused(`SEARCH ${text}`)).toMatch(/^BAD /);
});

test('words are Unicode whatever they were written in', () => {
  const subject = (text: string) => ({ key: 'header', field: 'Subject', text });
  expect(key('CHARSET UTF-8 SUBJECT {4}\r\n\xc3\xbcxx')).toEqual(subject('üxx'));
  expect(key('CHARSET us-ascii SUBJECT x')).toEqual(subject('x'));
  expect(key('CHARSET ISO-8859-1 SUBJECT {1}\r\n\xfc')).toEqual(subject('ü'));
  expect(key('CHARSET "KOI8-R" SUBJECT {1}\r\n\xc1')).toEqual(subject('а'));
  expect(key('SUBJECT "\xc3\xbc"')).toEqual(subject('ü'));
  expect(refused('SEARCH CHARSET EUC-JP SUBJECT {1}\r\n\xff')).toMatch(/^BAD a text in euc-jp/);
});

test.each(['X-UNKNOWN', 'UTF-7', 'UTF-16', 'x-user-defined', 'replacement'])(
  'the charset %s is refused with those that are known',
  (name) => {
    expect(refused(`SEARCH CHARSET ${name} SUBJECT x`)).toMatch(/^NO \[BADCHARSET\]/);
  },
);

test('what to return (RFC 9051 §6.4.4, RFC 5267 §4, RFC 9394 §3.1)', () => {
  const none = { min: false, max: false, all: false, count: false, save: false, context: false };
  const returns = (text: string): unknown => {
    const read = command(`UID SEARCH RETURN ${text} ALL`);
    return read.name === 'SEARCH' ? read.returns : read;
  };
  expect(returns('()')).toEqual({ ...none, all: true });
  expect(returns('(MIN COUNT)')).toEqual({ ...none, min: true, count: true });
  expect(returns('(save)')).toEqual({ ...none, save: true });
  expect(returns('(ALL MAX SAVE)')).toEqual({ ...none, all: true, max: true, save: true });
  expect(returns('(PARTIAL -1:-100 COUNT)')).toEqual({
    ...none,
    count: true,
    partial: { from: -1, to: -100 },
  });
  expect(returns('(PARTIAL 500:400 CONTEXT UPDATE)')).toEqual({
    ...none,
    context: true,
    partial: { from: 400, to: 500 },
    update: { items: [] },
  });
  expect(returns('(UPDATE (UID BODY.PEEK[HEADER]) COUNT)')).toMatchObject({
    count: true,
    update: { items: [{ item: 'UID' }, { item: 'BODY[]' }] },
  });
  for (const wrong of ['(ALL PARTIAL 1:2)', '(PARTIAL)', '(FROB)', '(PARTIAL 1:*)', 'MIN'])
    expect(refused(`SEARCH RETURN ${wrong} ALL`)).toMatch(/^BAD /);
});

test('SORT orders by several things, each way (RFC 5256 §3, RFC 5957)', () => {
  expect(command('SORT (SUBJECT REVERSE DATE displayfrom) UTF-8 ALL')).toEqual({
    name: 'SORT',
    uid: false,
    returns: undefined,
    by: [
      { by: 'subject', reverse: false },
      { by: 'date', reverse: true },
      { by: 'displayFrom', reverse: false },
    ],
    key: { key: 'all' },
  });
  expect(command('UID SORT RETURN (COUNT) (REVERSE SIZE) US-ASCII UNDELETED UNSEEN')).toMatchObject({
    uid: true,
    returns: { count: true, all: false },
  });
  for (const wrong of ['() UTF-8 ALL', '(FROB) UTF-8 ALL', '(REVERSE) UTF-8 ALL', '(SIZE) UTF-8', '(SIZE)'])
    expect(refused(`SORT ${wrong}`)).toMatch(/^BAD /);
  expect(refused('SORT (SIZE) X-FROB ALL')).toMatch(/^NO \[BADCHARSET\]/);
});

test('THREAD names its algorithm', () => {
  expect(command('THREAD REFERENCES UTF-8 SUBJECT "gewp"')).toEqual({
    name: 'THREAD',
    uid: false,
    algorithm: 'references',
    key: { key: 'header', field: 'Subject', text: 'gewp' },
  });
  expect(command('UID THREAD orderedsubject US-ASCII ALL')).toMatchObject({ algorithm: 'orderedSubject' });
  expect(refused('THREAD FROB UTF-8 ALL')).toBe('BAD THREAD does not know FROB');
});

test('ESEARCH looks into many mailboxes (RFC 7377)', () => {
  expect(
    command('ESEARCH IN (mailboxes "folder1" subtree ("folder2" Inbox) subtree-one x personal) unseen'),
  ).toEqual({
    name: 'ESEARCH',
    sources: [
      { which: 'mailboxes', names: ['folder1'] },
      { which: 'subtree', names: ['folder2', 'INBOX'] },
      { which: 'subtree-one', names: ['x'] },
      { which: 'personal' },
    ],
    returns: { min: false, max: false, all: true, count: false, save: false, context: false },
    key: { key: 'flag', flag: '\\Seen', set: false },
  });
  expect(command('ESEARCH RETURN (SAVE) ALL')).toMatchObject({ sources: [{ which: 'selected' }] });
  for (const wrong of [
    'IN () ALL',
    'IN (selected-delayed) ALL',
    'IN (frob) ALL',
    'IN (personal) RETURN (SAVE) ALL',
  ])
    expect(refused(`ESEARCH ${wrong}`)).toMatch(/^BAD /);
});

test('CANCELUPDATE names tags (RFC 5267 §4.3.5)', () => {
  expect(command('CANCELUPDATE "B01" "B02"')).toEqual({ name: 'CANCELUPDATE', tags: ['B01', 'B02'] });
  expect(refused('CANCELUPDATE')).toMatch(/^BAD/);
});

test('a search that is too wide or too deep is refused by NO', () => {
  expect(refused(`SEARCH ${'NOT '.repeat(5)}ALL`, { limits: { depth: 5 } })).toMatch(/^NO \[LIMIT\]/);
  expect(command(`SEARCH ${'NOT '.repeat(4)}ALL`, { limits: { depth: 5 } })).toMatchObject({
    name: 'SEARCH',
  });
  expect(refused('SEARCH ALL ALL ALL', { limits: { searchKeys: 2 } })).toMatch(/^NO \[LIMIT\]/);
  expect(refused(`SEARCH ${'('.repeat(30_000)}`)).toMatch(/^NO \[LIMIT\]/);
  expect(refused(`SEARCH ${'OR '.repeat(20_000)}`)).toMatch(/^NO \[LIMIT\]/);
});
