/**
 * protocol/lines/octet-buffer - octets that come in pieces, kept until they are whole.
 *
 * Grows as they come, by doubling: who announces much and sends little costs little, and the smallest pieces cost no
 * more than their octets, copied twice.
 */
const smallest = 256;
const nothing = Buffer.alloc(0);

export class OctetBuffer {
  #octets: Buffer = nothing;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(piece: Buffer): void {
    const needed = this.#length + piece.length;
    if (needed > this.#octets.length) {
      const grown = Buffer.allocUnsafe(Math.max(smallest, needed, 2 * this.#octets.length));
      this.#octets.copy(grown, 0, 0, this.#length);
      this.#octets = grown;
    }
    piece.copy(this.#octets, this.#length);
    this.#length = needed;
  }

  /** All that was kept; empty afterwards. */
  take(): Buffer {
    const taken = this.#octets.subarray(0, this.#length);
    this.#octets = nothing;
    this.#length = 0;
    return taken;
  }
}
