/**
 * store/search-due - messages whose text is not kept: it is read now, kept if texts are kept, and looked at.
 *
 * The rest of the key is asked of the database, with what the texts said beside each message.
 */
import type { BodyId, MailboxId } from '../mail/mailbox.ts';
import type { Uid } from '../mail/uid-set.ts';
import { BodyGone } from '../ports/messages.ts';
import { SearchTooCostly } from '../ports/search.ts';
import { isText, type Plain, type TextKey } from './search-key.ts';
import type { SearchOptions } from './search-options.ts';
import { type Finding, type Listed, listed, messageTables } from './search-rows.ts';
import { anyText, condition, Values } from './search-sql.ts';
import { has, noTexts, type Texts } from './text.ts';
import { type Kept, keepTexts } from './text-keep.ts';
import { TextTooCostly } from './text-process.ts';
import { readText, type TextBody } from './text-read.ts';

/** Read and looked at together. */
const together = 16;
/** Characters that wait to be kept. */
const mostKept = 4_000_000;

interface Due {
  readonly uid: Uid;
  readonly body: BodyId;
}

/** Newest first: what people look for is seldom old. Tells how far it is by the UIDs that are left. */
export async function findDue(
  options: SearchOptions,
  mailbox: MailboxId,
  key: Plain,
  now: Date,
  found: Finding,
  signal: AbortSignal,
  progress: (done: number) => void,
): Promise<void> {
  const budget = { octets: options.limits.readOctets };
  let newest: Uid | undefined;
  for (let below = beyondAll; ; ) {
    const due = await dueIn(options, mailbox, key, now, below, signal);
    for (let at = 0; at < due.length; at += together) {
      const some = due.slice(at, at + together);
      const texts = await textsOf(options, some, budget, signal);
      await look(options, mailbox, key, some, texts, now, found, signal);
      newest ??= some[0]?.uid;
      below = some.at(-1)?.uid ?? 0;
      progress(1 - below / ((newest ?? 0) + 1));
    }
    if (due.length < page) return;
  }
}

const page = 1_000;
/** UIDs have 32 bits. */
const beyondAll: Uid = 2 ** 32;

/** Those that meet the key but for texts. */
async function dueIn(
  { database }: SearchOptions,
  mailbox: MailboxId,
  key: Plain,
  now: Date,
  below: Uid,
  signal: AbortSignal,
): Promise<Due[]> {
  const values = new Values();
  const inMailbox = values.add(mailbox, 'int8');
  const where = condition(key, values, now, anyText);
  const text = `select m.uid, m.body from ${messageTables(key)} join body_due d on d.body = m.body
    where m.mailbox = ${inMailbox} and m.uid < ${values.add(below, 'int8')} and ${where}
    order by m.uid desc limit ${page}`;
  const due: Due[] = [];
  for await (const row of database.rows<Due>(text, values.list, signal, page)) due.push(row);
  return due;
}

async function textsOf(
  options: SearchOptions,
  due: readonly Due[],
  budget: { octets: number },
  signal: AbortSignal,
): Promise<ReadonlyMap<BodyId, Texts>> {
  const { database, messages, texts, log } = options;
  const bodies = await database.query<TextBody>('select id, structure from body where id = any($1::int8[])', [
    [...new Set(due.map(({ body }) => body))],
  ]);
  const made = new Map<BodyId, Texts>();
  let toKeep: Kept[] = [];
  const keep = async (): Promise<void> => {
    const some = toKeep;
    toKeep = [];
    if (some.length > 0) await keepTexts(database, some);
  };
  const read = async (body: TextBody): Promise<void> => {
    if (budget.octets <= 0)
      throw new SearchTooCostly(
        'too many messages are not indexed yet to be read for one search: search in fewer, or later',
      );
    try {
      const text = await readText(body, messages, texts.maker, signal, texts.bounds);
      budget.octets -= text.cost;
      made.set(body.id, text.texts);
      if (texts.keep) toKeep.push({ body: body.id, ...text });
    } catch (error) {
      if (!(error instanceof BodyGone || error instanceof TextTooCostly)) throw error;
      log.warn({ body: body.id, err: error }, 'a message cannot be searched');
    }
  };
  try {
    for (let at = 0; at < bodies.length; at += 2) {
      await Promise.all(bodies.slice(at, at + 2).map((body) => read(body)));
      if (toKeep.reduce((sum, one) => sum + one.texts.content.length, 0) > mostKept) await keep();
    }
  } finally {
    // Whoever searches again after SearchTooCostly has less to read.
    await keep();
  }
  return made;
}

/** What a text says is handed to the statement as one boolean for each message and test. */
async function look(
  { database }: SearchOptions,
  mailbox: MailboxId,
  key: Plain,
  due: readonly Due[],
  texts: ReadonlyMap<BodyId, Texts>,
  now: Date,
  found: Finding,
  signal: AbortSignal,
): Promise<void> {
  const tests = [...textTests(key)];
  const values = new Values();
  const inMailbox = values.add(mailbox, 'int8');
  const columns = [
    values.add(
      due.map(({ uid }) => uid),
      'int8[]',
    ),
    ...tests.map((test) =>
      values.add(
        due.map(({ body }) => has(texts.get(body) ?? noTexts, test)),
        'bool[]',
      ),
    ),
  ];
  const names = tests.map((_, at) => `t${at}`);
  const where = condition(key, values, now, (test, not) => `${not ? 'not ' : ''}d.t${tests.indexOf(test)}`);
  const text = `select ${listed} from unnest(${columns.join(', ')}) as d (${['uid', ...names].join(', ')})
    join ${messageTables(key)} on m.uid = d.uid where m.mailbox = ${inMailbox} and ${where}`;
  for await (const row of database.rows<Listed>(text, values.list, signal)) found.add(row);
}

function* textTests(key: Plain): Generator<TextKey> {
  if (key.is !== 'test') for (const each of key.of) yield* textTests(each);
  else if (isText(key.test)) yield key.test;
}
