import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fold } from '../../../src/protocol/mime/fold.ts';

const isSurrogate = (code: number): boolean => code >= 0xd800 && code < 0xe000;

test('every character folds as its capital and its small letter do, and folding again changes nothing', () => {
  const odd: string[] = [];
  for (let code = 0; code < 0x110000; code++) {
    if (isSurrogate(code)) continue;
    const character = String.fromCodePoint(code);
    const folded = fold(character);
    if (fold(folded) !== folded) odd.push(character);
    if (fold(character.toUpperCase()) !== folded || fold(character.toLowerCase()) !== folded)
      odd.push(character);
  }
  expect(odd).toEqual([]);
});

test.each([
  ['Straße', 'STRASSE'],
  ['ﬁnal', 'Final'],
  ['Ω', 'ω'],
  ['Ａｂｃ', 'abC'],
  ['é', 'e\u0301'],
  ['ǆ', 'Dž'],
  ['Σίσυφος', 'ΣΊΣΥΦΟΣ'],
])('%s is %s', (one, other) => {
  expect(fold(one)).toBe(fold(other));
});

test('letters are not taken for each other', () => {
  expect(fold('u')).not.toBe(fold('ü'));
  expect(fold('ı')).toBe('I');
  expect(fold('о')).not.toBe(fold('o'));
});

test('folding any text again changes nothing', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => fold(fold(text)) === fold(text)));
});
