/**
 * receive/content-pipe - content on its way from the connection to the spool: a bounded queue, read once.
 */

/** Octets on their way before the client is made to wait. */
const highWater = 256 * 1024;
/** What a chunk takes in memory at least. */
const leastWeight = 256;
const weigh = (chunk: Buffer): number => Math.max(chunk.length, leastWeight);

export class ContentPipe implements AsyncIterable<Uint8Array> {
  #queue: Buffer[] = [];
  #queued = 0;
  #state: 'open' | 'ended' | 'discarding' = 'open';
  #error: Error | undefined;
  #reader: { resolve(result: IteratorResult<Uint8Array>): void; reject(error: Error): void } | undefined;
  #writer: (() => void) | undefined;

  write(chunk: Buffer): void {
    if (this.#state !== 'open' || chunk.length === 0) return;
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader.resolve({ done: false, value: chunk });
      return;
    }
    this.#queue.push(chunk);
    this.#queued += weigh(chunk);
  }

  get full(): boolean {
    return this.#queued >= highWater;
  }

  onceReady(resume: () => void): void {
    if (this.full) this.#writer = resume;
    else resume();
  }

  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.#reader?.resolve({ done: true, value: undefined });
    this.#reader = undefined;
  }

  /** The reader gets `error` at once, what is queued and what is still written goes nowhere. */
  fail(error: Error): void {
    if (this.#state === 'discarding') return;
    this.#error = error;
    this.discard();
    this.#reader?.reject(error);
    this.#reader = undefined;
  }

  /** Nobody reads any more. */
  discard(): void {
    this.#state = 'discarding';
    this.#queue = [];
    this.#queued = 0;
    this.#wakeWriter();
  }

  #wakeWriter(): void {
    const writer = this.#writer;
    this.#writer = undefined;
    writer?.();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => this.#next(),
      return: () => {
        this.discard();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#queue.shift();
    if (chunk !== undefined) {
      this.#queued -= weigh(chunk);
      if (!this.full) this.#wakeWriter();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#state !== 'open') return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }
}
