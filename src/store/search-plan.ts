/**
 * store/search-plan - where to look first: among all bodies by an index, or through the mailbox itself.
 *
 * The index is over the bodies of all accounts, and so is what it costs to ask it for what is frequent. How frequent,
 * the same index over one body in 64 tells beforehand.
 */
import type { MailboxId } from '../mail/mailbox.ts';
import type { UidSet } from '../mail/uid-set.ts';
import type { Database } from '../ports/database.ts';
import { isText, type Plain, type TextKey } from './search-key.ts';
import { type Finding, findRows, messageTables } from './search-rows.ts';
import { anyText, condition, Values } from './search-sql.ts';
import { fieldStart } from './text.ts';
import { gramsAsked } from './text-grams.ts';

/** As the sample's index says it. */
const sampled = 64;
/** So many are read sooner than an index is asked. */
const few = 500;
/** A text costs as much to look at as so many candidates to look up. */
const candidatesPerText = 8;
const mostAlternatives = 16;
const mostTogether = 48;

/** Fields that nearly every message has: that they are there tells nothing. */
const everywhere = new Set(
  'BCC CC CONTENT-TYPE DATE FROM MESSAGE-ID RECEIVED RETURN-PATH SUBJECT TO'.split(' '),
);

/**
 * Sets of numbers (store/text-grams): whatever meets the key has all of one of the sets. Undefined: nothing to go by.
 */
export function gramsNeeded(key: Plain): readonly (readonly number[])[] | undefined {
  if (key.is === 'test') {
    const grams = key.not || !isText(key.test) ? [] : gramsOfTest(key.test);
    return grams.length === 0 ? undefined : [grams];
  }
  const each = key.of.map(gramsNeeded);
  if (key.is === 'or') {
    const all = each.flatMap((sets) => sets ?? []);
    return all.length > 0 && all.length <= mostAlternatives && each.every((sets) => sets !== undefined)
      ? all
      : undefined;
  }
  const known = each.filter((sets) => sets !== undefined);
  const single = known.filter((sets) => sets.length === 1).flatMap((sets) => sets[0] ?? []);
  if (single.length > 0) return [[...new Set(single)].slice(0, mostTogether)];
  return known.sort((a, b) => a.length - b.length)[0];
}

function gramsOfTest(test: TextKey): number[] {
  const grams = gramsAsked(test.text);
  if (test.key !== 'header') return grams;
  const start = fieldStart(test.field) ?? '';
  return everywhere.has(test.field.toUpperCase()) ? grams : [...grams, ...gramsAsked(start)];
}

/** What is known before anything is looked for. */
export interface Survey {
  /** In the mailbox. */
  readonly messages: number;
  /** That meet the key but for texts; counted no further than is of interest. */
  readonly rows: number;
  /** Bodies, of whatever mailbox, that have the numbers needed: an estimate. */
  readonly expected: number;
  /** Some text is not kept yet. */
  readonly isDue: boolean;
}

export async function survey(
  database: Database,
  mailbox: MailboxId,
  key: Plain,
  now: Date,
  signal: AbortSignal,
): Promise<Survey> {
  const values = new Values();
  const inMailbox = values.add(mailbox, 'int8');
  const where = `m.mailbox = ${inMailbox} and ${condition(key, values, now, anyText)}`;
  const needed = gramsNeeded(key);
  const tables = messageTables(key);
  const text = `select
      (select messages from mailbox where id = ${inMailbox}) as messages,
      (select count(*) from (select from ${tables} where ${where} limit ${few + 1}) counted) as rows,
      ${needed === undefined ? '0' : `(select count(*) from body_gram g where (g.body & ${sampled - 1}) = 0 and ${withGrams(needed, values)})`} as bodies,
      exists (select from ${tables} join body_due d on d.body = m.body where ${where}) as "isDue"`;
  type Row = { messages: number | null; rows: number; bodies: number; isDue: boolean };
  let answer: Survey = { messages: 0, rows: 0, expected: 0, isDue: false };
  for await (const { messages, rows, bodies, isDue } of database.rows<Row>(text, values.list, signal))
    answer = { messages: Math.max(messages ?? 0, rows), rows, expected: sampled * bodies, isDue };
  return answer;
}

/** UIDs of all messages with a text kept that may meet the key, and perhaps of others. */
export async function possible(
  database: Database,
  mailbox: MailboxId,
  key: Plain,
  { messages, rows, expected }: Survey,
  now: Date,
  signal: AbortSignal,
): Promise<UidSet> {
  const needed = gramsNeeded(key);
  const found =
    needed === undefined || rows <= few || expected > candidatesPerText * messages
      ? await findRows(database, mailbox, key, now, signal)
      : await findCandidates(database, mailbox, key, needed, now, signal);
  return found.uids;
}

async function findCandidates(
  database: Database,
  mailbox: MailboxId,
  key: Plain,
  needed: readonly (readonly number[])[],
  now: Date,
  signal: AbortSignal,
): Promise<Finding> {
  const values = new Values();
  const inMailbox = values.add(mailbox, 'int8');
  const grams = withGrams(needed, values);
  return findRows(database, mailbox, key, now, signal, {
    values,
    inMailbox,
    join: `join body_gram g on g.body = m.body and ${grams}`,
  });
}

const withGrams = (needed: readonly (readonly number[])[], values: Values): string =>
  `(${needed.map((grams) => `g.grams @> ${values.add(grams, 'int4[]')}`).join(' or ')})`;
