/**
 * protocol/smtp/line-endings - bare CR and LF made harmless, where an operator asked for it.
 *
 * A bare LF becomes CRLF, as its writer meant it; a bare CR becomes a space, since nobody knows what was meant.
 * Stands behind DataDecoder: the end of the content was found before, by real CRLFs only.
 */

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;

export class LineEndingNormaliser {
  #cr = false;

  /** What `chunk` becomes; a CR at its end is kept until it is known what follows. */
  push(chunk: Buffer): Buffer {
    const out = Buffer.allocUnsafe(chunk.length * 2 + 1);
    let length = 0;
    let cr = this.#cr;
    for (const octet of chunk) {
      if (octet === LF) {
        out[length++] = CR;
        out[length++] = LF;
        cr = false;
        continue;
      }
      if (cr) out[length++] = SPACE;
      cr = octet === CR;
      if (!cr) out[length++] = octet;
    }
    this.#cr = cr;
    return out.subarray(0, length);
  }

  end(): Buffer {
    const left = this.#cr ? Buffer.from([SPACE]) : Buffer.alloc(0);
    this.#cr = false;
    return left;
  }
}
