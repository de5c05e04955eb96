import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  capabilities,
  challenge,
  err,
  isUniqueId,
  listed,
  ok,
  uniqueId,
} from '../../../src/protocol/pop3/respond.ts';

test('a response is a status, perhaps a code, and a text', () => {
  expect(ok('Ready')).toBe('+OK Ready\r\n');
  expect(ok('')).toBe('+OK\r\n');
  expect(err('Wrong')).toBe('-ERR Wrong\r\n');
  expect(err('Wrong', 'AUTH')).toBe('-ERR [AUTH] Wrong\r\n');
  expect(listed(1, 200)).toBe('1 200\r\n');
  expect(challenge(Buffer.from('hello'))).toBe('+ aGVsbG8=\r\n');
  expect(challenge(Buffer.alloc(0))).toBe('+ \r\n');
});

test('whatever a text says, it is one line of 512 octets at most, and no code', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.string({ unit: fc.constantFrom('[', ']', '\r', '\n', ' ', 'a', 'é', '\0'), maxLength: 30 }),
    fc.integer({ min: 490, max: 600 }).map((length) => 'x'.repeat(length)),
  );
  fc.assert(
    fc.property(nasty, (text) => {
      for (const line of [ok(text), err(text)]) {
        expect(line.length).toBeLessThanOrEqual(512);
        expect(line).toMatch(/^(?:\+OK|-ERR)(?: [\x20-\x5a\x5c-\x7e][\x20-\x7e]*)?\r\n$/);
      }
    }),
    { seed: 512, numRuns: 1000 },
  );
});

test('what is not permitted now is not announced', () => {
  const before = capabilities({ stls: true }).split('\r\n');
  expect(before).toContain('STLS');
  expect(before).not.toContain('USER');
  expect(before.join()).not.toContain('SASL');
  const after = capabilities({
    user: true,
    mechanisms: ['PLAIN', 'LOGIN'],
    implementation: 'X 1',
    loginDelay: 5,
  });
  expect(after.split('\r\n')).toEqual([
    '+OK Capabilities follow',
    'TOP',
    'UIDL',
    'RESP-CODES',
    'AUTH-RESP-CODE',
    'PIPELINING',
    'EXPIRE NEVER',
    'UTF8 USER',
    'LANG',
    'LOGIN-DELAY 5',
    'USER',
    'SASL PLAIN LOGIN',
    'IMPLEMENTATION X 1',
    '.',
    '',
  ]);
});

test('unique ids are what RFC 1939 permits', () => {
  expect(uniqueId(4294967295, 4294967295)).toBe('4294967295.4294967295');
  expect(isUniqueId(uniqueId(1, 1))).toBe(true);
  expect(isUniqueId('x'.repeat(70))).toBe(true);
  expect(isUniqueId('')).toBe(false);
  expect(isUniqueId('x'.repeat(71))).toBe(false);
  expect(isUniqueId('a b')).toBe(false);
  expect(isUniqueId('é')).toBe(false);
});
