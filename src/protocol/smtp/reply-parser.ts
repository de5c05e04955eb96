/**
 * protocol/smtp/reply-parser - bytes from a server to replies (RFC 5321 §4.2, RFC 2034).
 *
 * Takes chunks as they come and gives whole replies, in order. What a peer says ends up in logs, traces and reports
 * to people, so control characters become spaces, text that is not UTF-8 is shown as such, and lines and replies
 * are bounded. A server that does not speak SMTP is told apart from one that says no: BadReply.
 *
 * Lenient where real servers are sloppy: LF alone ends a line, the text may be missing, the second digit may be
 * any. Strict where guessing would be wrong: the code and its repetition on every line.
 */
import type { Reply } from '../../mail/reply.ts';

/** The peer's bytes are no reply. The connection cannot be used any more: nobody knows what answers what. */
export class BadReply extends Error {
  override readonly name = 'BadReply';
}

const limits = {
  /** Octets of one line; RFC 5321 §4.5.3.1.5 permits 512. */
  line: 8192,
  /** Characters of a line that are kept. */
  kept: 512,
  /** Lines of a reply that are kept, and at which the peer is given up. */
  linesKept: 100,
  lines: 1000,
  /** Replies nobody has asked for yet. */
  waiting: 4096,
} as const;

const status = /^([245])\.\d{1,3}\.\d{1,3}(?= |$)/;

export class ReplyParser {
  #rest = '';
  #code = '';
  #lines: string[] = [];
  #count = 0;
  #enhanced: string | undefined;
  #replies: Reply[] = [];
  #next = 0;

  /** Takes bytes in. Throws BadReply; the replies before the bad one can still be read. */
  push(chunk: Buffer): void {
    const text = this.#rest + chunk.toString('latin1');
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      this.#line(text.slice(from, text.charCodeAt(end - 1) === 13 && end > from ? end - 1 : end));
      from = end + 1;
    }
    this.#rest = text.slice(from);
    if (this.#rest.length > limits.line) throw new BadReply('the line of a reply never ends');
  }

  /** The oldest reply not yet taken. */
  take(): Reply | undefined {
    const reply = this.#replies[this.#next];
    if (reply === undefined) return undefined;
    this.#next += 1;
    if (this.#next === this.#replies.length) {
      this.#replies = [];
      this.#next = 0;
    }
    return reply;
  }

  /** Replies that can be taken. */
  get waiting(): number {
    return this.#replies.length - this.#next;
  }

  /** Nothing is left, not even the beginning of a reply. */
  get empty(): boolean {
    return this.waiting === 0 && this.#rest === '' && this.#count === 0;
  }

  #line(line: string): void {
    if (line.length > limits.line) throw new BadReply('the line of a reply is too long');
    const code = line.slice(0, 3);
    const mark = line.charAt(3);
    if (!/^[2-5]\d\d$/.test(code) || (mark !== '' && mark !== ' ' && mark !== '-')) {
      throw new BadReply(`not an SMTP reply: ${readable(line.slice(0, 80))}`);
    }
    if (this.#count > 0 && code !== this.#code) {
      throw new BadReply(`the code changes from ${this.#code} to ${code} within a reply`);
    }
    this.#code = code;
    this.#count += 1;
    if (this.#count > limits.lines) throw new BadReply('a reply has too many lines');
    if (this.#lines.length < limits.linesKept) this.#lines.push(this.#text(line.slice(4)));
    if (mark !== '-') this.#finish();
  }

  /** RFC 2034 §4: the enhanced code is on every line; its class is the code's, else it is only text. */
  #text(text: string): string {
    const match = status.exec(text);
    if (match === null || match[1] !== this.#code.charAt(0)) return readable(text);
    this.#enhanced ??= match[0];
    return match[0] === this.#enhanced ? readable(text.slice(match[0].length + 1)) : readable(text);
  }

  #finish(): void {
    if (this.waiting >= limits.waiting) throw new BadReply('the peer sends replies nobody asked for');
    const reply = { code: Number(this.#code), lines: this.#lines };
    this.#replies.push(this.#enhanced === undefined ? reply : { ...reply, enhanced: this.#enhanced });
    this.#code = '';
    this.#lines = [];
    this.#count = 0;
    this.#enhanced = undefined;
  }
}

const plain = /^[\x20-\x7e]*$/;

/** Fit for a log line: bytes read as UTF-8, no control characters, no marks that turn the direction of text, bounded. */
function readable(bytes: string): string {
  if (plain.test(bytes)) return bytes.length > limits.kept ? bytes.slice(0, limits.kept) : bytes;
  const text = Buffer.from(bytes, 'latin1').toString('utf8');
  return text
    .replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ')
    .slice(0, limits.kept)
    .toWellFormed();
}
