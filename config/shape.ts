/**
 * config/shape - what the schema says about a place in the configuration.
 *
 * The only file that looks inside zod schemas. A place may have several candidate schemas, the branches of a union; a
 * branch that its discriminator rules out is left aside. Wrappers (optional, default, refinement, transform) are taken
 * off, their metadata kept, the outermost winning.
 */
import { z } from 'zod';
import type { Path } from './problem.ts';

type Schema = z.core.$ZodType;

/** What our own units and zod's `.describe()` say beside the type. */
export interface Meta {
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly secret?: boolean;
  readonly path?: boolean;
  readonly readable?: boolean;
  readonly certificatePair?: boolean;
  /** The kind of value in the reference: `duration`, `size`, … */
  readonly unit?: string;
}

export interface Shape {
  /** Without wrappers; a union is kept as it is. */
  readonly schema: z.core.$ZodTypes;
  readonly meta: Meta;
  /** May be left out. */
  readonly optional: boolean;
  /** null means something here. */
  readonly nullable: boolean;
  /** In source notation; undefined: none. */
  readonly initial?: unknown;
}

export function shapeOf(outer: Schema): Shape {
  const layers: Meta[] = [];
  let optional = false;
  let nullable = false;
  let initial: unknown;
  let schema = outer as z.core.$ZodTypes;
  for (;;) {
    layers.unshift((z.globalRegistry.get(schema) ?? {}) as Meta);
    const { def } = schema._zod;
    switch (def.type) {
      case 'optional':
        optional = true;
        break;
      case 'default':
      case 'prefault':
        optional = true;
        initial ??= def.defaultValue;
        break;
      case 'nullable':
        nullable = true;
        break;
      case 'readonly':
      case 'nonoptional':
      case 'catch':
        break;
      case 'lazy':
        schema = def.getter() as z.core.$ZodTypes;
        continue;
      case 'pipe':
        // z.preprocess() puts its function first, .transform() last; the type is the other side.
        schema = (
          (def.in as z.core.$ZodTypes)._zod.def.type === 'transform' ? def.out : def.in
        ) as z.core.$ZodTypes;
        continue;
      default: {
        const shape = { schema, meta: Object.assign({}, ...layers) as Meta, optional, nullable };
        return initial === undefined ? shape : { ...shape, initial };
      }
    }
    schema = def.innerType as z.core.$ZodTypes;
  }
}

/** The shapes that `value` may be meant to have: unions are opened, branches ruled out by their discriminator are not. */
export function candidates(outer: Schema, value: unknown): readonly Shape[] {
  const shape = shapeOf(outer);
  const { def } = shape.schema._zod;
  if (def.type === 'union') {
    const options = def.options.filter((option) => permits(option, discriminatorOf(def), value));
    return (options.length === 0 ? def.options : options)
      .flatMap((option) => candidates(option, value))
      .map((inner) => ({
        ...inner,
        meta: { ...inner.meta, ...shape.meta },
        optional: inner.optional || shape.optional,
        nullable: inner.nullable || shape.nullable,
      }));
  }
  if (def.type === 'intersection') return [...candidates(def.left, value), ...candidates(def.right, value)];
  return [shape];
}

const discriminatorOf = (def: z.core.$ZodUnionDef): string | undefined =>
  'discriminator' in def && typeof def.discriminator === 'string' ? def.discriminator : undefined;

function permits(option: Schema, discriminator: string | undefined, value: unknown): boolean {
  if (discriminator === undefined) return true;
  const kind = memberOf(value, discriminator);
  return candidates(option, value).some((shape) => {
    const tag = keysOf(shape)?.get(discriminator);
    return tag !== undefined && valuesOf(shapeOf(tag)).includes(kind as string);
  });
}

const memberOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;

/** The keys of an object, in the order in which they were written; undefined for anything else. */
export function keysOf({ schema }: Shape): ReadonlyMap<string, Schema> | undefined {
  const { def } = schema._zod;
  return def.type === 'object' ? new Map(Object.entries(def.shape)) : undefined;
}

/** The values of an enumeration or a literal; empty for anything else. */
export function valuesOf({ schema }: Shape): readonly (string | number | boolean)[] {
  const { def } = schema._zod;
  if (def.type === 'enum') return Object.values(def.entries);
  if (def.type === 'literal') return def.values.filter((value) => typeof value !== 'bigint' && value != null);
  return [];
}

/** The schema of a member that has no key of its own: an element of a list, a value of a record. */
export function memberSchema({ schema }: Shape, index = 0): Schema | undefined {
  const { def } = schema._zod;
  if (def.type === 'array') return def.element;
  if (def.type === 'record') return def.valueType;
  if (def.type === 'tuple') return def.items[index] ?? def.rest ?? undefined;
  if (def.type === 'object')
    return def.catchall === undefined || isNever(def.catchall) ? undefined : def.catchall;
  return undefined;
}

/** The names that a record permits, where they are listed; empty where any will do. */
export function recordNames({ schema }: Shape): readonly string[] {
  const { def } = schema._zod;
  return def.type === 'record' ? candidates(def.keyType, undefined).flatMap(valuesOf).map(String) : [];
}

const isNever = (schema: Schema): boolean => (schema as z.core.$ZodTypes)._zod.def.type === 'never';

/** One step down from any of `shapes`. */
function step(shapes: readonly Shape[], key: string | number, value: unknown): readonly Shape[] {
  return shapes.flatMap((shape) => {
    const inner =
      (typeof key === 'string' ? keysOf(shape)?.get(key) : undefined) ??
      memberSchema(shape, typeof key === 'number' ? key : 0);
    return inner === undefined ? [] : candidates(inner, value);
  });
}

/** All shapes at `path` below `root`, seen along `value`. */
export function shapesAt(root: Schema, path: Path, value: unknown): readonly Shape[] {
  let shapes = candidates(root, value);
  let here = value;
  for (const key of path) {
    here =
      typeof here === 'object' && here !== null ? (here as Record<string | number, unknown>)[key] : undefined;
    shapes = step(shapes, key, here);
  }
  return shapes;
}

/** Whether what stands at `path` must not be printed: some candidate, or something around it, is marked secret. */
export function isSecretAt(root: Schema, path: Path, value: unknown): boolean {
  return path.some((_, index) =>
    shapesAt(root, path.slice(0, index + 1), value).some(({ meta }) => meta.secret === true),
  );
}

export interface Visited {
  readonly path: Path;
  readonly value: unknown;
  readonly shapes: readonly Shape[];
}

/**
 * Visits every value with the shapes it may have, parents before children, and makes a copy in which each value is
 * what `visit` answered. Answering undefined leaves a key out.
 */
export function mapValues(root: Schema, value: unknown, visit: (visited: Visited) => unknown): unknown {
  const go = (shapes: readonly Shape[], inner: unknown, path: Path): unknown => {
    const answer = visit({ path, value: inner, shapes });
    if (Array.isArray(answer)) {
      return answer.map((item, index) => go(step(shapes, index, item), item, [...path, index]));
    }
    if (typeof answer !== 'object' || answer === null) return answer;
    const copy: Record<string, unknown> = Object.create(null);
    for (const [key, item] of Object.entries(answer)) {
      const made = go(step(shapes, key, item), item, [...path, key]);
      if (made !== undefined) copy[key] = made;
    }
    return copy;
  };
  return go(candidates(root, value), value, []);
}

/** The branches of a union, nested unions opened; the schema itself where it is none. */
export function unionOptions(outer: Schema): readonly Schema[] {
  const { def } = shapeOf(outer).schema._zod;
  return def.type === 'union' ? def.options.flatMap(unionOptions) : [outer];
}
