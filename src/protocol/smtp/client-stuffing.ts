/**
 * protocol/smtp/client-stuffing - content to what is sent after 354 (RFC 5321 §4.5.2).
 *
 * A dot at the beginning of a line is doubled, and the end is `CRLF . CRLF` with no line added where the content
 * ends in CRLF. The content has CRLF lines by contract. A CR or LF that stands alone would let one message become two
 * at a peer that takes it for a line end (SMTP smuggling), so it is refused here, at the last border: BareLineEnd.
 *
 * One regular expression looks at a chunk; a chunk in which it finds nothing is passed on as it is, uncopied.
 */
export class BareLineEnd extends Error {
  override readonly name = 'BareLineEnd';
}

const dot = 46;
const lf = 10;
const cr = 13;

/** A dot after LF, or half a line end. At the edges of a chunk it may be a whole one: `atEdge` decides. */
const find = (): RegExp => /\r(?!\n)|(?<!\r)\n|\n\./g;
const nothing = /\r(?!\n)|(?<!\r)\n|\n\./;

export class DotStuffing {
  #lineStart = true;
  #afterCr = false;

  /** The pieces to write for `chunk`; views of it where nothing had to be added. */
  stuff(chunk: Uint8Array): Buffer[] {
    if (chunk.length === 0) return [];
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const first = bytes[0];
    if (this.#afterCr && first !== lf) throw new BareLineEnd('a CR without LF');
    const dots = this.#lineStart && first === dot ? [0] : [];
    const text = bytes.toString('latin1');
    if (nothing.test(text)) this.#search(text, dots);
    const last = bytes[bytes.length - 1];
    this.#lineStart = last === lf;
    this.#afterCr = last === cr;
    return dots.length === 0 ? [bytes] : double(bytes, dots);
  }

  /** What follows the last piece: the end of data. */
  end(): string {
    if (this.#afterCr) throw new BareLineEnd('a CR without LF');
    return this.#lineStart ? '.\r\n' : '\r\n.\r\n';
  }

  /** Adds to `dots` where in `text` a dot is to be doubled. */
  #search(text: string, dots: number[]): void {
    const search = find();
    for (let match = search.exec(text); match !== null; match = search.exec(text)) {
      const at = match.index;
      if (match[0] === '\n.') dots.push(at + 1);
      else if (match[0] === '\r') {
        if (at !== text.length - 1) throw new BareLineEnd('a CR without LF');
      } else {
        if (at !== 0 || !this.#afterCr) throw new BareLineEnd('an LF without CR');
        if (text.charCodeAt(1) === dot) dots.push(1);
      }
    }
  }
}

/** `bytes` with each dot at `dots` sent twice: every piece but the first begins with a dot that the one before ended with. */
function double(bytes: Buffer, dots: readonly number[]): Buffer[] {
  const stuffed = Buffer.allocUnsafe(bytes.length + dots.length);
  let from = 0;
  let to = 0;
  for (const at of dots) {
    to += bytes.copy(stuffed, to, from, at);
    stuffed[to] = dot;
    to += 1;
    from = at;
  }
  bytes.copy(stuffed, to, from);
  return [stuffed];
}
