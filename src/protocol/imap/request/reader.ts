/**
 * protocol/imap/request/reader - what a client sends, cut into commands (RFC 9051 §2.2.1): octets in, events out.
 *
 * `push` what has come, then take events until there is none; nothing is read ahead of the event that was taken, so
 * that what follows STARTTLS, AUTHENTICATE or IDLE is understood as what it is. Small literals are part of their
 * command. Messages are not: they are announced, and their octets handed on as they come, for as long as the caller
 * takes them. To take the event after `go-on` or `literal` is to have told the client to go on; `refuse` gives the
 * command up instead.
 *
 * A command that is refused, by us or by the caller, is passed over with all that belongs to it: the literal it has
 * announced, unless the client waits to send it, and the rest of its lines (RFC 7888 §4).
 */
import { type Announced, type AppendEvent, AppendGrammar } from './append.ts';
import { isKnown, parseCommand, type Refusal, type Request, readHead, refusal } from './command.ts';
import { RequestFault } from './fault.ts';
import { Inflow } from './inflow.ts';
import { Lexer, type RequestDialect } from './lexer.ts';

export type RequestEvent =
  | Request
  | AppendEvent
  /** Octets of the message's literal, as they came. */
  | { readonly kind: 'octets'; readonly octets: Buffer }
  /** The client waits for `+`: a small literal belongs to its command. */
  | { readonly kind: 'go-on' }
  /** A line that `expectLine` asked for, without its end. */
  | { readonly kind: 'line'; readonly line: string }
  /** `skips`: octets that the client sends nevertheless; it may be better to close. */
  | (Refusal & { readonly skips: number });

type Place =
  | { readonly at: 'line' | 'skipLine' }
  /** Announced, and not sent where the client waits. */
  | { readonly at: 'announced'; readonly literal: Announced; readonly handOn: boolean }
  | { readonly at: 'collect' | 'handOn' | 'skip'; readonly left: number };

const announcement = /(~?)\{(\d{1,20})(\+?)\}$/;
/** Enough of a line to see what it announces. */
const tailLength = 32;

export class RequestReader {
  dialect: RequestDialect;
  readonly #inflow = new Inflow();
  #events: RequestEvent[] = [];
  #nextEvent = 0;
  #place: Place = { at: 'line' };
  /** The command up to the line that is coming, or what of it the append has not read. */
  #text = '';
  /** What has come of the line; of one that is skipped, its end. */
  #line = '';
  /** Octets of the command that are kept, or were. */
  #size = 0;
  #append: { readonly tag: string; readonly grammar: AppendGrammar } | undefined;
  #isLineExpected = false;

  constructor(dialect: RequestDialect) {
    this.dialect = dialect;
  }

  /** The octets must stay as they are until they are handed on. */
  push(chunk: Uint8Array): void {
    this.#inflow.push(chunk);
  }

  /** Undefined: more must come first. */
  next(): RequestEvent | undefined {
    for (;;) {
      const event = this.#events[this.#nextEvent];
      if (event !== undefined) {
        this.#nextEvent += 1;
        return event;
      }
      this.#forgetEvents();
      if (!this.#step()) return undefined;
    }
  }

  /** The next line is no command: an answer to a challenge, or DONE. */
  expectLine(): void {
    this.#isLineExpected = true;
  }

  /** The command that is being read is not wanted; it has been answered. */
  refuse(): void {
    this.#forgetEvents();
    const place = this.#place;
    if (place.at === 'announced') this.#giveUp(place.literal);
    else if (place.at === 'collect' || place.at === 'handOn') this.#skip(place.left);
    else if (place.at === 'line' && (this.#append !== undefined || this.#text !== '')) this.#skip(0);
  }

  /** What has come and was not read: after STARTTLS it must be nothing, after COMPRESS it is compressed. */
  takePending(): Buffer {
    return this.#inflow.takeAll();
  }

  #forgetEvents(): void {
    this.#events = [];
    this.#nextEvent = 0;
  }

  /** False: there is not enough to take it. */
  #step(): boolean {
    const place = this.#place;
    switch (place.at) {
      case 'line':
        return this.#readLine();
      case 'skipLine':
        return this.#skipLine();
      case 'announced':
        this.#place = { at: place.handOn ? 'handOn' : 'collect', left: place.literal.size };
        return true;
      default:
        return this.#readLiteral(place.at, place.left);
    }
  }

  #readLiteral(at: 'collect' | 'handOn' | 'skip', left: number): boolean {
    if (left === 0) {
      this.#place = { at: at === 'skip' ? 'skipLine' : 'line' };
      return true;
    }
    if (this.#inflow.isEmpty) return false;
    const octets = this.#inflow.take(left);
    this.#place = { at, left: left - octets.length };
    if (at === 'handOn') this.#events.push({ kind: 'octets', octets });
    else if (at === 'collect') this.#text += octets.toString('latin1');
    return true;
  }

  #readLine(): boolean {
    if (this.#inflow.isEmpty) return false;
    // Two more for the line end.
    const room = this.dialect.limits.command - this.#size - this.#line.length + 2;
    const octets = this.#inflow.takeLine(room);
    this.#line += octets.toString('latin1');
    if (octets.at(-1) === 10) this.#lineRead(withoutEnd(this.#line));
    else if (octets.length === room) this.#lineTooLong();
    return true;
  }

  #lineTooLong(): void {
    const head = this.#text === '' ? this.#line : this.#text;
    const tag = this.#append?.tag ?? (this.#isLineExpected ? undefined : tagOf(head, this.dialect));
    this.#isLineExpected = false;
    this.#refused(refusal(tag, new RequestFault('the command is too long')), 0);
    this.#skip(0);
  }

  #lineRead(line: string): void {
    this.#line = '';
    if (this.#isLineExpected) {
      this.#isLineExpected = false;
      this.#events.push({ kind: 'line', line });
      return;
    }
    const literal = announcedBy(line);
    this.#size += line.length;
    try {
      const from = this.#begin(line, literal);
      this.#check(literal);
      const text = literal === undefined ? this.#text + line : `${this.#text}${line}\r\n`;
      if (this.#append !== undefined) this.#advance(this.#append.grammar, text, from, literal);
      else if (literal !== undefined) this.#collect(text, literal);
      else {
        this.#events.push(this.#whole(parseCommand(text, this.dialect)));
        this.#reset();
      }
    } catch (thrown) {
      const tag = this.#append?.tag ?? tagOf(this.#text + line, this.dialect);
      this.#refused(refusal(tag, thrown), literal === undefined || literal.waits ? 0 : literal.size);
      this.#giveUp(literal);
    }
  }

  #whole(outcome: Request | Refusal): RequestEvent {
    return outcome.kind === 'refused' ? { ...outcome, skips: 0 } : outcome;
  }

  /**
   * Sees from its first line whether a command has messages, and whether it may have literals. The result is how much
   * of the text has been read.
   */
  #begin(line: string, literal: Announced | undefined): number {
    if (this.#append !== undefined || this.#text !== '') return 0;
    if (literal === undefined && !/^\S+ (uid )?(append|replace)/i.test(line.slice(0, 300))) return 0;
    const lexer = new Lexer(line, this.dialect);
    const { tag, word } = readHead(lexer);
    if (word === 'APPEND' || word === 'REPLACE' || word === 'UID REPLACE')
      this.#append = { tag, grammar: new AppendGrammar(tag, word) };
    else if (literal !== undefined && !isKnown(word)) throw new RequestFault('the command is not known');
    return lexer.at;
  }

  #check(literal: Announced | undefined): void {
    if (literal === undefined || literal.waits) return;
    if (literal.size > this.dialect.limits.unasked)
      throw new RequestFault('a literal of this size is sent only when asked for'); // RFC 7888 §5
  }

  #advance(grammar: AppendGrammar, text: string, from: number, literal: Announced | undefined): void {
    const lexer = new Lexer(text, this.dialect, from);
    const outcome = grammar.advance(lexer, literal, this.#events);
    if (outcome === 'end') this.#reset();
    else if (literal !== undefined && outcome === 'unfinished') this.#collect(text.slice(lexer.at), literal);
    else if (literal !== undefined) {
      this.#text = '';
      this.#size = 0;
      this.#place = { at: 'announced', literal, handOn: true };
    }
  }

  #collect(text: string, literal: Announced): void {
    if (this.#size + literal.size > this.dialect.limits.command)
      throw new RequestFault('the command is too long');
    this.#size += literal.size;
    this.#text = text;
    this.#place = { at: 'announced', literal, handOn: false };
    if (literal.waits) this.#events.push({ kind: 'go-on' });
  }

  #refused(outcome: Refusal, skips: number): void {
    this.#events.push({ ...outcome, skips });
  }

  /** After a refusal: what the client sends of the command without being asked is passed over. */
  #giveUp(literal: Announced | undefined): void {
    if (literal === undefined || literal.waits) this.#reset();
    else this.#skip(literal.size);
  }

  #skip(octets: number): void {
    const line = this.#line.slice(-tailLength);
    this.#reset();
    this.#line = line;
    this.#place = { at: 'skip', left: octets };
  }

  #skipLine(): boolean {
    if (this.#inflow.isEmpty) return false;
    const octets = this.#inflow.takeLine(Number.POSITIVE_INFINITY);
    this.#line = (this.#line + octets.subarray(-tailLength).toString('latin1')).slice(-tailLength);
    if (octets.at(-1) !== 10) return true;
    const literal = announcedBy(withoutEnd(this.#line));
    this.#line = '';
    this.#giveUp(literal);
    return true;
  }

  /** Ready for the next command. */
  #reset(): void {
    this.#text = '';
    this.#line = '';
    this.#size = 0;
    this.#append = undefined;
    this.#place = { at: 'line' };
  }
}

const withoutEnd = (line: string): string => line.slice(0, line.at(-2) === '\r' ? -2 : -1);

function announcedBy(line: string): Announced | undefined {
  const found = announcement.exec(line.slice(-tailLength));
  if (found === null) return undefined;
  const [, tilde, digits, plus] = found;
  return { size: Number(digits), waits: plus === '', binary: tilde === '~' };
}

function tagOf(text: string, dialect: RequestDialect): string | undefined {
  try {
    return readHead(new Lexer(text, dialect)).tag;
  } catch {
    return undefined;
  }
}
