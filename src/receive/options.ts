/**
 * receive/options - what an operator may say about one listener, and what a listener is handed.
 *
 * Times in milliseconds, sizes in octets, networks as CIDR (`192.0.2.0/24`, `2001:db8::/32`) or single addresses.
 */
import type { TlsOptions } from '../listen/tls-options.ts';
import type { Authenticator } from '../ports/authenticator.ts';
import type { LocalDelivery } from '../ports/local-delivery.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Resolver } from '../ports/resolver.ts';
import type { Routing } from '../ports/routing.ts';
import type { Senders } from '../ports/senders.ts';
import type { Spool } from '../ports/spool.ts';
import type { Trace } from '../ports/trace.ts';

export interface ListenerOptions {
  /** Told to rules, metrics and logs. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Several processes may bind the same address; the kernel spreads the connections. */
  readonly reusePort?: boolean;
  readonly protocol: 'smtp' | 'submission' | 'lmtp';
  /** Our name in the greeting and in Received fields. */
  readonly hostname: string;
  /** Other names of this installation (other nodes): their Received fields are our own too. */
  readonly ownNames?: readonly string[];
  /** The domain of `<postmaster>` without one; `hostname` when absent. */
  readonly postmasterDomain?: string | undefined;
  readonly greeting: GreetingOptions;
  readonly tls: TlsOptions;
  /** Who may relay to domains that are not ours. */
  readonly relay: Recognition;
  /** From these networks each connection must begin with a PROXY header; from others it must not. */
  readonly proxyProtocol: { readonly networks: readonly string[] };
  /** Who may use XCLIENT. */
  readonly xclient: { readonly networks: readonly string[] };
  readonly content: ContentOptions;
  /** local: recipients who are here get their mail, and LMTP its replies, at once (ports/local-delivery); others by the spool. */
  readonly deliver?: 'spool' | 'local' | undefined;
  /** Of submission: whether the From and Sender fields must be the account's own, or of somebody who lets it. */
  readonly from: 'check' | 'ignore';
  /** Longest wait for the client's name from DNS, since it connected; 0 asks nothing. */
  readonly reverseName: number;
  readonly limits: Limits;
}

export interface GreetingOptions {
  /** Words behind our name. */
  readonly text: string;
  /** Wait before the greeting; whoever talks meanwhile is no honest client. */
  readonly delay: number;
  readonly earlyTalkers: 'refuse' | 'accept';
}

/** By network, or by a name in a verified client certificate; either is enough. */
export interface Recognition {
  readonly networks: readonly string[];
  readonly certificateNames: readonly string[];
}

export interface ContentOptions {
  /** normalise: a bare LF becomes CRLF and a bare CR a space; neither ever ends the content. */
  readonly lineEndings: 'refuse' | 'normalise';
  readonly nul: 'refuse' | 'accept';
}

/** 0 means no limit, where a limit may be left out at all. */
export interface Limits {
  /** At once, on this listener. */
  readonly connections: number;
  /** At once, for one IPv4 address or IPv6 /64. Sites and relay clients are not counted. */
  readonly connectionsPerNetwork: number;
  /** New ones in a minute for one network; sites and relay clients are not counted. */
  readonly connectionsPerMinute: number;
  /** Begun in a minute by one network; sites and relay clients are not counted. */
  readonly messagesPerMinute: number;
  readonly messagesPerConnection: number;
  readonly recipients: number;
  /** Refused recipients in one connection; then 421. Sites and relay clients are not counted. */
  readonly refusedRecipients: number;
  /** Refused commands in one connection; then 421. */
  readonly errors: number;
  /** Octets of one command line, CRLF counted. RFC 5321 §4.5.3.1.4 asks for 512, the extensions add theirs, AUTH up to 12288. */
  readonly commandLine: number;
  readonly messageSize: number;
  readonly headerSize: number;
  readonly headerFields: number;
  /** Received fields at most; more is a loop (RFC 5321 §6.3). */
  readonly hops: number;
  /** Received fields of our own at most. */
  readonly ownHops: number;
  /** For a whole command to come (RFC 5321 §4.5.3.2), and for each silence within DATA. */
  readonly commandTime: number;
  /** For one message to come. */
  readonly dataTime: number;
  /** Octets in a second that DATA must bring, on the average after its first minute. */
  readonly dataRate: number;
  /** For the answer of routing to one recipient. */
  readonly lookupTime: number;
}

export interface ReceiveDeps {
  readonly spool: Spool;
  readonly routing: Routing;
  readonly trace: Trace;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly resolver?: Resolver | undefined;
  /** The site a client is, by its address and the names in its verified certificate (src/route). */
  readonly recognise?: ((ip: string, certificateNames: readonly string[]) => string | undefined) | undefined;
  /** Absent: nobody can sign in. */
  readonly authenticator?: Authenticator | undefined;
  /** Asked on submission listeners about everyone who signed in; absent: any address will do. */
  readonly senders?: Senders | undefined;
  /** For LMTP listeners with `deliver: local`; absent: there is no store here, and the spool takes all. */
  readonly local?: LocalDelivery | undefined;
  readonly now: () => Date;
}
