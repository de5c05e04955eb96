/**
 * SASLprep: the examples of RFC 4013 §3, and PostgreSQL's own as a second opinion.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepare } from '../../src/protocol/sasl/prepare.ts';
import { deriveScramKeys, parseScramKeys, printScramKeys } from '../../src/protocol/sasl/scram-keys.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';

test.each([
  ['a soft hyphen is nothing', 'I\u00adX', 'IX'],
  ['ASCII stays', 'user', 'user'],
  ['case stays', 'USER', 'USER'],
  ['NFKC: feminine ordinal', '\u00aa', 'a'],
  ['NFKC: roman nine', '\u2168', 'IX'],
  ['a control is prohibited', '\u0007', undefined],
  ['right to left, and a digit at the end', '\u0627\u0031', undefined],
])('RFC 4013 §3: %s', (_, text, expected) => {
  expect(prepare(text)).toBe(expected);
});

test.each([
  ['a no-break space is a space', 'a\u00a0b', 'a b'],
  ['a zero width space is a space, as PostgreSQL has it', 'a\u200bb', 'a b'],
  ['a zero width joiner is nothing', 'a\u200db', 'ab'],
  ['composed and decomposed are one', 'e\u0301', '\u00e9'],
  ['an emoji may be in a password', 'x\u{1f600}', 'x\u{1f600}'],
  ['right to left only', '\u05d0\u05d1', '\u05d0\u05d1'],
  ['right to left around a digit', '\u05d01\u05d1', '\u05d01\u05d1'],
  ['both directions', '\u05d0a\u05d1', undefined],
  ['private use', '\ue000', undefined],
  ['no character', '\ufdd0', undefined],
  ['no character of a higher plane', '\u{1ffff}', undefined],
  ['half a pair', '\ud800', undefined],
  ['an override of direction', 'a\u202eb', undefined],
  ['a tag', '\u{e0041}', undefined],
  ['nothing', '\u00ad', ''],
])('%s', (_, text, expected) => {
  expect(prepare(text)).toBe(expected);
});

test('what is prepared stays so when it is prepared again', () => {
  const characters = fc.oneof(
    fc.integer({ min: 0x20, max: 0x7ff }),
    fc.integer({ min: 0x800, max: 0xffff }),
    fc.integer({ min: 0, max: 0x10ffff }),
  );
  fc.assert(
    fc.property(fc.array(characters, { maxLength: 20 }), (points) => {
      const text = String.fromCodePoint(...points);
      const once = prepare(text);
      if (once !== undefined) expect(prepare(once)).toBe(once);
    }),
    { numRuns: 5000 },
  );
});

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase({ empty: true });
});
afterAll(() => fresh.drop());

/** PostgreSQL keeps SCRAM keys of the prepared password; of the password as it is where SASLprep refuses it. */
test('PostgreSQL prepares passwords to the same', async () => {
  const role = `prepare_${process.pid}`;
  const passwords = [
    'I\u00adX',
    '\u00aa\u2168',
    'a\u00a0b\u3000c\u1680d',
    'e\u0301\u0323',
    '\u212b\ufb01',
    'p\u200bq\u2060r\ufe0fs',
    '\u05d0\u05d1',
    '\u05d01',
    '\u05d0a\u05d1',
    'x\ue000y',
    'x\u202ey',
    '\uac00\u1100\u1161',
    'Stra\u00dfe \u0130\u0131',
    '\u0627\u0644',
    '\ufdfa',
  ];
  await fresh.database.query(`create role ${role}`);
  try {
    for (const password of passwords) {
      await fresh.database.query(`alter role ${role} password '${password}'`);
      const [row] = await fresh.database.query<{ rolpassword: string }>(
        'select rolpassword from pg_authid where rolname = $1',
        [role],
      );
      const { salt, iterations } = parseScramKeys(row?.rolpassword ?? '') ?? expect.fail('no keys');
      const own = await deriveScramKeys(prepare(password) ?? password, salt, iterations);
      expect(printScramKeys(own), JSON.stringify(password)).toBe(row?.rolpassword);
    }
  } finally {
    await fresh.database.query(`drop role ${role}`);
  }
});
