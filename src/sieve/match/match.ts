/**
 * sieve/match/match - one test's match type and comparator at work (RFC 5228 §2.7, RFC 5231, RFC 6134).
 */
import type { Call } from '../bind.ts';
import type { Tag, Text } from '../definition.ts';
import { hint } from '../nearest.ts';
import type { Run } from '../run.ts';
import { alwaysThere, type Comparator, comparators, defaultComparator } from './comparator.ts';
import { type Glob, matchGlob, parseGlob } from './glob.ts';
import { type Program, parseRegex, RegexError } from './regex-parse.ts';
import { runRegex } from './regex-run.ts';

/** Tags of all tests that match strings. */
export const matchTags: readonly Tag[] = [
  { name: 'is', group: 'match' },
  { name: 'contains', group: 'match' },
  { name: 'matches', group: 'match' },
  { name: 'count', group: 'match', value: 'string', needs: 'relational' },
  { name: 'value', group: 'match', value: 'string', needs: 'relational' },
  { name: 'regex', group: 'match', needs: 'regex' },
  { name: 'list', group: 'match', needs: 'extlists' },
  { name: 'comparator', value: 'string' },
];

const relations: Readonly<Record<string, (order: number) => boolean>> = {
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
};

/** Whether any of the values matches any of the keys. */
export type Matcher = (run: Run, values: readonly string[]) => Promise<boolean>;

/** Makes the keys of :is and :contains out of the strings of the script. */
type Expand = (keys: readonly string[]) => readonly string[];

/** undefined: what is wrong has been told. */
export function compileMatch(
  call: Call,
  keys: readonly Text[],
  expand: Expand = (all) => all,
): Matcher | undefined {
  const type = call.inGroup('match') ?? 'is';
  const comparator = compileComparator(call);
  if (comparator === undefined) return undefined;
  if (!comparator.substrings && (type === 'contains' || type === 'matches' || type === 'regex')) {
    return call.error(
      `the comparator "${comparator.name}" knows no parts of strings: it cannot be used with :${type}`,
      call.tagAt(type),
    );
  }
  if (type === 'count' || type === 'value') {
    const relation = compileRelation(call, type);
    if (relation === undefined) return undefined;
    return type === 'count' ? matchCount(keys, comparator, relation) : matchValue(keys, comparator, relation);
  }
  if (type === 'list') return compileList(call, keys);
  const captures = call.scope.has('variables');
  switch (type) {
    case 'contains':
      return matchContains(keys, comparator, expand);
    case 'matches':
      return matchWild(keys, comparator, captures);
    case 'regex':
      return compileRegexes(call, keys, comparator, captures);
    default:
      return matchIs(keys, comparator, expand);
  }
}

export function compileComparator(call: Call): Comparator | undefined {
  const text = call.optionalText(':comparator');
  if (text === undefined) return defaultComparator;
  if (text.constant === undefined)
    return call.error('a comparator is named by a plain string, not by a variable', text.at);
  const comparator = comparators.get(text.constant);
  if (comparator === undefined) {
    return call.error(
      `unknown comparator "${text.constant.slice(0, 40)}"${hint(text.constant, comparators.keys())}`,
      text.at,
    );
  }
  if (!alwaysThere.has(comparator.name) && !call.scope.has(`comparator-${comparator.name}`)) {
    return call.error(
      `the comparator "${comparator.name}" needs require "comparator-${comparator.name}"`,
      text.at,
    );
  }
  return comparator;
}

function compileRelation(call: Call, type: string): ((order: number) => boolean) | undefined {
  const text = call.text(`:${type}`);
  const relation = text.constant === undefined ? undefined : relations[text.constant.toLowerCase()];
  return (
    relation ??
    call.error(
      `:${type} expects one of ${Object.keys(relations).join(', ')}: ${JSON.stringify(text.constant ?? 'a variable')} is none`,
      text.at,
    )
  );
}

const valuesOf = (run: Run, keys: readonly Text[]): string[] => keys.map((key) => key.value(run));

function matchIs(keys: readonly Text[], { fold }: Comparator, expand: Expand): Matcher {
  return async (run, values) => {
    const wanted = new Set(expand(valuesOf(run, keys)).map(fold));
    return values.some((value) => {
      run.spend(1 + (value.length >> 4));
      return wanted.has(fold(value));
    });
  };
}

function matchContains(keys: readonly Text[], { fold }: Comparator, expand: Expand): Matcher {
  return async (run, values) => {
    const wanted = expand(valuesOf(run, keys)).map(fold);
    return values.some((value) => {
      const folded = fold(value);
      return wanted.some((key) => {
        run.spend(1 + (value.length >> 3));
        return folded.includes(key);
      });
    });
  };
}

function matchCount(
  keys: readonly Text[],
  { order }: Comparator,
  relation: (order: number) => boolean,
): Matcher {
  return async (run, values) =>
    valuesOf(run, keys).some((key) => relation(order(String(values.length), key)));
}

function matchValue(
  keys: readonly Text[],
  { order }: Comparator,
  relation: (order: number) => boolean,
): Matcher {
  return async (run, values) => {
    const wanted = valuesOf(run, keys);
    return values.some((value) => {
      run.spend(wanted.length + (value.length >> 4));
      return wanted.some((key) => relation(order(value, key)));
    });
  };
}

/** Folding changes no lengths with the comparators at hand but one: then places are those of the folded text. */
function matchWild(keys: readonly Text[], { fold }: Comparator, captures: boolean): Matcher {
  const constant = keys.map((key) =>
    key.constant === undefined ? undefined : parseGlob(fold(key.constant)),
  );
  const spend = (run: Run) => (work: number) => run.spend(work);
  return async (run, values) => {
    const globs: Glob[] = keys.map((key, at) => constant[at] ?? parseGlob(fold(key.value(run))));
    for (const value of values) {
      const text = [...value];
      const folded = [...fold(value)];
      run.spend(1 + (text.length >> 3));
      for (const glob of globs) {
        const match = matchGlob(glob, folded, spend(run));
        if (match === undefined) continue;
        const source = text.length === folded.length ? text : folded;
        if (captures) {
          run.matched = [value, ...match.taken.map(([from, to]) => source.slice(from, to).join(''))].map(
            (one) => run.variables.cut(one),
          );
        }
        return true;
      }
    }
    return false;
  };
}

function compileRegexes(
  call: Call,
  keys: readonly Text[],
  comparator: Comparator,
  captures: boolean,
): Matcher | undefined {
  const constant: (Program | undefined)[] = [];
  for (const key of keys) {
    try {
      constant.push(key.constant === undefined ? undefined : parseRegex(key.constant));
    } catch (error) {
      if (!(error instanceof RegexError)) throw error;
      return call.error(`the regular expression is wrong: ${error.message}`, key.at);
    }
  }
  const ignoreCase = comparator.name !== 'i;octet';
  return async (run, values) => {
    const programs = keys
      .map((key, at) => constant[at] ?? parseAtRun(run, key.value(run)))
      .filter((program) => program !== undefined);
    for (const value of values) {
      const text = [...value];
      const codes = text.map((character) => character.codePointAt(0) as number);
      for (const program of programs) {
        const found = runRegex(program, codes, { ignoreCase, captures, spend: (work) => run.spend(work) });
        if (found === undefined) continue;
        if (captures) run.matched = slices(run, text, found);
        return true;
      }
    }
    return false;
  };
}

/** What variables made of it may be no regular expression: then it matches nothing. */
function parseAtRun(run: Run, pattern: string): Program | undefined {
  try {
    const program = parseRegex(pattern);
    run.spend(program.code.length);
    return program;
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    run.warn(`the regular expression is wrong and matches nothing: ${error.message}`);
    return undefined;
  }
}

function slices(run: Run, text: readonly string[], places: readonly number[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < places.length; at += 2) {
    const [from, to] = [places[at] ?? -1, places[at + 1] ?? -1];
    found.push(from < 0 || to < 0 ? '' : run.variables.cut(text.slice(from, to).join('')));
  }
  return found;
}

/** `:addrbook:default` is short for its URN (RFC 6134 §2.4). */
export const listName = (name: string): string =>
  name.startsWith(':') ? `urn:ietf:params:sieve${name}` : name;

function compileList(call: Call, keys: readonly Text[]): Matcher | undefined {
  const { knownList } = call.scope.compilation;
  for (const key of keys) {
    if (key.constant === undefined || knownList === undefined || knownList(listName(key.constant))) continue;
    call.error(`there is no external list "${key.constant.slice(0, 60)}"`, key.at);
    return undefined;
  }
  return async (run, values) => {
    const names = valuesOf(run, keys).map(listName);
    for (const name of names) {
      if (!run.environment.lists.exists(name))
        throw run.trouble(`there is no external list "${name.slice(0, 60)}"`);
    }
    for (const value of values) {
      for (const name of names) {
        run.spend(10);
        if (!(await run.environment.lists.contains(name, value))) continue;
        if (call.scope.has('variables')) run.matched = [run.variables.cut(value)];
        return true;
      }
    }
    return false;
  };
}
