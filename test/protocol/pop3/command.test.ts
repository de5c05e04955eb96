import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Command, parseCommand } from '../../../src/protocol/pop3/command.ts';

const parse = (line: string) => parseCommand(Buffer.from(line));

test.each([
  ['USER ada', { name: 'USER', user: 'ada' }],
  ['user  ada@example.org ', { name: 'USER', user: 'ada@example.org' }],
  ['USER Zoë', { name: 'USER', user: 'Zoë' }],
  ['PASS a secret with spaces ', { name: 'PASS', password: 'a secret with spaces ' }],
  ['PASS  ', { name: 'PASS', password: ' ' }],
  ['AUTH', { name: 'AUTH' }],
  ['AUTH plain', { name: 'AUTH', mechanism: 'PLAIN' }],
  ['AUTH PLAIN =', { name: 'AUTH', mechanism: 'PLAIN', initial: '=' }],
  ['AUTH SCRAM-SHA-256 biws', { name: 'AUTH', mechanism: 'SCRAM-SHA-256', initial: 'biws' }],
  ['STAT', { name: 'STAT' }],
  ['stat ', { name: 'STAT' }],
  ['LIST', { name: 'LIST' }],
  ['LIST 2', { name: 'LIST', message: 2 }],
  ['UIDL 007', { name: 'UIDL', message: 7 }],
  ['RETR 0', { name: 'RETR', message: 0 }],
  ['DELE 999999999999999', { name: 'DELE', message: 999999999999999 }],
  ['TOP 1 0', { name: 'TOP', message: 1, lines: 0 }],
  ['TOP 1 99999999999999999999', { name: 'TOP', message: 1, lines: Number.MAX_SAFE_INTEGER }],
  ['LANG', { name: 'LANG' }],
  ['LANG *', { name: 'LANG', language: '*' }],
  ['lang de-CH', { name: 'LANG', language: 'de-CH' }],
] satisfies [string, Command][])('%j is a command', (line, command) => {
  expect(parse(line)).toEqual(command);
});

test.each([
  ['', undefined],
  [' STAT', undefined],
  ['APOP ada 00', undefined],
  ['toString', undefined],
  ['__proto__', undefined],
  ['STAT 1', 'STAT'],
  ['USER', 'USER'],
  ['PASS', 'PASS'],
  ['RETR', 'RETR'],
  ['RETR -1', 'RETR'],
  ['RETR 1 2', 'RETR'],
  ['RETR 1e3', 'RETR'],
  ['RETR 9999999999999999', 'RETR'],
  ['LIST x', 'LIST'],
  ['TOP 1', 'TOP'],
  ['TOP 1 2 3', 'TOP'],
  ['TOP 1 -2', 'TOP'],
  ['AUTH PLAIN a b', 'AUTH'],
  ['AUTH PLAIN *', 'AUTH'],
  ['AUTH PLAIN a=b=', 'AUTH'],
  ['AUTH ../etc', 'AUTH'],
  ['LANG nonsense_tag', 'LANG'],
])('%j is none, and the client is told why', (line, command) => {
  expect(parse(line)).toEqual({
    name: 'misunderstood',
    ...(command === undefined ? {} : { command }),
    text: expect.stringMatching(/^[\x20-\x7e]{10,80}$/),
  });
});

test.each([
  ['NUL', Buffer.from('USER a\0b')],
  ['a bare CR', Buffer.from('USER a\rSTAT')],
  ['Latin-1', Buffer.from('PASS caf\u00e9', 'latin1')],
])('%s is in no command', (_what, line) => {
  expect(parseCommand(line)).toMatchObject({ name: 'misunderstood' });
});

test('a command that was printed comes back', () => {
  const word = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => /^[^\s\0]+$/.test(text));
  const number = fc.nat({ max: 2 ** 40 });
  const base64 = fc
    .uint8Array({ maxLength: 40 })
    .map((bytes) => Buffer.from(bytes).toString('base64') || '=');
  const commands: fc.Arbitrary<readonly [string, Command]> = fc.oneof(
    word.map((user) => [`USER ${user}`, { name: 'USER', user }] as const),
    fc
      .string({ minLength: 1 })
      .filter((password) => !/[\0\r\n]/.test(password))
      .map((password) => [`PASS ${password}`, { name: 'PASS', password }] as const),
    base64.map((initial) => [`AUTH X ${initial}`, { name: 'AUTH', mechanism: 'X', initial }] as const),
    number.map((message) => [`DELE ${message}`, { name: 'DELE', message }] as const),
    fc
      .tuple(number, number)
      .map(([message, lines]) => [`TOP ${message} ${lines}`, { name: 'TOP', message, lines }] as const),
  );
  fc.assert(
    fc.property(commands, ([line, command]) => {
      expect(parse(line)).toEqual(command);
    }),
    { seed: 1939, numRuns: 1000 },
  );
});

test('whatever comes is a command or told to be none', () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
    fc
      .array(fc.constantFrom('TOP', 'AUTH', 'USER', 'LANG', ' ', '1', '=', '*', '\0', '\r', 'é', '\t', '-'), {
        maxLength: 10,
      })
      .map((parts) => Buffer.from(parts.join(''))),
  );
  fc.assert(
    fc.property(noise, (line) => {
      const command = parseCommand(line);
      if ('message' in command && command.message !== undefined)
        expect(Number.isSafeInteger(command.message)).toBe(true);
      if (command.name === 'misunderstood') expect(command.text).toMatch(/^[\x20-\x7e]+$/);
    }),
    { seed: 2449, numRuns: 3000 },
  );
});
