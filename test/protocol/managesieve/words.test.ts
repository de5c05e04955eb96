/**
 * Commands as words: well-formed, sloppy, hostile; in pieces of every size.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Input, type WordLimits, WordReader } from '../../../src/protocol/managesieve/words.ts';

const limits: WordLimits = { line: 200, literals: 40, skipped: 100 };

/** Strings as JSON, so that they differ from atoms; troubles by name. */
function show(input: Input): string {
  if (input.kind === 'trouble') return input.trouble;
  if (input.kind === 'fatal') return 'fatal';
  const words = input.words.map((word) => {
    if (word.kind === 'string') return JSON.stringify(word.octets.toString('latin1'));
    return word.kind === 'atom' ? word.text : `#${word.value}`;
  });
  return words.join(' ');
}

function read(text: string | Buffer, piece = 10_000): string[] {
  const reader = new WordReader(limits);
  const bytes = Buffer.from(text);
  const inputs: string[] = [];
  for (let from = 0; from < bytes.length; from += piece) {
    reader.push(bytes.subarray(from, from + piece));
    for (let input = reader.take(); input; input = reader.take()) inputs.push(show(input));
  }
  return inputs;
}

test.each([
  ['NOOP\r\n', ['NOOP']],
  ['NOOP \n', ['NOOP']],
  ['\r\n', ['']],
  ['HAVESPACE "a b" 12\r\n', ['HAVESPACE "a b" #12']],
  ['X 4294967296\r\nX 4294967297\r\n', ['X #4294967296', 'X 4294967297']],
  ['X "a\\"b\\\\c"\r\n', ['X "a\\"b\\\\c"']],
  ['X ""\r\n', ['X ""']],
  ['X {0+}\r\n\r\nY\r\n', ['X ""', 'Y']],
  ['X {5+}\r\na\r\nb"\r\nY\r\n', ['X "a\\r\\nb\\""', 'Y']],
  ['PUTSCRIPT {1+}\r\na {2+}\r\nbc\r\n', ['PUTSCRIPT "a" "bc"']],
  ['PUTSCRIPT {1+}\r\na "b" {2+}\r\nbc\r\n', ['PUTSCRIPT "a" "b" "bc"']],
  ['X "{3+}"\r\nY\r\n', ['X "{3+}"', 'Y']],
])('%j', (text, inputs) => {
  for (const piece of [1, 2, 3, 7, 1000]) expect(read(text, piece)).toEqual(inputs);
});

test.each([
  ['no end of a quoted string', 'X "a\r\nY\r\n', ['badSyntax', 'Y']],
  ['an escape of another character', 'X "\\n"\r\nY\r\n', ['badSyntax', 'Y']],
  ['NUL in a quoted string', 'X "\0"\r\nY\r\n', ['badSyntax', 'Y']],
  ['words that are not apart', 'X"a"\r\nX "a""b"\r\nY\r\n', ['badSyntax', 'badSyntax', 'Y']],
  ['words that are not apart from a literal', 'X {1+}\r\na"b"\r\nY\r\n', ['badSyntax', 'Y']],
  ['parentheses', 'X (a)\r\nY\r\n', ['badSyntax', 'Y']],
  ['more words than any command has', 'X a b c d\r\nY\r\n', ['badSyntax', 'Y']],
  ['8-bit outside of strings', 'Zo\u00eb\r\nY\r\n', ['badSyntax', 'Y']],
  ['a literal behind a mistake', 'X (a {4+}\r\nQ\r\n{ {2+}\r\n\r\n\r\nY\r\n', ['badSyntax', 'Y']],
  ['a literal that is too big', `X "a" {41+}\r\n${'Q\r\n'.repeat(13)}Q\n\r\nY\r\n`, ['tooBig', 'Y']],
  [
    'literals that are too big together',
    `X {30+}\r\n${'q'.repeat(30)} {30+}\r\n${'Q\r\n'.repeat(10)}\r\nY\r\n`,
    ['tooBig', 'Y'],
  ],
])('%s is told once, and the next command is seen', (_what, text, inputs) => {
  for (const piece of [1, 2, 3, 7, 1000]) expect(read(text, piece)).toEqual(inputs);
});

test.each([
  ['a literal for which a client would wait', 'X {3}\r\nY\r\n'],
  ['a literal much too big', 'X {101+}\r\nY\r\n'],
  ['a literal of absurd size', `X {${'9'.repeat(100)}+}\r\nY\r\n`],
  ['too big literals without end', `X {60+}\r\n${'q'.repeat(60)} {60+}\r\nY\r\n`],
  ['a line that is too long', `X "${'a'.repeat(200)}"\r\nY\r\n`],
  ['a line without end', 'x'.repeat(300)],
  ['lines that are too long together', `${'X {1+}\r\na'.repeat(40)}\r\nY\r\n`],
])('%s is fatal, and nothing comes after it', (_what, text) => {
  for (const piece of [1, 3, 1000]) expect(read(text, piece)).toEqual(['fatal']);
});

test('what a client announces and does not send costs nothing', () => {
  const reader = new WordReader({ ...limits, literals: 4_000_000_000 });
  const before = process.memoryUsage().arrayBuffers;
  reader.push(Buffer.from('X {3999999999+}\r\nabc'));
  expect(reader.take()).toBeUndefined();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
});

test('what is cleared never comes, not even the rest of its literal', () => {
  const reader = new WordReader(limits);
  reader.push(Buffer.from('STARTTLS\r\nX {30+}\r\nabc'));
  expect(reader.take()).toMatchObject({ kind: 'words' });
  expect(reader.take()).toBeUndefined();
  reader.clear();
  reader.push(Buffer.from('NOOP\r\n'));
  expect(reader.take()).toEqual({ kind: 'words', words: [{ kind: 'atom', text: 'NOOP' }] });
});

test('words that were printed come back, in whatever pieces', () => {
  const word = fc.oneof(
    fc.constantFrom('NOOP', 'a', 'X-1').map((text) => ({ printed: text, shown: text })),
    fc.nat().map((value) => ({ printed: String(value), shown: `#${value}` })),
    fc
      .string({ unit: fc.constantFrom('a', '"', '\\', '{', '1', '+', '}', ' ', '(', '\u00ff'), maxLength: 8 })
      .map((text) => ({ printed: `"${text.replace(/["\\]/g, '\\$&')}"`, shown: JSON.stringify(text) })),
    fc
      .string({ unit: fc.constantFrom('a', '"', '\r', '\n', '\0', '{1+}', '\u00ff'), maxLength: 4 })
      .map((text) => ({ printed: `{${text.length}+}\r\n${text}`, shown: JSON.stringify(text) })),
  );
  const command = fc.array(word, { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 4 }), fc.integer({ min: 1, max: 30 }), (commands, piece) => {
      const printed = commands.map((words) => `${words.map((one) => one.printed).join(' ')}\r\n`).join('');
      expect(read(Buffer.from(printed, 'latin1'), piece)).toEqual(
        commands.map((words) => words.map((one) => one.shown).join(' ')),
      );
    }),
    { seed: 5804, numRuns: 2000 },
  );
});

test('whatever comes is read the same in whatever pieces', () => {
  const part = fc.constantFrom(
    '\r\n',
    '\n',
    '"',
    '{2+}',
    '{2}',
    '{60+}',
    ' ',
    'a',
    '\\',
    '(',
    '\0',
    '9',
    '\u00e9',
    '+}',
  );
  const noise = fc.oneof(
    fc.array(part, { maxLength: 25 }).map((parts) => Buffer.from(parts.join(''))),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(noise, fc.integer({ min: 1, max: 9 }), (bytes, piece) => {
      expect(read(bytes, piece)).toEqual(read(bytes));
    }),
    { seed: 1, numRuns: 3000 },
  );
});
