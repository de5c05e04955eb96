/**
 * protocol/smtp/data - the content after DATA (RFC 5321 §4.1.1.4, §4.5.2): dots unstuffed, the end found.
 *
 * Only CRLF "." CRLF ends the content; no relative of it with a bare CR or LF does (SMTP smuggling). Nothing else
 * is changed: bare CR and LF come through, to be judged by whoever looks at the content.
 *
 * Speed: a chunk without a dot at a line's start is handed on as it is, found by one native search. Once there is one,
 * the rest of the chunk is moved together in place, octet by octet, so that a flood of dots costs no more than
 * the octets it has.
 */

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
const lineStartDot = Buffer.of(CR, LF, DOT);
const oneCr = Buffer.of(CR);

/** Where the last octet left us. `dot` and `dotCr` were read and not handed on yet. */
type Place = 'lineStart' | 'inLine' | 'cr' | 'dot' | 'dotCr';

export interface Decoded {
  /** Content octets, a part of the chunk given (which may have been overwritten). */
  readonly content: Buffer;
  /** Octets of the chunk that were used: all of them unless `ended`. */
  readonly used: number;
  readonly ended: boolean;
}

export class DataDecoder {
  #place: Place = 'lineStart';

  /** May overwrite the used part of `chunk`. Not to be called again once `ended`. */
  decode(chunk: Buffer): Decoded {
    if (this.#place === 'dotCr' && chunk.length > 0 && chunk[0] !== LF) {
      // The dot was stuffed after all, and its CR is content: put it back in front.
      this.#place = 'inLine';
      const decoded = this.decode(Buffer.concat([oneCr, chunk]));
      return { ...decoded, used: decoded.used - 1 };
    }
    const from = this.#quickFrom(chunk);
    if (from < 0) return this.#decodeSlowly(chunk, 0);

    const at = chunk.indexOf(lineStartDot, from);
    if (at < 0) {
      this.#place = placeAfter(chunk, this.#place);
      return { content: chunk, used: chunk.length, ended: false };
    }
    if (chunk[at + 3] === CR && chunk[at + 4] === LF) {
      return { content: chunk.subarray(0, at + 2), used: at + 5, ended: true };
    }
    this.#place = 'lineStart';
    return this.#decodeSlowly(chunk, at + 2);
  }

  /** From where the native search sees everything there is to see; -1 when the first octets need a closer look. */
  #quickFrom(chunk: Buffer): number {
    switch (this.#place) {
      case 'lineStart':
        return chunk[0] === DOT ? -1 : 0;
      case 'inLine':
        return 0;
      case 'cr':
        if (chunk[0] !== LF) return 0;
        return chunk.length > 1 && chunk[1] !== DOT ? 1 : -1;
      default:
        return -1;
    }
  }

  /** From `from` on, where we are at `#place`; what is before is content as it stands. */
  #decodeSlowly(chunk: Buffer, from: number): Decoded {
    let place = this.#place;
    let write = from;
    for (let read = from; read < chunk.length; read++) {
      const octet = chunk[read] as number;
      if (place === 'lineStart' && octet === DOT) {
        place = 'dot';
        continue;
      }
      if (place === 'dot' && octet === CR) {
        place = 'dotCr';
        continue;
      }
      if (place === 'dotCr') {
        if (octet === LF) return { content: chunk.subarray(0, write), used: read + 1, ended: true };
        chunk[write++] = CR;
        place = 'cr';
      }
      chunk[write++] = octet;
      if (octet === CR) place = 'cr';
      else place = octet === LF && place === 'cr' ? 'lineStart' : 'inLine';
    }
    this.#place = place;
    return { content: chunk.subarray(0, write), used: chunk.length, ended: false };
  }
}

function placeAfter(chunk: Buffer, before: Place): Place {
  const last = chunk[chunk.length - 1];
  if (last === undefined) return before;
  if (last === CR) return 'cr';
  if (last !== LF) return 'inLine';
  const previous = chunk.length > 1 ? chunk[chunk.length - 2] === CR : before === 'cr';
  return previous ? 'lineStart' : 'inLine';
}
