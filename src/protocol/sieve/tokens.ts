/**
 * protocol/sieve/tokens - the words of a script (RFC 5228 §8.1).
 *
 * Never throws: what is no token is told to `problem` and comes out as `garbage`. A number or word that is too long is
 * told too, and comes out as if it were good, so that the reader finds the next mistake and not the same one again.
 */
import { type Place, syntaxLimits } from './syntax.ts';

export type Token = Place &
  (
    | { readonly kind: 'word' | 'tag' | 'string'; readonly text: string }
    | { readonly kind: 'number'; readonly value: bigint }
    | { readonly kind: ';' | ',' | '(' | ')' | '{' | '}' | '[' | ']' | 'garbage' | 'end' }
  );

type Tell = (at: Place, text: string) => void;

const word = /[A-Za-z_][A-Za-z0-9_]*/y;
const number = /(\d+)([KMG]?)/iy;
/** `text:` of a multi-line string with the rest of its line (RFC 5228 §2.4.2). */
const multilineStart = /text:[ \t]*(#[^\n]*)?\r?\n/iy;
const garbage = /[^\sA-Za-z0-9_:;,(){}[\]"#/]+|[\s\S]/y;
const punctuation = new Set([';', ',', '(', ')', '{', '}', '[', ']']);
const quantifiers: Readonly<Record<string, bigint>> = { '': 1n, k: 2n ** 10n, m: 2n ** 20n, g: 2n ** 30n };

/** Splits a script. `next` gives `end` for ever once the script is over. */
export class Tokens {
  readonly #text: string;
  readonly #tell: Tell;
  #at = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string, tell: Tell) {
    this.#text = text;
    this.#tell = tell;
  }

  next(): Token {
    this.#skipSpace();
    const place = this.#place();
    const first = this.#text[this.#at];
    if (first === undefined) return { kind: 'end', ...place };
    if (punctuation.has(first)) {
      this.#at += 1;
      return { kind: first as ';', ...place };
    }
    if (first === '"') return this.#quoted(place);
    if (first === ':') return this.#tag(place);
    const lines = this.#match(multilineStart);
    if (lines !== undefined) return this.#multiline(place, lines[0]);
    const name = this.#match(word)?.[0];
    if (name !== undefined) {
      this.#at += name.length;
      return { kind: 'word', text: this.#checked(name, place), ...place };
    }
    const digits = this.#match(number);
    if (digits !== undefined) return this.#number(place, digits);
    return this.#garbage(place);
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text) ?? undefined;
  }

  #place(): Place {
    return { line: this.#line, column: this.#at - this.#lineStart + 1 };
  }

  /** Moves to `to`, counting the lines in between. */
  #move(to: number): void {
    for (;;) {
      const newline = this.#text.indexOf('\n', this.#at);
      if (newline < 0 || newline >= to) break;
      this.#at = newline + 1;
      this.#line += 1;
      this.#lineStart = this.#at;
    }
    this.#at = to;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x20 || code === 0x09 || code === 0x0d) this.#at += 1;
      else if (code === 0x0a) this.#move(this.#at + 1);
      else if (code === 0x23) {
        const end = this.#text.indexOf('\n', this.#at);
        this.#move(end < 0 ? this.#text.length : end + 1);
      } else if (this.#text.startsWith('/*', this.#at)) {
        const end = this.#text.indexOf('*/', this.#at + 2);
        if (end < 0) this.#tell(this.#place(), 'this comment is never closed: expected */');
        this.#move(end < 0 ? this.#text.length : end + 2);
      } else return;
    }
  }

  #checked(name: string, place: Place): string {
    if (name.length > syntaxLimits.word) {
      this.#tell(
        place,
        `identifier is too long: ${name.slice(0, 16)}… has ${name.length} characters, ${syntaxLimits.word} are permitted`,
      );
    }
    return name.toLowerCase();
  }

  #tag(place: Place): Token {
    this.#at += 1;
    const name = this.#match(word)?.[0];
    if (name === undefined) {
      this.#tell(place, "a name is expected after ':'");
      return { kind: 'garbage', ...place };
    }
    this.#at += name.length;
    return { kind: 'tag', text: this.#checked(name, place), ...place };
  }

  #number(place: Place, [all, digits = '', quantifier = '']: RegExpExecArray): Token {
    this.#at += all.length;
    const follow = this.#match(word)?.[0];
    if (follow !== undefined) {
      this.#at += follow.length;
      this.#tell(place, `'${all}${follow}' is no number: digits, then K, M or G, or nothing`);
      return { kind: 'garbage', ...place };
    }
    const value =
      digits.length > 40 ? undefined : BigInt(digits) * (quantifiers[quantifier.toLowerCase()] ?? 1n);
    if (value !== undefined && value <= syntaxLimits.number) return { kind: 'number', value, ...place };
    this.#tell(place, `number is too large: at most ${syntaxLimits.number} is permitted`);
    return { kind: 'number', value: syntaxLimits.number, ...place };
  }

  #quoted(place: Place): Token {
    let end = this.#at + 1;
    for (; end < this.#text.length && this.#text[end] !== '"'; end += 1) {
      if (this.#text[end] === '\\') end += 1;
    }
    if (end >= this.#text.length) {
      this.#tell(place, 'this string is never closed: expected "');
      this.#move(this.#text.length);
      return { kind: 'garbage', ...place };
    }
    const inside = this.#text.slice(this.#at + 1, end).replace(/\\([\s\S])/g, '$1');
    this.#move(end + 1);
    return { kind: 'string', text: this.#lines(inside, place), ...place };
  }

  #multiline(place: Place, start: string): Token {
    const from = this.#at + start.length;
    const finish = /(?:^|\n)\.\r?(?:\n|$)/g;
    // The dot may stand on the first line: the newline before it is then that of `text:`.
    finish.lastIndex = from - 1;
    const end = finish.exec(this.#text);
    if (end === null) {
      this.#tell(place, "this text: is never closed: expected a line with nothing but '.'");
      this.#move(this.#text.length);
      return { kind: 'garbage', ...place };
    }
    const inside = this.#text.slice(from, Math.max(from, end.index + 1)).replace(/^\.\./gm, '.');
    this.#move(end.index + end[0].length);
    return { kind: 'string', text: this.#lines(inside, place), ...place };
  }

  #lines(text: string, place: Place): string {
    if (text.includes('\0')) this.#tell(place, 'a string may not hold NUL');
    return text.replace(/\r?\n/g, '\r\n');
  }

  #garbage(place: Place): Token {
    const text = this.#match(garbage)?.[0] ?? '';
    this.#move(this.#at + text.length);
    this.#tell(place, `unexpected character${text.length > 1 ? 's' : ''} '${text.slice(0, 16)}'`);
    return { kind: 'garbage', ...place };
  }
}
