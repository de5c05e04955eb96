/**
 * store/index-worker - the indexer: makes the texts of new messages searchable, in the background.
 *
 * Begins soon after it is woken (store/notices does, after deliveries), looks by itself now and then, and works until
 * nothing is due. Any number of nodes may run one. Leaves others time to work: after each step it rests.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type IndexOptions, indexSome } from './index-due.ts';

export interface IndexerOptions extends IndexOptions {
  /** Looks by itself so often, milliseconds. */
  readonly lookEveryMs: number;
  /** Rest after a step, as a share of the time it took: 1 works half of the time. */
  readonly rest: number;
}

export const defaultPace = { lookEveryMs: 10_000, rest: 0.5 } as const;

/** After being woken: more may come, and whoever brings it has work to do. */
const gatherMs = 200;
/** After a step failed. */
const pauseMs = 5_000;

export class Indexer implements AsyncDisposable {
  readonly #options: IndexerOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** Woken since the last look. */
  #again = false;
  #sleeping: AbortController | undefined;

  constructor(options: IndexerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Something may be due. */
  wake(): void {
    this.#again = true;
    this.#sleeping?.abort();
  }

  /** Resolves when the step under way is given up; what it took is due again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, rest, lookEveryMs } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const startedAt = performance.now();
      this.#again = false;
      try {
        const done = await indexSome(this.#options, signal);
        if (done > 0) await pause(rest * (performance.now() - startedAt), signal);
        else await this.#sleep(lookEveryMs);
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: error }, 'indexing is interrupted');
        await pause(pauseMs, signal);
      }
    }
  }

  /** Until woken, or for so long. */
  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#stop;
    const sleeping = new AbortController();
    this.#sleeping = sleeping;
    if (!this.#again) await pause(ms, AbortSignal.any([signal, sleeping.signal]));
    this.#sleeping = undefined;
    if (this.#again) await pause(gatherMs, signal);
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
