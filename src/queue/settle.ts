/**
 * queue/settle - outcomes into the database: rows, trace and reports in one transaction, many recipients at a time.
 *
 * Between a peer's 250 and this commit lies the one instant in which a crash means a second delivery, so nothing is
 * waited for; and an outcome that is known is not forgotten: while the database is away it is tried again and again.
 *
 * A claim may have been freed meanwhile (liveness.ts). `done` is then still true, whoever holds the row; anything else
 * is written only where nobody else has claimed the row, and reports are made only for rows that were still open.
 */
import { type Database, DatabaseAway, DatabaseFull, type Queryable } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import { Batches } from './batches.ts';
import { insertMessages, insertTrace, traceArrays } from './insert.ts';
import { pause } from './liveness.ts';
import type { RowChange, Settlement } from './outcome.ts';
import { boolArray, int4Array, jsonArray, textArray, timeArray } from './postgres-array.ts';
import type { MadeReport, Reports } from './reports.ts';
import type { StoredTraceRow } from './trace-rows.ts';

export interface SettlerOptions {
  readonly database: Database;
  readonly reports: Reports;
  readonly log: Log;
  /** Reports were put into the spool. */
  readonly reported: () => void;
}

const batch = { parallel: 2, maxItems: 500 } as const;
const reportBatch = { parallel: 2, maxItems: 100 } as const;
/** Short: as long as an outcome is only in memory, our death is a second delivery. */
const whileAway = 100;
/** So often it is written to the log. */
const sayEvery = 10;
/** Times that a settlement the database does not take is tried. */
const stubbornTries = 12;

export class Settler {
  readonly #options: SettlerOptions;
  readonly #plain: Batches<Settlement, Error | undefined>;
  /** Apart, since making reports may have to wait for the blob store. */
  readonly #reporting: Batches<Settlement, Error | undefined>;
  readonly #closing = new AbortController();

  constructor(options: SettlerOptions) {
    this.#options = options;
    const run = (items: readonly Settlement[]) => this.#settle(items);
    this.#plain = new Batches({ run, ...batch });
    this.#reporting = new Batches({ run, ...reportBatch });
  }

  /** Resolves when it is written down. Rejects when the database does not take it, or is away until `close` gives up. */
  async settle(settlement: Settlement): Promise<void> {
    const trouble = await (settlement.report ? this.#reporting : this.#plain).add(settlement);
    if (trouble) throw trouble;
  }

  /** Waits for what is under way until `signal` aborts. */
  async close(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#closing.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    await Promise.all([this.#plain.idle(), this.#reporting.idle()]);
    signal.removeEventListener('abort', stop);
  }

  /** For each item: undefined when it is written, else why it cannot be. */
  async #settle(items: readonly Settlement[]): Promise<readonly (Error | undefined)[]> {
    const { signal } = this.#closing;
    for (let tries = 0; ; tries += 1) {
      try {
        await this.#write(items, tries === 0);
        return items.map(() => undefined);
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        const away = error instanceof DatabaseAway || error instanceof DatabaseFull;
        if (!away && items.length > 1) return this.#settleEach(items);
        if (signal.aborted || (!away && tries >= stubbornTries)) return items.map(() => error);
        if (tries % sayEvery === 0)
          this.#options.log.warn({ err: error, outcomes: items.length }, 'outcomes wait for the database');
        await pause(whileAway, signal);
      }
    }
  }

  async #settleEach(items: readonly Settlement[]): Promise<readonly (Error | undefined)[]> {
    const results: (Error | undefined)[] = [];
    for (const item of items) results.push(...(await this.#settle([item])));
    return results;
  }

  async #write(items: readonly Settlement[], first: boolean): Promise<void> {
    const rest = items.every(isPlain) ? await finishLone(this.#options.database, items) : items;
    if (rest.length === 0) return;
    const reports = await this.#options.reports.make(rest);
    await this.#options.database.transaction((tx) => settleAll(tx, rest, reports, first));
    if (reports.length > 0) this.#options.reported();
  }
}

/** The hot path: a message's only recipient is done, and nobody is told. */
const isPlain = ({ message, change, report }: Settlement): boolean =>
  change.to === 'done' && report === undefined && message.recipients === 1;

const finish = `
  with m as (
    delete from message where id = any($1::text[]) and recipients = 1 returning id
  ), r as (
    delete from recipient where message_id in (select id from m)
  ), t as (
    insert into trace (at, event, queue_id, recipient, sender, message_id, last, detail)
    select at, event, queue_id, recipient, sender, message_id, last, detail::jsonb
    from unnest($2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[], $9::text[])
      as new (at, event, queue_id, recipient, sender, message_id, last, detail)
    where queue_id in (select id from m)
  )
  select id from m`;

/** Gives what was not as simple as it seemed: the message has more recipients by now, or is gone. */
async function finishLone(database: Database, items: readonly Settlement[]): Promise<readonly Settlement[]> {
  const rows = items.flatMap(({ trace }) => (trace ? [{ ...trace, last: true }] : []));
  const gone = await database.query<{ id: string }>(finish, [
    textArray(items.map((item) => item.message.id)),
    ...traceArrays(rows),
  ]);
  if (gone.length === items.length) return [];
  const finished = new Set(gone.map((row) => row.id));
  return items.filter((item) => !finished.has(item.message.id));
}

/** Locks in one order for all workers. The message's row first: it decides who is the last of its recipients. */
const lockMessages = 'select id from message where id = any($1::text[]) order by id for update';

/** What may be written: open rows, ours or nobody's; or anybody's, for what is done. */
const lockRecipients = `
  select r.message_id, r.slot
  from unnest($1::text[], $2::text[], $3::int4[], $4::bool[]) as want (message_id, slot, claimed_by, done)
  join recipient r on r.message_id = want.message_id and r.slot = want.slot
  where r.status = 'due' and (want.done or r.claimed_by is null or r.claimed_by = want.claimed_by)
  order by r.message_id, r.slot for update of r`;

const changeRecipients = `
  update recipient r set
    claimed_by = null, status = new.status, next_hop = coalesce(new.next_hop, r.next_hop),
    due_at = coalesce(new.due_at, r.due_at), attempts = coalesce(new.attempts, r.attempts),
    stalled = coalesce(new.stalled, r.stalled), warned = coalesce(new.warned, r.warned),
    reply = coalesce(new.reply, r.reply), peer = coalesce(new.peer, r.peer), hold_reason = new.hold_reason,
    because = case when new.because is null then r.because
                   else array(select jsonb_array_elements_text(new.because::jsonb)) end
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::int4[], $7::bool[], $8::bool[],
              $9::text[], $10::text[], $11::text[], $12::text[])
    as new (message_id, slot, status, next_hop, due_at, attempts, stalled, warned, reply, peer, hold_reason, because)
  where r.message_id = new.message_id and r.slot = new.slot`;

const removeFinished = `
  with gone as (
    delete from message m where m.id = any($1::text[])
      and not exists (select from recipient r where r.message_id = m.id and r.status <> 'done')
    returning m.id
  ), rows as (delete from recipient where message_id in (select id from gone))
  select id from gone`;

/** `first`: this is no repetition of a transaction that may have been committed after all. */
async function settleAll(
  tx: Queryable,
  items: readonly Settlement[],
  reports: readonly MadeReport[],
  first: boolean,
): Promise<void> {
  const ids = textArray([...new Set(items.map((item) => item.message.id))]);
  const [, open] = await Promise.all([
    tx.query(lockMessages, [ids]),
    tx.query<{ message_id: string; slot: string }>(lockRecipients, [
      textArray(items.map((item) => item.message.id)),
      textArray(items.map((item) => item.slot)),
      int4Array(items.map((item) => item.claimedBy)),
      boolArray(items.map((item) => item.change.to === 'done')),
    ]),
  ]);
  const ours = new Set(open.map((row) => rowKey(row.message_id, row.slot)));
  const written = items.filter((item) => ours.has(rowKey(item.message.id, item.slot)));
  const made = reports.filter(({ covers }) =>
    covers.some((item) => ours.has(rowKey(item.message.id, item.slot))),
  );
  const [, finished] = await Promise.all([
    tx.query(changeRecipients, changes(written)),
    tx.query<{ id: string }>(removeFinished, [ids]),
  ]);
  // A delivery whose row somebody else has settled is told all the same: it happened, and is a duplicate.
  const happened = first ? items.filter(({ trace }) => trace?.event === 'delivered') : [];
  const rows = [...new Set([...written, ...happened])].flatMap(({ trace }) => (trace ? [trace] : []));
  rows.push(...made.map(({ trace }) => trace));
  await insertTrace(tx, markLast(rows, new Set(finished.map((row) => row.id))));
  if (made.length > 0)
    await insertMessages(
      tx,
      made.map(({ message }) => message),
    );
}

const rowKey = (messageId: string, slot: string): string => `${messageId} ${slot}`;

function changes(items: readonly Settlement[]): Buffer[] {
  const due = items.map(({ change }) => (change.to === 'due' ? change : undefined));
  return [
    textArray(items.map((item) => item.message.id)),
    textArray(items.map((item) => item.slot)),
    textArray(items.map(({ change }) => statusAfter(change))),
    textArray(items.map(({ change }) => ('nextHop' in change ? change.nextHop : undefined))),
    timeArray(due.map((change) => change?.dueAt)),
    int4Array(due.map((change) => change?.attempts)),
    boolArray(due.map((change) => change?.stalled)),
    boolArray(due.map((change) => change?.warned)),
    textArray(due.map((change) => change?.reply)),
    textArray(due.map((change) => change?.peer)),
    textArray(items.map(({ change }) => (change.to === 'held' ? change.reason : undefined))),
    jsonArray(items.map(({ change }) => ('because' in change ? change.because : undefined))),
  ];
}

const statusAfter = (change: RowChange): string => (change.to === 'back' ? 'due' : change.to);

/** The last row of each message that is gone from the spool says so. */
export function markLast(rows: readonly StoredTraceRow[], finished: ReadonlySet<string>): StoredTraceRow[] {
  const told = new Set<string>();
  return rows
    .toReversed()
    .map((row) => {
      if (row.queueId === undefined || !finished.has(row.queueId) || told.has(row.queueId)) return row;
      told.add(row.queueId);
      return { ...row, last: true };
    })
    .toReversed();
}
