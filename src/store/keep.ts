/**
 * store/keep - octets as they go into a row or a blob.
 */
import type { BlobKey } from '../ports/blob-store.ts';
import type { Coded, FrameWriter } from './coding.ts';

/** Where octets are kept, and how. */
export interface Kept extends Coded {
  /** Either these octets in the row, or a blob. */
  readonly content: Uint8Array | BlobKey;
}

/** Undefined: as they are; so too where nothing is sealed and frames would save nothing. */
export function inRow(octets: Buffer, writer: FrameWriter | undefined): Kept {
  if (writer === undefined) return { content: octets, coding: 0 };
  const frames = Buffer.concat([...writer.push(octets), writer.last()]);
  const coded = writer.coded();
  const worth = coded.sealedBy !== undefined || frames.length < octets.length;
  return worth ? { content: frames, ...coded } : { content: octets, coding: 0 };
}

export async function* framed(
  octets: AsyncIterable<Uint8Array>,
  writer: FrameWriter,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of octets) yield* writer.push(chunk);
  yield writer.last();
}
