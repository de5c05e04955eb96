/**
 * ports/queue-control - what operators do with the spool. Implemented by src/queue, used by admin.
 */
export type QueueStatus = 'due' | 'active' | 'deferred' | 'held';

export interface QueueFilter {
  readonly ids?: readonly string[];
  /** Addresses, or `@domain`. */
  readonly recipient?: string;
  readonly sender?: string;
  /** `site:NAME` or `mx:DOMAIN`. */
  readonly nextHop?: string;
  readonly status?: QueueStatus;
  readonly olderThan?: Date;
  /** Part of the newest reply, without regard to case. */
  readonly reply?: string;
}

export interface QueuedRecipient {
  readonly address: string;
  readonly status: QueueStatus;
  readonly nextHop?: string;
  readonly attempts: number;
  readonly dueAt?: Date;
  readonly reply?: string;
  readonly peer?: string;
  readonly holdReason?: string;
  readonly because: readonly string[];
}

export interface QueuedMessage {
  readonly id: string;
  /** `<>` for the null reverse-path. */
  readonly sender: string;
  readonly size: number;
  readonly receivedAt: Date;
  readonly expiresAt: Date;
  readonly messageId?: string;
  readonly recipients: readonly QueuedRecipient[];
}

export interface QueueCounts {
  readonly messages: number;
  readonly recipients: number;
  readonly byStatus: Readonly<Record<QueueStatus, number>>;
  readonly byNextHop: Readonly<Record<string, number>>;
  /** Seconds since the oldest message came in. */
  readonly oldest?: number;
}

export type QueueAction = 'hold' | 'release' | 'retry' | 'bounce' | 'delete';

export interface QueueControl {
  list(filter: QueueFilter, signal: AbortSignal): AsyncIterable<QueuedMessage>;
  counts(signal: AbortSignal): Promise<QueueCounts>;
  /** The header section of a message (at most 64 KiB), for `queue show --headers`. */
  headers(id: string, signal: AbortSignal): Promise<string | undefined>;
  /**
   * Does `action` to all recipients that match, and says how many messages and recipients it was; with `dryRun` only says.
   * Recipients in delivery at that instant are left alone and counted in `busy`.
   * `by` is the operator, for the trace. bounce: failed with a report to the sender. delete: without one.
   */
  act(
    action: QueueAction,
    filter: QueueFilter,
    options: { readonly dryRun: boolean; readonly by: string; readonly reason?: string },
    signal: AbortSignal,
  ): Promise<{ readonly messages: number; readonly recipients: number; readonly busy: number }>;
}
