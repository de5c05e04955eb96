/**
 * access/presence - which accounts have sessions now, and when they came last: for bounds on both.
 *
 * Of one listener in one process. Bounded: the times of those who came longest ago are forgotten first.
 */
import type { AccountId } from '../mail/mailbox.ts';

const rememberedAtMost = 100_000;

export interface PresenceLimits {
  /** Sessions at once of one account; 0 for no limit. */
  readonly sessionsPerAccount: number;
  /** Seconds from one sign-in to the next; 0 for none. */
  readonly loginDelay: number;
}

export class Presence {
  readonly #limits: () => PresenceLimits;
  readonly #sessions = new Map<AccountId, number>();
  readonly #cameAt = new Map<AccountId, number>();

  constructor(limits: () => PresenceLimits) {
    this.#limits = limits;
  }

  /** Every `in` is followed by one leave(). */
  enter(account: AccountId, now: Date): 'in' | 'tooMany' | 'tooSoon' {
    const { sessionsPerAccount, loginDelay } = this.#limits();
    const sessions = this.#sessions.get(account) ?? 0;
    if (sessionsPerAccount > 0 && sessions >= sessionsPerAccount) return 'tooMany';
    if (loginDelay > 0 && !this.#mayCome(account, now.getTime(), loginDelay * 1_000)) return 'tooSoon';
    this.#sessions.set(account, sessions + 1);
    return 'in';
  }

  leave(account: AccountId): void {
    const sessions = (this.#sessions.get(account) ?? 1) - 1;
    if (sessions > 0) this.#sessions.set(account, sessions);
    else this.#sessions.delete(account);
  }

  #mayCome(account: AccountId, now: number, delay: number): boolean {
    const before = this.#cameAt.get(account);
    // A clock that was set back keeps nobody out.
    if (before !== undefined && now >= before && now - before < delay) return false;
    this.#cameAt.delete(account);
    this.#cameAt.set(account, now);
    if (this.#cameAt.size > rememberedAtMost)
      this.#cameAt.delete(this.#cameAt.keys().next().value ?? account);
    return true;
  }
}
