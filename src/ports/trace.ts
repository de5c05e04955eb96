/**
 * ports/trace - a message's whole story, a row a step. Implemented by src/queue (written in the same
 * transactions as the facts it tells of) and asked by admin. Holds addresses, reasons and replies; never content.
 */

export type TraceEvent =
  | 'accepted' // 250 was said: detail has sender, client, size, messageId, recipients
  | 'refused' // at RCPT or after DATA: never accepted; queueId may be absent
  | 'decided' // because, verdict, nextHop
  | 'expanded' // a group into members
  | 'delivered'
  | 'deferred'
  | 'failed'
  | 'held'
  | 'released'
  | 'reported' // a DSN was made: detail.report has its queue id
  | 'deleted' // by an operator
  | 'done'; // nothing is left in the spool

export interface TraceRow {
  readonly at: Date;
  readonly event: TraceEvent;
  readonly queueId?: string;
  /** As given at RCPT; undefined for events of the whole message. */
  readonly recipient?: string;
  readonly because: readonly string[];
  /** reply, peer, nextHop, attempt, durationMs, sender, client, size, messageId, by, node … */
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface TraceQuery {
  readonly queueId?: string;
  /** An address, or `@domain`. */
  readonly recipient?: string;
  readonly sender?: string;
  readonly messageId?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly event?: TraceEvent;
  /** Rows, default 1000. */
  readonly limit?: number;
}

export interface Trace {
  /** For steps that belong to no transaction of the spool (refusals). Buffered, bounded; what does not fit is dropped and counted. */
  record(row: TraceRow): void;
  /** Oldest first. All rows of the messages that match, so that each story is whole. */
  find(query: TraceQuery, signal: AbortSignal): AsyncIterable<TraceRow>;
}
