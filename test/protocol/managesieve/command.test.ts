import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCommand, parseResponse } from '../../../src/protocol/managesieve/command.ts';
import { parseScriptName } from '../../../src/protocol/managesieve/script-name.ts';
import { type Word, WordReader } from '../../../src/protocol/managesieve/words.ts';

function words(line: string): readonly Word[] {
  const reader = new WordReader({ line: 5000, literals: 5000, skipped: 0 });
  reader.push(Buffer.from(`${line}\r\n`));
  const input = reader.take();
  if (input?.kind !== 'words') throw new Error(`not words: ${line}`);
  return input.words;
}

const parse = (line: string) => parseCommand(words(line));

test.each([
  ['AUTHENTICATE "plain"', { name: 'AUTHENTICATE', mechanism: 'PLAIN' }],
  ['Authenticate "PLAIN" "AGEAYg=="', { name: 'AUTHENTICATE', mechanism: 'PLAIN', initial: 'AGEAYg==' }],
  ['AUTHENTICATE "PLAIN" ""', { name: 'AUTHENTICATE', mechanism: 'PLAIN', initial: '' }],
  [
    'AUTHENTICATE {5+}\r\nPLAIN {8+}\r\nAGEAYg==',
    { name: 'AUTHENTICATE', mechanism: 'PLAIN', initial: 'AGEAYg==' },
  ],
  ['STARTTLS', { name: 'STARTTLS' }],
  ['capability', { name: 'CAPABILITY' }],
  ['HAVESPACE "x" 99', { name: 'HAVESPACE', script: 'x', size: 99 }],
  ['PUTSCRIPT "x" {6+}\r\nkeep;\n', { name: 'PUTSCRIPT', script: 'x', content: Buffer.from('keep;\n') }],
  ['PUTSCRIPT "x" "keep;"', { name: 'PUTSCRIPT', script: 'x', content: Buffer.from('keep;') }],
  ['PUTSCRIPT "x" ""', { name: 'PUTSCRIPT', script: 'x', content: Buffer.alloc(0) }],
  ['CHECKSCRIPT "stop;"', { name: 'CHECKSCRIPT', content: Buffer.from('stop;') }],
  ['SETACTIVE "x"', { name: 'SETACTIVE', script: 'x' }],
  ['SETACTIVE ""', { name: 'SETACTIVE' }],
  ['GETSCRIPT "Ferien \u{1f3d6}"', { name: 'GETSCRIPT', script: 'Ferien \u{1f3d6}' }],
  ['DELETESCRIPT "a/b\\"c"', { name: 'DELETESCRIPT', script: 'a/b"c' }],
  ['RENAMESCRIPT "a" "b"', { name: 'RENAMESCRIPT', script: 'a', to: 'b' }],
  ['NOOP', { name: 'NOOP' }],
  ['NOOP ""', { name: 'NOOP', tag: Buffer.alloc(0) }],
  ['NOOP "STARTTLS-SYNC-42"', { name: 'NOOP', tag: Buffer.from('STARTTLS-SYNC-42') }],
])('%j is a command', (line, command) => {
  expect(parse(line)).toEqual(command);
});

test.each([
  ['', undefined],
  ['"NOOP"', undefined],
  ['12', undefined],
  ['constructor', undefined],
  ['AUTHENTICATE', 'AUTHENTICATE'],
  ['AUTHENTICATE PLAIN', 'AUTHENTICATE'],
  ['AUTHENTICATE "PLAIN" "*"', 'AUTHENTICATE'],
  ['AUTHENTICATE "PL AIN"', 'AUTHENTICATE'],
  ['HAVESPACE "x"', 'HAVESPACE'],
  ['HAVESPACE "x" "9"', 'HAVESPACE'],
  ['HAVESPACE "" 9', 'HAVESPACE'],
  ['HAVESPACE "x" 9 9', 'HAVESPACE'],
  ['PUTSCRIPT "x"', 'PUTSCRIPT'],
  ['PUTSCRIPT "" "keep;"', 'PUTSCRIPT'],
  ['PUTSCRIPT "x" keep', 'PUTSCRIPT'],
  ['SETACTIVE', 'SETACTIVE'],
  ['SETACTIVE "a" "b"', 'SETACTIVE'],
  ['GETSCRIPT ""', 'GETSCRIPT'],
  ['GETSCRIPT "a\tb"', 'GETSCRIPT'],
  ['RENAMESCRIPT "a" ""', 'RENAMESCRIPT'],
  ['LISTSCRIPTS "a"', 'LISTSCRIPTS'],
  ['NOOP x', 'NOOP'],
])('%j is none, and the client is told why', (line, command) => {
  expect(parse(line)).toEqual({
    name: 'misunderstood',
    ...(command === undefined ? {} : { command }),
    text: expect.stringMatching(/^[\x20-\x7e]{10,80}$/),
  });
});

test.each([
  ['"AGEAYg=="', 'AGEAYg=='],
  ['{4+}\r\nAGEA', 'AGEA'],
  ['""', ''],
  ['"*"', '*'],
  ['"**"', undefined],
  ['AGEA', undefined],
  ['"AGEA" "AGEA"', undefined],
  ['', undefined],
])('%j is a response: %j', (line, response) => {
  expect(parseResponse(words(line))).toBe(response);
});

test('script names are up to 128 characters of UTF-8 without control characters, in one form', () => {
  expect(parseScriptName(Buffer.from('e\u0301'))).toBe('\u00e9');
  expect(parseScriptName(Buffer.from('\u00e9'))).toBe('\u00e9');
  expect(parseScriptName(Buffer.from('\u{1f3d6}'.repeat(128)))).toBe('\u{1f3d6}'.repeat(128));
  expect(parseScriptName(Buffer.from('a'.repeat(129)))).toBeUndefined();
  expect(parseScriptName(Buffer.from([0xff]))).toBeUndefined();
  for (const bad of ['\0', '\n', '\u007f', '\u0085', '\u2028', '\u2029'])
    expect(parseScriptName(Buffer.from(`a${bad}b`))).toBeUndefined();
});

test('whatever words come are a command or told to be none', () => {
  const word: fc.Arbitrary<Word> = fc.oneof(
    fc
      .constantFrom('NOOP', 'PUTSCRIPT', 'AUTHENTICATE', 'SETACTIVE', 'x')
      .map((text) => ({ kind: 'atom', text }) as const),
    fc.nat().map((value) => ({ kind: 'number', value }) as const),
    fc.uint8Array({ maxLength: 9 }).map((bytes) => ({ kind: 'string', octets: Buffer.from(bytes) }) as const),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 4 }), (some) => {
      const command = parseCommand(some);
      if (command.name === 'misunderstood') expect(command.text).toMatch(/^[\x20-\x7e]+$/);
      if ('script' in command && command.script !== undefined)
        expect(parseScriptName(Buffer.from(command.script))).toBe(command.script);
      expect(parseResponse(some) ?? '').toMatch(/^(?:\*|[A-Za-z0-9+/]*=*)$/);
    }),
    { seed: 2, numRuns: 3000 },
  );
});
