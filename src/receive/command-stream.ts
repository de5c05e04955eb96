/**
 * receive/command-stream - octets of a connection to command lines and content.
 *
 * A subclass of smtp-server's stream that keeps its contract (`oncommand`, `isClosed`) and does the reading itself:
 * lines end in CRLF only, are bounded, and content goes to a sink with back-pressure. One command at a time: the next
 * line is read when `done` was called for the one before; until then the socket is not read.
 *
 *   command line -> oncommand -> done -> command line …
 *                        `-> receive(sink) -> octets to the sink until it has ended -> `ended` -> done -> command line …
 */
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';

/** Where content goes. */
export interface Sink {
  /** How many octets of `chunk` it took: all of them, unless it has ended. May overwrite what it took. */
  take(chunk: Buffer): number;
  readonly ended: boolean;
  /** Whether to wait before the next take(). */
  readonly full: boolean;
  /** Calls `resume` once, when it is not full any more. */
  onceReady(resume: () => void): void;
}

export type LineTrouble = 'tooLong' | 'lineEnding';
type Done = () => void;

const LF = 0x0a;
const CR = 0x0d;
const nothing = Buffer.alloc(0);
/** Commands run without a break before others get their turn. */
const commandsInARow = 100;

export interface CommandStreamOptions {
  /** Octets of a line, CRLF counted. */
  readonly lineLimit: number;
  /** Lines may end in a bare LF. */
  readonly bareLf: boolean;
  readonly ontrouble: (trouble: LineTrouble, done: Done) => void;
}

export class CommandStream extends SMTPStream {
  readonly #options: CommandStreamOptions;
  #input: Buffer = nothing;
  /** Where in `#input` no LF was found before. */
  #searched = 0;
  #more: (() => void) | undefined;
  #waiting = false;
  #held = false;
  #pumping = false;
  #skippingLine = false;
  #content: { readonly sink: Sink; readonly ended: (done: Done) => void } | undefined;

  constructor(options: CommandStreamOptions) {
    super();
    this.#options = options;
  }

  /** Reads nothing until release(). */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#pump();
  }

  /** Something came and was not read yet. */
  get hasInput(): boolean {
    return this.#input.length > 0;
  }

  /** From now on octets are content, until the sink has ended; `ended` calls `done` for the next command to be read. */
  receive(sink: Sink, ended: (done: Done) => void): void {
    this.#content = { sink, ended };
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding | 'buffer', next: () => void): void {
    this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
    this.#more = next;
    this.#pump();
  }

  /** A line without its end is no command. */
  override _flushData(): void {
    this.#input = nothing;
  }

  readonly #resume = (): void => {
    this.#waiting = false;
    this.#pump();
  };

  #pump(): void {
    if (this.#pumping || this.#held) return;
    this.#pumping = true;
    let steps = 0;
    try {
      while (!this.#waiting && this.#step()) {
        if (++steps < commandsInARow) continue;
        this.#waiting = true;
        setImmediate(this.#resume);
      }
    } finally {
      this.#pumping = false;
    }
    if (!this.#waiting) this.#askForMore();
  }

  #askForMore(): void {
    const more = this.#more;
    this.#more = undefined;
    more?.();
  }

  /** false: nothing can be done before more octets come. */
  #step(): boolean {
    if (this.isClosed) {
      this.#input = nothing;
      return false;
    }
    if (this.#content !== undefined) return this.#takeContent();
    return this.#takeLine();
  }

  #takeContent(): boolean {
    const content = this.#content;
    if (content === undefined) return false;
    const { sink, ended } = content;
    // A chunk of no octets ends at once, without any input.
    if (this.#input.length === 0 && !sink.ended) return false;
    if (sink.full) {
      this.#waiting = true;
      sink.onceReady(this.#resume);
      return true;
    }
    if (!sink.ended) this.#consume(sink.take(this.#input));
    if (!sink.ended) return true;
    this.#content = undefined;
    this.#waiting = true;
    ended(this.#resume);
    return true;
  }

  #takeLine(): boolean {
    const end = this.#input.indexOf(LF, this.#searched);
    if (end < 0) return this.#takePartOfLine();
    const line = this.#input.subarray(0, end);
    this.#consume(end + 1);
    if (this.#skippingLine) {
      this.#skippingLine = false;
      return true;
    }
    const complete = line[line.length - 1] === CR;
    this.#waiting = true;
    if (end + 1 > this.#options.lineLimit) this.#options.ontrouble('tooLong', this.#resume);
    else if (complete) this.oncommand(line.subarray(0, -1), this.#resume);
    else if (this.#options.bareLf) this.oncommand(line, this.#resume);
    else this.#options.ontrouble('lineEnding', this.#resume);
    return true;
  }

  #takePartOfLine(): boolean {
    this.#searched = this.#input.length;
    if (this.#input.length <= this.#options.lineLimit) return false;
    this.#consume(this.#input.length);
    if (this.#skippingLine) return false;
    this.#skippingLine = true;
    this.#waiting = true;
    this.#options.ontrouble('tooLong', this.#resume);
    return true;
  }

  #consume(octets: number): void {
    this.#searched = 0;
    this.#input = octets === this.#input.length ? nothing : this.#input.subarray(octets);
  }
}
