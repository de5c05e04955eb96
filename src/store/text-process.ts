/**
 * store/text-process - makes searchable texts in a process of its own, so that nobody waits for a large message, and none
 * can take more than its time and memory: the process is ended then, and another one begun for the next message.
 *
 * A process, not a thread: a thread that reaches its memory limit in one large step takes the whole process with it
 * (Node 24, "Reached heap limit", whatever its resourceLimits).
 *
 * One message at a time; the others wait in line.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { StoreAway } from '../ports/messages.ts';
import type { Made, Pieces } from './text-make.ts';
import type { TextMaker } from './text-read.ts';

export interface ProcessLimits {
  /** For one message. */
  readonly milliseconds: number;
  /** Of the heap. */
  readonly megabytes: number;
}

/** The text of this message cannot be made within the limits. */
export class TextTooCostly extends Error {
  override readonly name = 'TextTooCostly';
}

/** What the process answers. */
export type Answer = { readonly made: Made } | { readonly failed: string };

/** Milliseconds. */
const beginWithin = 60_000;

/** Beside this file, in the sources and in a build. */
const program = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './text-loop.ts' : './text-loop.js', import.meta.url),
);

export class TextProcess implements TextMaker, AsyncDisposable {
  readonly #limits: ProcessLimits;
  #child: ChildProcess | undefined;
  #ended = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(limits: ProcessLimits = { milliseconds: 20_000, megabytes: 512 }) {
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

  async #run(pieces: Pieces): Promise<Made> {
    const child = this.#child ?? (await begin(this.#limits));
    if (this.#ended) child.kill('SIGKILL');
    else this.#child = child;
    return new Promise<Made>((resolve, reject) => {
      const timer = setTimeout(() => fail('takes too long'), this.#limits.milliseconds);
      const end = (): void => {
        clearTimeout(timer);
        child.removeAllListeners();
        // It may fail once more while nobody asks it.
        child.on('error', () => undefined);
        child.on('exit', () => {
          if (this.#child === child) this.#child = undefined;
        });
        hold(child, false);
      };
      const fail = (why: string): void => {
        end();
        this.#child = undefined;
        child.kill('SIGKILL');
        reject(new TextTooCostly(`the text of a message ${why}`));
      };
      child.on('message', (answer: Answer) => {
        end();
        if ('made' in answer) resolve(answer.made);
        else reject(new TextTooCostly(`the text of a message: ${answer.failed}`));
      });
      child.on('error', (error) => fail(`could not be made: ${error.message}`));
      child.on('exit', () => fail('takes too much memory, or its process was ended'));
      hold(child, true);
      child.send(pieces, (error) => {
        if (error !== null) fail(`could not be made: ${error.message}`);
      });
    });
  }

  /** What is being made is given up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}

/** Ready: what it takes to begin is no message's. */
function begin({ megabytes }: ProcessLimits): Promise<ChildProcess> {
  const child = fork(program, {
    serialization: 'advanced',
    execArgv: [`--max-old-space-size=${megabytes}`],
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail('does not begin'), beginWithin);
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.removeAllListeners();
      child.on('error', () => undefined);
      child.kill('SIGKILL');
      reject(new StoreAway(`the process that makes texts ${why}`));
    };
    child.once('error', (error) => fail(`cannot begin: ${error.message}`));
    child.once('exit', () => fail('ended as it began'));
    child.once('message', () => {
      clearTimeout(timer);
      child.removeAllListeners();
      resolve(child);
    });
  });
}

/** Whether our own process goes on because of it. */
function hold(child: ChildProcess, on: boolean): void {
  if (on) {
    child.ref();
    child.channel?.ref();
  } else {
    child.unref();
    child.channel?.unref();
  }
}
