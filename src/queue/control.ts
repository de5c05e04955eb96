/**
 * queue/control - what operators see of the spool and do with it (ports/queue-control).
 *
 * Actions go in portions, each a transaction with its trace rows, so that a hundred thousand recipients lock nothing
 * for long. Recipients that a worker holds at that instant are left alone and counted. `bounce` marks recipients and
 * lets a worker return them, since a worker makes the reports.
 */
import { printPath } from '../mail/address.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Database, Queryable } from '../ports/database.ts';
import type {
  QueueAction,
  QueueControl,
  QueueCounts,
  QueuedMessage,
  QueuedRecipient,
  QueueFilter,
  QueueStatus,
} from '../ports/queue-control.ts';
import type { TraceEvent } from '../ports/trace.ts';
import { filterConditions, statusExpression } from './filter.ts';
import { headerSection } from './header-fields.ts';
import { insertTrace } from './insert.ts';
import { retryNow, spoolChannel } from './notifier.ts';
import { textArray } from './postgres-array.ts';
import { type MessageRow, readAddress, readMessage } from './rows.ts';
import { markLast } from './settle.ts';
import { told } from './trace-rows.ts';

export interface QueueControlOptions {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly now: () => Date;
  /** This node's name, for the trace. */
  readonly hostname: string;
}

const portion = 1_000;

export function queueControl({ database, blobs, now, hostname }: QueueControlOptions): QueueControl {
  return {
    async *list(filter: QueueFilter, signal: AbortSignal): AsyncGenerator<QueuedMessage> {
      yield* listed(database, filter, now(), signal);
    },
    counts: () => counted(database, now()),
    async headers(id: string, signal: AbortSignal): Promise<string | undefined> {
      const [row] = await database.query<MessageRow>(
        'select id, facts, received_at, expires_at, sender, trace, body, blob, recipients from message where id = $1',
        [id],
      );
      if (!row) return undefined;
      const message = readMessage(row);
      const section = await headerSection(message, blobs, signal);
      return Buffer.concat([message.trace, section]).toString('utf8');
    },
    async act(action, filter, { dryRun, by, reason }, signal) {
      const doing: Doing = { action, filter, by, reason, node: hostname, startedAt: now() };
      const before = await survey(database, doing);
      if (dryRun) return before;
      const done = { messages: new Set<string>(), recipients: 0 };
      for (let after: Place | undefined = { messageId: '', slot: '' }; after; ) {
        signal.throwIfAborted();
        const from: Place = after;
        const touched = await database.transaction((tx) => actOnSome(tx, doing, from, now()));
        done.recipients += touched.rows.length;
        for (const row of touched.rows) done.messages.add(row.message_id);
        after = touched.next;
      }
      if (action !== 'hold' && action !== 'delete')
        await database.notify(spoolChannel, action === 'retry' ? retryNow : '');
      return { messages: done.messages.size, recipients: done.recipients, busy: before.busy };
    },
  };
}

interface ListedRow {
  readonly id: string;
  readonly sender: string;
  readonly size: number;
  readonly received_at: Date;
  readonly expires_at: Date;
  readonly message_id: string | null;
  readonly address: string;
  readonly status: QueueStatus;
  readonly next_hop: string;
  readonly attempts: number;
  readonly due_at: Date | null;
  readonly reply: string | null;
  readonly peer: string | null;
  readonly hold_reason: string | null;
  readonly because: string[] | null;
}

async function* listed(
  database: Database,
  filter: QueueFilter,
  now: Date,
  signal: AbortSignal,
): AsyncGenerator<QueuedMessage> {
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const at = bind(now);
  const where = filterConditions(filter, bind, at);
  const text = `
    select m.id, m.sender, m.size, m.received_at, m.expires_at, m.message_id, r.address,
           ${statusExpression(at)} as status, r.next_hop, r.attempts, r.due_at, r.reply, r.peer, r.hold_reason, r.because
    from recipient r join message m on m.id = r.message_id
    where ${where} order by r.message_id, r.slot`;
  let current: { readonly row: ListedRow; readonly recipients: QueuedRecipient[] } | undefined;
  for await (const row of database.rows<ListedRow>(text, values, signal)) {
    if (current?.row.id !== row.id) {
      if (current) yield queuedMessage(current.row, current.recipients);
      current = { row, recipients: [] };
    }
    current.recipients.push(queuedRecipient(row));
  }
  if (current) yield queuedMessage(current.row, current.recipients);
}

const queuedMessage = (row: ListedRow, recipients: readonly QueuedRecipient[]): QueuedMessage => ({
  id: row.id,
  sender: row.sender === '' ? printPath(null) : readAddress(row.sender).text,
  size: row.size,
  receivedAt: row.received_at,
  expiresAt: row.expires_at,
  ...(row.message_id === null ? {} : { messageId: row.message_id }),
  recipients,
});

const queuedRecipient = (row: ListedRow): QueuedRecipient => ({
  address: row.address,
  status: row.status,
  ...(row.next_hop === '' ? {} : { nextHop: row.next_hop }),
  attempts: row.attempts,
  ...(row.due_at === null ? {} : { dueAt: row.due_at }),
  ...(row.reply === null ? {} : { reply: row.reply }),
  ...(row.peer === null ? {} : { peer: row.peer }),
  ...(row.hold_reason === null ? {} : { holdReason: row.hold_reason }),
  because: row.because ?? [],
});

async function counted(database: Database, now: Date): Promise<QueueCounts> {
  const [totals, hops] = await Promise.all([
    database.query<{ messages: number; oldest: number | null }>(
      'select count(*) as messages, extract(epoch from $1::timestamptz - min(received_at))::float8 as oldest from message',
      [now],
    ),
    database.query<{ status: QueueStatus; next_hop: string; count: number }>(
      `select ${statusExpression('$1::timestamptz')} as status, r.next_hop, count(*) as count
       from recipient r where r.status <> 'done' group by 1, 2`,
      [now],
    ),
  ]);
  const byStatus: Record<QueueStatus, number> = { due: 0, active: 0, deferred: 0, held: 0 };
  const byNextHop: Record<string, number> = {};
  for (const { status, next_hop, count } of hops) {
    byStatus[status] += count;
    if (next_hop !== '') byNextHop[next_hop] = (byNextHop[next_hop] ?? 0) + count;
  }
  const oldest = totals[0]?.oldest;
  return {
    messages: totals[0]?.messages ?? 0,
    recipients: Object.values(byStatus).reduce((sum, count) => sum + count, 0),
    byStatus,
    byNextHop,
    ...(oldest === null || oldest === undefined ? {} : { oldest: Math.max(0, oldest) }),
  };
}

interface Doing {
  readonly action: QueueAction;
  readonly filter: QueueFilter;
  readonly by: string;
  readonly reason: string | undefined;
  readonly node: string;
  readonly startedAt: Date;
}

/** To which recipients an action applies, besides the filter. */
const applies: Record<QueueAction, string> = {
  hold: "r.status = 'due'",
  release: "r.status = 'held'",
  retry: "r.status = 'due'",
  bounce: "r.status in ('due', 'held') and r.bounce is null",
  delete: "r.status in ('due', 'held')",
};

/** What it does to a row; `$by` and `$reason` as one JSON value. */
const changes: Record<QueueAction, string> = {
  hold: "status = 'held', hold_reason = coalesce($3->>'reason', 'held by ' || ($3->>'by'))",
  release: "status = 'due', due_at = $4, hold_reason = null, stalled = false",
  retry: 'due_at = $4, stalled = false',
  bounce: "status = 'due', due_at = $4, hold_reason = null, next_hop = '', bounce = $3",
  delete: "status = 'done'",
};

const events: Record<QueueAction, TraceEvent | undefined> = {
  hold: 'held',
  release: 'released',
  retry: 'released',
  bounce: undefined, // The worker tells of it.
  delete: 'deleted',
};

async function survey(
  database: Database,
  { action, filter, startedAt }: Doing,
): Promise<{ messages: number; recipients: number; busy: number }> {
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const where = filterConditions(filter, bind, bind(startedAt));
  const [row] = await database.query<{ messages: number; recipients: number; busy: number }>(
    `select count(distinct r.message_id) filter (where r.claimed_by is null) as messages,
            count(*) filter (where r.claimed_by is null) as recipients,
            count(*) filter (where r.claimed_by is not null) as busy
     from recipient r join message m on m.id = r.message_id where ${where} and ${applies[action]}`,
    values,
  );
  return row ?? { messages: 0, recipients: 0, busy: 0 };
}

interface Place {
  readonly messageId: string;
  readonly slot: string;
}

interface Touched {
  readonly rows: readonly { readonly message_id: string; readonly slot: string; readonly address: string }[];
  /** Where the next portion begins; undefined after the last. */
  readonly next: Place | undefined;
}

async function actOnSome(tx: Queryable, doing: Doing, after: Place, now: Date): Promise<Touched> {
  const rows = await pick(tx, doing, after);
  const last = rows.at(-1);
  if (!last) return { rows, next: undefined };
  const { action, by, reason } = doing;
  const order = { by, ...(reason === undefined ? {} : { reason }) };
  const usesTime = changes[action].includes('$4');
  const usesOrder = changes[action].includes('$3');
  await tx.query(
    `with given as (select $3::jsonb as o, $4::timestamptz as t)
     update recipient r set ${changes[action].replaceAll('$3', 'given.o').replaceAll('$4', 'given.t')}
     from given, unnest($1::text[], $2::text[]) as s (message_id, slot)
     where r.message_id = s.message_id and r.slot = s.slot`,
    [
      textArray(rows.map((row) => row.message_id)),
      textArray(rows.map((row) => row.slot)),
      usesOrder ? JSON.stringify(order) : null,
      usesTime ? now : null,
    ],
  );
  const gone = action === 'delete' ? await removeEmptied(tx, rows) : new Set<string>();
  const event = events[action];
  if (event !== undefined) {
    const because = [`operator ${by}: ${action}${reason === undefined ? '' : `, ${reason}`}`];
    const traces = rows.map((row) =>
      told({
        at: now,
        event,
        queueId: row.message_id,
        recipient: row.address,
        because,
        detail: { by, node: doing.node },
      }),
    );
    await insertTrace(tx, markLast(traces, gone));
  }
  return { rows, next: rows.length < portion ? undefined : { messageId: last.message_id, slot: last.slot } };
}

async function pick(
  tx: Queryable,
  { action, filter, startedAt }: Doing,
  after: Place,
): Promise<Touched['rows']> {
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const where = filterConditions(filter, bind, bind(startedAt));
  const from = `(r.message_id, r.slot) > (${bind(after.messageId)}, ${bind(after.slot)})`;
  return tx.query(
    `select r.message_id, r.slot, r.address from recipient r join message m on m.id = r.message_id
     where ${where} and ${applies[action]} and r.claimed_by is null and ${from}
     order by r.message_id, r.slot limit ${bind(portion)} for update of r skip locked`,
    values,
  );
}

/** Messages of which nothing is left; locked first, as workers do (settle.ts). */
async function removeEmptied(tx: Queryable, rows: Touched['rows']): Promise<ReadonlySet<string>> {
  const ids = textArray([...new Set(rows.map((row) => row.message_id))]);
  await tx.query('select id from message where id = any($1::text[]) order by id for update', [ids]);
  const gone = await tx.query<{ id: string }>(
    `with gone as (
       delete from message m where m.id = any($1::text[])
         and not exists (select from recipient r where r.message_id = m.id and r.status <> 'done')
       returning m.id
     ), rows as (delete from recipient where message_id in (select id from gone))
     select id from gone`,
    [ids],
  );
  return new Set(gone.map((row) => row.id));
}
