/**
 * protocol/managesieve/words - octets of a client to commands as words: atoms, numbers and strings (RFC 5804 §1.2, §4).
 *
 *   push(chunk) … take() -> words | trouble | fatal, until undefined; push(chunk) …
 *
 * A string is quoted or a literal `{n+}`; the client does not wait with a literal, so one that is too big has to be
 * read and thrown away before the next command is seen, or given up as fatal. After a mistake the rest of the command
 * is skipped, its literals too, so that a script is never taken for commands. After `fatal` nothing more comes.
 */
import { LineReader } from '../lines/line-reader.ts';
import { OctetBuffer } from '../lines/octet-buffer.ts';

export type Word =
  | { readonly kind: 'atom'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly octets: Buffer };

export type Input =
  | { readonly kind: 'words'; readonly words: readonly Word[] }
  /** `tooBig`: the literals have more octets than the limit. */
  | { readonly kind: 'trouble'; readonly trouble: 'badSyntax' | 'tooBig'; readonly text: string }
  /** What follows cannot be understood: say BYE and close. */
  | { readonly kind: 'fatal'; readonly text: string };

export interface WordLimits {
  /** Octets of the lines of a command, literals not counted. */
  readonly line: number;
  /** Octets of all literals of a command. */
  readonly literals: number;
  /** Octets of too big literals that are read and thrown away; more are fatal. */
  readonly skipped: number;
}

/** No command has more than a name and two arguments. */
const mostWords = 4;

const separator = / */y;
const quoted = /"([^"\\\0]*(?:\\["\\][^"\\\0]*)*)"/y;
const atom = /[^\0-\x20"(){}\\\x7f-\xff]+/y;
const literal = /\{(\d{1,10})\+\}$/y;
const literalAtEnd = /\{(\d+)(\+?)\}$/;
/** RFC 5804 §4, number: 32 bits. */
const greatestNumber = 4_294_967_296;

export class WordReader {
  limits: WordLimits;
  readonly #lines: LineReader;
  #words: Word[] = [];
  #literal: { readonly octets: OctetBuffer; left: number } | undefined;
  #trouble: Input | undefined;
  #fatal = false;
  /** Octets of a literal that is thrown away. */
  #skip = 0;
  #lineOctets = 0;
  #literalOctets = 0;
  #skippedOctets = 0;
  /** The present line goes on after a literal. */
  #continued = false;

  constructor(limits: WordLimits) {
    this.limits = limits;
    this.#lines = new LineReader(limits.line);
  }

  push(chunk: Uint8Array): void {
    if (!this.#fatal) this.#lines.push(chunk);
  }

  /** Octets that came and were not taken, apart from a command that has begun. */
  get buffered(): number {
    return this.#lines.buffered;
  }

  /** Forgets all that came: what was sent before TLS began is not to be obeyed after it. */
  clear(): void {
    this.#lines.clear();
    this.#restart();
  }

  /** The next command; undefined until more is pushed. */
  take(): Input | undefined {
    while (!this.#fatal) {
      if (!this.#finishLiteral()) return undefined;
      this.#lines.limit = this.limits.line;
      const line = this.#lines.take();
      if (line === undefined) return undefined;
      if (line.kind === 'tooLong') return this.#giveUp('Line too long');
      this.#lineOctets += line.octets.length;
      if (this.#lineOctets > this.limits.line) return this.#giveUp('Line too long');
      const input = this.#takeLine(line.octets.toString('latin1'));
      if (input !== undefined) return input;
    }
    return undefined;
  }

  /** false: octets of a literal are still to come. */
  #finishLiteral(): boolean {
    this.#skip -= this.#lines.takeOctets(this.#skip).length;
    if (this.#skip > 0) return false;
    if (this.#literal === undefined) return true;
    const piece = this.#lines.takeOctets(this.#literal.left);
    this.#literal.octets.append(piece);
    this.#literal.left -= piece.length;
    if (this.#literal.left > 0) return false;
    this.#words.push({ kind: 'string', octets: this.#literal.octets.take() });
    this.#literal = undefined;
    return true;
  }

  /** undefined: the command goes on after a literal. */
  #takeLine(text: string): Input | undefined {
    if (this.#trouble === undefined) this.#split(text);
    const end = literalAtEnd.exec(text);
    if (end !== null && (this.#literal !== undefined || this.#trouble !== undefined)) {
      this.#continued = true;
      return this.#trouble === undefined ? undefined : this.#skipLiteral(Number(end[1]), end[2] === '+');
    }
    const input = this.#trouble ?? { kind: 'words', words: this.#words };
    this.#restart();
    return input;
  }

  /** The words of one line, or of what follows a literal. */
  #split(text: string): void {
    let apart = !this.#continued;
    for (let at = 0; this.#trouble === undefined; ) {
      separator.lastIndex = at;
      const spaces = separator.exec(text)?.[0].length ?? 0;
      at += spaces;
      if (at === text.length) return;
      if ((!apart && spaces === 0) || this.#words.length === mostWords) this.#mistaken();
      else at = this.#word(text, at);
      apart = false;
    }
  }

  /** Where the word ends. */
  #word(text: string, at: number): number {
    for (const pattern of [quoted, atom, literal]) pattern.lastIndex = at;
    const name = atom.exec(text)?.[0];
    if (name !== undefined) {
      this.#words.push(asAtom(name));
      return at + name.length;
    }
    const string = quoted.exec(text);
    if (string !== null) {
      const octets = Buffer.from((string[1] ?? '').replace(/\\(["\\])/g, '$1'), 'latin1');
      this.#words.push({ kind: 'string', octets });
      return at + string[0].length;
    }
    const announced = literal.exec(text);
    if (announced === null) this.#mistaken();
    else this.#beginLiteral(Number(announced[1]));
    return text.length;
  }

  #beginLiteral(octets: number): void {
    this.#literalOctets += octets;
    if (this.#literalOctets <= this.limits.literals) {
      this.#literal = { octets: new OctetBuffer(), left: octets };
      return;
    }
    const text = `At most ${this.limits.literals} octets are permitted`;
    this.#trouble = { kind: 'trouble', trouble: 'tooBig', text };
  }

  #mistaken(): void {
    this.#trouble = { kind: 'trouble', trouble: 'badSyntax', text: 'Syntax error' };
  }

  #skipLiteral(octets: number, waitsNot: boolean): Input | undefined {
    this.#skippedOctets += octets;
    if (!waitsNot) return this.#giveUp('A literal is written {n+} here');
    if (this.#skippedOctets > this.limits.skipped) return this.#giveUp('Much too big');
    this.#skip = octets;
    return undefined;
  }

  #giveUp(text: string): Input {
    this.clear();
    this.#fatal = true;
    return { kind: 'fatal', text };
  }

  #restart(): void {
    this.#words = [];
    this.#literal = undefined;
    this.#trouble = undefined;
    this.#skip = 0;
    this.#lineOctets = 0;
    this.#literalOctets = 0;
    this.#skippedOctets = 0;
    this.#continued = false;
  }
}

const asAtom = (text: string): Word =>
  /^\d{1,10}$/.test(text) && Number(text) <= greatestNumber
    ? { kind: 'number', value: Number(text) }
    : { kind: 'atom', text };
