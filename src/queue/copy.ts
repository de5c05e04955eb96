/**
 * queue/copy - the octets of one copy: what rules put on top, our trace fields, then the message as it was received,
 * less the header fields that the copy's next hop shall not see.
 *
 * Nothing else is touched: signatures over what came in stay good.
 */
import type { BlobStore } from '../ports/blob-store.ts';
import { HeaderFilter } from './header-filter.ts';
import type { SpooledMessage } from './rows.ts';

export interface HeaderChanges {
  readonly addHeaders: readonly string[];
  readonly removeHeaders: readonly string[];
}

export interface CopyContent {
  readonly size: number;
  readonly content: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
}

export async function copyContent(
  message: SpooledMessage,
  changes: HeaderChanges,
  blobs: BlobStore,
  signal: AbortSignal,
): Promise<CopyContent> {
  const added = changes.addHeaders.map((line) => `${line}\r\n`).join('');
  const top = added === '' ? message.trace : Buffer.concat([Buffer.from(added), message.trace]);
  const size = top.length + message.facts.size;
  if (changes.removeHeaders.length === 0) {
    return { size, content: (use) => whole(top, received(message, blobs, use)) };
  }
  const removed = await countRemoved(received(message, blobs, signal), changes.removeHeaders);
  return {
    size: size - removed,
    content: (use) => whole(top, filtered(received(message, blobs, use), changes.removeHeaders)),
  };
}

async function* whole(top: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (top.length > 0) yield top;
  yield* rest;
}

async function* received(
  message: SpooledMessage,
  blobs: BlobStore,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (message.content.kind === 'inline') {
    if (message.content.body.length > 0) yield message.content.body;
  } else {
    yield* blobs.read(message.content.key, signal);
  }
}

async function* filtered(
  source: AsyncIterable<Uint8Array>,
  patterns: readonly string[],
): AsyncGenerator<Uint8Array> {
  const filter = new HeaderFilter(patterns);
  for await (const chunk of source) {
    if (filter.inBody) yield chunk;
    else yield* filter.push(chunk);
  }
  yield* filter.end();
}

/** Reads no further than the header section. */
async function countRemoved(source: AsyncIterable<Uint8Array>, patterns: readonly string[]): Promise<number> {
  const filter = new HeaderFilter(patterns);
  for await (const chunk of source) {
    for (const _part of filter.push(chunk)) if (filter.inBody) break;
    if (filter.inBody) break;
  }
  return filter.removed;
}
