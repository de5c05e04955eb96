/**
 * store/coding - how bodies are kept: as they are, or in frames, compressed where that helps and sealed by a key.
 *
 * Frames have different lengths: where there are several their lengths stand in the body's row.
 */
import { randomBytes } from 'node:crypto';
import { type BodyKey, bodyKey, frameSize, makeFrame, saltOctets } from './frame.ts';

/** A key of AES-256-GCM, by the number that is kept with each body it seals. */
export interface StoreKey {
  readonly number: number;
  /** 32 octets. */
  readonly key: Uint8Array;
}

export interface CodingOptions {
  readonly compress: boolean;
  /** The last seals, all open. */
  readonly keys: readonly StoreKey[];
}

/** Of a body's row. */
export interface Coded {
  /** 0 as it is, 1 in frames. */
  readonly coding: 0 | 1;
  readonly sealedBy?: number;
  readonly salt?: Buffer;
  /** Lengths of the frames, 4 octets each, when there are several. */
  readonly frames?: Buffer;
}

/** A body whose key was taken out of the configuration. */
export class KeyMissing extends Error {
  override readonly name = 'KeyMissing';
}

export class Coding {
  readonly #compress: boolean;
  readonly #keys: ReadonlyMap<number, StoreKey>;
  readonly current: StoreKey | undefined;

  constructor({ compress, keys }: CodingOptions) {
    for (const { number, key } of keys)
      if (key.length !== 32)
        throw new Error(`key ${number} of the store has ${key.length} octets and not 32; make another one`);
    this.#compress = compress;
    this.#keys = new Map(keys.map((key) => [key.number, key]));
    this.current = keys.at(-1);
  }

  /** Undefined: bodies are kept as they are. */
  writer(): FrameWriter | undefined {
    if (!this.#compress && this.current === undefined) return undefined;
    return new FrameWriter(this.#compress, this.current);
  }

  /** For the frames of a body. */
  keyOf(sealedBy: number | null, salt: Uint8Array | null): BodyKey | undefined {
    if (sealedBy === null) return undefined;
    const key = this.#keys.get(sealedBy);
    if (key === undefined || salt === null)
      throw new KeyMissing(
        `a body was sealed by key ${sealedBy}, which is not configured: put it back into store.encryptionKeys`,
      );
    return bodyKey(key.key, salt);
  }
}

/** Makes the frames of one body as its octets come by. */
export class FrameWriter {
  readonly #coding: { readonly compress: boolean; readonly key: BodyKey | undefined };
  readonly #sealedBy: number | undefined;
  readonly #salt: Buffer | undefined;
  readonly #lengths: number[] = [];
  #pending: Uint8Array[] = [];
  #length = 0;

  constructor(compress: boolean, key: StoreKey | undefined) {
    this.#salt = key === undefined ? undefined : randomBytes(saltOctets);
    this.#sealedBy = key?.number;
    const own = key === undefined || this.#salt === undefined ? undefined : bodyKey(key.key, this.#salt);
    this.#coding = { compress, key: own };
  }

  /** Frames that are complete now; one is always held back, as it may be the last. */
  *push(chunk: Uint8Array): Generator<Buffer> {
    for (let from = 0; from < chunk.length; ) {
      if (this.#length === frameSize) yield this.#frame(false);
      const to = Math.min(chunk.length, from + frameSize - this.#length);
      this.#pending.push(chunk.subarray(from, to));
      this.#length += to - from;
      from = to;
    }
  }

  last(): Buffer {
    return this.#frame(true);
  }

  /** After `last`. */
  coded(): Coded {
    return {
      coding: 1,
      ...(this.#sealedBy === undefined ? {} : { sealedBy: this.#sealedBy }),
      ...(this.#salt === undefined ? {} : { salt: this.#salt }),
      ...(this.#lengths.length < 2 ? {} : { frames: lengthsAsOctets(this.#lengths) }),
    };
  }

  #frame(last: boolean): Buffer {
    const octets = Buffer.concat(this.#pending.splice(0));
    this.#length = 0;
    const frame = makeFrame(octets, this.#lengths.length, last, this.#coding);
    this.#lengths.push(frame.length);
    return frame;
  }
}

function lengthsAsOctets(lengths: readonly number[]): Buffer {
  const octets = Buffer.alloc(lengths.length * 4);
  for (const [index, length] of lengths.entries()) octets.writeUInt32BE(length, index * 4);
  return octets;
}
