/**
 * queue/trace - asked for stories, and told of what belongs to no transaction of the spool.
 *
 * Refusals are buffered and written a few times a second. What does not fit is dropped and counted: a flood of refused
 * mail must not take the memory of the process that refuses it.
 */
import { addressKey, parseAddress } from '../mail/address.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Trace, TraceQuery, TraceRow } from '../ports/trace.ts';
import { insertTrace } from './insert.ts';
import { readRow, type StoredTraceRow, storeRow, type TraceTableRow } from './trace-rows.ts';

export interface TraceOptions {
  readonly database: Database;
  readonly log: Log;
  readonly metrics: Metrics;
}

const bound = 10_000;
const atOnce = 1_000;
const every = 250;
const defaultLimit = 1_000;

export function openTrace({ database, log, metrics }: TraceOptions): Trace & { close(): Promise<void> } {
  let buffer: StoredTraceRow[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;

  const write = async (): Promise<void> => {
    const rows = buffer.slice(0, atOnce);
    try {
      await insertTrace(database, rows);
      buffer = buffer.slice(rows.length);
    } catch (error) {
      log.debug({ err: error, rows: buffer.length }, 'trace rows of refusals wait for the database');
    }
  };
  const schedule = (): void => {
    if (timer || buffer.length === 0) return;
    timer = setTimeout(() => {
      writing = write().finally(() => {
        timer = undefined;
        writing = undefined;
        schedule();
      });
    }, every);
    timer.unref();
  };

  return {
    record(row: TraceRow): void {
      if (buffer.length >= bound) metrics.count('isthmus_trace_dropped_total');
      else buffer.push(storeRow(row));
      schedule();
    },
    async *find(query: TraceQuery, signal: AbortSignal): AsyncGenerator<TraceRow> {
      const { text, values } = search(query);
      for await (const row of database.rows<TraceTableRow>(text, values, signal)) yield* readRow(row);
    },
    async close(): Promise<void> {
      clearTimeout(timer);
      await writing;
      for (let left = buffer.length; left > 0; left = buffer.length) {
        await write();
        if (buffer.length === left) break;
      }
    },
  };
}

const columns = 'at, event, queue_id, recipient, sender, message_id, last, detail';

/**
 * The messages of which some row meets each condition, then all rows of these, oldest first; and rows without a
 * message (refusals at RCPT) that meet all conditions themselves. Texts differ by which conditions there are: few.
 */
function search(query: TraceQuery): { readonly text: string; readonly values: readonly unknown[] } {
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const times = [
    query.since === undefined ? [] : [`at >= ${bind(query.since)}`],
    query.until === undefined ? [] : [`at < ${bind(query.until)}`],
  ].flat();
  const facts = conditions(query, bind);
  const limit = bind(query.limit ?? defaultLimit);
  const all = [...facts.map(({ trace }) => trace), ...times].join(' and ') || 'true';
  const hits = (facts.length > 0 ? facts : [{ trace: 'true', queued: undefined }])
    .map(({ trace, queued }) => {
      const where = [trace, 'queue_id is not null', ...times].join(' and ');
      const hit = `select queue_id from trace where ${where}`;
      return queued === undefined ? `(${hit})` : `(${hit} union all ${queued})`;
    })
    .join(' intersect ');
  return {
    values,
    text: `
      with hit as (select queue_id from (${hits}) as found group by queue_id order by queue_id desc limit ${limit}),
      story as (
        select id, ${columns} from trace where queue_id in (select queue_id from hit)
        union all
        (select id, ${columns} from trace where queue_id is null and ${all} order by at desc limit ${limit})
      )
      select ${columns} from story order by at, id limit ${limit}`,
  };
}

interface Fact {
  /** A condition on a row of the trace. */
  readonly trace: string;
  /** Messages that are in the spool and have no row of that kind yet. */
  readonly queued?: string | undefined;
}

function conditions(query: TraceQuery, bind: (value: unknown) => string): readonly Fact[] {
  const facts: Fact[] = [];
  if (query.queueId !== undefined) facts.push({ trace: `queue_id = ${bind(query.queueId)}` });
  if (query.messageId !== undefined) {
    const value = bind(query.messageId);
    facts.push({ trace: `(hashtext(message_id) = hashtext(${value}) and message_id = ${value})` });
  }
  if (query.event !== undefined) {
    facts.push({
      trace: query.event === 'done' ? `(last or event = 'done')` : `event = ${bind(query.event)}`,
    });
  }
  if (query.sender !== undefined) facts.push({ trace: matches('sender', query.sender, bind) });
  if (query.recipient !== undefined) {
    facts.push({
      trace: matches('recipient', query.recipient, bind),
      queued: `select message_id from recipient where ${matches('address', query.recipient, bind)}`,
    });
  }
  return facts;
}

/**
 * An address, or `@domain`; without regard to case. Read from behind, so that one index on `reverse(lower(column))`
 * serves both: a domain is how its addresses begin.
 */
export function matches(column: string, wanted: string, bind: (value: unknown) => string): string {
  const lower = wanted.toLowerCase();
  const field = `(reverse(lower(${column})) collate "C")`;
  if (lower.startsWith('@')) {
    const start = reversed(lower);
    // In octets, A comes next to @: whatever begins so is before it.
    return `(${field} >= ${bind(start)} and ${field} < ${bind(`${start.slice(0, -1)}A`)})`;
  }
  const parsed = parseAddress(wanted);
  const spellings = [...new Set([lower, parsed ? addressKey(parsed) : lower])];
  return `${field} = any(${bind(spellings.map(reversed))}::text[])`;
}

/** As PostgreSQL's reverse(): by characters. */
const reversed = (text: string): string => Array.from(text).reverse().join('');
