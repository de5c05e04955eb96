/**
 * config/show - the configuration in effect, as YAML: what the file says and the defaults where it says nothing.
 *
 * In source notation (`5m`, not milliseconds). Secrets are shown as `***`.
 */
import { stringify } from 'yaml';
import type { z } from 'zod';
import type { Loaded } from './load.ts';
import type { Path } from './problem.ts';
import { configSchema } from './schema.ts';
import { candidates, keysOf, memberSchema, shapeOf } from './shape.ts';

export function printEffective(loaded: Loaded): string {
  return stringify(effectiveValues(loaded), { lineWidth: 0, aliasDuplicateObjects: false });
}

export function effectiveValues(loaded: Loaded): unknown {
  return withDefaults(configSchema, loaded.source, [], loaded.isSecret);
}

function withDefaults(
  schema: z.core.$ZodType,
  given: unknown,
  path: Path,
  isSecret: (path: Path) => boolean,
): unknown {
  const value = given ?? shapeOf(schema).initial;
  if (typeof value !== 'object' || value === null)
    return value !== undefined && isSecret(path) ? '***' : value;
  const shapes = candidates(schema, value);
  if (Array.isArray(value)) {
    const item = shapes.map((shape) => memberSchema(shape)).find((inner) => inner !== undefined);
    return value.map((inner, index) =>
      item === undefined ? inner : withDefaults(item, inner, [...path, index], isSecret),
    );
  }
  const keys = shapes.map(keysOf).find((known) => known !== undefined && isSubset(value, known));
  const entries = keys ?? shapes.map((shape) => recordKeys(memberSchema(shape), value))[0] ?? new Map();
  return Object.fromEntries(
    [...entries].flatMap(([key, inner]): [string, unknown][] => {
      const made = withDefaults(inner, (value as Record<string, unknown>)[key], [...path, key], isSecret);
      return made === undefined ? [] : [[key, made]];
    }),
  );
}

const isSubset = (value: object, keys: ReadonlyMap<string, unknown>): boolean =>
  Object.keys(value).every((key) => keys.has(key));

const recordKeys = (inner: z.core.$ZodType | undefined, value: object) =>
  inner === undefined ? undefined : new Map(Object.keys(value).map((key) => [key, inner] as const));
