/**
 * auth/throttle - how often somebody may be wrong: counted by account name and by network.
 *
 * After `failures` of one account, or `networkFailures` from one network, within `window`, the next are refused without
 * a look for `block`, and twice as long each time it happens again, up to `blockMost`. A name is counted whether anyone
 * has it or not.
 *
 * So that nobody can lock somebody else out: where an account has entered from lately, its own count does not hold
 * there; only that network's does. And a program that tries the same old password again and again is wrong once.
 *
 * Memory is bounded: of each kind the entries that were wrong longest ago are forgotten first.
 */
import { createHmac } from 'node:crypto';

export interface ThrottleOptions {
  readonly window: number;
  readonly failures: number;
  readonly networkFailures: number;
  readonly block: number;
  readonly blockMost: number;
  /** Being checked at once, for one account and for one network. */
  readonly atOnce: number;
  readonly networkAtOnce: number;
  /** How long an account is known where it entered from. */
  readonly remember: number;
  /** Entries of each kind. */
  readonly entries: number;
}

export const usualThrottle: ThrottleOptions = {
  window: 600_000,
  failures: 10,
  networkFailures: 50,
  block: 60_000,
  blockMost: 3_600_000,
  atOnce: 20,
  networkAtOnce: 200,
  remember: 30 * 86_400_000,
  entries: 100_000,
};

/** Blocks of this process, told to others, and theirs told to us. */
export interface Block {
  readonly kind: 'account' | 'network';
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

export interface ThrottleDeps {
  /** An IPv4 address by itself, the /64 of an IPv6 address (listen/networks). */
  readonly networkOf: (remote: string) => string;
  /** Proxies and webmail: their clients cannot be told apart, so their network is not counted. */
  readonly isTrusted: (remote: string) => boolean;
  readonly now: () => number;
  /** Keys the fingerprints of passwords, which are never kept. */
  readonly secret: Uint8Array;
  /** A block has begun here. */
  readonly blocked?: (block: Block) => void;
}

interface Count {
  failures: number;
  since: number;
  blockedUntil: number;
  /** How often it was blocked; 0 again after a day without. */
  blocks: number;
  inFlight: number;
}

/** One attempt. Exactly one of the three is called, once; more calls do nothing. */
export interface Ticket {
  succeeded(): void;
  failed(password?: string): void;
  /** It could not be told, or nobody waits for it any more. */
  released(): void;
}

const aDay = 86_400_000;
const fingerprintsKept = 8;

export class Throttle {
  readonly #options: ThrottleOptions;
  readonly #deps: ThrottleDeps;
  readonly #counts = { account: new Map<string, Count>(), network: new Map<string, Count>() };
  /** Account and network -> when it last entered from there. */
  readonly #known = new Map<string, number>();
  /** Account and network -> what was wrong lately. */
  readonly #wrong = new Map<string, { since: number; readonly prints: string[] }>();

  constructor(options: ThrottleOptions, deps: ThrottleDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** undefined: not now. Without an account, where there is nothing to guess, only the network is looked at. */
  enter(account: string | undefined, remote: string): Ticket | undefined {
    const now = this.#deps.now();
    const { atOnce, networkAtOnce, remember } = this.#options;
    const network = this.#deps.isTrusted(remote) ? undefined : this.#deps.networkOf(remote);
    const pair = this.#pair(account, remote);
    const isKnown = now - (this.#known.get(pair) ?? Number.NEGATIVE_INFINITY) < remember;
    const ofAccount = account === undefined ? undefined : this.#count('account', account, now);
    const ofNetwork = network === undefined ? undefined : this.#count('network', network, now);
    if (ofNetwork && (ofNetwork.blockedUntil > now || ofNetwork.inFlight >= networkAtOnce)) return undefined;
    if (ofAccount && !isKnown && (ofAccount.blockedUntil > now || ofAccount.inFlight >= atOnce))
      return undefined;
    const counts = [ofAccount, ofNetwork].filter((count) => count !== undefined);
    for (const count of counts) count.inFlight += 1;
    let isOpen = true;
    const close = (then: () => void): void => {
      if (!isOpen) return;
      isOpen = false;
      for (const count of counts) count.inFlight -= 1;
      then();
    };
    return {
      succeeded: () => close(() => put(this.#known, pair, this.#deps.now(), this.#options.entries)),
      released: () => close(() => {}),
      failed: (password) =>
        close(() => {
          if (password !== undefined && this.#wasWrongBefore(pair, password)) return;
          if (account !== undefined) this.#fail('account', account);
          if (network !== undefined) this.#fail('network', network);
        }),
    };
  }

  /** Somebody entered from there, before this process began. Oldest first, as the oldest are forgotten first. */
  know(account: string, remote: string, at: number): void {
    put(this.#known, this.#pair(account, remote), at, this.#options.entries);
  }

  /** A block that began in another process. */
  apply({ kind, key, until }: Block): void {
    const count = this.#count(kind, key, this.#deps.now());
    count.blockedUntil = Math.max(count.blockedUntil, until);
  }

  /** For operators: who is blocked now. */
  blocks(): readonly Block[] {
    const now = this.#deps.now();
    return (['account', 'network'] as const).flatMap((kind) =>
      [...this.#counts[kind]].flatMap(([key, { blockedUntil }]) =>
        blockedUntil > now ? [{ kind, key, until: blockedUntil }] : [],
      ),
    );
  }

  /** An operator lets somebody try again at once. */
  forgive(kind: Block['kind'], key: string): boolean {
    const count = this.#counts[kind].get(key);
    if (count === undefined) return false;
    Object.assign(count, { failures: 0, blockedUntil: 0, blocks: 0 });
    return true;
  }

  #pair(account: string | undefined, remote: string): string {
    return `${account ?? ''} ${this.#deps.isTrusted(remote) ? '' : this.#deps.networkOf(remote)}`;
  }

  #count(kind: Block['kind'], key: string, now: number): Count {
    const counts = this.#counts[kind];
    let count = counts.get(key);
    if (count === undefined) {
      count = { failures: 0, since: now, blockedUntil: 0, blocks: 0, inFlight: 0 };
      put(counts, key, count, this.#options.entries);
    }
    // Also where the clock was set back: nobody waits until it has caught up.
    if (now - count.since >= this.#options.window || now < count.since) {
      if (now - Math.max(count.blockedUntil, count.since) > aDay) count.blocks = 0;
      if (count.blockedUntil - now > this.#options.blockMost) count.blockedUntil = 0;
      count.failures = 0;
      count.since = now;
    }
    return count;
  }

  #fail(kind: Block['kind'], key: string): void {
    const now = this.#deps.now();
    const count = this.#count(kind, key, now);
    put(this.#counts[kind], key, count, this.#options.entries);
    count.failures += 1;
    const limit = kind === 'account' ? this.#options.failures : this.#options.networkFailures;
    if (count.failures < limit) return;
    const length = Math.min(this.#options.block * 2 ** Math.min(count.blocks, 30), this.#options.blockMost);
    count.blocks += 1;
    count.failures = 0;
    count.blockedUntil = now + length;
    this.#deps.blocked?.({ kind, key, until: count.blockedUntil });
  }

  #wasWrongBefore(pair: string, password: string): boolean {
    const now = this.#deps.now();
    const print = createHmac('sha256', this.#deps.secret)
      .update(`${pair}\0${password}`)
      .digest('base64')
      .slice(0, 8);
    const old = this.#wrong.get(pair);
    const kept = old && now - old.since < this.#options.window ? old : { since: now, prints: [] };
    put(this.#wrong, pair, kept, this.#options.entries);
    if (kept.prints.includes(print)) return true;
    kept.prints.push(print);
    if (kept.prints.length > fingerprintsKept) kept.prints.shift();
    return false;
  }
}

/** Newest last; the oldest makes room. */
function put<Value>(map: Map<string, Value>, key: string, value: Value, most: number): void {
  map.delete(key);
  if (map.size >= most) map.delete(map.keys().next().value ?? '');
  map.set(key, value);
}
