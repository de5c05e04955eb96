/**
 * directory/refresher - keeps the snapshot fresh, in one process of the whole installation.
 *
 * Every process that may refresh stands by; the one that holds the lock does it.
 * Each source has its own loop, so that a slow one delays no other: changes every
 * `refreshEvery`, everything every `fullEvery`, at once on a notice in
 * `directory_refresh`. A failure is tried again soon, then later and later, up to
 * `refreshEvery`. A snapshot older than allowed raises an alarm, again each hour.
 */
import type { Database, HeldLock } from '../ports/database.ts';
import type { DirectorySource } from '../ports/directory.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import { type LossLimit, SuspiciousLoss } from './apply.ts';
import { forgetOthers } from './forget.ts';
import { type Refreshed, type RefreshWish, refresh } from './refresh.ts';
import { survey } from './survey.ts';

export interface RefresherOptions {
  /** Milliseconds, all of them. */
  readonly refreshEvery: number;
  readonly fullEvery: number;
  readonly deletionsEvery: number;
  readonly allowAge: number;
  readonly refuseLoss: LossLimit;
  readonly precedence: readonly string[];
}

export interface RefresherParts {
  readonly database: Database;
  readonly sources: readonly DirectorySource[];
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => Date;
  readonly random: () => number;
}

/** Advisory lock of whoever refreshes; the group is this room's. */
const lock = { group: 0x6469, id: 1 } as const;

export const refreshChannel = 'directory_refresh';

/** How long standing by lasts between two tries for the lock; how often age is looked at, also while a source is read. */
const standBy = 5_000;
const lookAtAge = 60_000;
const alarmEvery = 3_600_000;
const longestRead = 86_400_000;
const firstRetry = 5_000;

/** Asks whoever refreshes to do so now; all sources unless one is named. */
export const requestRefresh = (
  database: Database,
  wish: RefreshWish & { readonly source?: string },
): Promise<void> => database.notify(refreshChannel, JSON.stringify(wish));

type Outcome = 'good' | 'failed' | 'refused';

export class Refresher implements AsyncDisposable {
  readonly #parts: RefresherParts;
  readonly #options: RefresherOptions;
  readonly #stop = new AbortController();
  readonly #wishes = new Map<string, Wish>();
  readonly #alarmed = new Map<string, number>();
  #running: Promise<void> | undefined;
  #listening: AsyncDisposable | undefined;
  #surveying: Promise<void> = Promise.resolve();

  constructor(parts: RefresherParts, options: RefresherOptions) {
    this.#parts = parts;
    this.#options = options;
    for (const { name } of parts.sources) this.#wishes.set(name, new Wish());
  }

  /** Returns once it stands by; the refreshing itself goes on until stop(). */
  async start(): Promise<void> {
    this.#listening = await this.#parts.database.listen(refreshChannel, (payload) => this.#heard(payload));
    this.#running = this.#standBy();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the refresher is being stopped'));
    await this.#listening?.[Symbol.asyncDispose]();
    await this.#running;
    await Promise.all(this.#parts.sources.map((source) => source.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #heard(payload: string): void {
    const { source, ...wish } = parseWish(payload);
    for (const [name, wishes] of this.#wishes) if (source === undefined || source === name) wishes.add(wish);
  }

  async #standBy(): Promise<void> {
    const { database, log } = this.#parts;
    while (!this.#stop.signal.aborted) {
      let held: HeldLock | undefined;
      try {
        held = await database.tryLock(lock.group, lock.id);
        if (held) await this.#lead(held);
      } catch (error) {
        log.warn({ error: textOf(error) }, 'directory refreshing is interrupted');
      } finally {
        await held?.[Symbol.asyncDispose]().then(undefined, () => {});
      }
      await sleep(standBy, this.#stop.signal);
    }
  }

  async #lead(held: HeldLock): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, held.lost]);
    const { database, sources, now } = this.#parts;
    await forgetOthers(
      database,
      sources.map((source) => source.name),
      now(),
    );
    await Promise.all(this.#parts.sources.map((source) => this.#follow(source, signal)));
  }

  async #follow(source: DirectorySource, signal: AbortSignal): Promise<void> {
    let failures = 0;
    let due = await this.#nextDue(source.name);
    while (!signal.aborted) {
      await this.#watchAge(source.name, signal, due);
      if (signal.aborted) return;
      const outcome = await this.#timed(source, this.#wishes.get(source.name)!.take(), signal);
      failures = outcome === 'good' ? 0 : failures + 1;
      due = this.#parts.now().getTime() + this.#pause(outcome, failures);
    }
  }

  /** A restart does not read again what another process has just read. */
  async #nextDue(source: string): Promise<number> {
    const [row] = await this.#parts.database.query<{ good_at: Date | null; trouble: string | null }>(
      'select good_at, trouble from directory_source where source = $1',
      [source],
    );
    if (!row?.good_at || row.trouble !== null) return 0;
    return row.good_at.getTime() + this.#options.refreshEvery;
  }

  /** What was refused as a suspicious loss will be so again until an operator looks: no hurry. */
  #pause(outcome: Outcome, failures: number): number {
    const { refreshEvery } = this.#options;
    const spread = 0.9 + 0.2 * this.#parts.random();
    if (outcome === 'good') return refreshEvery * spread;
    if (outcome === 'refused') return refreshEvery * 6 * spread;
    return Math.min(refreshEvery, firstRetry * 2 ** (failures - 1)) * spread;
  }

  /** Waits until `due` or a wish, raising the alarm meanwhile when the snapshot has become too old. */
  async #watchAge(source: string, signal: AbortSignal, due: number): Promise<void> {
    const wishes = this.#wishes.get(source)!;
    for (;;) {
      await this.#alarmIfOld(source).catch(() => {});
      const left = due - this.#parts.now().getTime();
      if (left <= 0 || wishes.any() || signal.aborted) return;
      await wishes.wait(Math.min(left, lookAtAge), signal);
    }
  }

  async #alarmIfOld(source: string): Promise<void> {
    const { database, now, log, metrics } = this.#parts;
    const [row] = await database.query<{ good_at: Date | null; trouble: string | null }>(
      'select good_at, trouble from directory_source where source = $1',
      [source],
    );
    const age = row?.good_at ? now().getTime() - row.good_at.getTime() : undefined;
    if (age === undefined || age <= this.#options.allowAge) {
      this.#alarmed.delete(source);
      return;
    }
    const last = this.#alarmed.get(source);
    if (last !== undefined && now().getTime() - last < alarmEvery) return;
    this.#alarmed.set(source, now().getTime());
    log.error(
      { source, goodAt: row!.good_at, trouble: row!.trouble ?? undefined, allowAge: this.#options.allowAge },
      'directory snapshot is older than allowed: mail is routed by it, and moves and newcomers are not seen',
    );
    metrics.count('isthmus_alarms_total', { kind: 'directory-too-old', source });
  }

  /** A source that neither answers nor fails is waited for until the next full read would be due, and not in silence. */
  async #timed(source: DirectorySource, wish: RefreshWish, signal: AbortSignal): Promise<Outcome> {
    const { refreshEvery, fullEvery } = this.#options;
    const looking = setInterval(
      () => void this.#alarmIfOld(source.name).catch(() => {}),
      Math.min(refreshEvery, lookAtAge),
    );
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new Error(`${source.name} was not read within ${fullEvery / 60_000} minutes`)),
      Math.min(fullEvery, longestRead),
    );
    try {
      return await this.#once(source, wish, signal, late.signal);
    } finally {
      clearInterval(looking);
      clearTimeout(timer);
    }
  }

  async #once(
    source: DirectorySource,
    wish: RefreshWish,
    signal: AbortSignal,
    late: AbortSignal,
  ): Promise<Outcome> {
    const { database, log, metrics, now } = this.#parts;
    const began = performance.now();
    try {
      const either = AbortSignal.any([signal, late]);
      const done = await refresh({ database, log, now, ...this.#options }, source, wish, either);
      const seconds = Math.round((performance.now() - began) / 10) / 100;
      log.info({ source: source.name, ...done, seconds }, 'directory refreshed');
      metrics.count('isthmus_directory_refreshes_total', { source: source.name, outcome: 'good' });
      await this.#survey(done);
      return 'good';
    } catch (error) {
      if (!signal.aborted) await this.#failed(source.name, error);
      return error instanceof SuspiciousLoss ? 'refused' : 'failed';
    }
  }

  /** One survey at a time: it is over all sources. */
  async #survey(done: Refreshed): Promise<void> {
    if (done.inserted + done.updated + done.deleted === 0) return;
    const { database, sources, log } = this.#parts;
    const { precedence } = this.#options;
    const names = sources.map((source) => source.name);
    this.#surveying = this.#surveying.then(async () => {
      try {
        await survey(database, { sources: names, precedence });
      } catch (error) {
        log.warn({ error: textOf(error) }, 'directory was not looked through for problems');
      }
    });
    await this.#surveying;
  }

  async #failed(source: string, error: unknown): Promise<void> {
    const { database, log, metrics, now } = this.#parts;
    const trouble = textOf(error);
    log.error({ source, trouble }, 'directory could not be refreshed; the last good snapshot stands');
    metrics.count('isthmus_directory_refreshes_total', { source, outcome: 'failed' });
    if (error instanceof SuspiciousLoss) {
      metrics.count('isthmus_alarms_total', { kind: 'directory-loss-refused', source });
    }
    await database
      .query(
        `insert into directory_source (source, tried_at, trouble) values ($1, $2, $3)
         on conflict (source) do update set tried_at = $2, trouble = $3`,
        [source, now(), trouble.slice(0, 2000)],
      )
      .catch((also: unknown) =>
        log.warn({ source, error: textOf(also) }, 'the trouble could not be written down'),
      );
  }
}

/** Wishes for a refresh that were heard while one is running are one wish afterwards. */
class Wish {
  #wish: RefreshWish | undefined;
  #wake: (() => void) | undefined;

  add(wish: RefreshWish): void {
    this.#wish = {
      full: (wish.full ?? false) || (this.#wish?.full ?? false),
      acceptLoss: (wish.acceptLoss ?? false) || (this.#wish?.acceptLoss ?? false),
    };
    this.#wake?.();
  }

  any(): boolean {
    return this.#wish !== undefined;
  }

  take(): RefreshWish {
    const wish = this.#wish ?? {};
    this.#wish = undefined;
    return wish;
  }

  async wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await sleep(milliseconds, AbortSignal.any([signal, woken.signal]));
    this.#wake = undefined;
  }
}

function parseWish(payload: string): RefreshWish & { source?: string } {
  try {
    const value: unknown = JSON.parse(payload);
    if (typeof value !== 'object' || value === null) return {};
    const { full, acceptLoss, source } = value as Record<string, unknown>;
    return {
      full: full === true,
      acceptLoss: acceptLoss === true,
      ...(typeof source === 'string' && { source }),
    };
  } catch {
    return {};
  }
}

const sleep = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
