/**
 * listen/admission - how many at once and how fast: counted for one listener, by network.
 *
 * Bounded: the map of networks is swept each minute, and a flood of networks pushes the oldest counts out.
 */
import { networkOf } from './networks.ts';

/** 0 means no limit. */
export interface AdmissionLimits {
  /** At once, on this listener. */
  readonly connections: number;
  /** At once, for one IPv4 address or IPv6 /64. Trusted clients are not counted. */
  readonly connectionsPerNetwork: number;
  /** New ones in a minute for one network; trusted clients are not counted. */
  readonly connectionsPerMinute: number;
  /** Begun in a minute by one network; trusted clients are not counted. Nothing is counted where it is absent. */
  readonly messagesPerMinute?: number;
}

interface Counts {
  windowStart: number;
  connectionsNow: number;
  connectionsInWindow: number;
  messagesInWindow: number;
}

const window = 60_000;
const networksAtMost = 100_000;

export type Admitted = 'admitted' | 'tooMany' | 'tooManyFromNetwork' | 'tooFast';

export class Admission {
  limits: AdmissionLimits;
  readonly #networks = new Map<string, Counts>();
  #connections = 0;

  constructor(limits: AdmissionLimits) {
    this.limits = limits;
  }

  get connections(): number {
    return this.#connections;
  }

  /** `trusted` clients count towards the total only. Every `admitted` is followed by one leave() with the same words. */
  enter(ip: string, trusted: boolean, now: number): Admitted {
    const limits = this.limits;
    if (exceeds(this.#connections + 1, limits.connections)) return 'tooMany';
    if (!trusted) {
      const counts = this.#counts(ip, now);
      counts.connectionsInWindow++;
      if (exceeds(counts.connectionsInWindow, limits.connectionsPerMinute)) return 'tooFast';
      if (exceeds(counts.connectionsNow + 1, limits.connectionsPerNetwork)) return 'tooManyFromNetwork';
      counts.connectionsNow++;
    }
    this.#connections++;
    return 'admitted';
  }

  leave(ip: string, trusted: boolean): void {
    this.#connections--;
    if (trusted) return;
    const counts = this.#networks.get(networkOf(ip));
    if (counts !== undefined && counts.connectionsNow > 0) counts.connectionsNow--;
  }

  /** Whether this network may hand in one more message now. */
  message(ip: string, trusted: boolean, now: number): boolean {
    const { messagesPerMinute = 0 } = this.limits;
    if (trusted || messagesPerMinute === 0) return true;
    return !exceeds(++this.#counts(ip, now).messagesInWindow, messagesPerMinute);
  }

  #counts(ip: string, now: number): Counts {
    const key = networkOf(ip);
    let counts = this.#networks.get(key);
    if (counts === undefined) {
      counts = { windowStart: now, connectionsNow: 0, connectionsInWindow: 0, messagesInWindow: 0 };
      if (this.#networks.size >= networksAtMost)
        this.#networks.delete(this.#networks.keys().next().value ?? '');
      this.#networks.set(key, counts);
    }
    if (isOver(counts, now)) {
      counts.windowStart = now;
      counts.connectionsInWindow = 0;
      counts.messagesInWindow = 0;
    }
    return counts;
  }

  /** Forgets networks that were quiet for a whole window. */
  sweep(now: number): void {
    for (const [key, counts] of this.#networks) {
      if (counts.connectionsNow === 0 && isOver(counts, now)) this.#networks.delete(key);
    }
  }
}

/** Also where the clock was set back: nobody is to wait until it has caught up. */
const isOver = ({ windowStart }: Counts, now: number): boolean =>
  now - windowStart >= window || now < windowStart;

const exceeds = (count: number, limit: number): boolean => limit > 0 && count > limit;
