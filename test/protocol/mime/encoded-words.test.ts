import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeCharset } from '../../../src/protocol/mime/charset.ts';
import { decodeWords } from '../../../src/protocol/mime/encoded-words.ts';

const octets = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

test.each([
  // RFC 2047 §8.
  ['=?ISO-8859-1?Q?a?=', 'a'],
  ['=?ISO-8859-1?Q?a?= b', 'a b'],
  ['=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=', 'ab'],
  ['=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=', 'ab'],
  ['=?ISO-8859-1?Q?a_b?=', 'a b'],
  ['=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=', 'a b'],
  ['=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>', 'Keith Moore <moore@cs.utk.edu>'],
  ['=?ISO-8859-1?Q?Andr=E9?= Pirard', 'André Pirard'],
  ['=?iso-8859-1*de?q?Gr=FC=DFe?=', 'Grüße'],
  ['=?utf-8?b?0J/RgNC40LLQtdGC?=', 'Привет'],
  ['=?koi8-r?B?8NLJ18XU?=', 'Привет'],
  ['=?ISO-2022-JP?B?GyRCJDMkcyRLJEEkTxsoQg==?=', 'こんにちは'],
  ['"=?utf-8?q?in_quotes?=" x', '"in quotes" x'],
  ['x=?utf-8?q?glued?=y', 'xgluedy'],
  ['=?no-such-charset?q?caf=E9?=', 'café'],
  ['a =?b', 'a =?b'],
  ['=?utf-8?q?never ends', '=?utf-8?q?never ends'],
])('%s reads %s', (value, text) => {
  expect(decodeWords(value)).toBe(text);
});

test('a character cut between two words is whole', () => {
  const [first, second] = ['=?utf-8?b?w6k=?=', '=?utf-8?q?=C3?= =?utf-8?q?=A9?='];
  expect(decodeWords(first)).toBe('é');
  expect(decodeWords(second)).toBe('é');
});

test('8-bit without a charset is UTF-8 where it can be, else windows-1252', () => {
  expect(decodeWords(octets('Grüße'))).toBe('Grüße');
  expect(decodeWords('Gr\xfc\xdfe \x80')).toBe('Grüße €');
  expect(decodeWords(`${octets('ü')} =?utf-8?q?=C3=A4?=`)).toBe('ü ä');
});

test('decodes UTF-7, UTF-16 and vendors’ names', () => {
  expect(decodeCharset(Buffer.from('Hi Mom -+Jjo--+-'), 'utf-7')).toBe('Hi Mom -☺-+');
  expect(decodeCharset(Buffer.from('h\0i\0', 'latin1'), 'utf-16le')).toBe('hi');
  expect(decodeCharset(Buffer.of(0x8a), 'CP1252')).toBe('Š');
});

test('any value is decoded to well-formed text', () => {
  const piece = fc.constantFrom('=?', '?=', '?q?', '?b?', 'utf-8', 'x', ' ', '=', '_', '\xff', 'QUJD', '*');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => decodeWords(pieces.join('')).isWellFormed()),
  );
});

test('the time for a hostile value grows as its length does', () => {
  for (const piece of ['=?', '=?a?q?', '=?a?q?b?= ', '=?a*', ' ']) {
    const value = piece.repeat(2 ** 18 / piece.length);
    expect(decodeWords(value).length).toBeLessThanOrEqual(value.length);
  }
});
