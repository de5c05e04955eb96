/**
 * deliver/targets - the addresses of a host, in the order in which they are tried.
 *
 * Addresses that did not answer a moment ago go last. A mail exchanger of the Internet may not lead to loopback,
 * private, link-local or multicast addresses: anyone could point us at machines of our own.
 */
import { BlockList, isIP } from 'node:net';
import type { DeliveryStatus } from '../mail/delivery.ts';
import type { Target } from './connection.ts';
import { ourStatus } from './fault.ts';
import { dnsStatus, type Host, type Surroundings } from './hosts.ts';

/** Addresses that did not answer lately; bounded, the oldest is forgotten first. */
export class Avoided {
  readonly #until = new Map<string, number>();
  readonly #now: () => number;
  readonly #avoidFor: number;

  constructor(now: () => number, avoidFor: number) {
    this.#now = now;
    this.#avoidFor = avoidFor;
  }

  add(target: Target): void {
    const [oldest] = this.#until.keys();
    if (this.#until.size >= 10_000 && oldest !== undefined) this.#until.delete(oldest);
    this.#until.set(nameOf(target), this.#now() + this.#avoidFor);
  }

  clear(target: Target): void {
    if (this.#until.size > 0) this.#until.delete(nameOf(target));
  }

  has(target: Target): boolean {
    return this.#until.size > 0 && (this.#until.get(nameOf(target)) ?? 0) > this.#now();
  }
}

const nameOf = (target: Target): string => `${target.ip} ${target.port}`;

/** The addresses, at least one; or the status that the host's lack of them gives. Rejects only when `signal` aborts. */
export async function targetsOf(
  host: Host,
  around: Surroundings,
  signal: AbortSignal,
): Promise<readonly Target[] | DeliveryStatus> {
  let found: readonly string[];
  if (isIP(host.name) === 0) {
    try {
      const { v4, v6 } = await around.resolver.addresses(host.name, signal);
      found = ordered(shuffled(v4, around.random), shuffled(v6, around.random), around.delivery.addresses);
    } catch (error) {
      return dnsStatus(error, host.name);
    }
  } else {
    found = ordered(
      isIP(host.name) === 4 ? [host.name] : [],
      isIP(host.name) === 6 ? [host.name] : [],
      around.delivery.addresses,
    );
  }
  if (found.length === 0)
    return ourStatus('failed', 'noRoute', `${host.name} has no address that we can use`);
  const allowed =
    host.foreign && !around.delivery.mx.allowPrivate ? found.filter((ip) => !isPrivate(ip)) : found;
  if (allowed.length === 0) return ourStatus('failed', 'noRoute', `${host.name} has private addresses only`);
  return allowed.map((ip) => ({
    key: `${host.realm} ${host.protocol} ${host.name} ${ip} ${host.port}`,
    host: host.name,
    ip,
    port: host.port,
    protocol: host.protocol,
    settings: host.settings,
  }));
}

function ordered(
  v4: readonly string[],
  v6: readonly string[],
  wish: 'ipv4First' | 'ipv6First' | 'ipv4Only' | 'ipv6Only',
): readonly string[] {
  switch (wish) {
    case 'ipv4First':
      return [...v4, ...v6];
    case 'ipv6First':
      return [...v6, ...v4];
    case 'ipv4Only':
      return v4;
    case 'ipv6Only':
      return v6;
  }
}

function shuffled(ips: readonly string[], random: () => number): readonly string[] {
  if (ips.length < 2) return ips;
  return ips
    .map((ip) => ({ ip, chance: random() }))
    .sort((a, b) => a.chance - b.chance)
    .map(({ ip }) => ip);
}

/** RFC 6890 and its successors in the IANA registries: what no mail exchanger of the Internet can be. */
const privateNetworks = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  privateNetworks.addSubnet(network, bits, 'ipv4');
}
for (const [network, bits] of [
  ['::', 127],
  ['64:ff9b:1::', 48],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  privateNetworks.addSubnet(network, bits, 'ipv6');
}

/** IPv4-mapped addresses count as what they map. */
export const isPrivate = (ip: string): boolean => privateNetworks.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4');
