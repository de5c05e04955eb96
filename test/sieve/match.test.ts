import fc from 'fast-check';
import { expect, test } from 'vitest';
import { comparators } from '../../src/sieve/match/comparator.ts';
import { matchGlob, parseGlob } from '../../src/sieve/match/glob.ts';
import { parseRegex, RegexError } from '../../src/sieve/match/regex-parse.ts';
import { runRegex } from '../../src/sieve/match/regex-run.ts';

const free = () => {};

function regex(pattern: string, text: string, ignoreCase = false): string[] | undefined {
  const characters = [...text];
  const found = runRegex(
    parseRegex(pattern),
    characters.map((one) => one.codePointAt(0) as number),
    { ignoreCase, captures: true, spend: free },
  );
  if (found === undefined) return undefined;
  const groups: string[] = [];
  for (let at = 0; at < found.length; at += 2) {
    const from = found[at] as number;
    groups.push(from < 0 ? '' : characters.slice(from, found[at + 1]).join(''));
  }
  return groups;
}

function glob(pattern: string, text: string): string[] | undefined {
  const characters = [...text];
  return matchGlob(parseGlob(pattern), characters, free)?.taken.map(([from, to]) =>
    characters.slice(from, to).join(''),
  );
}

test.each([
  ['abc', 'xabcx', ['abc']],
  ['a|ab', 'ab', ['ab']],
  ['(a|ab)(c|bcd)', 'abcd', ['abcd', 'a', 'bcd']],
  ['^a*$', 'aaa', ['aaa']],
  ['x*', 'aaxx', ['']],
  ['[[:digit:]]{2,3}', 'a1234', ['123']],
  ['[]x]+', ']x]', [']x]']],
  ['[^a-c]', 'abcd', ['d']],
  ['(ab?)+', 'aba', ['aba', 'a']],
  ['a.c', 'a\u{1f608}c', ['a\u{1f608}c']],
  ['\\.', 'a.b', ['.']],
  ['\\<b\\w*', 'ab bc', ['bc']],
  ['()', 'a', ['', '']],
])('the expression %s finds in %s the longest of the leftmost', (pattern, text, expected) => {
  expect(regex(pattern, text)).toEqual(expected);
});

test('letters match without regard to case when that is asked', () => {
  expect(regex('[a-c]X', 'Bx', true)).toEqual(['Bx']);
  expect(regex('[a-c]X', 'Bx')).toBeUndefined();
});

test.each([
  '(',
  ')',
  '[',
  'a{',
  'a{3,2}',
  'a{256}',
  '*',
  '(a)\\1',
  '[[:no:]]',
  '\\',
  '((((a{255}){255}){255}){255})',
])('%s is refused', (pattern) => {
  expect(() => parseRegex(pattern)).toThrow(RegexError);
});

test('whether it matches at all is the same as with another engine', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    'a*',
    'b+',
    'a?',
    '(a|b)',
    '(ab)*',
    'a{1,2}',
    '^',
    '$',
    '(a*)*',
    '|',
  );
  fc.assert(
    fc.property(fc.array(atom, { maxLength: 6 }), fc.stringMatching(/^[abc]{0,8}$/), (atoms, text) => {
      const pattern = atoms.join('').replace(/[\^$](?=[*+?{])/g, '');
      expect(regex(pattern, text) !== undefined).toBe(new RegExp(pattern).test(text));
    }),
    { seed: 9, numRuns: 3000 },
  );
});

test('work grows with text and expression, not with their combinations', () => {
  let work = 0;
  const text = Array.from({ length: 5000 }, () => 0x61);
  const spend = (more: number) => {
    work += more;
  };
  runRegex(parseRegex('((a*)*)*(a|aa)+b'), text, { ignoreCase: true, captures: true, spend });
  expect(work).toBeLessThan(5000 * 100);
});

test.each([
  ['*', 'abc', ['abc']],
  ['a*c', 'abcbc', ['bcb']],
  ['*b*', 'abcb', ['a', 'cb']],
  ['?b', 'ab', ['a']],
  ['a\\*', 'a*', []],
  ['', '', []],
  ['*?', '', undefined],
  ['a*a', 'a', undefined],
])('%s over %s takes %j', (pattern, text, expected) => {
  expect(glob(pattern, text)).toEqual(expected);
});

test('wildcards match what an expression of the same meaning matches', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ab*?]{0,8}$/), fc.stringMatching(/^[ab]{0,10}$/), (pattern, text) => {
      const same = new RegExp(`^${pattern.replace(/\*/g, '.*').replace(/\?/g, '.')}$`);
      expect(glob(pattern, text) !== undefined).toBe(same.test(text));
    }),
    { seed: 9, numRuns: 3000 },
  );
});

test.each([
  ['i;ascii-numeric', '10', '9', 1],
  ['i;ascii-numeric', '010', '10', 0],
  ['i;ascii-numeric', 'a', '99999999999999999999', 1],
  ['i;ascii-numeric', 'a', 'b', 0],
  ['i;octet', 'a', 'A', 1],
  ['i;ascii-casemap', 'a', 'A', 0],
  ['i;ascii-casemap', 'ä', 'Ä', 1],
  ['i;unicode-casemap', 'ä', 'Ä', 0],
])('%s puts %s and %s in order', (name, a, b, expected) => {
  expect(Math.sign(comparators.get(name)?.order(a, b) ?? Number.NaN)).toBe(expected);
});
