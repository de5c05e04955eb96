/**
 * queue/filter - a QueueFilter as conditions over `recipient r` joined with `message m`.
 */
import type { QueueFilter } from '../ports/queue-control.ts';
import { matches } from './trace.ts';

/** A recipient's QueueStatus; `at` is the bound instant. */
export const statusExpression = (at: string): string =>
  `case when r.status = 'held' then 'held' when r.claimed_by is not null then 'active'
        when r.due_at <= ${at} then 'due' else 'deferred' end`;

/** `bind` gives the placeholder for a value. */
export function filterConditions(filter: QueueFilter, bind: (value: unknown) => string, at: string): string {
  const conditions = ["r.status <> 'done'"];
  if (filter.ids !== undefined) conditions.push(`r.message_id = any(${bind([...filter.ids])}::text[])`);
  if (filter.recipient !== undefined) conditions.push(matches('r.address', filter.recipient, bind));
  if (filter.sender !== undefined) {
    conditions.push(filter.sender === '<>' ? "m.sender = ''" : matches('m.sender', filter.sender, bind));
  }
  if (filter.nextHop !== undefined) conditions.push(`r.next_hop = ${bind(filter.nextHop)}`);
  if (filter.olderThan !== undefined) conditions.push(`m.received_at < ${bind(filter.olderThan)}`);
  if (filter.reply !== undefined)
    conditions.push(`strpos(lower(r.reply), ${bind(filter.reply.toLowerCase())}) > 0`);
  if (filter.status !== undefined) conditions.push(`${statusExpression(at)} = ${bind(filter.status)}`);
  // The instant is bound in any case: a statement must use what it is given.
  conditions.push(`${at}::timestamptz is not null`);
  return conditions.join(' and ');
}
