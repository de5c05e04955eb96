/**
 * local/origin - what tells messages of our making apart, and dates them.
 */
import type { Origin } from '../sieve/compose/outgoing.ts';
import type { LocalOptions } from './options.ts';

export function originOf({ now, random, policy, spool }: LocalOptions): Origin {
  const noise = (): string => Math.floor(random() * 2 ** 40).toString(36);
  return {
    now: now(),
    hostname: policy().hostname,
    unique: () => `${spool.newId()}.${noise()}`,
  };
}
