/**
 * protocol/lines/line-reader - octets to lines of bounded length, and to counted octets between them.
 *
 * For protocols in which a bare LF is as good a line end as CRLF (POP3, ManageSieve): nothing that one of their clients
 * sends is handed on to a third party, so nobody is misled by it. SMTP has its own, stricter reader.
 *
 * A line longer than the limit is told once, as soon as it is too long, and skipped up to its end. Memory is bounded by
 * the limit and one chunk, provided that the caller takes all there is before it pushes again.
 */
import { OctetBuffer } from './octet-buffer.ts';

export type Line =
  /** Without its line end. */
  { readonly kind: 'line'; readonly octets: Buffer } | { readonly kind: 'tooLong' };

const LF = 0x0a;
const CR = 0x0d;
const nothing = Buffer.alloc(0);

export class LineReader {
  /** Octets of a line, its end not counted. May be changed between two lines. */
  limit: number;
  #input: Buffer = nothing;
  /** The beginning of a line whose end has not come. */
  readonly #begun = new OctetBuffer();
  #skipping = false;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Octets that came and were not taken. */
  get buffered(): number {
    return this.#begun.length + this.#input.length;
  }

  push(chunk: Uint8Array): void {
    const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    this.#input = this.#input.length === 0 ? fresh : Buffer.concat([this.#input, fresh]);
  }

  /** Forgets all that came: what was sent before TLS began is not to be obeyed after it. */
  clear(): void {
    this.#input = nothing;
    this.#begun.take();
    this.#skipping = false;
  }

  /** The next line; undefined until more is pushed. */
  take(): Line | undefined {
    for (;;) {
      const end = this.#input.indexOf(LF);
      if (end < 0) return this.#keep();
      const piece = this.#input.subarray(0, end);
      this.#input = this.#input.subarray(end + 1);
      if (this.#skipping) {
        this.#skipping = false;
        continue;
      }
      const octets = withoutCr(this.#joined(piece));
      return octets.length > this.limit ? { kind: 'tooLong' } : { kind: 'line', octets };
    }
  }

  /** Up to `most` octets that follow the line taken last, whatever they are; empty until more is pushed. */
  takeOctets(most: number): Buffer {
    const octets = this.#input.subarray(0, most);
    this.#input = this.#input.subarray(octets.length);
    return octets;
  }

  /** No line ends in what is there: it waits for the rest of its line, or is too long already. */
  #keep(): Line | undefined {
    const piece = this.#input;
    this.#input = nothing;
    if (this.#skipping || piece.length === 0) return undefined;
    // One more than the limit: it may be the CR.
    if (this.#begun.length + piece.length > this.limit + 1) {
      this.#begun.take();
      this.#skipping = true;
      return { kind: 'tooLong' };
    }
    this.#begun.append(piece);
    return undefined;
  }

  #joined(piece: Buffer): Buffer {
    if (this.#begun.length === 0) return piece;
    this.#begun.append(piece);
    return this.#begun.take();
  }
}

const withoutCr = (octets: Buffer): Buffer =>
  octets[octets.length - 1] === CR ? octets.subarray(0, -1) : octets;
