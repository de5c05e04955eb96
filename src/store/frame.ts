/**
 * store/frame - a body in frames of 64 KiB, each compressed and sealed by itself, so that a part of it is read alone.
 *
 *   frame of the clear: how (0 as it is, 1 zstd), octets
 *   frame sealed:       AES-256-GCM of that, its tag of 16 octets behind it
 *
 * Each sealed body has a key of its own, derived (HKDF-SHA256) from the numbered key and the body's salt, so the nonce is
 * the frame's number, which no two frames of one key share. Authenticated with each frame are its number, how many octets
 * it opens to, and whether it is the last: frames that are missing, moved or from another body do not open.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** Octets of the body in each frame but the last. */
export const frameSize = 64 * 1024;
export const saltOctets = 32;
const tagOctets = 16;
const asIs = 0;
const zstd = 1;
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };
/** Below, or when less than a sixteenth is saved, it is not worth the time to undo it. */
const leastWorth = 256;

/** The key of one body. */
export type BodyKey = Buffer;

export const bodyKey = (key: Uint8Array, salt: Uint8Array): BodyKey =>
  Buffer.from(hkdfSync('sha256', key, salt, 'isthmus body, frames of 64 KiB', 32));

/** How many frames a body of so many octets has; an empty one has an empty frame. */
export const framesOf = (size: number): number => Math.max(1, Math.ceil(size / frameSize));

/** Octets that frame `number` of a body of `size` octets opens to. */
export const openedLength = (size: number, number: number): number =>
  Math.min(frameSize, size - number * frameSize);

export interface FrameCoding {
  readonly compress: boolean;
  readonly key: BodyKey | undefined;
}

export function makeFrame(octets: Buffer, number: number, last: boolean, coding: FrameCoding): Buffer {
  const clear = coding.compress ? compressed(octets) : plain(octets);
  if (coding.key === undefined) return clear;
  const cipher = createCipheriv('aes-256-gcm', coding.key, nonce(number));
  cipher.setAAD(place(number, octets.length, last));
  return Buffer.concat([cipher.update(clear), cipher.final(), cipher.getAuthTag()]);
}

/** Throws FrameBroken when it is not the frame that was made. */
export function openFrame(
  frame: Buffer,
  number: number,
  last: boolean,
  length: number,
  key: BodyKey | undefined,
): Buffer {
  try {
    const clear = key === undefined ? frame : unsealed(frame, number, last, length, key);
    const octets = uncompressed(clear, length);
    if (octets.length === length) return octets;
  } catch (error) {
    throw new FrameBroken(`frame ${number} does not open`, { cause: error });
  }
  throw new FrameBroken(`frame ${number} opens to another length than ${length}`);
}

export class FrameBroken extends Error {
  override readonly name = 'FrameBroken';
}

const plain = (octets: Buffer): Buffer => Buffer.concat([Buffer.of(asIs), octets]);

function compressed(octets: Buffer): Buffer {
  if (octets.length < leastWorth) return plain(octets);
  const smaller = zstdCompressSync(octets, compression);
  if (smaller.length > octets.length - octets.length / 16) return plain(octets);
  return Buffer.concat([Buffer.of(zstd), smaller]);
}

function uncompressed(clear: Buffer, length: number): Buffer {
  const octets = clear.subarray(1);
  if (clear[0] === asIs) return octets;
  if (clear[0] !== zstd) throw new Error(`nobody knows a frame of kind ${clear[0]}`);
  return zstdDecompressSync(octets, { maxOutputLength: Math.max(1, length) });
}

function unsealed(frame: Buffer, number: number, last: boolean, length: number, key: BodyKey): Buffer {
  if (frame.length < tagOctets) throw new Error('it is shorter than its tag');
  const decipher = createDecipheriv('aes-256-gcm', key, nonce(number), { authTagLength: tagOctets });
  decipher.setAAD(place(number, length, last));
  decipher.setAuthTag(frame.subarray(frame.length - tagOctets));
  return Buffer.concat([decipher.update(frame.subarray(0, frame.length - tagOctets)), decipher.final()]);
}

function nonce(number: number): Buffer {
  const octets = Buffer.alloc(12);
  octets.writeUInt32BE(number, 8);
  return octets;
}

function place(number: number, length: number, last: boolean): Buffer {
  const octets = Buffer.alloc(9);
  octets.writeUInt32BE(number, 0);
  octets.writeUInt32BE(length, 4);
  octets.writeUInt8(last ? 1 : 0, 8);
  return octets;
}
