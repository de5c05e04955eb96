/**
 * deliver/options - what the room is told: sites as loaded from the configuration, limits, and what the Internet is
 * treated like. Plain values; certificates and keys are loaded already (PEM).
 */
import type { Credentials } from '../protocol/smtp/client-auth.ts';

/**
 * none: never STARTTLS. opportunistic: STARTTLS where offered, in the clear where it fails.
 * require: STARTTLS or nothing, whoever answers. verify: and the certificate is valid and names the host.
 */
export type TlsPolicy = 'none' | 'opportunistic' | 'require' | 'verify';

export interface HopSettings {
  readonly tls: TlsPolicy;
  /** The name the certificate must bear, and that SNI says, where it is not the host's. */
  readonly tlsName?: string | undefined;
  /** TLS from the first octet (port 465) instead of STARTTLS. With it, policy `none` means `require`. */
  readonly implicitTls?: boolean | undefined;
  /** PEM: the authorities to trust instead of the system's. */
  readonly ca?: string | undefined;
  /** PEM: shown when the peer asks for a certificate. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string } | undefined;
  readonly auth?: Credentials | undefined;
  /** Credentials may be sent without TLS: for peers on the same machine. */
  readonly authWithoutTls?: boolean | undefined;
  /** 8-bit content goes to peers that do not announce 8BITMIME, and 8-bit header fields of a client that did not say SMTPUTF8. */
  readonly assume8bit?: boolean | undefined;
}

export interface SiteHop {
  /** A name with A or AAAA records, or an IP address. */
  readonly host?: string | undefined;
  /** A domain whose MX records are asked. Either this or `host`. */
  readonly mx?: string | undefined;
  /** 25 for SMTP, 465 with implicitTls, 24 for LMTP. */
  readonly port?: number | undefined;
  /** local: mailboxes here, which are no business of this room. */
  readonly protocol?: 'smtp' | 'lmtp' | 'local' | undefined;
  /** Lowest first; 0 when absent. */
  readonly priority?: number | undefined;
  /** Share among those of equal priority; 1 when absent, 0 is hardly ever first. */
  readonly weight?: number | undefined;
}

export interface Site extends HopSettings {
  readonly nextHops: readonly SiteHop[];
}

/** Milliseconds. RFC 5321 §4.5.3.2 gives the least values of all but `connect`, `tls`, `idle` and `quit`. */
export interface TimeLimits {
  readonly connect: number;
  readonly greeting: number;
  readonly ehlo: number;
  readonly tls: number;
  readonly auth: number;
  readonly mail: number;
  readonly rcpt: number;
  readonly dataStart: number;
  /** For each 64 KiB to be taken. */
  readonly dataBlock: number;
  readonly dataEnd: number;
  readonly quit: number;
  /** For one attempt with all its hosts. */
  readonly attempt: number;
}

export interface DeliveryOptions {
  readonly timeLimits: TimeLimits;
  /** Recipients in one transaction. */
  readonly maxRecipients: number;
  /** Addresses that one attempt connects to. */
  readonly maxHosts: number;
  /** Connections open at once, to all destinations. */
  readonly maxConnections: number;
  /** Which addresses of a host are used, and which come first. */
  readonly addresses: 'ipv4First' | 'ipv6First' | 'ipv4Only' | 'ipv6Only';
  /** Local address of our connections; the system's choice when absent. */
  readonly sourceIpv4?: string | undefined;
  readonly sourceIpv6?: string | undefined;
  /** Connections kept for the next message. */
  readonly keep: {
    /** Milliseconds without use. */
    readonly idle: number;
    readonly messages: number;
    /** Milliseconds since it was opened. */
    readonly age: number;
  };
  /** Milliseconds for which an address that did not answer is tried last. */
  readonly avoidFor: number;
  /** How the mail exchangers of the Internet are treated. */
  readonly mx: HopSettings & {
    /** 25 unless a test says otherwise. */
    readonly port: number;
    /** MX records may lead to loopback and private addresses. */
    readonly allowPrivate: boolean;
    /** REQUIRETLS is honoured on the strength of plain DNS; RFC 8689 §4.2.1 asks for DNSSEC or MTA-STS. */
    readonly requireTlsByPlainDns: boolean;
    /** Other names than our host name under which we are somebody's mail exchanger. */
    readonly ownNames: readonly string[];
  };
}
