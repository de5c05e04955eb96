/**
 * Names of mailboxes in modified UTF-7: both ways, and one way only.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  canonicalMailboxName,
  decodeMailboxName,
  encodeMailboxName,
} from '../../src/protocol/imap/mailbox-name.ts';

test.each([
  // RFC 3501 §5.1.3
  ['~peter/mail/台北/日本語', '~peter/mail/&U,BTFw-/&ZeVnLIqe-'],
  ['Entwürfe', 'Entw&APw-rfe'],
  ['Tom & Jerry', 'Tom &- Jerry'],
  ['&', '&-'],
  ['&&ä&', '&-&-&AOQ-&-'],
  ['😀', '&2D3eAA-'],
  ['Line\nfeed', 'Line&AAo-feed'],
  ['', ''],
])('%j is %s', (name, encoded) => {
  expect(encodeMailboxName(name)).toBe(encoded);
  expect(decodeMailboxName(encoded)).toBe(name);
});

test.each([
  ['octets beyond ASCII', 'Entw\xfcrfe'],
  ['a control character', 'a\tb'],
  ['a shift without end', 'Entw&APw'],
  ['an ampersand alone', 'Tom & Jerry'],
  ['a superfluous shift', '&U,BTFw-&ZeVnLIqe-'],
  ['ASCII that is encoded', '&AGE-'],
  ['an ampersand that is encoded', '&ACY-'],
  ['the alphabet of base64 proper', '&U/BTFw-'],
  ['padding', '&APw=-'],
  ['bits left over', '&APx-'],
  ['an octet left over', '&APwA-'],
  ['half a pair', '&2D0-'],
])('%s is no name', (_, encoded) => {
  expect(decodeMailboxName(encoded)).toBeUndefined();
});

test('every name has an encoding that means it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const encoded = encodeMailboxName(name);
      expect(encoded).toMatch(/^[\x20-\x7e]*$/);
      expect(decodeMailboxName(encoded)).toBe(name);
    }),
    { seed: 20261129, numRuns: 2000 },
  );
});

test('whatever can be decoded has no other encoding', () => {
  const pieces = fc.constantFrom(
    '&',
    '-',
    'A',
    'P',
    'w',
    ',',
    '/',
    '+',
    '=',
    'AO',
    '2D3eAA',
    '&-',
    '&AOQ-',
    ' ',
  );
  const encoded = fc.array(pieces, { maxLength: 12 }).map((all) => all.join(''));
  let names = 0;
  fc.assert(
    fc.property(encoded, (text) => {
      const name = decodeMailboxName(text);
      if (name === undefined) return;
      names += 1;
      expect(encodeMailboxName(name)).toBe(text);
    }),
    { seed: 20261129, numRuns: 3000 },
  );
  expect(names).toBeGreaterThan(100);
});

test('INBOX is spelt in any case, but only in its own letters', () => {
  expect(canonicalMailboxName('iNbOx')).toBe('INBOX');
  expect(canonicalMailboxName('Inbox/sub')).toBe('Inbox/sub');
  expect(canonicalMailboxName('ınbox')).toBe('ınbox');
});
