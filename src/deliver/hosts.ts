/**
 * deliver/hosts - which hosts a next hop has, in the order in which they are tried (RFC 5321 §5.1).
 *
 * A site's next hops go by priority, and by weighted chance among equals (as RFC 2782 does). Mail exchangers go by
 * preference, and by chance among equals; without MX the domain itself is the host; the null MX (RFC 7505) refuses.
 * Where we are one of the exchangers ourselves, only better ones than us are left (RFC 5321 §5.1): else mail loops.
 */
import { isIP } from 'node:net';
import type { DeliveryStatus } from '../mail/delivery.ts';
import type { NextHop } from '../mail/route.ts';
import { DnsError, type Mx, type Resolver } from '../ports/resolver.ts';
import { ourStatus } from './fault.ts';
import type { DeliveryOptions, HopSettings, Site, SiteHop } from './options.ts';

export interface Host {
  readonly name: string;
  readonly port: number;
  readonly protocol: 'smtp' | 'lmtp';
  readonly settings: HopSettings;
  /** `site NAME`, `mx`: connections are shared among those that have it in common. */
  readonly realm: string;
  /** Found by DNS for somebody else's domain: may not lead to private addresses. */
  readonly foreign: boolean;
}

export interface Surroundings {
  readonly resolver: Resolver;
  readonly sites: () => ReadonlyMap<string, Site>;
  readonly hostname: string;
  readonly delivery: DeliveryOptions;
  readonly random: () => number;
}

/** The hosts, at least one; or the status for every recipient. Rejects only when `signal` aborts. */
export async function hostsOf(
  nextHop: NextHop,
  around: Surroundings,
  signal: AbortSignal,
): Promise<readonly Host[] | DeliveryStatus> {
  if (nextHop.kind === 'mx') return await exchangersOf(nextHop.domain, around, signal);
  const site = around.sites().get(nextHop.site);
  if (site === undefined) return ourStatus('later', 'noRoute', `No site is called ${nextHop.site}`);
  const hosts: Host[] = [];
  let trouble: DeliveryStatus | undefined;
  for (const hop of inOrder(site.nextHops, around.random)) {
    if (hop.protocol === 'local')
      return ourStatus('later', 'noRoute', `There is no store for site ${nextHop.site}`);
    const base = { port: portOf(hop, site), protocol: hop.protocol ?? 'smtp', settings: site } as const;
    const rest = { ...base, realm: `site ${nextHop.site}`, foreign: false };
    if (hop.host !== undefined) hosts.push({ name: hop.host, ...rest });
    else if (hop.mx !== undefined) {
      const names = await mxNames(hop.mx, around, signal);
      if (isStatus(names)) trouble ??= names;
      else hosts.push(...names.map((name) => ({ name, ...rest })));
    }
  }
  if (hosts.length > 0) return hosts;
  return trouble ?? ourStatus('later', 'noRoute', `Site ${nextHop.site} has no next hops`);
}

async function exchangersOf(
  domain: string,
  around: Surroundings,
  signal: AbortSignal,
): Promise<readonly Host[] | DeliveryStatus> {
  const { mx } = around.delivery;
  const rest = { port: mx.port, protocol: 'smtp', settings: mx, realm: 'mx', foreign: true } as const;
  if (domain.startsWith('[')) {
    const ip = domain.slice(1, -1).replace(/^ipv6:/i, '');
    if (isIP(ip) === 0) return ourStatus('failed', 'badDestination', `${domain} is no address literal`);
    return [{ name: ip, ...rest }];
  }
  const names = await mxNames(domain, around, signal);
  return isStatus(names) ? names : names.map((name) => ({ name, ...rest }));
}

async function mxNames(
  domain: string,
  around: Surroundings,
  signal: AbortSignal,
): Promise<readonly string[] | DeliveryStatus> {
  let records: readonly Mx[];
  try {
    records = await around.resolver.mx(domain, signal);
  } catch (error) {
    return dnsStatus(error, domain);
  }
  if (records.length === 0) return [domain];
  const named = records.filter((record) => record.exchange !== '');
  if (named.length === 0) return ourStatus('failed', 'nullMx', `${domain} does not accept mail`);
  const own = new Set([around.hostname, ...around.delivery.mx.ownNames].map((name) => name.toLowerCase()));
  const ours = Math.min(...named.filter((mx) => own.has(mx.exchange)).map((mx) => mx.preference));
  const better = named.filter((record) => record.preference < ours);
  if (better.length === 0)
    return ourStatus('failed', 'loop', `The best mail exchanger of ${domain} is this host`);
  return better
    .map((record) => ({ ...record, chance: around.random() }))
    .sort((a, b) => a.preference - b.preference || a.chance - b.chance)
    .map((record) => record.exchange);
}

/** Throws what is no fault of DNS (an abort). */
export function dnsStatus(error: unknown, name: string): DeliveryStatus {
  if (!(error instanceof DnsError)) throw error;
  return error.kind === 'nxdomain'
    ? ourStatus('failed', 'badDestination', `${name} does not exist`)
    : { ...ourStatus('later', 'directoryTrouble', `DNS gives no answer for ${name}`), destinationDown: true };
}

export const isStatus = (found: object): found is DeliveryStatus => 'outcome' in found;

const portOf = (hop: SiteHop, site: Site): number =>
  hop.port ?? (hop.protocol === 'lmtp' ? 24 : site.implicitTls ? 465 : 25);

/** By priority; among equals each next one is drawn with a chance in proportion to its weight. */
function inOrder(hops: readonly SiteHop[], random: () => number): readonly SiteHop[] {
  if (hops.length < 2) return hops;
  const left = [...hops].sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0));
  const ordered: SiteHop[] = [];
  while (left[0] !== undefined) {
    const best = left[0].priority ?? 0;
    const equals = left.filter((hop) => (hop.priority ?? 0) === best);
    const drawn = equals[equals.length === 1 ? 0 : draw(equals, random())] ?? left[0];
    ordered.push(drawn);
    left.splice(left.indexOf(drawn), 1);
  }
  return ordered;
}

/** The index that a number from 0 to below 1 draws. Weight 0 still has a very small chance, as RFC 2782 wishes. */
function draw(hops: readonly SiteHop[], chance: number): number {
  const weights = hops.map((hop) => Math.max(hop.weight ?? 1, 0.001));
  let mark = chance * weights.reduce((sum, weight) => sum + weight, 0);
  return weights.findIndex((weight) => {
    mark -= weight;
    return mark < 0;
  });
}
