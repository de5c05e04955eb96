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
 * One regular expression looks at a chunk; a chunk in which it finds nothing is passed on as it is, uncopied. Any other
 * is copied octet by octet, so that a flood of dots costs no more than the octets it has.
 */

const dot = 0x2e;
const lf = 0x0a;
const cr = 0x0d;

/** A dot at a line's start, or a bare LF; but for the first octet, which has nothing before it here. */
const something = /\n\.|[^\r]\n/;

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
    const isFit = !lacks(octets[0] ?? cr, before) && !something.test(octets.toString('latin1'));
    return isFit ? octets : complete(octets, before);
  }

  /** What follows the last chunk. */
  end(): string {
    return this.#empty || this.#last === lf ? '.\r\n' : '\r\n.\r\n';
  }
}

/** Whether an octet is missing in front of `octet`: a CR, or the dot that stuffs another. */
const lacks = (octet: number, before: number): boolean =>
  octet === lf ? before !== cr : octet === dot && before === lf;

function complete(octets: Buffer, before: number): Buffer {
  const out = Buffer.allocUnsafe(2 * octets.length);
  let to = 0;
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at] as number;
    if (lacks(octet, before)) out[to++] = octet === lf ? cr : dot;
    out[to++] = octet;
    before = octet;
  }
  return out.subarray(0, to);
}
