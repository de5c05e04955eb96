/**
 * access/options - what an operator may say about one listener for reading mail, and what a protocol gives it.
 *
 * Times in milliseconds, sizes in octets, networks as CIDR (`192.0.2.0/24`, `2001:db8::/32`) or single addresses.
 */
import type { AdmissionLimits } from '../listen/admission.ts';
import type { TlsOptions } from '../listen/tls-options.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Connection } from './connection.ts';
import type { TlsSetting } from './layers.ts';

export interface AccessListenerOptions {
  /** Told to metrics and logs. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Several processes may bind the same address; the kernel spreads the connections. */
  readonly reusePort?: boolean;
  readonly tls: TlsOptions;
  /** From these networks each connection must begin with a PROXY header; from others it must not. */
  readonly proxyProtocol: { readonly networks: readonly string[] };
  readonly limits: AccessLimits;
}

export interface AccessLimits extends AdmissionLimits {
  /** For a client that has not signed in, between its commands. */
  readonly greetingTime: number;
  /** For a client that has signed in: RFC 9051 §5.4 asks for 30 minutes, RFC 1939 §3 for 10, RFC 5804 §1.2 for 30. */
  readonly idleTime: number;
  /** For a TLS handshake. */
  readonly handshakeTime: number;
  /** For a client that takes nothing of what is sent to it. */
  readonly writeTime: number;
}

export const defaultAccessLimits: AccessLimits = {
  connections: 20_000,
  connectionsPerNetwork: 200,
  connectionsPerMinute: 600,
  greetingTime: 60_000,
  idleTime: 30 * 60_000,
  handshakeTime: 20_000,
  writeTime: 5 * 60_000,
};

export interface AccessDeps {
  readonly metrics: Metrics;
  readonly log: Log;
  readonly now: () => Date;
}

/** IMAP, POP3 or ManageSieve. */
export interface AccessProtocol {
  /** A whole line for a client that is turned away before its session, in the clear. */
  readonly refusal: string;
  /** Speaks with one client from the greeting on; the connection ends when the promise settles. A rejection is logged. */
  serve(connection: Connection): Promise<void>;
}

/** The listener's, as it is now. */
export interface ConnectionSetting {
  /** Undefined: there is no TLS here. */
  readonly tls: TlsSetting | undefined;
  /** TLS from the first octet. */
  readonly isImplicit: boolean;
  /** Whoever signs in must have TLS. */
  readonly isTlsRequired: boolean;
  readonly limits: AccessLimits;
  readonly log: Log;
  readonly now: () => Date;
}

export type Farewell = 'idle' | 'shutdown';
