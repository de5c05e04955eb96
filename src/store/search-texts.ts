/**
 * store/search-texts - which messages of a mailbox meet a key that asks for texts.
 *
 *   survey -> due: texts not kept yet are read -> possible: by index or rows -> verify: the texts, some at a time
 *
 * In this order nothing is missed: what becomes kept while due ones are read is found by verifying as well.
 */
import type { MailboxId } from '../mail/mailbox.ts';
import type { Uid } from '../mail/uid-set.ts';
import { findDue } from './search-due.ts';
import type { Plain } from './search-key.ts';
import type { SearchOptions } from './search-options.ts';
import { possible, survey } from './search-plan.ts';
import { Finding, type Listed, listed, messageTables } from './search-rows.ts';
import { condition, type TextCondition, Values } from './search-sql.ts';
import { fieldStart } from './text.ts';

/** Messages verified in one statement: between these, as many as take about so long. */
const fewest = 100;
const most = 5_000;
const milliseconds = 200;

/** Of the progress, where there is something to read. */
const shareOfDue = 0.9;

export async function findTexts(
  options: SearchOptions,
  mailbox: MailboxId,
  key: Plain,
  signal: AbortSignal,
  progress: (done: number) => void,
): Promise<Finding> {
  const now = options.now();
  const found = new Finding();
  const before = await survey(options.database, mailbox, key, now, signal);
  if (before.isDue)
    await findDue(options, mailbox, key, now, found, signal, (done) => progress(shareOfDue * done));
  const uids = await possible(options.database, mailbox, key, before, now, signal);
  const start = before.isDue ? shareOfDue : 0;
  let done = 0;
  for await (const looked of verify(options, mailbox, key, uids, now, found, signal)) {
    done += looked;
    progress(start + (1 - start) * (done / uids.size));
  }
  return found;
}

async function* verify(
  { database }: SearchOptions,
  mailbox: MailboxId,
  key: Plain,
  uids: Iterable<Uid>,
  now: Date,
  found: Finding,
  signal: AbortSignal,
): AsyncGenerator<number> {
  const values = new Values();
  const inMailbox = values.add(mailbox, 'int8');
  const among = values.add([], 'int8[]');
  const place = values.list.length - 1;
  const where = condition(key, values, now, inTexts(values));
  const text = `select ${listed} from ${messageTables(key)} join body_text t on t.body = m.body
    where m.mailbox = ${inMailbox} and m.uid = any(${among}) and ${where}`;
  let size = fewest;
  for (const some of chunks(uids, () => size)) {
    const startedAt = performance.now();
    values.list[place] = some;
    for await (const row of database.rows<Listed>(text, values.list, signal)) found.add(row);
    const took = performance.now() - startedAt;
    size = Math.round(Math.min(most, Math.max(fewest, size * Math.min(4, milliseconds / took))));
    yield some.length;
  }
}

function* chunks(uids: Iterable<Uid>, size: () => number): Generator<Uid[]> {
  let chunk: Uid[] = [];
  for (const uid of uids) {
    chunk.push(uid);
    if (chunk.length < size()) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** Tests of the texts kept in body_text, `t`. */
const inTexts =
  (values: Values): TextCondition =>
  (test, not) => {
    const has = (column: string, place: string): string => `strpos(t.${column}, ${place}) > 0`;
    if (test.key !== 'header') {
      const text = values.add(test.text, 'text');
      const columns = test.key === 'body' ? ['content'] : ['header', 'part_headers', 'content'];
      return `${not ? 'not ' : ''}(${columns.map((column) => has(column, text)).join(' or ')})`;
    }
    const start = fieldStart(test.field);
    if (start === undefined) return String(not);
    const field = values.add(start, 'text');
    if (test.text === '') return `${not ? 'not ' : ''}(${has('header', field)})`;
    const text = values.add(test.text, 'text');
    const line = values.add(start.slice(1), 'text');
    // The first two are quick, and seldom true together by chance.
    return `${not ? 'not ' : ''}(${has('header', field)} and ${has('header', text)} and exists (
      select from string_to_table(t.header, E'\\n') l
      where starts_with(l, ${line}) and strpos(substr(l, ${start.length}), ${text}) > 0))`;
  };
