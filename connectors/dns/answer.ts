/**
 * connectors/dns/answer - what a packet says to a question: CNAMEs followed within it (RFC 1034 §3.6.2), how long it
 * holds, and, where it says no, how long that holds (RFC 2308 §5).
 */
import type { Answer, DecodedPacket, RecordType } from 'dns-packet';
import { rcode, rcodeOf } from './exchange.ts';

export type Found =
  | { readonly found: 'records'; readonly records: readonly Answer[]; readonly ttl: number }
  /** The name does not exist, or has no such records. `ttl` 0 where the server gave no SOA: RFC 2308 §5 forbids keeping it. */
  | { readonly found: 'no name' | 'no records'; readonly ttl: number }
  /** The answer ends in a CNAME to a name of which it does not speak. */
  | { readonly found: 'alias'; readonly target: string; readonly ttl: number };

const longestChain = 10;

/** TTLs in seconds. */
export function readAnswer(packet: DecodedPacket, name: string, type: RecordType): Found {
  const answers = packet.answers ?? [];
  let ttl = Number.POSITIVE_INFINITY;
  let at = plain(name);
  for (let links = 0; links < longestChain; links++) {
    const here = answers.filter((answer) => plain(answer.name) === at);
    const records = here.filter((answer) => answer.type === type);
    if (records.length > 0) return { found: 'records', records, ttl: Math.min(ttl, ...records.map(ttlOf)) };
    const alias = here.find((answer) => answer.type === 'CNAME');
    if (alias?.type !== 'CNAME') break;
    ttl = Math.min(ttl, ttlOf(alias));
    at = plain(alias.data);
  }
  const soa = (packet.authorities ?? []).find((answer) => answer.type === 'SOA');
  const negative = soa === undefined ? 0 : Math.min(ttl, ttlOf(soa), soa.data.minimum ?? 0);
  if (rcodeOf(packet) === rcode.nameError) return { found: 'no name', ttl: negative };
  if (at !== plain(name) && soa === undefined) return { found: 'alias', target: at, ttl };
  return { found: 'no records', ttl: negative };
}

/** RFC 2181 §8: a TTL with the top bit set is 0. */
const ttlOf = (answer: Answer): number => {
  const ttl = 'ttl' in answer ? (answer.ttl ?? 0) : 0;
  return ttl > 0x7fffffff ? 0 : ttl;
};

/** Lower case, no dot at the end; the root is empty. */
export const plain = (name: string): string => name.toLowerCase().replace(/\.$/, '');
