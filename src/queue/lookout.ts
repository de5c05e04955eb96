/**
 * queue/lookout - when a worker looks for what is due, and where.
 *
 *   idle --wake, or a second over--> looking --nothing more, or no room--> idle
 *
 * Fresh mail is looked for each time. Mail that waits for known next hops is looked for once a second, more seldom
 * where a walk over all of them takes long, and at once where somebody knows that there is some: the last round found
 * some, a next hop has room again or answers again, an operator asks.
 */
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { Budget } from './budget.ts';
import { Claims, revive } from './claims.ts';
import type { Leaks } from './leaks.ts';
import type { RecipientRow } from './rows.ts';

export interface LookoutOptions {
  readonly database: Database;
  readonly budget: Budget;
  /** The worker's claim id while it may claim. */
  readonly worker: () => number | undefined;
  readonly hops: {
    full(): readonly string[];
    isFull(key: string): boolean;
    isUp(key: string): boolean;
  };
  /** Recipients taken from one next hop in a round. */
  readonly perHop: number;
  readonly admit: (rows: readonly RecipientRow[], claims: Claims, worker: number) => Promise<void>;
  readonly leaks: Leaks;
  readonly log: Log;
  readonly now: () => Date;
}

export const claimAtOnce = 100;
const lookEvery = 1_000;
/** The pause between walks is this many times what one takes. */
const walkEase = 20;
const hopsAtOnce = 64;
const reviveAtOnce = 500;

export class Lookout {
  readonly #options: LookoutOptions;
  readonly #claims: Claims;
  readonly #revived = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #closed = false;
  /** Somebody woke us since we last looked. */
  #wanted = false;
  /** The last claim was as large as it might be: there is more. */
  #more = false;
  #waitingSoon = true;
  /** Where in the walk over the next hops we are; '' at its beginning. */
  #after = '';
  /** Not before: the next walk. What the present one has taken, milliseconds. */
  #walkAt = 0;
  #walked = 0;

  constructor(options: LookoutOptions) {
    this.#options = options;
    this.#claims = new Claims(options.database);
  }

  /** There may be something fresh. */
  wake(): void {
    this.#wanted = true;
    if (this.#looking || this.#closed) return;
    clearTimeout(this.#timer);
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined;
      if (this.#closed) return;
      if (this.#wanted && this.#options.budget.isRoomy && this.#options.worker() !== undefined) this.wake();
      else this.#timer = setTimeout(() => this.wake(), lookEvery);
    });
  }

  /** There may be something due that waits for a known next hop. */
  wakeForWaiting(): void {
    this.#waitingSoon = true;
    this.wake();
  }

  /** A next hop answers again: what waits only because it was down is due. */
  revive(key: string): void {
    this.#revived.add(key);
    this.wake();
  }

  /** Something was settled: there may be room for more. */
  settled(): void {
    if ((this.#more || this.#wanted || this.#waitingSoon) && this.#options.budget.isRoomy) this.wake();
  }

  /** Looks no more; what it was about to claim is claimed. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { worker, budget, now, admit, leaks, log } = this.#options;
    try {
      do {
        const id = worker();
        if (id === undefined || this.#closed) return;
        const freed = await leaks.free(id);
        if (freed > 0)
          log.warn({ worker: id, claims: freed }, 'gave up claims whose messages never arrived here');
        this.#waitingSoon ||= freed > 0;
        if (!budget.isRoomy) return;
        this.#wanted = false;
        await this.#reviveSome();
        const fresh = await this.#claims.fresh(id, now(), Math.min(claimAtOnce, budget.room));
        await admit(fresh, this.#claims, id);
        this.#more = fresh.length >= claimAtOnce;
        await this.#lookForWaiting(id);
      } while (this.#more || this.#waitingSoon);
    } catch (error) {
      leaks.suspect();
      log.debug({ err: error }, 'cannot look for due messages now');
    }
  }

  async #lookForWaiting(worker: number): Promise<void> {
    const { budget, hops, perHop, admit, now } = this.#options;
    if (!this.#waitingSoon && performance.now() < this.#walkAt) return;
    const limit = Math.min(claimAtOnce, budget.room);
    if (limit === 0) return;
    const start = performance.now();
    if (this.#after === '') this.#walked = 0;
    const { rows, after } = await this.#claims.waiting({
      worker,
      now: now(),
      limit,
      after: this.#after,
      full: hops.full(),
      hops: hopsAtOnce,
      perHop: Math.min(limit, perHop),
    });
    await admit(rows, this.#claims, worker);
    this.#after = after;
    this.#waitingSoon = rows.length > 0 || after !== '';
    this.#walked += performance.now() - start;
    this.#walkAt = performance.now() + Math.max(lookEvery, this.#walked * walkEase);
  }

  async #reviveSome(): Promise<void> {
    const { database, hops, now } = this.#options;
    for (const key of this.#revived) {
      if (!hops.isUp(key)) {
        this.#revived.delete(key);
      } else if (!hops.isFull(key)) {
        const count = await revive(database, key, now(), reviveAtOnce);
        if (count < reviveAtOnce) this.#revived.delete(key);
        if (count > 0) this.#waitingSoon = true;
      }
    }
  }
}
