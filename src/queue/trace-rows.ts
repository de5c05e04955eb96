/**
 * queue/trace-rows - the trace as its table keeps it.
 *
 * On the hot path a message is two rows: `accepted`, and one that tells of decision, attempt and outcome together.
 * `last` says that nothing was left in the spool afterwards; readers see it as a `done` event. Sender and
 * Message-ID are in columns where they are searched by, and nowhere twice.
 */
import type { Because } from '../mail/route.ts';
import type { TraceEvent, TraceRow } from '../ports/trace.ts';
import type { SpooledMessage } from './rows.ts';

export interface StoredTraceRow {
  readonly at: Date;
  readonly event: TraceEvent;
  readonly queueId?: string;
  readonly recipient?: string;
  readonly sender?: string;
  readonly messageId?: string;
  readonly last: boolean;
  /** TraceRow.detail and, where there are any, `because`. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface Told {
  readonly at: Date;
  readonly event: TraceEvent;
  readonly queueId: string;
  readonly recipient?: string;
  readonly because?: Because;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export const told = (row: Told): StoredTraceRow => ({
  at: row.at,
  event: row.event,
  queueId: row.queueId,
  ...(row.recipient === undefined ? {} : { recipient: row.recipient }),
  last: false,
  detail: row.because?.length ? { because: row.because, ...row.detail } : (row.detail ?? {}),
});

/** Recipients are named in the row up to this many; each has rows of its own later. */
const namedRecipients = 1000;

export function acceptedRow(
  message: SpooledMessage,
  recipients: readonly string[],
  node: string,
): StoredTraceRow {
  const { listener, protocol, ip, helo, name, tls, account, site } = message.client;
  return {
    at: message.receivedAt,
    event: 'accepted',
    queueId: message.id,
    sender: message.transaction.sender?.text ?? '<>',
    ...(message.facts.messageId === undefined ? {} : { messageId: message.facts.messageId }),
    last: false,
    detail: {
      size: message.facts.size,
      recipients: recipients.slice(0, namedRecipients),
      ...(recipients.length > namedRecipients ? { moreRecipients: recipients.length - namedRecipients } : {}),
      client: { listener, protocol, ip, helo, name, tls: tls?.version, account, site },
      node,
    },
  };
}

/** A row of somebody else's (a refusal): sender and Message-ID move to their columns. */
export function storeRow(row: TraceRow): StoredTraceRow {
  const { sender, messageId, ...detail } = row.detail;
  return {
    at: row.at,
    event: row.event,
    ...(row.queueId === undefined ? {} : { queueId: row.queueId }),
    ...(row.recipient === undefined ? {} : { recipient: row.recipient }),
    ...(typeof sender === 'string' ? { sender } : {}),
    ...(typeof messageId === 'string' ? { messageId } : {}),
    last: false,
    detail: row.because.length > 0 ? { because: row.because, ...detail } : detail,
  };
}

export interface TraceTableRow {
  readonly at: Date;
  readonly event: TraceEvent;
  readonly queue_id: string | null;
  readonly recipient: string | null;
  readonly sender: string | null;
  readonly message_id: string | null;
  readonly last: boolean;
  readonly detail: Record<string, unknown>;
}

/** As ports/trace says it: one row, and a `done` after the last one. */
export function* readRow(row: TraceTableRow): Generator<TraceRow> {
  const { because, ...detail } = row.detail;
  const queueId = row.queue_id === null ? {} : { queueId: row.queue_id };
  yield {
    at: row.at,
    event: row.event,
    ...queueId,
    ...(row.recipient === null ? {} : { recipient: row.recipient }),
    because: Array.isArray(because) ? because.map(String) : [],
    detail: {
      ...detail,
      ...(row.sender === null ? {} : { sender: row.sender }),
      ...(row.message_id === null ? {} : { messageId: row.message_id }),
    },
  };
  if (row.last) yield { at: row.at, event: 'done', ...queueId, because: [], detail: {} };
}
