/**
 * store/index-due - one step of the indexer: some bodies that are due, taken so that no other node takes them, their texts
 * made and kept.
 *
 *   take (leased) -> read, make -> keep
 *                       |
 *                       +-> failed: due again later, with less of it; at last kept without a text, with its trouble
 */
import type { BodyId } from '../mail/mailbox.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import { type Reading, StoreAway, StoreFull } from '../ports/messages.ts';
import { inStoreWords } from './faults.ts';
import { noTexts } from './text.ts';
import { type Kept, keepTexts } from './text-keep.ts';
import {
  type Extent,
  readText,
  type TextBody,
  type TextBounds,
  type TextMaker,
  usualBounds,
} from './text-read.ts';

export interface IndexOptions {
  readonly database: Database;
  readonly messages: Pick<Reading, 'content'>;
  readonly maker: TextMaker;
  /** The same for whoever makes texts. */
  readonly bounds?: TextBounds;
  readonly now: () => Date;
  readonly log: Log;
}

/** Bodies taken at once, and characters of text kept in one commit. */
const together = 16;
const mostKept = 4_000_000;
/** Nobody else takes them before: longer than they can take. */
const leaseMs = 10 * 60_000;
/** Until the next try, by the number of tries so far; there is none after the last. */
const waitsMs = [60_000, 10 * 60_000, 3_600_000, 6 * 3_600_000] as const;
const extents: readonly Extent[] = ['all', 'all', 'withoutDocuments', 'headers', 'headers'];
/** Without documents from the beginning: where they are not wanted. */
const plainExtents: readonly Extent[] = extents.map((extent) =>
  extent === 'all' ? 'withoutDocuments' : extent,
);

interface Taken extends TextBody {
  readonly tries: number;
}

const take = `
  with due as (
    select d.body from body_due d where d.try_at is null or d.try_at <= $1::timestamptz
    order by d.body limit $2::int for update skip locked),
  taken as (
    update body_due d set try_at = $3::timestamptz from due where d.body = due.body returning d.body, d.tries)
  select b.id, b.structure, t.tries from taken t join body b on b.id = t.body order by b.id`;

/** Answers how many bodies there were to do. Throws StoreAway and StoreFull: what was taken is due again soon. */
export function indexSome(options: IndexOptions, signal: AbortSignal): Promise<number> {
  return inStoreWords(async () => {
    const { database, now } = options;
    const at = now();
    const taken = await database.query<Taken>(take, [at, together, new Date(at.getTime() + leaseMs)]);
    const left = new Set<BodyId>(taken.map(({ id }) => id));
    try {
      await indexTaken(options, taken, left, signal);
    } finally {
      if (left.size > 0) await giveBack(database, [...left]);
    }
    return taken.length;
  });
}

async function indexTaken(
  options: IndexOptions,
  taken: readonly Taken[],
  left: Set<BodyId>,
  signal: AbortSignal,
): Promise<void> {
  let ready: Kept[] = [];
  let size = 0;
  const keep = async (): Promise<void> => {
    await keepTexts(options.database, ready);
    for (const { body } of ready) left.delete(body);
    [ready, size] = [[], 0];
  };
  for (const body of taken) {
    signal.throwIfAborted();
    const made = await make(options, body, signal);
    if (made === undefined) {
      left.delete(body.id);
      continue;
    }
    ready.push(made);
    size += made.texts.content.length;
    if (size > mostKept) await keep();
  }
  if (ready.length > 0) await keep();
}

/** Undefined: it failed, and will be tried again. */
async function make(
  { database, messages, maker, bounds = usualBounds, now, log }: IndexOptions,
  body: Taken,
  signal: AbortSignal,
): Promise<Kept | undefined> {
  try {
    const extent = (bounds.documents ? extents : plainExtents)[body.tries] ?? 'headers';
    return { body: body.id, ...(await readText(body, messages, maker, signal, bounds, extent)) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof StoreAway || error instanceof StoreFull) throw error;
    const trouble = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const wait = waitsMs[body.tries];
    log.warn({ body: body.id, tries: body.tries + 1, err: error }, 'a message could not be indexed');
    if (wait === undefined) return { body: body.id, texts: noTexts, grams: new Int32Array(0), trouble };
    await database.query('update body_due set tries = tries + 1, try_at = $2, trouble = $3 where body = $1', [
      body.id,
      new Date(now().getTime() + wait),
      trouble.replaceAll('\0', '').slice(0, 1000),
    ]);
    return undefined;
  }
}

const giveBack = (database: Database, bodies: readonly BodyId[]): Promise<unknown> =>
  database
    .query(
      `with d as (select body from body_due where body = any($1::int8[]) order by body for update)
       update body_due set try_at = null from d where body_due.body = d.body`,
      [bodies],
    )
    // It comes back by itself when its lease is over.
    .catch(() => undefined);

/** What is not indexed yet, for operators. */
export async function indexBacklog(
  database: Database,
): Promise<{ readonly bodies: number; readonly failing: number; readonly oldest: Date | undefined }> {
  const [row] = await database.query<{ bodies: number; failing: number; oldest: Date | null }>(
    `select count(*) as bodies, count(*) filter (where tries > 0) as failing,
       (select b.staged_at from body_due d join body b on b.id = d.body order by d.body limit 1) as oldest
     from body_due`,
    [],
  );
  return { bodies: row?.bodies ?? 0, failing: row?.failing ?? 0, oldest: row?.oldest ?? undefined };
}
