/**
 * protocol/mailbox-format/lines - octets in chunks of any size, looked at line by line, with bounded memory.
 *
 * A line longer than `longest` comes in pieces, of which the first is the beginning of the line. CR and LF of one line
 * end are never parted.
 */
const longest = 65_536;
const [lf, cr] = [10, 13];

/** A line or a piece of one, with its line end where that is in it. */
export interface Piece {
  readonly octets: Buffer;
  /** The beginning of a line. */
  readonly first: boolean;
}

export class LineCutter {
  #rest: Buffer = Buffer.alloc(0);
  /** The rest is the beginning of a line. */
  #first = true;

  *push(chunk: Uint8Array): Generator<Piece> {
    const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const all = this.#rest.length === 0 ? fresh : Buffer.concat([this.#rest, fresh]);
    let at = 0;
    // What was kept has no LF: it is not searched again.
    let from = this.#rest.length;
    for (;;) {
      const end = all.indexOf(lf, from);
      const stop = end < 0 ? all.length : end + 1;
      while (stop - at > longest) {
        const cut = at + longest - (all[at + longest - 1] === cr ? 1 : 0);
        yield this.#piece(all.subarray(at, cut), false);
        at = cut;
      }
      if (end < 0) break;
      yield this.#piece(all.subarray(at, stop), true);
      at = from = stop;
    }
    // A copy: the chunk is its giver's.
    this.#rest = Buffer.from(all.subarray(at));
  }

  *finish(): Generator<Piece> {
    if (this.#rest.length > 0) yield this.#piece(this.#rest, true);
    this.#rest = Buffer.alloc(0);
  }

  #piece(octets: Buffer, ends: boolean): Piece {
    const piece = { octets, first: this.#first };
    this.#first = ends;
    return piece;
  }
}

/** What becomes of one piece; `end`: what comes after the last. */
export interface LineChange {
  piece(piece: Piece): readonly Uint8Array[];
  end?(): readonly Uint8Array[];
}

export async function* changeLines(
  chunks: AsyncIterable<Uint8Array>,
  change: LineChange,
): AsyncGenerator<Uint8Array> {
  const cutter = new LineCutter();
  for await (const chunk of chunks) {
    const out: Uint8Array[] = [];
    for (const piece of cutter.push(chunk)) out.push(...change.piece(piece));
    if (out.length > 0) yield Buffer.concat(out);
  }
  const last = [...cutter.finish()].flatMap((piece) => change.piece(piece));
  const out = [...last, ...(change.end?.() ?? [])];
  if (out.length > 0) yield Buffer.concat(out);
}

const [crlf, newline] = [Buffer.from('\r\n'), Buffer.from('\n')];

const endsWithCrlf = (octets: Buffer): boolean => octets.at(-1) === lf && octets.at(-2) === cr;

/** CRLF becomes LF; a bare LF or CR stays. */
export const toLf: LineChange = {
  piece: ({ octets }) => (endsWithCrlf(octets) ? [octets.subarray(0, -2), newline] : [octets]),
};

/** LF becomes CRLF, unless the first line ends with CRLF: then everything stays as it is. */
export function toCrlf(): LineChange {
  let asItIs: boolean | undefined;
  return {
    piece({ octets }) {
      if (octets.at(-1) !== lf) return [octets];
      asItIs ??= endsWithCrlf(octets);
      return asItIs || endsWithCrlf(octets) ? [octets] : [octets.subarray(0, -1), crlf];
    },
  };
}
