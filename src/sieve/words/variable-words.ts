/**
 * sieve/words/variable-words - set and string (RFC 5229 §4, §5), with :quoteregex and :encodeurl (RFC 5435 §6).
 */

import { encodeOctets } from '../../protocol/sieve/octets.ts';
import { isVariableName } from '../../protocol/sieve/template.ts';
import type { Definition, Tag } from '../definition.ts';
import { compileMatch, matchTags } from '../match/match.ts';

interface Modifier {
  /** Highest is done first (RFC 5229 §4.1). */
  readonly precedence: number;
  readonly needs?: string;
  /** What makes text longer keeps to `most` octets, and never cuts through what it quotes. */
  readonly change: (text: string, most: number) => string;
}

const first = (text: string): readonly [string, string] => {
  const [character = ''] = text;
  return [character, text.slice(character.length)];
};

const asciiUpper = (text: string): string => text.replace(/[a-z]+/g, (part) => part.toUpperCase());
const asciiLower = (text: string): string => text.replace(/[A-Z]+/g, (part) => part.toLowerCase());

/** One piece of each character, as many as there is room for. */
function each(text: string, most: number, change: (character: string) => string): string {
  const pieces: string[] = [];
  let left = most;
  for (const character of text) {
    const piece = change(character);
    left -= encodeOctets(piece).length;
    if (left < 0) break;
    pieces.push(piece);
  }
  return pieces.join('');
}

/** RFC 5435 §6: all but unreserved characters (RFC 3986 §2.3). */
const encodeUrl = (text: string, most: number): string =>
  each(text, most, (character) =>
    /[A-Za-z0-9._~-]/.test(character)
      ? character
      : [...encodeOctets(character)]
          .map((octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`)
          .join(''),
  );

const quoting =
  (special: RegExp) =>
  (text: string, most: number): string =>
    each(text, most, (character) => (special.test(character) ? `\\${character}` : character));

const modifiers: Readonly<Record<string, Modifier>> = {
  lower: { precedence: 40, change: asciiLower },
  upper: { precedence: 40, change: asciiUpper },
  lowerfirst: { precedence: 30, change: (text) => asciiLower(first(text)[0]) + first(text)[1] },
  upperfirst: { precedence: 30, change: (text) => asciiUpper(first(text)[0]) + first(text)[1] },
  quotewildcard: { precedence: 20, change: quoting(/[*?\\]/) },
  quoteregex: {
    precedence: 20,
    needs: 'regex',
    change: quoting(/[\\^$.|?*+()[\]{}]/),
  },
  encodeurl: { precedence: 15, needs: 'enotify', change: encodeUrl },
  length: { precedence: 10, change: (text) => String([...text].length) },
};

export const modifierTags: readonly Tag[] = Object.entries(modifiers).map(
  ([name, { precedence, needs }]) => ({
    name,
    group: `modifier of precedence ${precedence}`,
    ...(needs ? { needs } : {}),
  }),
);

/** The modifiers of a call, in the order in which they are done. */
export function compileModifiers(has: (tag: string) => boolean): (text: string, most: number) => string {
  const chosen = Object.entries(modifiers)
    .filter(([name]) => has(name))
    .map(([, modifier]) => modifier)
    .toSorted((a, b) => b.precedence - a.precedence);
  return (text, most) => chosen.reduce((so, { change }) => change(so, most), text);
}

/** RFC 5229 §3 asks for 32. */
const variableNameLimit = 64;

const set: Definition = {
  kind: 'command',
  name: 'set',
  needs: ['variables'],
  tags: modifierTags,
  takes: [
    { name: 'name', type: 'string' },
    { name: 'value', type: 'string' },
  ],
  compile(call) {
    const text = call.text('name');
    const name = text.constant?.toLowerCase();
    if (name === undefined || !isVariableName(name)) {
      return call.error(
        `${JSON.stringify((text.constant ?? 'what holds a variable').slice(0, 60))} is no name of a variable: a plain word is expected`,
        text.at,
      );
    }
    if (name.length > variableNameLimit) {
      return call.error(
        `the name of a variable is too long: at most ${variableNameLimit} characters are permitted`,
        text.at,
      );
    }
    const [space = ''] = name.split('.', 1);
    if (
      name.includes('.') &&
      !(space === 'global' && call.scope.has('include') && name.split('.').length === 2)
    ) {
      return call.error(
        `the variable "${name.slice(0, 60)}" is in a namespace that is unknown or cannot be set`,
        text.at,
      );
    }
    const value = call.text('value');
    const modify = compileModifiers((tag) => call.has(tag));
    const global = call.scope.globals.has(name);
    if (!global) call.scope.declare(name, text.at);
    return async (run) => {
      const plain = value.value(run);
      run.spend(1 + (plain.length >> 4));
      run.setVariable(name, global, modify(plain, run.limits.variableSize));
      return undefined;
    };
  },
};

const string: Definition = {
  kind: 'test',
  name: 'string',
  needs: ['variables'],
  tags: matchTags,
  takes: [
    { name: 'source', type: 'strings' },
    { name: 'key list', type: 'strings' },
  ],
  compile(call) {
    const source = call.texts('source');
    const match = compileMatch(call, call.texts('key list'));
    if (!match) return undefined;
    // RFC 5229 §5: :count counts strings that are not empty.
    const counted = call.inGroup('match') === 'count';
    return {
      test(run) {
        const values = source.map((text) => text.value(run));
        return match(run, counted ? values.filter((value) => value !== '') : values);
      },
    };
  },
};

export const variableWords: readonly Definition[] = [set, string];
