/**
 * store/search-key - a search key made small: constants gone, `and` and `or` flat, no `not` but before one test.
 *
 * Bounded: who nests or lists more than these limits is told SearchTooCostly.
 */
import type { SearchKey } from '../mail/search.ts';
import { SearchTooCostly } from '../ports/search.ts';
import { searchable } from './text.ts';

export type TextKey = Extract<SearchKey, { readonly key: 'header' | 'body' | 'text' }>;
export type RowKey = Exclude<
  SearchKey,
  TextKey | { readonly key: 'and' | 'or' | 'not' | 'all' | 'saveDateSupported' }
>;
type Test = TextKey | RowKey;

/** `and` of nothing is true, `or` of nothing false. Texts are as store/text compares them. */
export type Plain =
  | { readonly is: 'and' | 'or'; readonly of: readonly Plain[]; readonly texts: number }
  | { readonly is: 'test'; readonly test: Test; readonly not: boolean; readonly texts: number };

const deepest = 200;
const mostTests = 2_000;

export const isText = (test: Test): test is TextKey =>
  test.key === 'header' || test.key === 'body' || test.key === 'text';

export function plain(key: SearchKey): Plain {
  let left = mostTests;
  const read = (one: SearchKey, not: boolean, depth: number): Plain => {
    left -= 1;
    if (left < 0 || depth > deepest)
      throw new SearchTooCostly(
        `a search may have at most ${mostTests} keys, ${deepest} deep: ask for less at once`,
      );
    if (one.key === 'not') return read(one.not, !not, depth + 1);
    if (one.key === 'and' || one.key === 'or') {
      const is = (one.key === 'and') === not ? 'or' : 'and';
      return join(
        is,
        one.keys.map((each) => read(each, not, depth + 1)),
      );
    }
    if (one.key === 'all' || one.key === 'saveDateSupported') return join(not ? 'or' : 'and', []);
    if (one.key === 'header' || one.key === 'body' || one.key === 'text') return readText(one, not);
    return { is: 'test', test: one, not, texts: 0 };
  };
  return read(key, false, 0);
}

function readText(test: TextKey, not: boolean): Plain {
  const text = searchable(test.text);
  // The empty string is in every text; not so every field in every header.
  if (text === '' && test.key !== 'header') return join(not ? 'or' : 'and', []);
  return { is: 'test', test: { ...test, text }, not, texts: 1 };
}

/** Cheap tests first: a database looks at them in this order. */
function join(is: 'and' | 'or', keys: readonly Plain[]): Plain {
  const of: Plain[] = [];
  for (const key of keys) {
    if (key.is === is) of.push(...key.of);
    else if (key.is !== 'test' && key.of.length === 0) return key;
    else of.push(key);
  }
  const [only] = of;
  if (of.length === 1 && only !== undefined) return only;
  of.sort((a, b) => a.texts - b.texts);
  return { is, of, texts: of.reduce((sum, { texts }) => sum + texts, 0) };
}

/** Both must hold. */
export const both = (one: Plain, other: Plain): Plain => join('and', [one, other]);

/** Whether some test, anywhere, is of this kind. */
export const asksFor = (key: Plain, kind: Test['key']): boolean =>
  key.is === 'test' ? key.test.key === kind : key.of.some((each) => asksFor(each, kind));
