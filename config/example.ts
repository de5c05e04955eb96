/**
 * config/example - the annotated example file, printed from the schema: every key, its description, its default.
 *
 * A line that begins with `#` and a blank is prose; `#key: value` is a key that may be taken in by deleting the `#`.
 * Values come from the sample where it has one, else they are the defaults. The first entry of each kind in a list is
 * printed whole, later ones with the sample's keys only, and a kind without a sample as a comment. A map of the same kind as one that
 * was explained further up is not explained again.
 */
import { stringify } from 'yaml';
import type { z } from 'zod';
import { printChoice } from './problem.ts';
import { candidates, keysOf, memberSchema, type Shape, shapeOf, unionOptions, valuesOf } from './shape.ts';

type Schema = z.core.$ZodType;

const width = 100;
/** Maps of fewer keys are explained each time. */
const leastExplained = 3;

export function printExample(root: Schema, sample: unknown, head: readonly string[]): string {
  const keys = keysOf(shapeOf(root)) ?? new Map<string, Schema>();
  const explained = new Set<Schema>();
  const blocks = [...keys].map(([key, schema]) => [
    '',
    ...entry(key, schema, member(sample, key), { around: [], explained }),
  ]);
  return `${[...head.map((line) => `# ${line}`.trimEnd()), ...blocks.flat()].join('\n')}\n`;
}

interface Context {
  /** The schemas we are inside of: a condition within a condition ends here. */
  readonly around: readonly Schema[];
  /** Maps whose keys have been printed with their descriptions. */
  readonly explained: Set<Schema>;
}

const within = (context: Context, schema: Schema): Context => ({
  ...context,
  around: [...context.around, schema],
});

type Rendered = { readonly inline: string } | { readonly block: readonly string[] };

/** One key with its description, active or as a comment. */
function entry(key: string, schema: Schema, sample: unknown, context: Context): readonly string[] {
  const shape = shapeOf(schema);
  const given = sample ?? shape.initial;
  if (context.around.includes(shape.schema)) return [];
  const rendered = render(schema, given, within(context, shape.schema));
  const name = printKey(key);
  const lines = withName(name, rendered);
  const active = isActive(shape, sample, rendered);
  const shown = active ? lines : lines.map((line) => `#${line}`);
  return [...prose(shape), ...shown, ...otherKinds(name, schema, given, within(context, shape.schema))];
}

function withName(name: string, rendered: Rendered): readonly string[] {
  if ('inline' in rendered) return [`${name}: ${rendered.inline}`];
  return [`${name}:`, ...indent(rendered.block.length === 0 ? ['# Keys as above.'] : rendered.block)];
}

/** Where a key takes maps of several kinds: those that are not shown, as comments. */
function otherKinds(name: string, schema: Schema, given: unknown, context: Context): readonly string[] {
  const shown = fitting(schema, given).schema;
  const others = unionOptions(schema).filter((option) => {
    const shape = shapeOf(option);
    return keysOf(shape) !== undefined && shape.schema !== shown && !context.around.includes(shape.schema);
  });
  return others.flatMap((option) => {
    const block = blockOf(option, undefined, context);
    return ['# Or:', ...[`${name}:`, ...indent(block)].map((line) => `#${line}`)];
  });
}

/** Required keys, sample values and real defaults; not the empty lists of things, whose comment shows one thing. */
function isActive(shape: Shape, sample: unknown, rendered: Rendered): boolean {
  if (sample !== undefined || !shape.optional) return true;
  if (shape.initial === undefined) return false;
  return 'inline' in rendered || !isEmptyContainer(shape);
}

const isEmptyContainer = (shape: Shape): boolean =>
  keysOf(shape) === undefined && Object.keys(shape.initial ?? {}).length === 0;

function render(schema: Schema, value: unknown, context: Context): Rendered {
  const shape = fitting(schema, value);
  const keys = keysOf(shape);
  if (keys !== undefined) {
    if (keys.size >= leastExplained && context.explained.has(shape.schema)) {
      return { block: value === undefined || Object.keys(value ?? {}).length === 0 ? [] : plain(value) };
    }
    context.explained.add(shape.schema);
    const inside = within(context, shape.schema);
    return { block: [...keys].flatMap(([key, inner]) => entry(key, inner, member(value, key), inside)) };
  }
  const inner = memberSchema(shape);
  if (inner === undefined) return { inline: scalar(value ?? exampleOf(shape)) };
  if (shape.schema._zod.def.type === 'record') return renderRecord(inner, value, shape, context);
  return renderList(inner, value, shape, context);
}

function renderList(inner: Schema, value: unknown, shape: Shape, context: Context): Rendered {
  const items = Array.isArray(value) ? value : [];
  if (isScalar(inner)) return { inline: flow(value ?? shape.meta.examples?.[0] ?? []) };
  const whole = wholeEntries(inner, items, context);
  const lines = whole.map(({ lines, active }) => {
    const [first = '{}', ...rest] = lines;
    const item = [`- ${first}`, ...rest.map((line) => (line === '' ? line : `  ${line}`))];
    return active ? item : item.map((line) => `#${line}`);
  });
  return { block: lines.flat() };
}

function renderRecord(inner: Schema, value: unknown, shape: Shape, context: Context): Rendered {
  const names = Object.keys(value ?? {});
  if (isScalar(inner)) return { inline: flow(value ?? shape.meta.examples?.[0] ?? {}) };
  const whole = wholeEntries(inner, Object.values(value ?? {}), context);
  const lines = whole.map(({ lines, active }, index) => {
    const item = [`${printKey(names[index] ?? 'name')}:`, ...indent(lines)];
    return active ? item : item.map((line) => `#${line}`);
  });
  return { block: lines.flat() };
}

/** The entries of a list or record: of each kind the first in full, kinds that the sample lacks as comments. */
function wholeEntries(inner: Schema, values: readonly unknown[], context: Context) {
  const seen = new Set<Schema>();
  const given = values.map((value) => {
    const { schema } = fitting(inner, value);
    const lines = seen.has(schema) ? plain(value) : blockOf(inner, value, context);
    seen.add(schema);
    return { lines, active: true };
  });
  const kinds = unionOptions(inner).filter((option) => {
    const { schema } = shapeOf(option);
    return keysOf(shapeOf(option)) !== undefined && !seen.has(schema) && !context.around.includes(schema);
  });
  // An empty list is itself a comment: its example entry need not be one again.
  const missing = kinds.map((kind, index) => ({
    lines: blockOf(kind, undefined, context),
    active: values.length === 0 && index === 0,
  }));
  return [...given, ...missing];
}

function blockOf(schema: Schema, value: unknown, context: Context): readonly string[] {
  const rendered = render(schema, value, context);
  return 'inline' in rendered ? [rendered.inline] : rendered.block;
}

/** Of several branches the one that `value` was written for. */
function fitting(schema: Schema, value: unknown): Shape {
  const shapes = candidates(schema, value);
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const found = shapes.find((shape) => {
    const keys = keysOf(shape);
    if (keys !== undefined) return isObject && Object.keys(value).every((key) => keys.has(key));
    if (shape.schema._zod.def.type === 'array') return Array.isArray(value);
    return shape.schema._zod.def.type === typeof value || valuesOf(shape).includes(value as string);
  });
  return found ?? shapes[0] ?? shapeOf(schema);
}

const isScalar = (schema: Schema): boolean =>
  candidates(schema, undefined).every(
    (shape) => keysOf(shape) === undefined && memberSchema(shape) === undefined,
  );

/** Something to show where there is neither sample nor default. */
export function exampleOf(shape: Shape): unknown {
  const { meta, initial } = shape;
  const [first] = meta.examples ?? [];
  const byUnit: Readonly<Record<string, unknown>> = {
    duration: '5m',
    size: '50MB',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what the operator writes
    secret: '${env:ISTHMUS_SECRET}',
    port: 25,
    path: '/etc/isthmus/file',
    file: '/etc/isthmus/file.pem',
    'IP address': '192.0.2.1',
    network: '192.0.2.0/24',
    domain: 'example.org',
    'mail address': 'ada@example.org',
    name: 'name',
  };
  const byType: Readonly<Record<string, unknown>> = { number: 1, boolean: true, string: 'text' };
  return (
    first ??
    initial ??
    byUnit[meta.unit ?? ''] ??
    valuesOf(shape)[0] ??
    byType[shape.schema._zod.def.type] ??
    'text'
  );
}

function prose(shape: Shape): readonly string[] {
  const { description } = shape.meta;
  const values = candidates(shape.schema, undefined).flatMap(valuesOf);
  const choice = values.length > 1 ? ` One of: ${values.map(printChoice).join(', ')}.` : '';
  return description === undefined ? [] : wrap(`${description}${choice}`).map((line) => `# ${line}`);
}

function wrap(text: string): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const indent = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => (line === '' ? line : `  ${line}`));
const member = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
const scalar = (value: unknown): string => stringify(value, { lineWidth: 0 }).trimEnd();
const printKey = (key: string): string => scalar(key);
const flow = (value: unknown): string =>
  stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trimEnd();
const plain = (value: unknown): readonly string[] => scalar(value).split('\n');
