/**
 * ports/delivery-agent - what carries one message to one next hop. Implemented by src/deliver (smtp, lmtp) and,
 * later, by src/store (local).
 */
import type { DeliveryStatus } from '../mail/delivery.ts';
import type { Recipient, Transaction } from '../mail/envelope.ts';
import type { NextHop } from '../mail/route.ts';

export interface DeliveryTask {
  readonly queueId: string;
  readonly transaction: Transaction;
  readonly recipients: readonly Recipient[];
  readonly nextHop: NextHop;
  /** Octets that `content` will give. */
  readonly size: number;
  readonly eightBit: boolean;
  readonly utf8Header: boolean;
  /** The message with all its trace fields and per-copy header changes made. May be called again, for the next host. */
  readonly content: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
}

export interface DeliveryAgent {
  /**
   * Tries the next hop's hosts in their order until one answers for every recipient. One status for each recipient, in order.
   * Never throws for what peers or networks do; rejects only when `signal` aborts before an outcome is known,
   * or when `content` fails (the error is passed on).
   */
  deliver(task: DeliveryTask, signal: AbortSignal): Promise<readonly DeliveryStatus[]>;

  /** Closes idle connections, waits for busy ones until `signal` aborts. */
  close(signal: AbortSignal): Promise<void>;
}
