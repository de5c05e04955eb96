/**
 * sieve/vocabulary - all words and extensions of the language here: what `require`, `ihave` and ManageSieve announce.
 */
import type { Definition, Vocabulary } from './definition.ts';
import { addressTests } from './words/address-tests.ts';
import { answerWords } from './words/answers.ts';
import { bodyWords } from './words/body.ts';
import { controlWords } from './words/control.ts';
import { dateWords } from './words/dates.ts';
import { deliveryWords } from './words/deliveries.ts';
import { editWords } from './words/edits.ts';
import { flagWords } from './words/flags.ts';
import { headerTests } from './words/header-tests.ts';
import { includeWords } from './words/includes.ts';
import { mailboxWords } from './words/mailboxes.ts';
import { notificationWords } from './words/notifications.ts';
import { partWords } from './words/parts.ts';
import { variableWords } from './words/variable-words.ts';
import { worldWords } from './words/world.ts';

export const definitions: readonly Definition[] = [
  ...controlWords,
  ...headerTests,
  ...addressTests,
  ...deliveryWords,
  ...flagWords,
  ...variableWords,
  ...answerWords,
  ...bodyWords,
  ...dateWords,
  ...editWords,
  ...includeWords,
  ...mailboxWords,
  ...notificationWords,
  ...partWords,
  ...worldWords,
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
  'body',
  'date',
  'vacation',
  'vacation-seconds',
  'reject',
  'ereject',
  'enotify',
  'include',
  'duplicate',
  'editheader',
  'mailbox',
  'mboxmetadata',
  'servermetadata',
  'mailboxid',
  'special-use',
  'fcc',
  'environment',
  'foreverypart',
  'mime',
  'extracttext',
  'spamtest',
  'spamtestplus',
  'virustest',
  'extlists',
  'envelope-dsn',
  'imapsieve',
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
