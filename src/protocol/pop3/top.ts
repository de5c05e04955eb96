/**
 * protocol/pop3/top - the header section of a message, the empty line, and so many lines of what follows
 * (RFC 1939 §7, TOP), chunk by chunk.
 *
 * A line ends in LF, with a CR before it or without. A message without an empty line is all header.
 */

const lf = 0x0a;
const cr = 0x0d;

export class Top {
  /** Lines of the body that are still to come; the empty line not counted. */
  #left: number;
  #inHeader = true;
  /** What the present line of the header has so far. */
  #line: 'nothing' | 'cr' | 'text' = 'nothing';

  constructor(lines: number) {
    this.#left = lines;
  }

  /** All has been taken that is wanted: the rest need not be read. */
  get complete(): boolean {
    return !this.#inHeader && this.#left <= 0;
  }

  /** The part of `chunk` that is wanted. */
  take(chunk: Uint8Array): Buffer {
    const octets = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    let from = 0;
    if (this.#inHeader) {
      from = this.#takeHeader(octets);
      if (this.#inHeader) return octets;
    }
    while (this.#left > 0) {
      const end = octets.indexOf(lf, from);
      if (end < 0) return octets;
      from = end + 1;
      this.#left -= 1;
    }
    return octets.subarray(0, from);
  }

  /** How far the header section reaches, its empty line included; `#inHeader` says whether it ended. */
  #takeHeader(octets: Buffer): number {
    for (let from = 0; ; ) {
      const end = octets.indexOf(lf, from);
      const stop = end < 0 ? octets.length : end;
      if (stop > from) {
        const isCr = this.#line === 'nothing' && stop === from + 1 && octets[from] === cr;
        this.#line = isCr ? 'cr' : 'text';
      }
      if (end < 0) return stop;
      if (this.#line !== 'text') {
        this.#inHeader = false;
        return end + 1;
      }
      this.#line = 'nothing';
      from = end + 1;
    }
  }
}
