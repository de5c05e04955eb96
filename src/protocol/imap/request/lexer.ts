/**
 * protocol/imap/request/lexer - the words of a command (RFC 9051 §9): atoms, numbers, strings, lists.
 *
 * The text is a whole command as octets (one character each) without its last line end; a literal stands in it as it
 * came, `{n}` CRLF and n octets. Each method takes what it names or throws RequestFault. Nothing is looked at twice,
 * so a command costs its length.
 */
import { isUtf8 } from 'node:buffer';
import { RequestFault, Unfinished } from './fault.ts';
import type { RequestLimits } from './limits.ts';

export interface RequestDialect {
  /** The client has enabled IMAP4rev2 or UTF8=ACCEPT: names and quoted strings are UTF-8 (RFC 6855 §3). */
  readonly utf8: boolean;
  readonly limits: RequestLimits;
}

const patterns = {
  atom: /[^\x00-\x20\x7f-\xff(){%*"\\\]]+/y,
  astring: /[^\x00-\x20\x7f-\xff(){%*"\\]+/y,
  /** Of RFC 9051 §9, list-mailbox. */
  pattern: /[^\x00-\x20\x7f-\xff(){"\\]+/y,
  /** Names of data items; atoms end elsewhere, as `BODY[` shows. */
  item: /[A-Za-z][A-Za-z0-9.-]*/y,
  digits: /\d+/y,
  quoted: /"([^"\\\r\n\0]*(?:\\["\\][^"\\\r\n\0]*)*)"/y,
  literal: /(~?)\{(\d{1,15})\+?\}\r\n/y,
  /** A literal that is announced and still to come. */
  announced: /~?\{\d+\+?\}\r\n$/y,
  /** Clients that add spaces to a line are told nothing. */
  end: / *$/y,
} as const;

const maxNumber = 4_294_967_295;

export class Lexer {
  readonly text: string;
  readonly dialect: RequestDialect;
  at: number;

  constructor(text: string, dialect: RequestDialect, at = 0) {
    this.text = text;
    this.dialect = dialect;
    this.at = at;
  }

  fault(expected: string): never {
    throw new RequestFault(`${expected} expected at octet ${this.at + 1}`);
  }

  /** Takes `char` where it is next, and says whether. */
  skip(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at += 1;
    return true;
  }

  expect(char: '(' | ')' | '[' | ']' | '<' | '>' | '.' | ':'): void {
    if (!this.skip(char)) this.fault(`'${char}'`);
  }

  space(): void {
    if (!this.skip(' ')) this.fault('a space');
  }

  peek(): string | undefined {
    return this.text[this.at];
  }

  atEnd(): boolean {
    return this.#match(patterns.end) !== undefined;
  }

  end(): void {
    if (!this.atEnd()) this.fault('the end of the command');
    this.at = this.text.length;
  }

  /** What is left is the announcement of a literal. */
  atAnnouncement(): boolean {
    return this.#match(patterns.announced) !== undefined;
  }

  atom(what: string): string {
    return this.#take(patterns.atom) ?? this.fault(what);
  }

  /** An atom in capitals. */
  word(what: string): string {
    return this.atom(what).toUpperCase();
  }

  /** Takes the word where it is next; a word that goes on is another word. */
  skipWord(word: string): boolean {
    const found = this.#match(patterns.atom)?.[0];
    if (found?.toUpperCase() !== word) return false;
    this.at += found.length;
    return true;
  }

  item(what: string): string {
    return (this.#take(patterns.item) ?? this.fault(what)).toUpperCase();
  }

  number(what: string, least: 0 | 1 = 0): number {
    const value = this.number64(what, least);
    if (value > maxNumber) this.fault(`${what} below 4294967296`);
    return value;
  }

  /** A number64, or a value of MODSEQ: beyond 2^53 none is told from another. */
  number64(what: string, least: 0 | 1 = 0): number {
    const digits = this.#match(patterns.digits)?.[0] ?? this.fault(what);
    if (digits.length > 19 || (least === 1 && digits.startsWith('0'))) this.fault(what);
    this.at += digits.length;
    return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
  }

  /**
   * A quoted string or a literal, as octets. `lenient`: UTF-8 in quotes from a client that has not asked for it, which
   * is common where people are asked for words (LOGIN, SEARCH).
   */
  string(what: string, lenient = false): string {
    if (this.peek() === '"') return this.#quoted(lenient);
    const literal = this.#match(patterns.literal);
    if (literal === undefined || literal[1] === '~') return this.fault(what);
    const value = this.#literal(literal);
    if (value.includes('\0')) this.fault(`${what} without NUL`);
    return value;
  }

  astring(what: string, lenient = false): string {
    return this.#take(patterns.astring) ?? this.string(what, lenient);
  }

  /** NIL is undefined. */
  nstring(what: string): string | undefined {
    return this.skipWord('NIL') ? undefined : this.string(what);
  }

  /** Octets of any kind: also literal8 (RFC 3516 §4.4). */
  octets(what: string): Buffer {
    const literal = this.#match(patterns.literal);
    if (literal?.[1] === '~') return Buffer.from(this.#literal(literal), 'latin1');
    return Buffer.from(this.string(what), 'latin1');
  }

  /** An astring that people have written: Unicode. */
  words(what: string): string {
    return this.unicode(this.astring(what, true), what);
  }

  unicode(octets: string, what: string): string {
    const buffer = Buffer.from(octets, 'latin1');
    if (!isUtf8(buffer)) this.fault(`${what} in UTF-8`);
    return buffer.toString('utf8');
  }

  /** A pattern of LIST: wildcards may stand in it without quotes. */
  pattern(): string {
    return this.#take(patterns.pattern) ?? this.string('a pattern of mailbox names');
  }

  /** `(` items with one space between `)`. */
  list<T>(item: () => T, { empty }: { readonly empty: boolean }): readonly T[] {
    this.expect('(');
    if (empty && this.skip(')')) return [];
    const items = this.series(item);
    this.expect(')');
    return items;
  }

  /** Items with one space between; at least one. */
  series<T>(item: () => T): readonly T[] {
    const items: T[] = [];
    do {
      if (items.length >= this.dialect.limits.listElements) throw new RequestFault('too many in a list');
      items.push(item());
    } while (this.skip(' '));
    return items;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text) ?? undefined;
  }

  #take(pattern: RegExp): string | undefined {
    const found = this.#match(pattern)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  #quoted(lenient: boolean): string {
    const found = this.#match(patterns.quoted) ?? this.fault('a quoted string with its end');
    const inside = found[1] ?? '';
    if (/[\x80-\xff]/.test(inside)) {
      if (!this.dialect.utf8 && !lenient) this.fault('a quoted string in ASCII');
      if (!isUtf8(Buffer.from(inside, 'latin1'))) this.fault('a quoted string in UTF-8');
    }
    this.at += found[0].length;
    return inside.includes('\\') ? inside.replace(/\\(["\\])/g, '$1') : inside;
  }

  #literal([announcement, , digits = '']: RegExpExecArray): string {
    const start = this.at + announcement.length;
    const end = start + Number(digits);
    if (end > this.text.length) throw new Unfinished('a literal is still to come');
    this.at = end;
    return this.text.slice(start, end);
  }
}
