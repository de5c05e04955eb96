/**
 * protocol/imap/request/append - APPEND (RFC 9051 §6.3.12, several messages by RFC 3502), CATENATE (RFC 4469), UTF8
 * (RFC 6855 §4) and REPLACE (RFC 8508), read up to each literal that is handed on.
 *
 * The events come in this order: append, then for each message: message, its literals and URLs, message-end; and
 * append-end. A literal is followed by its octets. A refusal may come at any point instead: what was appended so far
 * is then to be undone.
 */
import { RequestFault, Unfinished } from './fault.ts';
import type { Lexer } from './lexer.ts';
import { dateTime, flagList, mailboxName } from './words.ts';

export type AppendEvent =
  | ({ readonly kind: 'append'; readonly tag: string } & AppendTarget)
  | {
      readonly kind: 'message';
      readonly flags: readonly string[];
      /** Undefined: now. */
      readonly date: Date | undefined;
      /** It is put together of parts. Else it is one literal. */
      readonly catenate: boolean;
    }
  | ({ readonly kind: 'literal' } & MessageLiteral)
  /** The next part is what this IMAP URL names (RFC 5092), as said. */
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'message-end' }
  | { readonly kind: 'append-end' };

export type AppendTarget =
  | { readonly command: 'APPEND'; readonly mailbox: string }
  | {
      readonly command: 'REPLACE';
      readonly mailbox: string;
      readonly uid: boolean;
      /** The message that goes. */
      readonly replaces: number | '*';
    };

/** Where events go as they are read: also those before a fault. */
interface EventSink {
  push(...events: AppendEvent[]): void;
}

export interface MessageLiteral {
  /** Octets; 0 of a message that is not catenated: the client takes all back (RFC 3502 §6.3.11). */
  readonly size: number;
  /** The client waits to be told to go on. */
  readonly waits: boolean;
  /** `binary` may hold NUL (RFC 3516 §4.4); `utf8` may besides have UTF-8 in its header. */
  readonly form: 'text' | 'binary' | 'utf8';
}

export interface Announced {
  readonly size: number;
  readonly waits: boolean;
  readonly binary: boolean;
}

type Place = 'target' | 'message' | 'whole' | 'utf8' | 'part' | 'partEnd' | 'utf8Part';

export class AppendGrammar {
  readonly #tag: string;
  readonly #word: 'APPEND' | 'REPLACE' | 'UID REPLACE';
  #place: Place = 'target';
  #messages = 0;
  /** Of the message being read. */
  #octets = 0;

  constructor(tag: string, word: 'APPEND' | 'REPLACE' | 'UID REPLACE') {
    this.#tag = tag;
    this.#word = word;
  }

  /**
   * Reads on to the end of the text. `literal`: that which is announced there is a message's; `unfinished`: it is a
   * string of the command, and what is left of the text is to be given again with it; `end`: so does the command.
   */
  advance(
    lexer: Lexer,
    announced: Announced | undefined,
    events: EventSink,
  ): 'literal' | 'unfinished' | 'end' {
    for (;;) {
      const start = lexer.at;
      try {
        const outcome = this.#step(lexer, announced, events);
        if (outcome !== undefined) return outcome;
      } catch (thrown) {
        if (!(thrown instanceof Unfinished) || announced === undefined) throw thrown;
        lexer.at = start;
        return 'unfinished';
      }
    }
  }

  /** Each step says its events when all of it is read, so that one that is unfinished may be taken again. */
  #step(lexer: Lexer, announced: Announced | undefined, events: EventSink): 'literal' | 'end' | undefined {
    switch (this.#place) {
      case 'target':
        events.push({ kind: 'append', tag: this.#tag, ...this.#target(lexer) });
        this.#place = 'message';
        return undefined;
      case 'message':
        if (this.#messages === 0 || !lexer.atEnd()) return this.#message(lexer, announced, events);
        events.push({ kind: 'append-end' });
        return 'end';
      case 'utf8':
        lexer.expect(')');
        return this.#messageEnd(events);
      case 'whole':
        return this.#messageEnd(events);
      case 'part':
        return this.#part(lexer, announced, events);
      case 'utf8Part':
        lexer.expect(')');
        this.#place = 'partEnd';
        return undefined;
      case 'partEnd':
        if (lexer.skip(')')) return this.#messageEnd(events);
        lexer.space();
        this.#place = 'part';
        return undefined;
    }
  }

  #target(lexer: Lexer): AppendTarget {
    lexer.space();
    if (this.#word === 'APPEND') return { command: 'APPEND', mailbox: mailboxName(lexer) };
    const replaces = lexer.skip('*') ? '*' : lexer.number('the number of a message', 1);
    lexer.space();
    return { command: 'REPLACE', uid: this.#word === 'UID REPLACE', replaces, mailbox: mailboxName(lexer) };
  }

  #message(lexer: Lexer, announced: Announced | undefined, events: EventSink): 'literal' | 'end' | undefined {
    if (this.#messages > 0 && this.#word !== 'APPEND') lexer.fault('the end of the command');
    lexer.space();
    const flags = lexer.peek() === '(' ? flagList(lexer) : undefined;
    if (flags !== undefined) lexer.space();
    const date = lexer.peek() === '"' ? dateTime(lexer) : undefined;
    if (date !== undefined) lexer.space();
    this.#octets = 0;
    const catenate = lexer.skipWord('CATENATE');
    const utf8 = !catenate && lexer.skipWord('UTF8');
    if (catenate || utf8) {
      lexer.space();
      lexer.expect('(');
    }
    const message = { kind: 'message', flags: flags ?? [], date, catenate } as const;
    if (catenate) {
      events.push(message);
      this.#place = 'part';
      return undefined;
    }
    const literal = this.#literal(lexer, announced, utf8);
    events.push(message, literal);
    this.#place = utf8 ? 'utf8' : 'whole';
    return 'literal';
  }

  #part(lexer: Lexer, announced: Announced | undefined, events: EventSink): 'literal' | undefined {
    const word = lexer.word('TEXT or URL');
    lexer.space();
    if (word === 'URL') {
      events.push({ kind: 'url', url: lexer.words('a URL') });
      this.#place = 'partEnd';
      return undefined;
    }
    if (word !== 'TEXT' && word !== 'UTF8') throw new RequestFault(`CATENATE does not know ${word}`);
    const utf8 = word === 'UTF8';
    if (utf8) lexer.expect('(');
    events.push(this.#literal(lexer, announced, utf8));
    this.#place = utf8 ? 'utf8Part' : 'partEnd';
    return 'literal';
  }

  #literal(
    lexer: Lexer,
    announced: Announced | undefined,
    utf8: boolean,
  ): AppendEvent & { readonly kind: 'literal' } {
    if (announced === undefined || !lexer.atAnnouncement() || (utf8 && !announced.binary))
      return lexer.fault('a literal with the message');
    this.#octets += announced.size;
    if (this.#octets > lexer.dialect.limits.message)
      throw new RequestFault('the message is too big', 'NO', { code: 'TOOBIG' });
    lexer.at = lexer.text.length;
    const { size, waits, binary } = announced;
    return { kind: 'literal', size, waits, form: utf8 ? 'utf8' : binary ? 'binary' : 'text' };
  }

  #messageEnd(events: EventSink): undefined {
    events.push({ kind: 'message-end' });
    this.#messages += 1;
    this.#place = 'message';
  }
}
