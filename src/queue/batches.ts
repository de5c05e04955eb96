/**
 * queue/batches - many small wishes become few large transactions.
 *
 * What arrives while earlier batches are under way is gathered and goes as one batch when a place is free: nobody
 * waits for company, and under load the batches grow by themselves (group commit). At most `parallel` batches run at
 * once, none larger than `maxItems` or, unless a single item is, than `maxWeight`.
 */

export interface BatchOptions<Item, Result> {
  /** One result for each item, in order. When it throws, every item of the batch gets that error. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly parallel: number;
  readonly maxItems: number;
  readonly maxWeight?: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly weight: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
}

export class Batches<Item, Result> {
  readonly #options: BatchOptions<Item, Result>;
  #waiting: Waiting<Item, Result>[] = [];
  #running = 0;
  #started = false;
  #idle: (() => void)[] = [];

  constructor(options: BatchOptions<Item, Result>) {
    this.#options = options;
  }

  /** Resolves with this item's result when its batch is through. */
  add(item: Item, weight = 0): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.push({ item, weight, resolve, reject });
      this.#start();
    });
  }

  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void> {
    if (this.#running === 0 && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** After the present turn of the event loop, so that what one turn brings goes together. */
  #start(): void {
    if (this.#started || this.#running >= this.#options.parallel || this.#waiting.length === 0) return;
    this.#started = true;
    setImmediate(() => {
      this.#started = false;
      void this.#runOne();
      this.#start();
    });
  }

  async #runOne(): Promise<void> {
    const batch = this.#take();
    if (batch.length === 0) return;
    this.#running += 1;
    try {
      const results = await this.#options.run(batch.map((one) => one.item));
      batch.forEach((one, index) => {
        one.resolve(results[index] as Result);
      });
    } catch (error) {
      for (const one of batch) one.reject(error);
    } finally {
      this.#running -= 1;
      this.#start();
      if (this.#running === 0 && this.#waiting.length === 0) {
        for (const resolve of this.#idle.splice(0)) resolve();
      }
    }
  }

  #take(): Waiting<Item, Result>[] {
    const { maxItems, maxWeight = Number.POSITIVE_INFINITY } = this.#options;
    let count = 0;
    let weight = 0;
    for (const one of this.#waiting) {
      if (count >= maxItems || (count > 0 && weight + one.weight > maxWeight)) break;
      weight += one.weight;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }
}
