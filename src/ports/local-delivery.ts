/**
 * ports/local-delivery - delivery while the client waits: a listener's way into the mailboxes here, past the spool, with
 * an answer for each recipient (RFC 2033). Implemented by src/local.
 */
import type { Address } from '../mail/address.ts';
import type { ContentFacts } from '../mail/content.ts';
import type { Reply } from '../mail/reply.ts';
import type { Decision } from '../mail/route.ts';
import type { Incoming } from './spool.ts';

export interface LocalIncoming extends Omit<Incoming, 'finish'> {
  /** As Incoming.finish; and what routing decided, for each recipient of the envelope in its order. */
  readonly finish: () => Promise<{
    readonly facts: ContentFacts;
    readonly lacking?: Uint8Array;
    readonly decisions: readonly Decision[];
  }>;
}

export interface LocalDelivery {
  /**
   * Asked at RCPT once routing has found nothing against it: why the mailbox does not take mail now. Undefined: it does,
   * or it is not here. Throws when it cannot be told.
   */
  refusal(recipient: Address, decision: Decision, signal: AbortSignal): Promise<Reply | undefined>;

  /**
   * One reply for each recipient of the envelope, in its order. A positive one means durable: in the mailbox, or, for
   * recipients who are not here, are groups, or are owed a report of success, in the spool. Rejects, with nothing kept,
   * where the content or `finish` does, and as Spool.accept where nothing can be kept at all.
   */
  accept(incoming: LocalIncoming, signal: AbortSignal): Promise<readonly Reply[]>;
}
