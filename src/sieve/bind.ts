/**
 * sieve/bind - the arguments of one command or test held against its definition; all that does not fit is told.
 */
import type { ArgumentNode, CommandNode, Place, TagNode, TestNode } from '../protocol/sieve/syntax.ts';
import type { Check, Definition, Step, Tag, Text, ValueType } from './definition.ts';
import { hint } from './nearest.ts';
import type { Scope } from './scope.ts';

type Value =
  | { readonly type: 'string'; readonly text: Text }
  | { readonly type: 'strings'; readonly texts: readonly Text[] }
  | { readonly type: 'number'; readonly number: number };

const typeNames: Readonly<Record<ValueType, string>> = {
  string: 'a string',
  strings: 'a string list',
  number: 'a number',
};

const foundNames: Readonly<Record<ArgumentNode['kind'], string>> = {
  string: 'a string',
  strings: 'a string list',
  number: 'a number',
  tag: 'a tag',
};

/** A command or test with its arguments sorted, for its definition to compile. */
export class Call {
  readonly node: CommandNode;
  readonly scope: Scope;
  readonly definition: Definition;
  readonly tests: readonly Check[];
  readonly block: Step;
  readonly #tags: ReadonlyMap<string, { readonly at: Place; readonly value: Value | undefined }>;
  readonly #values: ReadonlyMap<string, Value>;

  constructor(node: CommandNode, scope: Scope, definition: Definition, bound: Bound, inner: Inner) {
    this.node = node;
    this.scope = scope;
    this.definition = definition;
    this.tests = inner.tests;
    this.block = inner.block;
    this.#tags = bound.tags;
    this.#values = bound.values;
  }

  get at(): Place {
    return this.node.at;
  }

  /** `the header test`, for messages. */
  get name(): string {
    return nameOf(this.definition);
  }

  has(tag: string): boolean {
    return this.#tags.has(tag);
  }

  tagAt(tag: string): Place {
    return this.#tags.get(tag)?.at ?? this.at;
  }

  /** The tag of a group that was given. */
  inGroup(group: string): string | undefined {
    return this.definition.tags?.find((tag) => tag.group === group && this.#tags.has(tag.name))?.name;
  }

  #value(name: string): Value | undefined {
    return name.startsWith(':') ? this.#tags.get(name.slice(1))?.value : this.#values.get(name);
  }

  /** Value of a parameter, or of a tag by `:name`. */
  text(name: string): Text {
    const text = this.optionalText(name);
    if (text === undefined) throw new Error(`${this.definition.name} has no ${name}`);
    return text;
  }

  optionalText(name: string): Text | undefined {
    const value = this.#value(name);
    return value?.type === 'string' ? value.text : undefined;
  }

  /** A string list; empty when it was not given. */
  texts(name: string): readonly Text[] {
    const value = this.#value(name);
    return value?.type === 'strings' ? value.texts : [];
  }

  number(name: string): number | undefined {
    const value = this.#value(name);
    return value?.type === 'number' ? value.number : undefined;
  }

  error(text: string, at: Place = this.at): undefined {
    this.scope.error(at, text);
    return undefined;
  }
}

export interface Bound {
  readonly tags: ReadonlyMap<string, { readonly at: Place; readonly value: Value | undefined }>;
  readonly values: ReadonlyMap<string, Value>;
}

export interface Inner {
  readonly tests: readonly Check[];
  readonly block: Step;
}

export const nameOf = (definition: Definition): string => `the ${definition.name} ${definition.kind}`;

/** undefined: something is wrong, and it was told. */
export function bind(node: TestNode, definition: Definition, scope: Scope): Bound | undefined {
  const rest = [...node.args];
  const tags = bindTags(rest, definition, scope);
  if (tags === undefined) return undefined;
  const values = bindValues(node, rest, definition, scope);
  return values && { tags, values };
}

const isInForce = (tag: Tag, scope: Scope): boolean => tag.needs === undefined || scope.has(tag.needs);

function bindTags(rest: ArgumentNode[], definition: Definition, scope: Scope): Bound['tags'] | undefined {
  const tags = new Map<string, { at: Place; value: Value | undefined }>();
  const groups = new Map<string, string>();
  for (let node = rest[0]; node?.kind === 'tag'; node = rest[0]) {
    rest.shift();
    const tag = findTag(node, definition, scope);
    if (tag === undefined) return undefined;
    const rival = tags.has(tag.name) ? tag.name : tag.group && groups.get(tag.group);
    if (rival !== undefined) {
      scope.error(
        node.at,
        rival === tag.name
          ? `the tag ':${tag.name}' stands twice in ${nameOf(definition)}`
          : `the tags ':${rival}' and ':${tag.name}' of ${nameOf(definition)} exclude each other`,
      );
      return undefined;
    }
    if (tag.group) groups.set(tag.group, tag.name);
    let value: Value | undefined;
    if (tag.value !== undefined) {
      value = bindTagValue(rest, node, tag.value, definition, scope);
      if (value === undefined) return undefined;
    }
    tags.set(tag.name, { at: node.at, value });
  }
  return tags;
}

function findTag(node: TagNode, definition: Definition, scope: Scope): Tag | undefined {
  const known = definition.tags?.filter(({ name }) => name === node.name) ?? [];
  const tag = known.find((one) => isInForce(one, scope));
  if (tag) return tag;
  const missing = known[0]?.needs;
  if (missing !== undefined) {
    scope.error(
      node.at,
      `unknown tagged argument ':${node.name}' for ${nameOf(definition)} without require "${missing}"`,
    );
    return undefined;
  }
  const usable = definition.tags?.filter((one) => isInForce(one, scope)).map(({ name }) => `:${name}`) ?? [];
  const takes = usable.length === 0 ? 'it takes no tags' : `it takes ${usable.join(' ')}`;
  scope.error(
    node.at,
    `unknown tagged argument ':${node.name}' for ${nameOf(definition)} (${takes})${hint(`:${node.name}`, usable)}`,
  );
  return undefined;
}

function bindTagValue(
  rest: ArgumentNode[],
  tag: TagNode,
  type: ValueType,
  definition: Definition,
  scope: Scope,
): Value | undefined {
  const node = rest.shift();
  if (node !== undefined && fits(node, type)) return readValue(node, type, scope);
  scope.error(
    node?.at ?? tag.at,
    `the tag ':${tag.name}' of ${nameOf(definition)} expects ${typeNames[type]}, but ${
      node === undefined ? 'nothing' : foundNames[node.kind]
    } was found`,
  );
  return undefined;
}

const fits = (node: ArgumentNode, type: ValueType): boolean =>
  node.kind === type || (type === 'strings' && node.kind === 'string');

function readValue(node: ArgumentNode, type: ValueType, scope: Scope): Value | undefined {
  if (node.kind === 'number') return { type: 'number', number: Number(node.value) };
  if (node.kind === 'tag') return undefined;
  const nodes = node.kind === 'strings' ? node.values : [node];
  const texts = nodes.map(({ value, at }) => scope.text(value, at));
  if (texts.some((text) => text === undefined)) return undefined;
  if (type === 'strings') return { type, texts: texts as Text[] };
  return { type: 'string', text: texts[0] as Text };
}

function bindValues(
  node: TestNode,
  rest: readonly ArgumentNode[],
  definition: Definition,
  scope: Scope,
): Bound['values'] | undefined {
  for (const argument of rest) {
    if (argument.kind !== 'tag') continue;
    if (findTag(argument, definition, scope) !== undefined) {
      scope.error(
        argument.at,
        `unexpected tagged argument ':${argument.name}' behind the positional arguments of ${nameOf(definition)}: tags come first`,
      );
    }
    return undefined;
  }
  const parameters = definition.takes ?? [];
  const least = parameters.filter(({ optional }) => !optional).length;
  if (rest.length < least || rest.length > parameters.length) {
    tellWrongNumber(node, rest, definition, scope);
    return undefined;
  }
  const taken =
    rest.length === parameters.length ? parameters : parameters.filter(({ optional }) => !optional);
  const values = new Map<string, Value>();
  let good = true;
  rest.forEach((argument, index) => {
    const parameter = taken[index];
    if (parameter === undefined || !good) return;
    if (!fits(argument, parameter.type)) {
      scope.error(
        argument.at,
        `${nameOf(definition)} expects ${typeNames[parameter.type]} as argument ${index + 1} (${parameter.name}), but ${foundNames[argument.kind]} was found`,
      );
      good = false;
      return;
    }
    const value = readValue(argument, parameter.type, scope);
    if (value === undefined) good = false;
    else values.set(parameter.name, value);
  });
  return good ? values : undefined;
}

function tellWrongNumber(
  node: TestNode,
  rest: readonly ArgumentNode[],
  definition: Definition,
  scope: Scope,
): void {
  const parameters = definition.takes ?? [];
  const count = rest.length === 1 ? '1 is' : `${rest.length} are`;
  const wanted = parameters.filter(({ optional }) => !optional).length;
  const place = rest[parameters.length]?.at ?? node.at;
  scope.error(
    place,
    parameters.length === 0
      ? `${nameOf(definition)} accepts no positional arguments, but ${count} specified`
      : `${nameOf(definition)} requires ${wanted} positional argument${wanted === 1 ? '' : 's'}, but ${count} specified`,
  );
  // Somebody forgot the colon: what stands as a test is the name of a tag.
  const [inner] = node.tests;
  if (inner && definition.tags?.some(({ name }) => name === inner.name)) {
    scope.error(
      inner.at,
      `missing colon before '${inner.name}': ':${inner.name}' is a tag of ${nameOf(definition)}`,
    );
  }
}
