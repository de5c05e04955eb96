/**
 * mail/envelope - what SMTP says about a message, outside the message (RFC 5321 §2.3.1).
 */
import type { Address } from './address.ts';

/** RFC 3461 §4.1; `never` stands alone. */
export type Notify = 'never' | 'success' | 'failure' | 'delay';

export interface Recipient {
  readonly address: Address;
  /** undefined: the client did not say; RFC 3461 §4.1 then means failure and delay. */
  readonly notify?: readonly Notify[];
  /** ORCPT decoded from xtext, type first: `rfc822;ada@example.org` (RFC 3461 §4.2). */
  readonly orcpt?: string;
}

export type BodyType = '7bit' | '8bitmime' | 'binarymime';

/** The part of an envelope that all recipients share. */
export interface Transaction {
  /** null is the null reverse-path `<>`: a report, to which no report is ever sent. */
  readonly sender: Address | null;
  readonly body: BodyType;
  /** The client used SMTPUTF8 (RFC 6531 §3.4). */
  readonly smtputf8: boolean;
  /** RFC 8689. */
  readonly requireTls: boolean;
  /** RFC 3461 §4.3: what a failure report returns. */
  readonly ret?: 'full' | 'hdrs';
  /** ENVID decoded from xtext (RFC 3461 §4.4). */
  readonly envid?: string;
}

export interface Envelope extends Transaction {
  readonly recipients: readonly Recipient[];
}

/** Who handed a message to us, as far as we know it; decides nothing by itself, rules and limits look at it. */
export interface Client {
  /** The listener's name in the configuration. */
  readonly listener: string;
  /** smtp: anyone. submission: our own people. lmtp: a peer of ours. local: made here (DSN, CLI). */
  readonly protocol: 'smtp' | 'submission' | 'lmtp' | 'local';
  /** Textual IPv4 or IPv6, never an IPv4-mapped form. `127.0.0.1` for local. */
  readonly ip: string;
  /** What HELO, EHLO or LHLO said. */
  readonly helo?: string;
  /** The name of `ip` when forward and reverse agree. */
  readonly name?: string;
  readonly tls?: ClientTls;
  /** The account that authenticated. */
  readonly account?: string;
  /** The client's network is in the listener's `relay.networks`, or a listed certificate was shown: it may relay. */
  readonly mayRelay: boolean;
  /** The site this client was recognised as (by network or certificate), if it is one of ours. */
  readonly site?: string;
}

export interface ClientTls {
  readonly version: string;
  readonly cipher: string;
  /** Verified against the configured authorities; unverified certificates are not mentioned. */
  readonly certificateNames?: readonly string[];
  /** SHA-256, lower-case hex. */
  readonly certificateFingerprint?: string;
}
