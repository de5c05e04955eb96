/**
 * store/text-thread - makes searchable texts in a thread of its own, so that nobody waits for a large message, and none
 * can take more than its time and memory: the thread is ended then, and another one begun for the next.
 *
 * One message at a time; the others wait in line.
 */
import { Worker } from 'node:worker_threads';
import type { Made, Pieces } from './text-make.ts';
import type { TextMaker } from './text-read.ts';

export interface ThreadLimits {
  /** For one message. */
  readonly milliseconds: number;
  /** Of the thread's heap. */
  readonly megabytes: number;
}

/** The text of this message cannot be made within the limits. */
export class TextTooCostly extends Error {
  override readonly name = 'TextTooCostly';
}

/** Beside this file, in the sources and in a build. */
const program = new URL(
  import.meta.url.endsWith('.ts') ? './text-loop.ts' : './text-loop.js',
  import.meta.url,
);

export class TextThread implements TextMaker, AsyncDisposable {
  readonly #limits: ThreadLimits;
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(limits: ThreadLimits = { milliseconds: 20_000, megabytes: 512 }) {
    this.#limits = limits;
  }

  make(pieces: Pieces, signal: AbortSignal): Promise<Made> {
    const turn = this.#last.then(() => {
      signal.throwIfAborted();
      return this.#run(pieces);
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #run(pieces: Pieces): Promise<Made> {
    this.#worker ??= this.#begin();
    const worker = this.#worker;
    return new Promise<Made>((resolve, reject) => {
      const timer = setTimeout(() => fail('takes too long'), this.#limits.milliseconds);
      const end = (): void => {
        clearTimeout(timer);
        worker.removeAllListeners();
        // It may fail once more while it ends, and nobody is there to be told.
        worker.on('error', () => undefined);
        worker.unref();
      };
      const fail = (why: string): void => {
        end();
        this.#worker = undefined;
        void worker.terminate();
        reject(new TextTooCostly(`the text of a message ${why}`));
      };
      worker.on('message', (answer: Made | { readonly failed: string }) => {
        end();
        if ('failed' in answer) reject(new TextTooCostly(`the text of a message: ${answer.failed}`));
        else resolve(answer);
      });
      worker.on('error', (error) => fail(`takes too much: ${error.message}`));
      worker.on('exit', () => fail('ended its thread'));
      worker.ref();
      worker.postMessage(pieces);
    });
  }

  #begin(): Worker {
    const { megabytes } = this.#limits;
    return new Worker(program, { resourceLimits: { maxOldGenerationSizeMb: megabytes } });
  }

  /** What is being made is given up. */
  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}
