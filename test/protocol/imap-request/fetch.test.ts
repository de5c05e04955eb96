/**
 * FETCH with its items, sections and modifiers.
 */
import { expect, test } from 'vitest';
import { command, refused } from './said.ts';

const items = (text: string): unknown => {
  const read = command(`FETCH 1 ${text}`);
  return read.name === 'FETCH' ? read.items : read;
};

test('the FETCH of RFC 9051 §6.4.5', () => {
  expect(command('FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])')).toEqual({
    name: 'FETCH',
    uid: false,
    set: [{ first: 2, last: 4 }],
    items: [
      { item: 'FLAGS' },
      {
        item: 'BODY[]',
        section: { part: [], of: { fields: ['DATE', 'FROM'], not: false } },
        peek: false,
      },
    ],
    vanished: false,
  });
});

test('every plain item is known, alone and in a list, in any case', () => {
  const names =
    'FLAGS UID RFC822.SIZE MODSEQ INTERNALDATE SAVEDATE ENVELOPE BODY BODYSTRUCTURE EMAILID THREADID RFC822 RFC822.HEADER RFC822.TEXT';
  const wanted = names.split(' ').map((item) => ({ item }));
  expect(items(`(${names})`)).toEqual(wanted);
  expect(items(`(${names.toLowerCase()})`)).toEqual(wanted);
  for (const item of names.split(' ')) expect(items(item)).toEqual([{ item }]);
});

test('macros stand alone', () => {
  const fast = [{ item: 'FLAGS' }, { item: 'INTERNALDATE' }, { item: 'RFC822.SIZE' }];
  expect(items('fast')).toEqual(fast);
  expect(items('ALL')).toEqual([...fast, { item: 'ENVELOPE' }]);
  expect(items('FULL')).toEqual([...fast, { item: 'ENVELOPE' }, { item: 'BODY' }]);
  expect(refused('FETCH 1 (ALL)')).toBe('BAD FETCH does not know ALL');
  expect(refused('FETCH 1 CONSTRUCTOR')).toBe('BAD FETCH does not know CONSTRUCTOR');
});

test.each([
  ['BODY[]', { part: [] }],
  ['BODY[1]', { part: [1] }],
  ['BODY[4.2.2.1]', { part: [4, 2, 2, 1] }],
  ['BODY[HEADER]', { part: [], of: 'HEADER' }],
  ['BODY[text]', { part: [], of: 'TEXT' }],
  ['BODY[3.HEADER]', { part: [3], of: 'HEADER' }],
  ['BODY[4.1.MIME]', { part: [4, 1], of: 'MIME' }],
  ['BODY[2.HEADER.FIELDS.NOT ("X Y" {1}\r\nz)]', { part: [2], of: { fields: ['X Y', 'z'], not: true } }],
])('%s is a section', (text, section) => {
  expect(items(text)).toEqual([{ item: 'BODY[]', section, peek: false }]);
  expect(items(`${text.replace('BODY', 'BODY.PEEK')}<5.10>`)).toEqual([
    { item: 'BODY[]', section, peek: true, partial: { origin: 5, length: 10 } },
  ]);
});

test.each([
  'BODY[',
  'BODY[0]',
  'BODY[1.]',
  'BODY[1..2]',
  'BODY[MIME]',
  'BODY[FROB]',
  'BODY[HEADER.FIELDS]',
  'BODY[HEADER.FIELDS ()]',
  'BODY[HEADER.FIELDS (A)',
  'BODY[ ]',
  'BODY[]<0>',
  'BODY[]<0.0>',
  'BODY[]<-1.5>',
  'BODY[]<0.5',
  'BODY.PEEK',
  'BINARY',
  'BINARY[HEADER]',
  'BINARY[1.MIME]',
  'BINARY.SIZE[1]<0.5>',
  'FLAGS[1]',
  'RFC822.PEEK',
  'FROB',
  '()',
  '(FLAGS  UID)',
  '( FLAGS)',
  '(FLAGS',
  'FLAGS UID',
  '',
])('FETCH 1 %s is not IMAP', (text) => {
  expect(refused(`FETCH 1 ${text}`)).toMatch(/^BAD /);
});

test('decoded parts and their sizes (RFC 3516 §4)', () => {
  expect(items('(BINARY[1.2] BINARY.PEEK[]<0.9> BINARY.SIZE[3])')).toEqual([
    { item: 'BINARY[]', section: { part: [1, 2] }, peek: false },
    { item: 'BINARY[]', section: { part: [] }, peek: true, partial: { origin: 0, length: 9 } },
    { item: 'BINARY.SIZE', part: [3] },
  ]);
});

test('a preview may be lazy (RFC 8970 §3.1)', () => {
  expect(items('PREVIEW')).toEqual([{ item: 'PREVIEW', lazy: false }]);
  expect(items('(PREVIEW (LAZY) UID)')).toEqual([{ item: 'PREVIEW', lazy: true }, { item: 'UID' }]);
  expect(items('PREVIEW (CHANGEDSINCE 5)')).toEqual([{ item: 'PREVIEW', lazy: false }]);
  expect(command('FETCH 1 PREVIEW (LAZY) (CHANGEDSINCE 5)')).toMatchObject({
    items: [{ lazy: true }],
    changedSince: 5,
  });
});

test('modifiers (RFC 7162 §3.1.4.1 and §3.2.6, RFC 9394)', () => {
  expect(command('UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)')).toMatchObject({
    uid: true,
    changedSince: 12345,
    vanished: true,
  });
  expect(command('UID FETCH 25900:26600 FLAGS (PARTIAL -1:-100 CHANGEDSINCE 98305)')).toMatchObject({
    partial: { from: -1, to: -100 },
    changedSince: 98305,
  });
  expect(command('FETCH 1 FLAGS (PARTIAL 9:2)')).toMatchObject({ partial: { from: 2, to: 9 } });
  for (const wrong of [
    'VANISHED',
    'PARTIAL 1:-2',
    'PARTIAL 0:1',
    'CHANGEDSINCE',
    'FROB 1',
    'CHANGEDSINCE 1 CHANGEDSINCE 2',
    '',
  ])
    expect(refused(`UID FETCH 1 FLAGS (${wrong})`)).toMatch(/^BAD /);
  expect(refused('FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)')).toMatch(/^BAD VANISHED is for UID FETCH/);
});

test('spaces at the end of the line are no modifier', () => {
  expect(command('FETCH 1 FLAGS  ')).toMatchObject({ items: [{ item: 'FLAGS' }], vanished: false });
});

test('a list of too many items is refused', () => {
  const list = `(${Array.from({ length: 9 }, () => 'UID').join(' ')})`;
  expect(command(`FETCH 1 ${list}`, { limits: { listElements: 9 } })).toMatchObject({ name: 'FETCH' });
  expect(refused(`FETCH 1 ${list}`, { limits: { listElements: 8 } })).toBe('BAD too many in a list');
});
