/**
 * queue/schedule - when a recipient is tried again, warned about, and given up (RFC 5321 §4.5.4.1).
 *
 * The first tries come fast, because most trouble is short, then with ever longer pauses up to the last of the list,
 * until the message's lifetime ends. Each pause is made up to a fifth longer or shorter, so that what failed together
 * does not come back together. Greylisting answers are tried again sooner.
 */

export interface RetryPolicy {
  /** Milliseconds before the second try, the third, …; the last is repeated. */
  readonly retry: readonly number[];
  /** Milliseconds before a try that a greylisting answer asked for, and how many such fast tries there are. */
  readonly greylistRetry: number;
  readonly greylistTries: number;
  /** Milliseconds after which the sender is told, once, that delivery is delayed; 0: never. */
  readonly delayWarning: number;
}

const jitter = 0.2;
const defaultPause = 30 * 60_000;

export interface Waiting {
  /** Tries made so far, the one that just failed included. */
  readonly attempts: number;
  readonly greylisted: boolean;
  readonly receivedAt: Date;
  readonly expiresAt: Date;
  readonly warned: boolean;
}

/** When to try next: never after the end of the lifetime, nor over the moment at which a warning is owed. */
export function nextTry(waiting: Waiting, policy: RetryPolicy, now: Date, random: () => number): Date {
  const fast = waiting.greylisted && waiting.attempts <= policy.greylistTries;
  const step = policy.retry[Math.min(Math.max(waiting.attempts, 1), policy.retry.length) - 1] ?? defaultPause;
  const pause = (fast ? policy.greylistRetry : step) * (1 - jitter + 2 * jitter * random());
  const moments = [now.getTime() + pause, waiting.expiresAt.getTime()];
  const warning = warningAt(waiting, policy);
  if (warning !== undefined && warning > now.getTime()) moments.push(warning);
  return new Date(Math.max(Math.min(...moments), now.getTime()));
}

export const isExpired = (waiting: Pick<Waiting, 'expiresAt'>, now: Date): boolean =>
  now.getTime() >= waiting.expiresAt.getTime();

export function isWarningDue(waiting: Waiting, policy: RetryPolicy, now: Date): boolean {
  const at = warningAt(waiting, policy);
  return at !== undefined && now.getTime() >= at;
}

const warningAt = (waiting: Waiting, policy: RetryPolicy): number | undefined =>
  waiting.warned || policy.delayWarning === 0
    ? undefined
    : waiting.receivedAt.getTime() + policy.delayWarning;
