import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fetched } from '../../src/protocol/imap/respond/fetch.ts';
import * as mailboxes from '../../src/protocol/imap/respond/mailboxes.ts';
import { type Dialect, set } from '../../src/protocol/imap/respond/notation.ts';
import * as rights from '../../src/protocol/imap/respond/rights.ts';
import { statement } from '../../src/protocol/imap/respond/status.ts';
import { readNotation, type Tree } from '../fixture/imap-notation.ts';

const seed = 20261125;
const nasty = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('\r', '\n', '\0', '"', '\\', '{3}', '[', ']', '(', ')', ' ', 'a', 'ü', '\ud800'),
  }),
);
const dialects: fc.Arbitrary<Dialect> = fc.boolean().map((utf8) => ({ encodeName: (name) => name, utf8 }));

/** What arrives of a string: UTF-8, without NUL. */
const octets = (value: string): string => Buffer.from(value.replaceAll('\0', '?')).toString('latin1');

/** Beyond what the reader checks: outside strings there is no CR, LF, quote or brace, and nowhere a NUL. */
function read(line: string): readonly Tree[] {
  expect(line.startsWith('* ')).toBe(true);
  expect(line.endsWith('\r\n')).toBe(true);
  expect(line).not.toContain('\0');
  let outside = '';
  for (let at = 0; at < line.length; ) {
    const quoted = /^"(?:[^"\\\r\n]|\\["\\])*"/.exec(line.slice(at));
    const literal = /^\{(\d+)\}\r\n/.exec(line.slice(at));
    if (quoted !== null) at += quoted[0].length;
    else if (literal !== null) at += literal[0].length + Number(literal[1]);
    else outside += line[at++];
  }
  expect(outside.slice(0, -2)).not.toMatch(/[\r\n"{]/);
  return readNotation(line.slice(2, -2));
}

test('whatever a mailbox is called, LIST, STATUS and ACL can be read', () => {
  fc.assert(
    fc.property(nasty, nasty, dialects, (name, other, dialect) => {
      const entry = { name, delimiter: '/', attributes: [], oldName: other };
      expect(read(mailboxes.listed('LIST', entry, dialect))).toEqual([
        { atom: 'LIST' },
        [],
        '/',
        octets(name),
        ['OLDNAME', [octets(other)]],
      ]);
      expect(read(mailboxes.status(name, [['MESSAGES', 1]], dialect))[1]).toBe(octets(name));
      const acl = rights.acl(name, [{ identifier: other, rights: 'lr' }], dialect);
      expect(read(acl)).toEqual([{ atom: 'ACL' }, octets(name), octets(other), { atom: 'lr' }]);
    }),
    { seed, numRuns: 1000 },
  );
});

test('whatever ID and METADATA hold can be read', () => {
  fc.assert(
    fc.property(nasty, nasty, dialects, (name, value, dialect) => {
      expect(read(mailboxes.id(new Map([[name, value]]), dialect))[1]).toEqual([octets(name), octets(value)]);
      const withoutNul = Buffer.from(octets(value), 'latin1');
      expect(read(rights.metadata(name, [['/a', withoutNul]], dialect))).toEqual([
        { atom: 'METADATA' },
        octets(name),
        ['/a', octets(value)],
      ]);
    }),
    { seed, numRuns: 1000 },
  );
});

test('whatever a preview says, FETCH can be read', () => {
  fc.assert(
    fc.property(nasty, dialects, (preview, dialect) => {
      const pieces = [...fetched<never>('FETCH', 3, [{ item: 'PREVIEW', text: preview }], dialect)];
      const line = pieces.map((piece) => (piece.kind === 'octets' ? piece.octets : '')).join('');
      expect(read(line)).toEqual([3, { atom: 'FETCH' }, [{ atom: 'PREVIEW' }, octets(preview)]]);
    }),
    { seed, numRuns: 500 },
  );
});

test('whatever a text says is one line without a code', () => {
  fc.assert(
    fc.property(nasty, dialects, (text, dialect) => {
      const line = statement('NO', { text }, dialect);
      expect(line).toMatch(
        dialect.utf8 ? /^\* NO [^\r\n\0[][^\r\n\0]*\r\n$/ : /^\* NO [\x20-\x5a\x5c-\x7e][\x20-\x7e]*\r\n$/,
      );
    }),
    { seed, numRuns: 1000 },
  );
});

test('a set is said as the fewest ranges and means the same', () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 60 }), fc.nat(6))
    .map(([first, more]) => ({ first, last: first + more }));
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 12 }), (ranges) => {
      const wanted = new Set<number>();
      for (const { first, last } of ranges) for (let uid = first; uid <= last; uid++) wanted.add(uid);
      const said = set(ranges)
        .split(',')
        .map((part) => part.split(':').map(Number));
      const got = said.flatMap(([first = 0, last = first]) =>
        Array.from({ length: last - first + 1 }, (_, index) => first + index),
      );
      expect(got).toEqual([...wanted].sort((a, b) => a - b));
      const starts = [...wanted].filter((uid) => !wanted.has(uid - 1));
      expect(said).toHaveLength(starts.length);
    }),
    { seed, numRuns: 500 },
  );
});
