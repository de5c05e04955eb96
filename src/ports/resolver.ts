/**
 * ports/resolver - DNS answers, cached by their TTL. Implemented by connectors/dns.
 */
export interface Mx {
  readonly preference: number;
  /** Lower-case, no dot at the end; `` (empty) is the null MX (RFC 7505). */
  readonly exchange: string;
}

export interface Resolver {
  /** Lowest preference first. Empty when the domain exists but has no MX. CNAMEs are followed. */
  mx(domain: string, signal: AbortSignal): Promise<readonly Mx[]>;
  /** IPv4 and IPv6 addresses; empty when there are none of a kind. */
  addresses(
    host: string,
    signal: AbortSignal,
  ): Promise<{ readonly v4: readonly string[]; readonly v6: readonly string[] }>;
  /** Names of an IP address; empty when it has none. */
  reverse(ip: string, signal: AbortSignal): Promise<readonly string[]>;
  txt(domain: string, signal: AbortSignal): Promise<readonly string[]>;
}

/** nxdomain: the name does not exist. away: SERVFAIL, REFUSED, time-out: ask again later. */
export class DnsError extends Error {
  override readonly name = 'DnsError';
  readonly kind: 'nxdomain' | 'away';
  constructor(kind: 'nxdomain' | 'away', message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
