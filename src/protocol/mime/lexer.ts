/**
 * protocol/mime/lexer - the small words of structured header fields: white space, comments, quoted strings (RFC 5322 §3.2).
 *
 * Forgiving: an unfinished quoted string or comment ends with the field. Linear in the length of the field.
 * The text is one unfolded value as an octet string.
 */

const backslash = 0x5c;

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;

/** Without white space at its ends. Not `trim`, to which octets of 8-bit characters are white space too. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

export class Lexer {
  readonly text: string;
  at = 0;
  /** The last comment that was passed over, without its parentheses. */
  comment: string | undefined;

  constructor(text: string) {
    this.text = text;
  }

  done(): boolean {
    return this.at >= this.text.length;
  }

  /** The character at hand; empty at the end. */
  here(): string {
    return this.text.charAt(this.at);
  }

  /** Passes over white space and comments; tells whether there was any. */
  skipSpace(): boolean {
    const start = this.at;
    while (this.at < this.text.length) {
      const c = this.text.charCodeAt(this.at);
      if (c === 0x28) this.comment = this.#readComment();
      else if (isSpace(c)) this.at++;
      else break;
    }
    return this.at > start;
  }

  /** RFC 5322 §3.2.2: comments nest; a backslash quotes. Inner parentheses stay. */
  #readComment(): string {
    const { text } = this;
    let depth = 0;
    let from = this.at + 1;
    let value = '';
    let i = this.at;
    for (; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c === backslash && i + 1 < text.length) {
        value += text.slice(from, i);
        from = ++i;
      } else if (c === 0x28) depth++;
      else if (c === 0x29 && --depth === 0) break;
    }
    this.at = Math.min(text.length, i + 1);
    return value + text.slice(from, i);
  }

  /** The quoted string that begins here, unquoted (RFC 5322 §3.2.4). */
  quoted(): string {
    const { text } = this;
    let from = this.at + 1;
    let value = '';
    let i = from;
    for (; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c === 0x22) break;
      if (c === backslash && i + 1 < text.length) {
        value += text.slice(from, i);
        from = ++i;
      }
    }
    this.at = Math.min(text.length, i + 1);
    return value + text.slice(from, i);
  }

  /** What `pattern` (sticky) matches here; empty when nothing. */
  take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }
}
