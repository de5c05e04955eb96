/**
 * config/reference - every key as Markdown tables, printed from the schema.
 *
 * `sites.NAME.tls` is a key of each named entry, `listeners[].port` one of each entry of a list, and
 * `sources[kind=ldap].url` one that only entries of that kind have.
 */
import type { z } from 'zod';
import { printChoice } from './problem.ts';
import { keysOf, memberSchema, type Shape, shapeOf, unionOptions, valuesOf } from './shape.ts';

type Schema = z.core.$ZodType;

export function printReference(root: Schema, head: readonly string[]): string {
  const keys = [...(keysOf(shapeOf(root)) ?? [])];
  const single = keys.filter(([, schema]) => isSingle(schema));
  const sections = keys.filter(([, schema]) => !isSingle(schema));
  const described: Described = new Map();
  const rows = (of: typeof keys): readonly Row[] =>
    of.flatMap(([key, schema]) => rowsOf(key, schema, described));
  const tables = [table('General', rows(single)), ...sections.map((one) => table(one[0], rows([one])))];
  return `${[...head, ...tables.flat()].join('\n').trimEnd()}\n`;
}

const isSingle = (schema: Schema): boolean =>
  unionOptions(schema).every((option) => {
    const shape = shapeOf(option);
    return keysOf(shape) === undefined && memberSchema(shape) === undefined;
  });

const table = (title: string, rows: readonly Row[]): readonly string[] => [
  `## ${title}`,
  '',
  '| key | type | default | meaning |',
  '| --- | --- | --- | --- |',
  ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
  '',
];

type Row = readonly [path: string, type: string, initial: string, meaning: string];

/** Maps whose keys have rows, with the path at which they have them: each is described once. */
type Described = Map<Schema, string>;

function rowsOf(path: string, schema: Schema, described: Described): readonly Row[] {
  const shape = shapeOf(schema);
  const own: Row = [`\`${path}\``, typeOf(schema), initialOf(shape), shape.meta.description ?? ''];
  return [own, ...insideOf(path, schema, described)];
}

/** Rows of what is in it; the thing itself has its row already. */
function insideOf(path: string, schema: Schema, described: Described): readonly Row[] {
  const shape = shapeOf(schema);
  const { def } = shape.schema._zod;
  if (def.type === 'union') {
    return oneOfEach(unionOptions(schema)).flatMap((option) =>
      insideOf(`${path}${kindOf(option, def)}`, option, described),
    );
  }
  const keys = keysOf(shape);
  if (keys !== undefined) return rowsOfKeys(path, shape.schema, keys, described);
  const inner = memberSchema(shape);
  if (inner === undefined) return [];
  return insideOf(def.type === 'record' ? `${path}.NAME` : `${path}[]`, inner, described);
}

function rowsOfKeys(path: string, map: Schema, keys: ReadonlyMap<string, Schema>, described: Described) {
  const before = described.get(map);
  if (before !== undefined) return [[`\`${path}.…\``, '', '', `Keys as in \`${before}\`.`] as const];
  described.set(map, path);
  return [...keys].flatMap(([key, inner]) => rowsOf(`${path}.${key}`, inner, described));
}

/** Where one thing or a list of such things may be given, the things are described once. */
function oneOfEach(options: readonly Schema[]): readonly Schema[] {
  const single = new Set(options.map((option) => shapeOf(option).schema));
  return options.filter((option) => {
    const inner = memberSchema(shapeOf(option));
    return inner === undefined || !single.has(shapeOf(inner).schema);
  });
}

/** `[kind=ldap]`, for a union that has a discriminator. */
function kindOf(option: Schema, def: z.core.$ZodUnionDef): string {
  const discriminator = 'discriminator' in def ? String(def.discriminator) : undefined;
  const tag = discriminator === undefined ? undefined : keysOf(shapeOf(option))?.get(discriminator);
  return tag === undefined ? '' : `[${discriminator}=${valuesOf(shapeOf(tag)).join('|')}]`;
}

function typeOf(schema: Schema): string {
  const shape = shapeOf(schema);
  const { def } = shape.schema._zod;
  if (def.type === 'union') return typeOfUnion(unionOptions(schema));
  const values = valuesOf(shape);
  if (values.length > 0) return values.map((value) => `\`${printChoice(value)}\``).join(' ');
  const inner = memberSchema(shape);
  if (def.type === 'array' && inner !== undefined) return `list of ${typeOf(inner)}`;
  if (def.type === 'record' && inner !== undefined) return `names, each a ${typeOf(inner)}`;
  const words: Readonly<Record<string, string>> = {
    string: 'text',
    object: 'map',
    boolean: '`true` `false`',
  };
  return shape.meta.unit ?? words[def.type] ?? def.type;
}

function typeOfUnion(options: readonly Schema[]): string {
  const each = oneOfEach(options);
  const types = [...new Set(each.map(typeOf))].join(' or ');
  return each.length < options.length ? `${types}, or a list of these` : types;
}

function initialOf(shape: Shape): string {
  if (!shape.optional) return '**required**';
  if (shape.initial === undefined) return 'none';
  // The defaults of a map are those of its keys, each in its own row.
  if (keysOf(shape) !== undefined) return '';
  return `\`${JSON.stringify(shape.initial).replaceAll(/^"|"$/g, '')}\``;
}

const cell = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
