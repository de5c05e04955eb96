/**
 * protocol/pop3/stuffing - a message to what follows +OK (RFC 1939 §3): dots stuffed, the end said, chunk by chunk.
 *
 * Clients read lines that end in CRLF, and many take a bare LF for a line end too. Were it sent as it is, a line of one
 * dot behind it would end the message for some of them and not for others. So a bare LF is sent as CRLF, and a message
 * that does not end in a line end gets one. A bare CR ends no line anywhere and is left alone.
 *
 * So a message with CRLF lines is sent octet for octet, stuffing apart, and its size is what STAT and LIST say
 * (RFC 1939 §11); for one with bare LFs they say less than is sent, by one octet for each of them.
 *
 * One regular expression looks at a chunk; a chunk in which it finds nothing is passed on as it is, uncopied.
 */

const dot = 0x2e;
const lf = 0x0a;
const cr = 0x0d;

/** A dot after LF, or an LF that stands alone. At the start of a chunk `before` decides. */
const find = (): RegExp => /\n\.|(?<!\r)\n/g;
const something = /\n\.|(?<!\r)\n/;

export class Stuffing {
  #last = lf;
  #empty = true;

  /** What to send for `chunk`: the chunk itself where nothing had to be added. */
  stuff(chunk: Uint8Array): Buffer {
    const octets = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (octets.length === 0) return octets;
    const before = this.#last;
    this.#last = octets[octets.length - 1] ?? before;
    this.#empty = false;
    const text = octets.toString('latin1');
    const startsLine = octets[0] === dot && before === lf;
    if (!startsLine && !something.test(text)) return octets;
    return insert(octets, places(text, before));
  }

  /** What follows the last chunk. */
  end(): string {
    return this.#empty || this.#last === lf ? '.\r\n' : '\r\n.\r\n';
  }
}

/** Where in the chunk an octet is to be put in. `before` is the octet before the chunk. */
function places(text: string, before: number): readonly number[] {
  const found: number[] = [];
  if (before === lf && text.charCodeAt(0) === dot) found.push(0);
  const search = find();
  for (let match = search.exec(text); match !== null; match = search.exec(text)) {
    const at = match.index;
    if ((at === 0 ? before : text.charCodeAt(at - 1)) !== cr) found.push(at);
    if (match[0].length > 1) found.push(at + 1);
  }
  return found;
}

/** Before an LF a CR, before a dot a dot. */
function insert(octets: Buffer, at: readonly number[]): Buffer {
  if (at.length === 0) return octets;
  const out = Buffer.allocUnsafe(octets.length + at.length);
  let from = 0;
  let to = 0;
  for (const place of at) {
    to += octets.copy(out, to, from, place);
    out[to] = octets[place] === lf ? cr : dot;
    to += 1;
    from = place;
  }
  octets.copy(out, to, from);
  return out;
}
