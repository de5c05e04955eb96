/**
 * conformance/bodystructure - the comparison must see one character, and hear only what it was told.
 */
import { describe, expect, test } from 'vitest';
import { readNotation } from '../fixture/imap-notation.ts';
import { sample } from '../fixture/messages.ts';
import { compare, judge, proveStructures } from './bodystructure.ts';

const answer = (subject: string, charset = 'us-ascii', size = 9): string =>
  `RFC822.SIZE ${size} ENVELOPE (NIL "${subject}" NIL NIL) BODYSTRUCTURE ("text" "plain" ("charset" "${charset}") NIL)`;

test.each([
  ['the same', answer('a'), '', false],
  ['a literal for a quoted string', answer('a').replace('"a"', '{1}\r\na'), '', false],
  ['another subject', answer('b'), 'envelope.1', false],
  ['the subject in other case', answer('A'), 'envelope.1', false],
  ['the charset in other case', answer('a', 'US-ASCII'), '', true],
  ['another charset', answer('a', 'utf-8'), 'body.2.1', false],
  ['another size', answer('a', 'us-ascii', 8), 'size', false],
  ['a string for NIL', answer('a').replace('NIL "a"', '"" "a"'), 'envelope.0', false],
  ['a string for a number', answer('a').replace('9', '"9"'), 'size', false],
  ['one field less', answer('a').replace(' NIL NIL)', ' NIL)'), 'envelope', false],
])('%s', (_, theirs, paths, cases) => {
  const found = compare(answer('a'), theirs);
  expect(found.differences.map(({ path }) => path).join(' ')).toBe(paths);
  expect(found.cases).toBe(cases);
});

describe('an explanation', () => {
  const differing = compare(answer('a'), answer('b'));
  const why = (...where: readonly string[]) => ({ where, because: 'so' });

  test('counts where it says', () => {
    expect(judge('m', differing, why('envelope.1'))).toEqual({
      name: 'm',
      outcome: 'explained',
      detail: 'so',
    });
  });

  test('counts nowhere else, and not when there is nothing to explain', () => {
    expect(judge('m', differing, undefined).outcome).toBe('differs');
    expect(judge('m', differing, why('envelope')).outcome).toBe('differs');
    expect(judge('m', differing, why('envelope.1', 'size')).outcome).toBe('differs');
    expect(judge('m', compare(answer('a'), answer('a')), why('size')).outcome).toBe('differs');
  });
});

test('a message that is missing or another one fails', () => {
  const asked = [{ name: 'm', sha256_crlf: '0', fetch: answer('a') }];
  expect(proveStructures(asked, new Map())[0]).toMatchObject({ outcome: 'differs' });
  expect(proveStructures(asked, new Map([['m', sample('m', Buffer.from('x'))]]))[0]).toMatchObject({
    detail: 'the message is not the one that was asked about',
  });
});

test.each(['(', '"a', '(a  b)', '( a)', '(a )', '"\\a"', '{3}\r\nab', 'a\r\n', ')', '("a""b")', ''])(
  'notation that is none is refused: %j',
  (text) => {
    expect(() => readNotation(text)).toThrow("not IMAP's notation");
  },
);
