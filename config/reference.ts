/**
 * config/reference - every key as Markdown tables, printed from the schema.
 *
 * `sites.NAME.tls` is a key of each named entry, `listeners[].port` one of each entry of a list, and
 * `sources[kind=ldap].url` one that only entries of that kind have.
 */
import type { z } from 'zod';
import { keysOf, memberSchema, type Shape, shapeOf, unionOptions, valuesOf } from './shape.ts';

type Schema = z.core.$ZodType;

export function printReference(root: Schema, head: readonly string[]): string {
  const keys = [...(keysOf(shapeOf(root)) ?? [])];
  const single = keys.filter(([, schema]) => isSingle(schema));
  const sections = keys.filter(([, schema]) => !isSingle(schema));
  const general = table(
    'General',
    single.flatMap(([key, schema]) => rowsOf(key, schema, [])),
  );
  return `${[...head, ...general, ...sections.flatMap(([key, schema]) => table(key, rowsOf(key, schema, [])))].join('\n').trimEnd()}\n`;
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

function rowsOf(path: string, schema: Schema, around: readonly Schema[]): readonly Row[] {
  const shape = shapeOf(schema);
  const own: Row = [`\`${path}\``, typeOf(schema), initialOf(shape), shape.meta.description ?? ''];
  if (around.includes(shape.schema)) return [[own[0], own[1], own[2], `${own[3]} Keys as above.`.trim()]];
  return [own, ...insideOf(path, schema, [...around, shape.schema])];
}

/** Rows of what is in it; the thing itself has its row already. */
function insideOf(path: string, schema: Schema, around: readonly Schema[]): readonly Row[] {
  const shape = shapeOf(schema);
  const { def } = shape.schema._zod;
  if (def.type === 'union') {
    return unionOptions(schema).flatMap((option) =>
      insideOf(`${path}${kindOf(option, def)}`, option, around),
    );
  }
  const keys = keysOf(shape);
  if (keys !== undefined) {
    return [...keys].flatMap(([key, inner]) => rowsOf(`${path}.${key}`, inner, [...around, shape.schema]));
  }
  const inner = memberSchema(shape);
  if (inner === undefined) return [];
  const name = def.type === 'record' ? `${path}.NAME` : `${path}[]`;
  if (around.includes(shapeOf(inner).schema)) return [];
  return insideOf(name, inner, [...around, shapeOf(inner).schema]);
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
  if (def.type === 'union') return [...new Set(unionOptions(schema).map(typeOf))].join(' or ');
  const values = valuesOf(shape);
  if (values.length > 0) return values.map((value) => `\`${value}\``).join(' ');
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

function initialOf(shape: Shape): string {
  if (!shape.optional) return '**required**';
  if (shape.initial === undefined) return 'none';
  // The defaults of a map are those of its keys, each in its own row.
  if (keysOf(shape) !== undefined) return '';
  return `\`${JSON.stringify(shape.initial).replaceAll(/^"|"$/g, '')}\``;
}

const cell = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
