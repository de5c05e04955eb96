/**
 * ports/spool - mail we have answered for. Implemented by src/queue over the database and blobs.
 */
import type { ContentFacts } from '../mail/content.ts';
import type { Client, Envelope } from '../mail/envelope.ts';

/** Printed in replies, Received fields and the trace: 12 to 20 characters of [0-9A-Za-z], sorts by time. */
export type QueueId = string;

export interface Incoming {
  readonly id: QueueId;
  readonly envelope: Envelope;
  readonly client: Client;
  readonly receivedAt: Date;
  /** Whole trace fields that go on top of the content, CRLF ended: our Received field. */
  readonly trace: Uint8Array;
  /** As received: CRLF lines, dots unstuffed. Read once, with back-pressure. */
  readonly content: AsyncIterable<Uint8Array>;
  /**
   * Asked once `content` has ended: the facts, or a MailError thrown to refuse the message (a rule, a loop, bare LF):
   * then nothing is kept and accept() rejects with that error. `lacking`: whole fields that go below the trace, for a
   * message of our own people that lacks them (RFC 6409 §8).
   */
  readonly finish: () => Promise<{ readonly facts: ContentFacts; readonly lacking?: Uint8Array }>;
}

export interface Spool {
  /** Made without I/O, unique over all nodes: needed for the Received field before content is written. */
  newId(): QueueId;

  /**
   * Durable when it resolves: committed and synced; only then may `250` be said. When it rejects, nothing is kept.
   * Rejects with MailError `later systemFull` (452) when disk or database are full or the bound on queued messages is reached,
   * `later localError` (451) when they are away.
   */
  accept(incoming: Incoming, signal: AbortSignal): Promise<void>;
}
