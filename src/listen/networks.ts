/**
 * listen/networks - sets of networks, and the network that limits are counted by.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { plainIp } from '../protocol/smtp/proxy.ts';

export class NetworkSet {
  readonly #list = new BlockList();
  readonly #empty: boolean;

  /** Throws an Error that names the entry which is no address and no CIDR network. */
  constructor(networks: readonly string[]) {
    this.#empty = networks.length === 0;
    for (const network of networks) this.#add(network);
  }

  #add(network: string): void {
    const [ip = '', bits] = network.split('/');
    const family = isIPv4(ip) ? 'ipv4' : isIPv6(ip) ? 'ipv6' : undefined;
    const most = family === 'ipv4' ? 32 : 128;
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (family === undefined || prefix < 0 || prefix > most) {
      throw new Error(`"${network}" is no network: expected an address or CIDR such as 192.0.2.0/24`);
    }
    this.#list.addSubnet(ip, prefix, family);
  }

  has(ip: string): boolean {
    if (this.#empty) return false;
    return this.#list.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4');
  }
}

/** An IPv4 address by itself; the /64 of an IPv6 address, which is one customer's. */
export function networkOf(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const [head = '', tail] = plainIp(ip).split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  if (tail !== undefined) while (groups.length + after.length < 8) groups.push('0');
  return `${[...groups, ...after].slice(0, 4).join(':')}::/64`;
}
