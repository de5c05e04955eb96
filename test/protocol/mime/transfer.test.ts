import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeTransfer } from '../../../src/protocol/mime/transfer.ts';

const decode = (text: string, encoding: string): string =>
  decodeTransfer(Buffer.from(text, 'latin1'), encoding).toString('latin1');

test.each([
  ['a=3Db', 'a=b'],
  ['a=3db', 'a=b'],
  ['soft=\r\nbreak', 'softbreak'],
  ['soft= \t\r\nbreak', 'softbreak'],
  ['soft=\nbreak', 'softbreak'],
  ['end=', 'end'],
  ['blank \t\r\nnext', 'blank\r\nnext'],
  ['blank ', 'blank'],
  ['a b', 'a b'],
  ['no=escape', 'no=escape'],
  ['=G1', '=G1'],
  ['=4', '=4'],
])('quoted-printable %j is %j', (text, decoded) => {
  expect(decode(text, 'Quoted-Printable')).toBe(decoded);
});

test('base64 is decoded whatever stands between its lines', () => {
  expect(decode('aGVs\r\n bG8=\r\n', 'BASE64')).toBe('hello');
  expect(decode('aGVsbG8', 'base64')).toBe('hello');
});

test('what is not encoded, or as nobody knows, stays', () => {
  for (const encoding of ['7bit', '8bit', 'binary', 'x-own', ''])
    expect(decode('a=3D', encoding)).toBe('a=3D');
});

test('what was encoded is what is decoded', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (octets) => {
      const escaped = [...octets].map((octet) => `=${octet.toString(16).padStart(2, '0')}`).join('=\r\n');
      return decode(escaped, 'quoted-printable') === Buffer.from(octets).toString('latin1');
    }),
  );
});

test('the time for hostile octets grows as their number does', () => {
  for (const piece of ['=', ' ', '= ', '=\r\n'])
    expect(decode(piece.repeat(2 ** 20), 'quoted-printable').length).toBeLessThanOrEqual(2 ** 22);
});
