/**
 * What is printed from the schema: up to date, complete, and good for what it says it is.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { exampleText, generatedFiles, referenceText } from '../../config/generate.ts';
import { printJsonSchema } from '../../config/json-schema.ts';
import { parseConfig } from '../../config/load.ts';
import { printProblem } from '../../config/problem.ts';
import { type Config, configSchema } from '../../config/schema.ts';
import { keysOf, memberSchema, shapeOf, unionOptions } from '../../config/shape.ts';
import { lint } from '../../src/route/lint.ts';

const now = new Date('2026-11-25T00:00:00Z');
const checks = [(config: Config) => lint(config, { hasDirectory: config.directory.sources.length > 0 })];
const check = (text: string) =>
  parseConfig(text, { file: 'example', folder: '/', environment: {}, now, checks });

test.each([...generatedFiles()])('%s is up to date (node config/generate.ts writes it)', (name, text) => {
  expect(readFileSync(join(import.meta.dirname, '../../config', name), 'utf8')).toBe(text);
});

test('the example passes the check, without a warning', () => {
  const result = check(exampleText());
  expect(result.ok ? result.loaded.warnings : result.problems.map(printProblem)).toEqual([]);
});

test('what the example adds to the defaults is the sample only: without comments it means the same', () => {
  const result = check(exampleText());
  const again = check(JSON.stringify(parse(exampleText())));
  expect(result.ok && again.ok && again.loaded.config).toEqual(result.ok && result.loaded.config);
});

/** Every schema key below the root, by path, with its description. */
function allKeys(
  schema: Parameters<typeof shapeOf>[0],
  path: string,
  around: readonly unknown[] = [],
): readonly { readonly path: string; readonly key: string; readonly description: string | undefined }[] {
  const shape = shapeOf(schema);
  if (around.includes(shape.schema)) return [];
  const inside = [...around, shape.schema];
  const options = unionOptions(schema);
  if (options.length > 1) return options.flatMap((option) => allKeys(option, path, inside));
  const inner = memberSchema(shape);
  if (inner !== undefined) return allKeys(inner, `${path}[]`, inside);
  return [...(keysOf(shape) ?? [])].flatMap(([key, member]) => [
    { path: `${path}.${key}`, key, description: shapeOf(member).meta.description },
    ...allKeys(member, `${path}.${key}`, inside),
  ]);
}

describe('every key', () => {
  const keys = allKeys(configSchema, '');

  test('has a description', () => {
    expect(keys.filter(({ description }) => description === undefined).map(({ path }) => path)).toEqual([]);
  });

  test('is in the example, active or as a comment', () => {
    const written = new Set(
      [...exampleText().matchAll(/^[\s#-]*"?([A-Za-z0-9_.-]+)"?:(?:\s|$)/gm)].map((match) => match[1]),
    );
    expect(keys.filter(({ key }) => !written.has(key)).map(({ path }) => path)).toEqual([]);
  });

  test('is in the reference', () => {
    const text = referenceText();
    expect(
      keys
        .filter(({ key }) => !text.includes(`.${key}\``) && !text.includes(`\`${key}\``))
        .map(({ path }) => path),
    ).toEqual([]);
  });
});

test('no line of the example is longer than 120 characters', () => {
  expect(
    exampleText()
      .split('\n')
      .filter((line) => line.length > 120),
  ).toEqual([]);
});

test('the JSON Schema accepts the example, and refuses what the loader refuses', () => {
  const schema = z.fromJSONSchema(JSON.parse(printJsonSchema()));
  const example = parse(exampleText());
  expect(schema.safeParse(example).error?.issues ?? []).toEqual([]);
  for (const change of [
    { hostname: undefined },
    { zzz: 1 },
    { shutdownGrace: '5 minutes' },
    { log: { level: 'x' } },
  ]) {
    expect(schema.safeParse({ ...example, ...change }).success, JSON.stringify(change)).toBe(false);
  }
});
