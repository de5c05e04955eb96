/**
 * sieve/vocabulary - all words and extensions of the language here: what `require`, `ihave` and ManageSieve announce.
 */
import type { Definition, Vocabulary } from './definition.ts';
import { addressTests } from './words/address-tests.ts';
import { controlWords } from './words/control.ts';
import { deliveryWords } from './words/deliveries.ts';
import { flagWords } from './words/flags.ts';
import { headerTests } from './words/header-tests.ts';
import { variableWords } from './words/variable-words.ts';

export const definitions: readonly Definition[] = [
  ...controlWords,
  ...headerTests,
  ...addressTests,
  ...deliveryWords,
  ...flagWords,
  ...variableWords,
];

/** In the order in which they are announced; comparators beside. */
export const extensions: readonly string[] = [
  'fileinto',
  'envelope',
  'encoded-character',
  'variables',
  'copy',
  'imap4flags',
  'relational',
  'subaddress',
  'index',
  'regex',
  'ihave',
];

/** Words by kind and name. */
export function vocabularyOf(
  words: readonly Definition[],
  names: readonly string[],
  namespaces: Vocabulary['namespaces'] = new Map(),
): Vocabulary {
  const commands = words.filter((one) => one.kind === 'command');
  const tests = words.filter((one) => one.kind === 'test');
  return {
    commands: new Map(commands.map((one) => [one.name, one])),
    tests: new Map(tests.map((one) => [one.name, one])),
    extensions: new Set(names),
    namespaces,
  };
}

export const vocabulary: Vocabulary = vocabularyOf(definitions, extensions);
