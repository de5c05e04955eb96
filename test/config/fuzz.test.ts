// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written so
/**
 * Whatever happens to a file, the loader answers with a Config or with problems that point into the file.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exampleText } from '../../config/generate.ts';
import { parseConfig } from '../../config/load.ts';

const now = new Date('2026-11-25T00:00:00Z');
const example = exampleText().replaceAll(/^\s*# .*\n/gm, '');

function judge(text: string): void {
  const result = parseConfig(text, { file: 'f', folder: '/nonexistent', environment: { X: 'y' }, now });
  if (result.ok) return;
  expect(result.problems.length).toBeGreaterThan(0);
  const lines = text.split('\n');
  for (const { line, column, message } of result.problems) {
    expect(message).not.toBe('');
    expect(message).not.toMatch(/invalid input|invalid union|undefined|\[object/i);
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1);
  }
}

const piece = fc.oneof(
  fc.constantFrom(
    '\t',
    '\n',
    ': ',
    '- ',
    '  ',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '#',
    '&a ',
    '*a',
    '<<: ',
    '|',
    '>',
    '? ',
    '!!',
    '%',
    '---\n',
    '...\n',
    '${env:X}',
    '${env:',
    '${file:/x}',
    '$${',
    '\0',
    '\r',
    'null',
    '~',
    '__proto__: 1',
  ),
  fc.string({ maxLength: 8 }),
  fc.integer().map(String),
);

const edit = fc.record({ at: fc.nat(), drop: fc.nat({ max: 40 }), put: piece });

test('text mutations', () => {
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      const text = edits.reduce((said, { at, drop, put }) => {
        const start = at % (said.length + 1);
        return said.slice(0, start) + put + said.slice(start + drop);
      }, example);
      judge(text);
    }),
    { seed: 20261125, numRuns: 400 },
  );
});

test('line mutations: dropped, doubled, moved in or out', () => {
  const change = fc.record({
    at: fc.nat(),
    how: fc.constantFrom('drop', 'double', 'in', 'out', 'uncomment'),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
      const lines = changes.reduce<readonly string[]>((said, { at, how }) => {
        const index = at % said.length;
        const line = said[index] ?? '';
        const made = {
          drop: [],
          double: [line, line],
          in: [`  ${line}`],
          out: [line.replace(/^ {1,2}/, '')],
          uncomment: [line.replace(/^(\s*)#/, '$1')],
        }[how];
        return said.toSpliced(index, 1, ...made);
      }, example.split('\n'));
      judge(lines.join('\n'));
    }),
    { seed: 20261125, numRuns: 400 },
  );
});

test('any values at all under the known keys', () => {
  const keys = [...new Set([...example.matchAll(/([A-Za-z]+):/g)].map((match) => match[1] ?? ''))];
  const value = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(null, true, 5, -1, 1e300, '', 'a', '5m', '5MB', '/x', '\0', 'ldap', 'smtp'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie('tree'), { maxKeys: 4 }),
    ),
  })).tree;
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 8 }), (root) => {
      judge(JSON.stringify(root, null, 1));
    }),
    { seed: 20261125, numRuns: 400 },
  );
});
