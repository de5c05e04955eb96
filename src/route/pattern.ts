/**
 * route/pattern - addresses with `*`, domains with `*.`, and networks, as rules name them.
 *
 * There are no regular expressions: a pattern is matched in one pass, and it can be decided whether one pattern covers
 * another, which the search for unreachable rules lives by.
 */
import { BlockList, isIP } from 'node:net';
import { addressKey, parseAddress, parseDomain } from '../mail/address.ts';

/** Said by an operator and not understood; the text says what was expected. */
export class SpecError extends Error {
  override readonly name = 'SpecError';
}

/** `*` stands for any run of characters, also none. */
export interface Glob {
  readonly text: string;
  /** Without a star: it matches `text` alone. */
  readonly exact: boolean;
  matches(value: string): boolean;
}

export function makeGlob(pattern: string): Glob {
  const text = pattern.replace(/\*{2,}/g, '*');
  const parts = text.split('*');
  if (parts.length === 1) return { text, exact: true, matches: (value) => value === text };
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  const middle = parts.slice(1, -1);
  return {
    text,
    exact: false,
    matches(value) {
      if (value.length < first.length + last.length) return false;
      if (!value.startsWith(first) || !value.endsWith(last)) return false;
      const end = value.length - last.length;
      let at = first.length;
      for (const part of middle) {
        const found = value.indexOf(part, at);
        if (found < 0 || found + part.length > end) return false;
        at = found + part.length;
      }
      return true;
    },
  };
}

/** Whether everything that `narrow` matches is matched by `wide` too; false where it is not known. */
export const covers = (wide: Glob, narrow: Glob): boolean => wide.matches(narrow.text);

/** Whether nothing is matched by both; false where it is not known. */
export function disjoint(a: Glob, b: Glob): boolean {
  if (a.exact) return !b.matches(a.text);
  if (b.exact) return !a.matches(b.text);
  const [headA = '', headB = ''] = [a.text.split('*')[0], b.text.split('*')[0]];
  const [tailA = '', tailB = ''] = [a.text.split('*').at(-1), b.text.split('*').at(-1)];
  const heads = headA.startsWith(headB) || headB.startsWith(headA);
  const tails = tailA.endsWith(tailB) || tailB.endsWith(tailA);
  return !heads || !tails;
}

/** A pattern over address keys. `domain` is set where any local part at that one domain will do. */
export interface AddressPattern extends Glob {
  readonly domain?: string;
}

export function parseAddressPattern(text: string): AddressPattern {
  if (!text.includes('*')) {
    const address = parseAddress(text);
    if (address === undefined) throw new SpecError(`expected a mail address, found "${text}"`);
    return makeGlob(addressKey(address));
  }
  const at = text.lastIndexOf('@');
  if (at < 0) throw new SpecError(`expected an address pattern such as *@example.org, found "${text}"`);
  const domain = normalDomainPattern(text.slice(at + 1));
  const local = text.slice(0, at).normalize('NFC').toLowerCase();
  const glob = makeGlob(`${local}@${domain}`);
  return local === '*' && !domain.includes('*') ? { ...glob, domain } : glob;
}

/** `example.org` is any address there; `*.example.org` any address in a subdomain. */
export function parseDomainPattern(text: string): AddressPattern {
  const base = text.startsWith('*.') ? text.slice(2) : text;
  const domain = base.includes('*') ? undefined : parseDomain(base);
  if (domain === undefined) {
    throw new SpecError(`expected a domain such as example.org or *.example.org, found "${text}"`);
  }
  if (text.startsWith('*.')) return makeGlob(`*@*.${domain}`);
  return { ...makeGlob(`*@${domain}`), domain };
}

function normalDomainPattern(text: string): string {
  if (text.includes('*')) {
    if (/[^a-z0-9_.*-]/i.test(text)) throw new SpecError(`expected A-labels beside a star, found "${text}"`);
    return text.toLowerCase();
  }
  const domain = parseDomain(text);
  if (domain === undefined) throw new SpecError(`expected a domain after "@", found "${text}"`);
  return domain;
}

/** `192.0.2.0/24`, `2001:db8::/32` or one address. */
export interface Network {
  readonly text: string;
  readonly base: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly bits: number;
  contains(ip: string): boolean;
}

export function parseNetwork(text: string): Network {
  const [, base = '', suffix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(base);
  const most = version === 4 ? 32 : 128;
  const bits = suffix === undefined ? most : Number(suffix);
  if (version === 0 || bits > most) {
    throw new SpecError(`expected a network such as 192.0.2.0/24 or 2001:db8::/32, found "${text}"`);
  }
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(base, bits, family);
  const contains = (ip: string): boolean => isIP(ip) === version && list.check(ip, family);
  return { text, base, family, bits, contains };
}

export const networkCovers = (wide: Network, narrow: Network): boolean =>
  narrow.bits >= wide.bits && wide.contains(narrow.base);

export const networksDisjoint = (a: Network, b: Network): boolean =>
  !networkCovers(a, b) && !networkCovers(b, a);
