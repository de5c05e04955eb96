/**
 * mail/delivery - how a delivery attempt ended for one recipient, as a value.
 */
import type { Reply } from './reply.ts';

/** The peer that answered, for the trace and for DSNs (RFC 3464 §2.3.5). */
export interface Peer {
  readonly host: string;
  readonly ip: string;
  readonly port: number;
  /** `TLSv1.3 verified`, `TLSv1.3 unverified`; undefined: in the clear. */
  readonly tls?: string;
}

export interface DeliveryStatus {
  /**
   * delivered: the peer answered for it. later: try again. failed: never.
   */
  readonly outcome: 'delivered' | 'later' | 'failed';
  /** The peer's reply, or ours where no peer was reached (then `peer` is absent). */
  readonly reply: Reply;
  readonly peer?: Peer;
  /** The peer announced DSN and took the wishes over: we owe no success report (RFC 3461 §5.2.1). */
  readonly dsnTakenOver?: boolean;
  /** Delivered, and at its end: the peer was asked by LMTP (RFC 2033), and nobody relays it further. */
  readonly final?: boolean;
  /** Looks like greylisting: a fast retry is worth it. */
  readonly greylisted?: boolean;
  /** The fault is the destination's, not this recipient's: no other message need try it now. */
  readonly destinationDown?: boolean;
}
