// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of Sieve, not of this language
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCharacters } from '../../../src/protocol/sieve/encoded-character.ts';
import { decodeOctets, encodeOctets } from '../../../src/protocol/sieve/octets.ts';
import { parseScript } from '../../../src/protocol/sieve/parse.ts';
import { printScript } from '../../../src/protocol/sieve/print.ts';
import type { ArgumentNode, CommandNode, TestNode } from '../../../src/protocol/sieve/syntax.ts';
import { parseTemplate } from '../../../src/protocol/sieve/template.ts';

const at = { line: 1, column: 1 };
const seed = 5228;

const word = fc.stringMatching(/^[a-z_][a-z0-9_]{0,9}$/).filter((name) => name !== 'text');
const text = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .map((value) => value.replace(/[\0\r\n]/g, '\r\n').replace(/\0/g, ''));
const argument: fc.Arbitrary<ArgumentNode> = fc.oneof(
  text.map((value): ArgumentNode => ({ kind: 'string', value, at })),
  fc.array(text, { minLength: 1, maxLength: 3 }).map(
    (values): ArgumentNode => ({
      kind: 'strings',
      values: values.map((value) => ({ kind: 'string', value, at })),
      at,
    }),
  ),
  fc.bigInt(0n, 2n ** 64n - 1n).map((value): ArgumentNode => ({ kind: 'number', value, at })),
  word.map((name): ArgumentNode => ({ kind: 'tag', name, at })),
);
const { node } = fc.letrec<{ node: TestNode }>((tie) => ({
  node: fc
    .record({
      name: word,
      args: fc.array(argument, { maxLength: 3 }),
      tests: fc.oneof(
        { maxDepth: 3, depthIdentifier: 'tests' },
        fc.constant([]),
        fc.array(tie('node'), { maxLength: 2 }),
      ),
    })
    .map(({ name, args, tests }): TestNode => ({ name, args, tests, list: tests.length > 1, at })),
}));
const { command } = fc.letrec<{ command: CommandNode }>((tie) => ({
  command: fc
    .record({
      head: node,
      block: fc.oneof(
        { maxDepth: 3, depthIdentifier: 'blocks' },
        fc.constant(undefined),
        fc.array(tie('command'), { maxLength: 2 }),
      ),
    })
    .map(({ head, block }): CommandNode => (block === undefined ? head : { ...head, block })),
}));

const withoutPlaces = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, inner) =>
      key === 'at' ? undefined : typeof inner === 'bigint' ? `${inner}n` : inner,
    ),
  );

describe('a script', () => {
  test('is the same when printed and parsed again', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 3 }), (commands) => {
        const { commands: again, problems } = parseScript(printScript(commands));
        expect(problems).toEqual([]);
        expect(withoutPlaces(again)).toEqual(withoutPlaces(commands));
      }),
      { seed, numRuns: 300 },
    );
  });

  test('of any text at all is read to its end, with problems where it is none', () => {
    const pieces = fc.constantFrom(
      'if',
      'keep',
      ';',
      '{',
      '}',
      '(',
      ')',
      '[',
      ']',
      ',',
      '"',
      '"a"',
      ':is',
      '1K',
      '99999999999999999999999G',
      'text:\r\n',
      '\r\n.\r\n',
      '/*',
      '*/',
      '#',
      '\n',
      ' ',
      '\\',
      '${',
      '$',
      'é',
      '\0',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(pieces, { maxLength: 60 }).map((all) => all.join('')),
          fc.string(),
        ),
        (script) => {
          const { problems } = parseScript(script);
          for (const { line, column } of problems) expect(Math.min(line, column)).toBeGreaterThanOrEqual(1);
          expect(problems.length).toBeLessThanOrEqual(100);
        },
      ),
      { seed, numRuns: 2000 },
    );
  });

  test.each([
    ['keep', 1, 5, "expected ';' or a block"],
    ['keep;\n  fileinto "a', 2, 12, 'never closed'],
    ['if true {\n  keep;\n', 3, 1, "expected '}'"],
    ['keep; }', 1, 7, 'no block is open'],
    ['redirect [ "a", ];', 1, 17, 'expected a string'],
    ['/* open', 1, 1, 'never closed'],
    ['keep 12x;', 1, 6, 'is no number'],
  ])('%j has its mistake told with its place', (script, line, column, what) => {
    expect(parseScript(script).problems[0]).toMatchObject({
      line,
      column,
      text: expect.stringContaining(what),
    });
  });

  test('has all mistakes told, not the first one only', () => {
    expect(parseScript('keep keep( ;\ndiscard "a" ,;\nstop;\n$;').problems.map(({ line }) => line)).toEqual([
      1, 2, 4, 4,
    ]);
  });

  test('takes dot-stuffed lines, comments and quantifiers', () => {
    const { commands, problems } = parseScript('a text: # why\r\n..one\r\ntwo\r\n.\r\n; /* b */ c 2K; # end');
    expect(problems).toEqual([]);
    expect(commands[0]?.args[0]).toMatchObject({ value: '.one\r\ntwo\r\n' });
    expect(commands[1]?.args[0]).toMatchObject({ value: 2048n });
  });
});

test('octets come back from strings as they were', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (octets) => {
      expect([...encodeOctets(decodeOctets(octets))]).toEqual([...octets]);
    }),
    { seed, numRuns: 1000 },
  );
});

test.each([
  ['$${hex:40}', '$@'],
  ['${hex: 40 }', '@'],
  ['${hex:c3 bc}', 'ü'],
  ['${hex:c3}${hex:bc}', 'ü'],
  ['${HEX:40', '${HEX:40'],
  ['${hex:400}', '${hex:400}'],
  ['${unicode:40}', '@'],
  ['${unicode:1F608}', '\u{1f608}'],
])('%s is %s', (script, value) => {
  expect(decodeCharacters(script)).toEqual({ text: value });
});

test.each(['${unicode:110000}', '${unicode:d800}'])('%s is no character', (script) => {
  expect(decodeCharacters(script)).toHaveProperty('wrong');
});

test('references are found in strings, and what looks like one is left alone', () => {
  expect(parseTemplate('&%${}!${A}x${12}${a.b')).toEqual([
    { literal: '&%${}!' },
    { variable: 'a' },
    { literal: 'x' },
    { match: 12 },
    { literal: '${a.b' },
  ]);
});
