/**
 * Zod's issues in our words, above all those of unions.
 */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { findingsOf } from '../../config/issues.ts';
import { nearest } from '../../config/nearest.ts';
import { printPath, sentence } from '../../config/problem.ts';
import { isSecretAt } from '../../config/shape.ts';
import { secret } from '../../config/units.ts';

const tell = (root: z.ZodType, value: unknown): readonly string[] => {
  const issues = root.safeParse(value).error?.issues ?? [];
  return findingsOf(issues, { root, value, isSecret: (path) => isSecretAt(root, path, value) }).map(
    (finding) => `${printPath(finding.path)}: ${sentence(finding)}`,
  );
};

const source = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ldap'), servers: z.array(z.string()).min(1), password: secret }),
  z.strictObject({ kind: z.literal(['csv', 'ldif']), file: z.string() }),
]);

const when: z.ZodType = z.lazy(() =>
  z.union([
    z.strictObject({ all: z.array(when) }),
    z.strictObject({ sender: z.string() }),
    z.strictObject({ size: z.strictObject({ over: z.number() }) }),
  ]),
);

const root = z.strictObject({
  source: source.exactOptional(),
  when: when.exactOptional(),
  oneOrMany: z.union([z.string(), z.array(z.string())]).exactOptional(),
  off: z.union([z.literal('off'), z.strictObject({ every: z.number() })]).exactOptional(),
  names: z.record(z.string().regex(/^[a-z]+$/, 'expected a lower-case name'), z.number()).exactOptional(),
  count: z.number().min(2).max(4).exactOptional(),
  list: z.array(z.string()).min(2).exactOptional(),
});

test.each<[name: string, value: unknown, ...said: string[]]>([
  [
    'no kind',
    { source: { file: 'a' } },
    'source.kind: expected one of ldap|csv|ldif, found nothing: the key is required',
  ],
  [
    'an unknown kind',
    { source: { kind: 'ldpa' } },
    'source.kind: expected one of ldap|csv|ldif, found "ldpa". Did you mean "ldap"?',
  ],
  [
    'a key of another kind',
    { source: { kind: 'csv', file: 'a', servers: [] } },
    'source.servers: unknown key, expected one of kind|file',
  ],
  [
    'an empty list and a secret of the wrong type',
    { source: { kind: 'ldap', servers: [], password: 12345 } },
    'source.servers: expected a list of at least 1 item, found an empty list',
    'source.password: expected a secret as text, found a secret (not shown)',
  ],
  [
    'a branch with a bad value',
    { when: { all: [{ sender: 5 }] } },
    'when.all[0].sender: expected text, found 5',
  ],
  ['a mistyped key of a branch', { when: { sendr: 'a' } }, 'when.sendr: unknown key. Did you mean "sender"?'],
  [
    'a mistyped key deep in a branch',
    { when: { all: [{ size: { ovr: 1, over: 2 } }] } },
    'when.all[0].size.ovr: unknown key. Did you mean "over"?',
  ],
  ['none of the types', { oneOrMany: 5 }, 'oneOrMany: expected text, or a list, found 5'],
  ['a bad element of one of the types', { oneOrMany: ['a', 5] }, 'oneOrMany[1]: expected text, found 5'],
  [
    'a literal or a map',
    { off: 'of' },
    'off: expected "off", or a map of keys, found "of". Did you mean "off"?',
  ],
  ['a map within that', { off: { every: 'x' } }, 'off.every: expected a number, found "x"'],
  ['a bad name', { names: { 'A B': 1 } }, 'names["A B"]: expected a lower-case name as key, found "A B"'],
  ['too small', { count: 1 }, 'count: expected a number of at least 2, found 1'],
  ['too big', { count: 9 }, 'count: expected a number of at most 4, found 9'],
  ['too few', { list: ['a'] }, 'list: expected a list of at least 2 items, found a list'],
])('%s', (_name, value, ...said) => {
  expect(tell(root, value)).toEqual(said);
});

test('the words of a refinement are said as they are', () => {
  const schema = z.strictObject({ a: z.string().refine(() => false, 'this and that cannot be together') });
  expect(tell(schema, { a: 'x' })).toEqual(['a: this and that cannot be together']);
});

test.each([
  ['nexthop', ['nextHops', 'tls'], 'nextHops'],
  ['adress', ['address', 'port'], 'address'],
  ['opprotunistic', ['none', 'opportunistic'], 'opportunistic'],
  ['level', ['logLevel'], 'logLevel'],
  ['xyz', ['abc', 'def'], undefined],
  ['', ['a'], undefined],
])('the nearest word to %s is found', (word, words, meant) => {
  expect(nearest(word, words)).toBe(meant);
});
