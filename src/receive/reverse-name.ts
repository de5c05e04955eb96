/**
 * receive/reverse-name - the client's name, believed only when it points back at the address.
 *
 * For Received fields and rules, never for trust by itself. Bounded: when DNS is slow, there is no name.
 */
import type { Resolver } from '../ports/resolver.ts';
import { plainIp } from '../protocol/smtp/proxy.ts';

/** Names tried at most: some addresses have hundreds. */
const namesTried = 3;
const hostname =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)+$/;

/** Never throws; undefined after `limit` milliseconds at the latest. */
export async function reverseName(
  ip: string,
  resolver: Resolver,
  limit: number,
): Promise<string | undefined> {
  const { promise: late, resolve: giveUp } = Promise.withResolvers<undefined>();
  const abort = new AbortController();
  const timer = setTimeout(() => {
    abort.abort();
    giveUp(undefined);
  }, limit);
  timer.unref();
  try {
    return await Promise.race([confirmedName(ip, resolver, abort.signal), late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

async function confirmedName(
  ip: string,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<string | undefined> {
  const names = await resolver.reverse(ip, signal);
  for (const found of names.slice(0, namesTried)) {
    const name = found.toLowerCase().replace(/\.$/, '');
    if (!hostname.test(name)) continue;
    const { v4, v6 } = await resolver.addresses(name, signal);
    if ([...v4, ...v6].some((address) => plainIp(address) === ip)) return name;
  }
  return undefined;
}
