/**
 * protocol/imap/request/inflow - octets that have come and were not looked at yet.
 *
 * Nothing is copied: what is taken is a view of what was pushed.
 */
const empty: Buffer = Buffer.alloc(0);
const lineFeed = 10;

export class Inflow {
  #waiting: Buffer[] = [];
  #next = 0;
  /** Not empty, unless nothing is there. */
  #chunk = empty;

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.#chunk.length === 0) this.#chunk = buffer;
    else this.#waiting.push(buffer);
  }

  get isEmpty(): boolean {
    return this.#chunk.length === 0;
  }

  /** At most `most` octets of what came in one piece; none: nothing is there. */
  take(most: number): Buffer {
    const taken = this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(taken.length);
    if (this.#chunk.length === 0) this.#advance();
    return taken;
  }

  /** Up to and with the end of a line; without one, what came in one piece. */
  takeLine(most: number): Buffer {
    const searched = this.#chunk.subarray(0, most);
    const at = searched.indexOf(lineFeed);
    return this.take(at < 0 ? searched.length : at + 1);
  }

  takeAll(): Buffer {
    const all = [this.#chunk, ...this.#waiting.slice(this.#next)];
    this.#waiting = [];
    this.#next = 0;
    this.#chunk = empty;
    return Buffer.concat(all);
  }

  #advance(): void {
    const chunk = this.#waiting[this.#next];
    if (chunk === undefined) {
      this.#waiting = [];
      this.#next = 0;
      return;
    }
    this.#chunk = chunk;
    this.#waiting[this.#next] = empty;
    this.#next += 1;
  }
}
