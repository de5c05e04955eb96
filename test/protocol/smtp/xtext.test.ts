import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeUtf8Xtext,
  decodeXtext,
  encodeUtf8Xtext,
  encodeXtext,
} from '../../../src/protocol/smtp/xtext.ts';

const noControls = fc
  .string({ unit: 'grapheme', maxLength: 60 })
  .filter((text) => !/[\x00-\x1f\x7f]/.test(text));

test('xtext hides and shows every text', () => {
  fc.assert(
    fc.property(noControls, (text) => {
      expect(encodeXtext(text)).toMatch(/^[!-~]*$/);
      expect(decodeXtext(encodeXtext(text))).toBe(text);
    }),
    { seed: 1 },
  );
});

test('utf-8 xtext hides and shows every text', () => {
  fc.assert(
    fc.property(noControls, (text) => {
      expect(encodeUtf8Xtext(text)).toMatch(/^[!-~]*$/);
      expect(decodeUtf8Xtext(encodeUtf8Xtext(text))).toBe(text);
    }),
    { seed: 2 },
  );
});

test.each([
  ['e+2B1', 'e+1'],
  ['a+3Db', 'a=b'],
  ['plain', 'plain'],
  ['', ''],
])('%s is %s', (value, text) => {
  expect(decodeXtext(value)).toBe(text);
});

test.each([['a=b'], ['a+2b'], ['a+2'], ['a b'], ['+0D+0A'], ['+00'], ['+FF'], ['é']])(
  '%s is no xtext',
  (value) => {
    expect(decodeXtext(value)).toBeUndefined();
  },
);

test.each([['\\x{D800}'], ['\\x{110000}'], ['a\\b'], ['\\x{0A}'], ['a+b']])(
  '%s is no utf-8 xtext',
  (value) => {
    expect(decodeUtf8Xtext(value)).toBeUndefined();
  },
);
