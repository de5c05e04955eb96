/**
 * admin/progress - how far something is that takes longer, on standard error: a line every two seconds.
 */
import type { Terminal } from './services.ts';

const every = 2_000;

export class Progress {
  readonly #terminal: Pick<Terminal, 'err' | 'now'>;
  #told: number;

  constructor(terminal: Pick<Terminal, 'err' | 'now'>) {
    this.#terminal = terminal;
    this.#told = terminal.now().getTime();
  }

  /** `text` is made only when it is told. */
  tell(text: () => string): void {
    const now = this.#terminal.now().getTime();
    if (now - this.#told < every) return;
    this.#told = now;
    this.#terminal.err(text());
  }
}

/** `17 of 2000`, or `17` where the end is not known. */
export const printDone = (done: number, of: number | undefined): string =>
  of === undefined ? String(done) : `${done} of ${of}`;
