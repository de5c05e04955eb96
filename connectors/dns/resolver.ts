/**
 * connectors/dns/resolver - a stub resolver: asks recursive servers, keeps their answers by TTL.
 *
 * Servers are asked in order, beginning with the one that answered last; each again after all others. SERVFAIL and
 * REFUSED are no answer (DnsError away, when all servers fail); NXDOMAIN is one. Equal questions at the same time are
 * asked once, and stop being asked when nobody waits any more. No search list: names are whole. DNSSEC is not
 * validated here; a validating server answers SERVFAIL for what is forged.
 */

import { isIP } from 'node:net';
import type { Answer, RecordType } from 'dns-packet';
import { DnsError, type Mx, type Resolver } from '../../src/ports/resolver.ts';
import { plain, readAnswer } from './answer.ts';
import { TtlCache } from './cache.ts';
import { type ExchangeOptions, exchange, rcode, rcodeOf } from './exchange.ts';
import type { Server } from './resolv-conf.ts';

export interface DnsOptions extends ExchangeOptions {
  readonly servers: readonly Server[];
  /** How often each server is asked before the answer is `away`. */
  readonly attempts: number;
  /** Answers kept. */
  readonly cacheSize: number;
  /** Milliseconds: bounds of what TTLs say. */
  readonly minTtl: number;
  readonly maxTtl: number;
  readonly maxNegativeTtl: number;
}

type Kept = { readonly exists: true; readonly records: readonly Answer[] } | { readonly exists: false };

interface Flight {
  readonly promise: Promise<Kept>;
  readonly stop: AbortController;
  waiting: number;
}

const longestAliasChain = 8;

export function makeResolver(options: DnsOptions, now: () => Date): Resolver {
  const stub = new Stub(options, now);
  return {
    async mx(domain, signal) {
      const answers = await stub.records(domain, 'MX', signal);
      const usable = answers.flatMap((answer) => (answer.type === 'MX' ? mxOf(answer.data) : []));
      // RFC 5321 §5.1: only a domain without any MX record is its own host.
      if (answers.length > 0 && usable.length === 0) {
        throw new DnsError('nxdomain', `no mail exchanger of ${domain} has a name that a host can have`);
      }
      return usable.sort((a, b) => a.preference - b.preference);
    },
    async addresses(host, signal) {
      if (isIP(host) === 4) return { v4: [host], v6: [] };
      if (isIP(host) === 6) return { v4: [], v6: [host] };
      // RFC 6761 §6.3: never asked for.
      if (/^(.*\.)?localhost\.?$/i.test(host)) return { v4: ['127.0.0.1'], v6: ['::1'] };
      const [v4, v6] = await Promise.allSettled([
        stub.records(host, 'A', signal),
        stub.records(host, 'AAAA', signal),
      ]);
      signal.throwIfAborted();
      const found = { v4: textsOf(v4), v6: textsOf(v6) };
      const failed = [v4, v6].find((each) => each.status === 'rejected');
      if (failed && found.v4.length + found.v6.length === 0) throw failed.reason;
      return found;
    },
    async reverse(ip, signal) {
      try {
        return (await stub.records(reverseName(ip), 'PTR', signal)).flatMap(hostOf);
      } catch (error) {
        if (error instanceof DnsError && error.kind === 'nxdomain') return [];
        throw error;
      }
    },
    async txt(domain, signal) {
      return (await stub.records(domain, 'TXT', signal)).flatMap((answer) =>
        answer.type === 'TXT' ? [textOf(answer.data)] : [],
      );
    },
  };
}

class Stub {
  readonly #options: DnsOptions;
  readonly #cache: TtlCache<Kept>;
  readonly #flights = new Map<string, Flight>();
  #preferred = 0;

  constructor(options: DnsOptions, now: () => Date) {
    this.#options = options;
    this.#cache = new TtlCache(options.cacheSize, () => now().getTime());
  }

  /** Records of the type; empty when the name has none. Throws DnsError. */
  async records(name: string, type: RecordType, signal: AbortSignal): Promise<readonly Answer[]> {
    const asked = plain(name);
    // What DNS cannot hold does not exist there.
    if (!isName(asked)) throw new DnsError('nxdomain', 'not a name that DNS can hold');
    const key = `${type} ${asked}`;
    const kept = this.#cache.get(key) ?? (await this.#together(key, asked, type, signal));
    if (!kept.exists) throw new DnsError('nxdomain', `${asked} does not exist`);
    return kept.records;
  }

  async #together(key: string, name: string, type: RecordType, signal: AbortSignal): Promise<Kept> {
    const flight = this.#flights.get(key) ?? this.#take(key, name, type);
    flight.waiting += 1;
    let onAbort: (() => void) | undefined;
    try {
      return await Promise.race([
        flight.promise,
        new Promise<never>((_, reject) => {
          onAbort = () => reject(signal.reason);
          signal.addEventListener('abort', onAbort, { once: true });
          if (signal.aborted) onAbort();
        }),
      ]);
    } finally {
      if (onAbort) signal.removeEventListener('abort', onAbort);
      flight.waiting -= 1;
      if (flight.waiting === 0) {
        flight.stop.abort();
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
      }
    }
  }

  #take(key: string, name: string, type: RecordType): Flight {
    const stop = new AbortController();
    const flight: Flight = { promise: this.#ask(key, name, type, stop.signal), stop, waiting: 0 };
    flight.promise.catch(() => {});
    this.#flights.set(key, flight);
    return flight;
  }

  /** Follows aliases over as many questions as it takes; what it learns is kept for the shortest TTL on the way. */
  async #ask(key: string, name: string, type: RecordType, signal: AbortSignal): Promise<Kept> {
    const { minTtl, maxTtl, maxNegativeTtl } = this.#options;
    let at = name;
    let ttl = maxTtl;
    for (let links = 0; links < longestAliasChain; links++) {
      const found = await this.#anyServer(at, type, signal);
      if (found.found === 'alias') {
        ttl = Math.min(ttl, found.ttl * 1000);
        at = found.target;
        continue;
      }
      const kept: Kept =
        found.found === 'no name'
          ? { exists: false }
          : { exists: true, records: found.found === 'records' ? found.records : [] };
      const own = found.found === 'records' ? found.ttl * 1000 : Math.min(found.ttl * 1000, maxNegativeTtl);
      const positive = found.found === 'records';
      this.#cache.set(key, kept, Math.min(ttl, positive ? Math.max(own, minTtl) : own));
      return kept;
    }
    throw new DnsError('away', `${name} is an alias of an alias of an alias without end`);
  }

  async #anyServer(
    name: string,
    type: RecordType,
    signal: AbortSignal,
  ): Promise<ReturnType<typeof readAnswer>> {
    const { servers, attempts } = this.#options;
    const troubles: string[] = [];
    for (let asked = 0; asked < servers.length * attempts; asked++) {
      const index = (this.#preferred + asked) % servers.length;
      const server = servers[index];
      if (server === undefined) break;
      try {
        const packet = await exchange(server, { name, type }, this.#options, signal);
        const code = rcodeOf(packet);
        if (code === rcode.ok || code === rcode.nameError) {
          this.#preferred = index;
          return readAnswer(packet, name, type);
        }
        troubles.push(`${server.ip}: response code ${code}`);
      } catch (error) {
        signal.throwIfAborted();
        troubles.push(`${server.ip}: ${(error as Error).message}`);
      }
    }
    throw new DnsError('away', `no name server answers for ${name} ${type} (${troubles.join('; ')})`);
  }
}

const isName = (name: string): boolean =>
  name.length <= 253 &&
  name !== '' &&
  name.split('.').every((label) => /^[\x21-\x2d\x2f-\x7e]{1,63}$/.test(label));

/** Names that hosts can have; others could not be connected to, and do not belong in logs. */
const host = /^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?$/;

/** RFC 7505 §3: the root alone is the null MX. */
function mxOf(data: { readonly preference?: number | undefined; readonly exchange: string }): readonly Mx[] {
  const exchange = plain(data.exchange);
  return exchange === '' || host.test(exchange) ? [{ preference: data.preference ?? 0, exchange }] : [];
}

const hostOf = (answer: Answer): readonly string[] =>
  answer.type === 'PTR' && host.test(plain(answer.data)) ? [plain(answer.data)] : [];

const textsOf = (settled: PromiseSettledResult<readonly Answer[]>): readonly string[] =>
  settled.status === 'rejected'
    ? []
    : settled.value.flatMap((answer) => (answer.type === 'A' || answer.type === 'AAAA' ? [answer.data] : []));

/** RFC 7208 §3.3 and others: the strings of one record are one text. */
const textOf = (data: string | Buffer | readonly (string | Buffer)[]): string =>
  (Array.isArray(data) ? data : [data]).map((part) => part.toString()).join('');

/** `1.2.0.192.in-addr.arpa`, `…ip6.arpa` (RFC 1035 §3.5, RFC 3596 §2.5). */
export function reverseName(ip: string): string {
  if (isIP(ip) === 4) return `${ip.split('.').reverse().join('.')}.in-addr.arpa`;
  const [left = '', right] = ip
    .replace(/%.*$/, '')
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, hexadecimal)
    .split('::');
  const groups = (text: string | undefined): string[] => (text ? text.split(':') : []);
  const before = groups(left);
  const after = groups(right);
  const middle = new Array<string>(right === undefined ? 0 : 8 - before.length - after.length).fill('0');
  const digits = [...before, ...middle, ...after].map((group) => group.padStart(4, '0')).join('');
  return `${[...digits].reverse().join('.')}.ip6.arpa`;
}

const hexadecimal = (_all: string, a: string, b: string, c: string, d: string): string =>
  `${((Number(a) << 8) | Number(b)).toString(16)}:${((Number(c) << 8) | Number(d)).toString(16)}`;
