/**
 * store/gather - group commit: what comes while commits are under way waits, and goes together in the next one.
 *
 * Nobody waits for company. At most `atOnce` commits run, each with at most `together` items, or as many as weigh
 * `weight` where that is fewer; one item is always taken.
 */
export interface GatherOptions<Item, Result> {
  readonly together: number;
  readonly atOnce: number;
  readonly weight: number;
  readonly weigh: (item: Item) => number;
  /** One result for each item, in order. What it throws, every item of this commit gets. */
  readonly commit: (items: readonly Item[]) => Promise<readonly Result[]>;
}

interface Waiting<Item, Result> extends PromiseWithResolvers<Result> {
  readonly item: Item;
}

export class Gather<Item, Result> {
  readonly #options: GatherOptions<Item, Result>;
  #queue: Waiting<Item, Result>[] = [];
  #running = new Set<Promise<void>>();
  #due = false;

  constructor(options: GatherOptions<Item, Result>) {
    this.#options = options;
  }

  add(item: Item): Promise<Result> {
    const waiting = { item, ...Promise.withResolvers<Result>() };
    this.#queue.push(waiting);
    this.#wake();
    return waiting.promise;
  }

  /** Resolves when nothing waits any more and nothing runs. */
  async idle(): Promise<void> {
    while (this.#queue.length > 0 || this.#running.size > 0)
      await (this.#running.size > 0 ? Promise.all(this.#running) : new Promise(setImmediate));
  }

  /** What one turn of the event loop brings goes together. */
  #wake(): void {
    if (this.#due || this.#queue.length === 0 || this.#running.size >= this.#options.atOnce) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      const run = this.#run(this.#next()).finally(() => {
        this.#running.delete(run);
        this.#wake();
      });
      this.#running.add(run);
      this.#wake();
    });
  }

  #next(): Waiting<Item, Result>[] {
    const { together, weight, weigh } = this.#options;
    let count = 0;
    for (let sum = 0; count < Math.min(together, this.#queue.length); count++) {
      sum += weigh(this.#queue[count]!.item);
      if (count > 0 && sum > weight) break;
    }
    return this.#queue.splice(0, count);
  }

  async #run(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#options.commit(batch.map(({ item }) => item));
      for (const [index, { resolve, reject }] of batch.entries())
        if (index < results.length) resolve(results[index] as Result);
        else reject(new Error('a commit gave no result for one of those who shared it'));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
