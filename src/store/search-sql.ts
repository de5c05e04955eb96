/**
 * store/search-sql - a search key as one SQL condition over the row of a message.
 *
 * The statement around it calls mailbox_message `m`, body `b`, and whatever it tests text on, as it likes: how a text is
 * tested is handed in. Values travel apart from the text. No condition is ever null.
 */
import { flagBits } from '../mail/mailbox.ts';
import type { Day } from '../mail/search.ts';
import type { UidRange } from '../mail/uid-set.ts';
import { bodyOfEmailId, threadOfThreadId } from './object-ids.ts';
import type { Plain, RowKey, TextKey } from './search-key.ts';
import { isText } from './search-key.ts';
import { normalised } from './uid-ranges.ts';

/** What `$1`, `$2` … stand for. */
export class Values {
  readonly list: unknown[] = [];

  /** The place of a value, with its type. */
  add(value: unknown, type: string): string {
    this.list.push(value);
    return `$${this.list.length}::${type}`;
  }
}

/** Condition for a text; `not` is already in it when it comes back. */
export type TextCondition = (key: TextKey, not: boolean) => string;

/** For keys without text, and for what a key with text asks of the row alone: never fewer messages. */
export const anyText: TextCondition = () => 'true';

export function condition(key: Plain, values: Values, now: Date, text: TextCondition): string {
  if (key.is === 'test') {
    const { test, not } = key;
    if (isText(test)) return text(test, not);
    const sql = row(test, values, now);
    return not ? `not ${sql}` : sql;
  }
  if (key.of.length === 0) return key.is === 'and' ? 'true' : 'false';
  return `(${key.of.map((each) => condition(each, values, now, text)).join(` ${key.is} `)})`;
}

/** Whether the row of the body is looked at. */
export const needsBody = (key: Plain): boolean =>
  key.is === 'test'
    ? key.test.key === 'threadId' || (key.test.key === 'date' && key.test.of === 'sent')
    : key.of.some(needsBody);

/** Clients may name any number of 63 bits; ours are below 2^53. */
const counted = (number: number): number => Math.min(number, Number.MAX_SAFE_INTEGER);
/** Seconds: 32 bits (RFC 5032). */
const longestAgo = 4_294_967_295;

function row(test: RowKey, values: Values, now: Date): string {
  switch (test.key) {
    case 'flag':
      // As the partial indexes say it.
      return `(m.system & ${flagBits[test.flag]} ${test.set ? '<>' : '='} 0)`;
    case 'keyword': {
      const name = values.add(test.keyword.toLowerCase(), 'text');
      const found = `(m.keywords is not null and exists (select from unnest(m.keywords) k where lower(k) = ${name}))`;
      return test.set ? found : `(not ${found})`;
    }
    case 'uids':
      return uids(test.ranges, values);
    case 'size':
      return `(m.size ${test.is === 'larger' ? '>' : '<'} ${values.add(counted(test.than), 'int8')})`;
    case 'date':
      return day(test.of, test.is, test.day, values);
    case 'within': {
      // RFC 5032: both ends belong to what is found.
      const instant = values.add(
        new Date(now.getTime() - Math.min(test.seconds, longestAgo) * 1000),
        'timestamptz',
      );
      return `(m.internal_date ${test.is === 'older' ? '<=' : '>='} ${instant})`;
    }
    case 'modSeq':
      return `(m.mod_seq >= ${values.add(counted(test.least), 'int8')})`;
    case 'emailId': {
      const body = bodyOfEmailId(test.id);
      return body === undefined ? 'false' : `(m.body = ${values.add(body, 'int8')})`;
    }
    case 'threadId': {
      const thread = threadOfThreadId(test.id);
      return thread === undefined ? 'false' : `(b.thread = ${values.add(thread, 'bytea')})`;
    }
  }
}

/** UIDs up to which a list is looked up one by one. */
const mostListed = 10_000;

function uids(ranges: readonly UidRange[], values: Values): string {
  const sorted = normalised(ranges);
  const first = sorted[0];
  const last = sorted.at(-1);
  if (first === undefined || last === undefined) return 'false';
  let width = 0;
  for (const range of sorted) width += range.last - range.first + 1;
  if (sorted.length > 1 && width <= mostListed)
    return `(m.uid = any(${values.add(listed(sorted), 'int8[]')}))`;
  const within = `m.uid between ${values.add(first.first, 'int8')} and ${values.add(last.last, 'int8')}`;
  if (sorted.length === 1) return `(${within})`;
  const all = `{${sorted.map((range) => `[${range.first},${range.last}]`).join(',')}}`;
  return `(${within} and m.uid <@ ${values.add(all, 'int8multirange')})`;
}

function listed(ranges: readonly UidRange[]): number[] {
  const all: number[] = [];
  for (const { first, last } of ranges) for (let uid = first; uid <= last; uid++) all.push(uid);
  return all;
}

/**
 * RFC 9051 §6.4.4: by the day, time and zone disregarded: the day the Date field names; of our own dates, which are kept
 * without a zone, the day in UTC. A message without a date was sent on no day.
 */
function day(
  of: 'internal' | 'sent' | 'saved',
  is: 'before' | 'on' | 'since',
  at: Day,
  values: Values,
): string {
  const start = new Date(0);
  // PostgreSQL has no year 0.
  start.setUTCFullYear(Math.min(Math.max(at.year, 1), 9998), at.month - 1, at.day);
  if (of === 'sent') {
    const date = values.add(start.toISOString().slice(0, 10), 'date');
    return `coalesce(b.sent_on ${is === 'before' ? '<' : is === 'on' ? '=' : '>='} ${date}, false)`;
  }
  const column = of === 'internal' ? 'm.internal_date' : 'm.saved_date';
  const from = values.add(start, 'timestamptz');
  if (is === 'before') return `(${column} < ${from})`;
  if (is === 'since') return `(${column} >= ${from})`;
  const next = values.add(new Date(start.getTime() + 86_400_000), 'timestamptz');
  return `(${column} >= ${from} and ${column} < ${next})`;
}
