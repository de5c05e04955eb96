/**
 * config/issues - zod's issues in our words: what was expected, what was found, what was probably meant.
 *
 * An issue of a union never reaches the operator as such: the branch that fits best is chosen, and its issues are told.
 */
import type { z } from 'zod';
import { nearest } from './nearest.ts';
import { type Finding, type Path, printChoice, printFound, printPath } from './problem.ts';
import { keysOf, recordNames, type Shape, shapesAt, valuesOf } from './shape.ts';

type Issue = z.core.$ZodIssue;

/** What the findings are made from: the schema, the value it refused, and what must not be shown. */
export interface Judged {
  readonly root: z.core.$ZodType;
  readonly value: unknown;
  readonly isSecret: (path: Path) => boolean;
}

export function findingsOf(issues: readonly Issue[], judged: Judged): readonly Finding[] {
  const findings = worthTelling(issues).flatMap((issue) => findingsOfIssue(issue, [], judged));
  return findings.filter((finding) => !isMistyped(finding, findings, judged));
}

/** A key that is missing because it is mistyped is told once, where it stands. */
function isMistyped(missing: Finding, findings: readonly Finding[], judged: Judged): boolean {
  if (valueAt(judged.value, missing.path) !== undefined) return false;
  const home = printPath(missing.path.slice(0, -1));
  const meant = JSON.stringify(missing.path.at(-1));
  return findings.some(
    ({ at, path, suggestion }) =>
      at === 'key' && suggestion === meant && printPath(path.slice(0, -1)) === home,
  );
}

/** A refinement that misses something in a map with an unknown key most likely misses that key. */
function worthTelling(issues: readonly Issue[]): readonly Issue[] {
  const unknown = issues
    .filter(({ code }) => code === 'unrecognized_keys')
    .map(({ path }) => path.join('\0'));
  return issues.filter(({ code, path }) => code !== 'custom' || !unknown.includes(path.join('\0')));
}

function findingsOfIssue(issue: Issue, base: Path, judged: Judged): readonly Finding[] {
  const path = [...base, ...(issue.path as Path)];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey([...path, key], judged));
    case 'invalid_union':
      return ofUnion(issue, path, judged);
    case 'invalid_key':
      return [badKey(issue, path)];
    default:
      return [badValue(issue, path, judged)];
  }
}

function badValue(issue: Issue, path: Path, judged: Judged): Finding {
  const value = valueAt(judged.value, path);
  const secret = judged.isSecret(path);
  const base = { path, at: 'value', severity: 'error' } as const;
  const said = wordsOf(issue);
  if (said.text !== undefined) return { ...base, text: said.text };
  // Of a map that breaks a rule between its keys, that it is a map says nothing.
  if (issue.code === 'custom' && typeof value === 'object') return { ...base, expected: said.expected ?? '' };
  const absent = value === undefined && path.length > 0;
  const found = absent ? 'nothing: the key is required' : printFound(value, secret);
  const suggestion = secret ? undefined : suggest(issue, value);
  return {
    ...base,
    expected: said.expected ?? '',
    found,
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}

function badKey(issue: Extract<Issue, { code: 'invalid_key' }>, path: Path): Finding {
  const [inner] = issue.issues;
  const { expected, text } = inner === undefined ? { expected: 'another key' } : wordsOf(inner);
  const found = JSON.stringify(String(path.at(-1)));
  return {
    path,
    at: 'key',
    severity: 'error',
    ...(text === undefined ? { expected: `${expected ?? 'another key'} as key`, found } : { text }),
  };
}

function unknownKey(path: Path, judged: Judged): Finding {
  const key = String(path.at(-1));
  const shapes = shapesAt(judged.root, path.slice(0, -1), judged.value);
  const known = keysOfAll(shapes);
  const suggestion = nearest(key, known);
  const home = suggestion === undefined ? homeOf(key, path, judged) : undefined;
  const text =
    suggestion !== undefined
      ? 'unknown key'
      : home !== undefined
        ? `unknown key here; it is a key of ${home}: check the indentation`
        : known.length === 0
          ? 'unknown key'
          : `unknown key, expected one of ${known.join('|')}`;
  return {
    path,
    at: 'key',
    severity: 'error',
    text,
    expected: `one of ${known.join('|')}`,
    found: JSON.stringify(key),
    ...(suggestion === undefined ? {} : { suggestion: JSON.stringify(suggestion) }),
  };
}

const keysOfAll = (shapes: readonly Shape[]): readonly string[] => [
  ...new Set(shapes.flatMap((shape) => [...(keysOf(shape)?.keys() ?? recordNames(shape))])),
];

/** The map further out of which `key` is a valid key: most often it is indented too far. */
function homeOf(key: string, path: Path, judged: Judged): string | undefined {
  for (let length = path.length - 2; length >= 0; length -= 1) {
    const outer = path.slice(0, length);
    if (keysOfAll(shapesAt(judged.root, outer, judged.value)).includes(key)) {
      return length === 0 ? 'the top level' : printPath(outer);
    }
  }
  return undefined;
}

function ofUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  judged: Judged,
): readonly Finding[] {
  if (issue.errors.length === 0) return [noSuchKind(issue, path, judged)];
  const branches = issue.errors as readonly (readonly Issue[])[];
  const entered = branches.filter((branch) => !branch.some(isRefusedWhole));
  if (entered.length === 0) return [noSuchType(branches, path, judged)];
  const scored = entered.map((branch) => ({ branch, score: misfit(branch) }));
  scored.sort((a, b) => a.score - b.score);
  const [best] = scored;
  if (best === undefined) return [];
  // A key unknown to every branch says more than what a branch chosen by chance misses.
  const unknown = best.branch.filter(({ code }) => code === 'unrecognized_keys');
  const tie = scored.filter(({ score }) => score === best.score).length > 1;
  const told = tie && unknown.length > 0 ? unknown : worthTelling(best.branch);
  return told.flatMap((inner) => findingsOfIssue(inner, path, judged));
}

/** The discriminator is missing or has no such value. */
function noSuchKind(issue: Extract<Issue, { code: 'invalid_union' }>, path: Path, judged: Judged): Finding {
  const kind = 'discriminator' in issue ? String(issue.discriminator) : undefined;
  const value = valueAt(judged.value, path);
  const options = kind === undefined ? [] : kindsAt(judged, path, kind);
  const found =
    value === undefined ? 'nothing: the key is required' : printFound(value, judged.isSecret(path));
  const suggestion = typeof value === 'string' ? nearest(value, options) : undefined;
  return {
    path,
    at: 'value',
    severity: 'error',
    expected: options.length === 0 ? 'another value' : `one of ${options.join('|')}`,
    found,
    ...(suggestion === undefined ? {} : { suggestion: JSON.stringify(suggestion) }),
  };
}

function kindsAt(judged: Judged, path: Path, kind: string): readonly string[] {
  const shapes = shapesAt(judged.root, path.slice(0, -1), judged.value);
  const tags = shapes.flatMap((shape) => {
    const tag = keysOf(shape)?.get(kind);
    return tag === undefined ? [] : shapesAt(tag, [], undefined).flatMap(valuesOf);
  });
  return [...new Set(tags.map(String))];
}

/** The value is of none of the branches' types: all of them are named. */
function noSuchType(branches: readonly (readonly Issue[])[], path: Path, judged: Judged): Finding {
  const refusals = branches.flatMap((branch) => branch.filter(isRefusedWhole).slice(0, 1));
  const words = refusals.map((issue) => wordsOf(issue).expected ?? 'another value');
  const first = refusals[0] as Issue;
  const values = refusals.flatMap((issue) =>
    issue.code === 'invalid_value' ? issue.values.map(String) : [],
  );
  const value = valueAt(judged.value, path);
  const suggestion = typeof value === 'string' && !judged.isSecret(path) ? nearest(value, values) : undefined;
  return {
    ...badValue(first, path, judged),
    expected: [...new Set(words)].join(', or '),
    ...(suggestion === undefined ? {} : { suggestion: JSON.stringify(suggestion) }),
  };
}

/** The branch does not take values of this type at all, or not this value. */
const isRefusedWhole = (issue: Issue): boolean =>
  issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');

/** How badly a branch fits: a tag that differs weighs most, then keys it does not know, then keys it misses. */
const misfit = (branch: readonly Issue[]): number =>
  branch.reduce((sum, issue) => {
    if (issue.code === 'unrecognized_keys') return sum + 10 * issue.keys.length;
    if (issue.code === 'invalid_value' && issue.path.length === 1) return sum + 20;
    return sum + (issue.path.length > 1 ? 1 : 3);
  }, 0);

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
  map: 'a map of keys',
};

/** The schema author's own words where there are any, else ours. */
function wordsOf(issue: Issue): { readonly expected?: string; readonly text?: string } {
  if (issue.message.startsWith('expected ')) return { expected: issue.message.slice('expected '.length) };
  if (!/^(Invalid|Too|Unrecognized|Unexpected)\b/.test(issue.message)) return { text: issue.message };
  switch (issue.code) {
    case 'invalid_type':
      return { expected: typeWords[issue.expected] ?? issue.expected };
    case 'invalid_value':
      return {
        expected:
          issue.values.length === 1
            ? quoteValue(issue.values[0])
            : `one of ${issue.values.map(printChoice).join('|')}`,
      };
    case 'too_small':
      return {
        expected: bound('at least', 'more than', issue.origin, issue.minimum, issue.inclusive !== false),
      };
    case 'too_big':
      return {
        expected: bound('at most', 'less than', issue.origin, issue.maximum, issue.inclusive !== false),
      };
    case 'invalid_format':
      return {
        expected:
          issue.pattern === undefined
            ? `text in the form ${issue.format}`
            : `text that matches ${issue.pattern}`,
      };
    default:
      return { expected: 'another value' };
  }
}

const quoteValue = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value) : String(value);

function bound(
  inclusive: string,
  exclusive: string,
  origin: string,
  limit: number | bigint,
  isInclusive: boolean,
): string {
  const many = limit === 1 || limit === 1n ? '' : 's';
  const words = isInclusive ? inclusive : exclusive;
  if (origin === 'string') return `text of ${words} ${limit} character${many}`;
  if (origin === 'array') return `a list of ${words} ${limit} item${many}`;
  return `a number of ${words} ${limit}`;
}

function suggest(issue: Issue, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (issue.code === 'invalid_value') {
    const meant = nearest(value, issue.values.map(String));
    return meant === undefined ? undefined : JSON.stringify(meant);
  }
  if (issue.code !== 'invalid_type') return undefined;
  if (issue.expected === 'boolean') {
    if (/^(yes|on|true)$/i.test(value)) return 'true';
    if (/^(no|off|false)$/i.test(value)) return 'false';
  }
  const isNumber = issue.expected === 'number' || (issue.expected as string) === 'int';
  return isNumber && /^\d{1,15}$/.test(value) ? `${value} without quotes` : undefined;
}

export function valueAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string | number, unknown>)[key];
  }
  return here;
}
