/**
 * serve/flood - keeps an outage from filling the log: of warnings and errors with the same text, the first ones of
 * each span of time are written; of the rest it is said how many they were.
 *
 * Texts are constants, so they are few. Should they not be, those beyond the bound are counted together.
 */

export type Alarming = 'warn' | 'error';

export interface LeftOut {
  readonly level: Alarming;
  /** undefined: of several texts. */
  readonly text: string | undefined;
  readonly leftOut: number;
}

/** Lines of one text that are written within `span` milliseconds. */
export const mostLines = 20;
export const span = 10_000;
/** Texts told apart at one time. */
const mostTexts = 200;

interface Count {
  readonly level: Alarming;
  readonly text: string | undefined;
  lines: number;
}

export class Flood {
  readonly #counts = new Map<string, Count>();
  readonly #say: (left: LeftOut) => void;

  /** `say` is told at the end of a span in which lines were left out. */
  constructor(say: (left: LeftOut) => void) {
    this.#say = say;
  }

  /** Whether this line is to be written. */
  admits(level: Alarming, text: string): boolean {
    const count = this.#countOf(level, text);
    count.lines += 1;
    return count.lines <= mostLines;
  }

  #countOf(level: Alarming, text: string): Count {
    const key = `${level} ${text}`;
    const known = this.#counts.get(key);
    if (known !== undefined) return known;
    return this.#counts.size < mostTexts
      ? this.#begin(key, level, text)
      : (this.#counts.get(level) ?? this.#begin(level, level, undefined));
  }

  #begin(key: string, level: Alarming, text: string | undefined): Count {
    const count: Count = { level, text, lines: 0 };
    this.#counts.set(key, count);
    setTimeout(() => {
      this.#counts.delete(key);
      if (count.lines > mostLines) this.#say({ level, text, leftOut: count.lines - mostLines });
    }, span).unref();
    return count;
  }
}
