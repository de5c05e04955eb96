/**
 * config/cross-check - what spans sections: names that refer to things defined elsewhere.
 *
 * Works on the values as written, so that it can speak even where the schema has complaints of its own.
 */
import { nearest } from './nearest.ts';
import { type Finding, type Path, printPath } from './problem.ts';

/** A pattern of keys: `*` is any key or index; the value there, or each in a list there, is a name out of `names`. */
interface Reference {
  readonly from: string;
  readonly names: string;
  readonly what: string;
  /** Names that are there without being written. */
  readonly implied?: readonly string[];
}

const site = { names: 'sites', what: 'site' } as const;
const references: readonly Reference[] = [
  { from: 'domains.*.site', ...site },
  { from: 'homes.rules.*.site', ...site },
  { from: 'homes.byKind.*', ...site },
  { from: 'homes.default', ...site },
  { from: 'groups.opaqueSite', ...site },
  { from: 'rules.*.then.**.routeTo', ...site },
  { from: 'rules.*.then.**.deliverAlso', ...site },
  { from: 'rules.*.then.**.journalTo.site', ...site },
  { from: 'rules.*.when.**.recipient.home', ...site },
  { from: 'rules.*.when.**.client.site', ...site },
  { from: 'directory.sources.*.homes.local', ...site },
  { from: 'directory.sources.*.home', ...site },
  { from: 'directory.sources.*.homes.remote', ...site },
  { from: 'directory.sources.*.homes.values.*', ...site },
  { from: 'directory.precedence', names: 'directory.sources.*.name', what: 'directory source' },
  { from: 'auth.ldap.*.source', names: 'directory.sources.*.name', what: 'directory source' },
  { from: 'rules.*.when.**.client.listener', names: 'listeners.*.name', what: 'listener', implied: ['mx'] },
];

/** Values of which no two may be the same, letter case aside. */
const unique: readonly { readonly at: string; readonly what: string }[] = [
  { at: 'domains.*.name', what: 'domain' },
  { at: 'rules.*.name', what: 'rule' },
];

export function crossCheck(value: unknown): readonly Finding[] {
  return [
    ...references.flatMap((reference) => checkReference(value, reference)),
    ...unique.flatMap(({ at, what }) => checkUnique(value, at, what)),
  ];
}

function checkUnique(value: unknown, at: string, what: string): readonly Finding[] {
  const seen = new Map<string, Path>();
  return select(value, at.split('.')).flatMap(({ path, value: name }): Finding[] => {
    if (typeof name !== 'string') return [];
    const first = seen.get(name.toLowerCase());
    if (first === undefined) {
      seen.set(name.toLowerCase(), path);
      return [];
    }
    const text = `a second ${what} with this name; the first is ${printPath(first)}`;
    return [{ path, at: 'value', severity: 'error', text }];
  });
}

function checkReference(value: unknown, { from, names, what, implied = [] }: Reference): readonly Finding[] {
  const known = [...new Set([...namesAt(value, names), ...implied])];
  return select(value, from.split('.')).flatMap(({ path, value: name }): Finding[] => {
    if (typeof name !== 'string' || known.includes(name)) return [];
    const list = known.length === 0 ? 'none is defined' : `there are ${known.join(', ')}`;
    const suggestion = nearest(name, known);
    return [
      {
        path,
        at: 'value',
        severity: 'error',
        text: `no ${what} is called ${JSON.stringify(name)}; ${list}`,
        expected: `the name of a ${what}`,
        found: JSON.stringify(name),
        ...(suggestion === undefined ? {} : { suggestion: JSON.stringify(suggestion) }),
      },
    ];
  });
}

/** The names defined at a pattern: keys of the map there, or values where it ends in a key. */
function namesAt(value: unknown, pattern: string): readonly string[] {
  const found = select(value, pattern.split('.'));
  return found.flatMap(({ value: inner }) =>
    typeof inner === 'string' ? [inner] : Object.keys(inner ?? {}),
  );
}

interface Selected {
  readonly path: Path;
  readonly value: unknown;
}

/** All values that a pattern reaches. `**` is any number of keys, for conditions within conditions. */
function select(value: unknown, pattern: readonly string[], path: Path = []): readonly Selected[] {
  const [key, ...rest] = pattern;
  if (key === undefined) {
    if (!Array.isArray(value)) return [{ path, value }];
    return value.map((item, index) => ({ path: [...path, index], value: item }));
  }
  if (typeof value !== 'object' || value === null) return key === '**' ? select(value, rest, path) : [];
  const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? value.map((item, index) => [index, item] as const)
    : Object.entries(value);
  if (key === '**') {
    return [
      ...select(value, rest, path),
      ...entries.flatMap(([name, inner]) => select(inner, pattern, [...path, name])),
    ];
  }
  return entries
    .filter(([name]) => key === '*' || key === name)
    .flatMap(([name, inner]) => select(inner, rest, [...path, name]));
}
