/**
 * store/uncoding - the octets of a range of a body that is kept in frames, from the frames that have them.
 */
import { type BodyKey, FrameBroken, frameSize, framesOf, openedLength, openFrame } from './frame.ts';

/** What is known of a body in frames. */
export interface Framed {
  /** Octets of the body. */
  readonly size: number;
  /** Lengths of the frames, when there are several. */
  readonly frames: Buffer | null;
  readonly key: BodyKey | undefined;
}

export interface OctetRange {
  readonly start: number;
  readonly end: number;
}

/** The frames that have these octets of the body, and where they lie in what is kept. */
export interface FrameSpan {
  readonly first: number;
  /** One after the last. */
  readonly stop: number;
  readonly lengths: readonly number[];
  /** End undefined: to the end. */
  readonly kept: { readonly start: number; readonly end?: number };
}

/** `range` lies within the body. */
export function spanOf({ size, frames }: Framed, range: OctetRange): FrameSpan {
  const count = framesOf(size);
  if (count === 1) return { first: 0, stop: 1, lengths: [], kept: { start: 0 } };
  if (frames?.length !== count * 4)
    throw new FrameBroken(`the lengths of ${count} frames are not with the body`);
  const first = Math.floor(range.start / frameSize);
  const stop = Math.min(count, Math.max(first + 1, Math.ceil(range.end / frameSize)));
  let start = 0;
  for (let number = 0; number < first; number++) start += frames.readUInt32BE(number * 4);
  const lengths: number[] = [];
  for (let number = first; number < stop; number++) lengths.push(frames.readUInt32BE(number * 4));
  const end = lengths.reduce((sum, length) => sum + length, start);
  return { first, stop, lengths, kept: { start, end } };
}

/** Opens the frames of a span; `kept` are its octets. */
export async function* openFrames(
  framed: Framed,
  span: FrameSpan,
  range: OctetRange,
  kept: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let number = span.first;
  for await (const frame of cut(kept, span.lengths)) {
    const length = openedLength(framed.size, number);
    const octets = openFrame(frame, number, number === framesOf(framed.size) - 1, length, framed.key);
    const before = number * frameSize;
    const wanted = octets.subarray(Math.max(0, range.start - before), Math.max(0, range.end - before));
    if (wanted.length > 0) yield wanted;
    number += 1;
  }
  if (number < span.stop) throw new FrameBroken(`what is kept ends before frame ${number}`);
}

/** Pieces of these lengths; all in one where no lengths are given. The last may be short. */
async function* cut(kept: AsyncIterable<Uint8Array>, lengths: readonly number[]): AsyncGenerator<Buffer> {
  let next = 0;
  let have: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of kept) {
    have.push(chunk);
    length += chunk.length;
    while (next < lengths.length && length >= (lengths[next] ?? 0)) {
      const all = Buffer.concat(have);
      const piece = all.subarray(0, lengths[next]);
      have = [all.subarray(piece.length)];
      length -= piece.length;
      next += 1;
      yield piece;
    }
    if (lengths.length === 0 && length > mostOfOne)
      throw new FrameBroken('what is kept is longer than a frame can be');
  }
  if (lengths.length === 0 ? true : length > 0) yield Buffer.concat(have);
}

/** A lone frame: its octets, at most a little more once coded. */
const mostOfOne = frameSize + 1024;
