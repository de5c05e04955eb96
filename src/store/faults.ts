/**
 * store/faults - what a database or a blob store threw, in the words of ports/messages.
 *
 * Everything else passes as it is: it is either a word of our own ports or a bug.
 */
import { BlobStoreAway, BlobStoreFull } from '../ports/blob-store.ts';
import { DatabaseAway, DatabaseFull } from '../ports/database.ts';
import { StoreAway, StoreFull } from '../ports/messages.ts';

export function asStoreError(thrown: unknown): unknown {
  if (thrown instanceof DatabaseAway || thrown instanceof BlobStoreAway)
    return new StoreAway(`the store cannot be reached now: ${thrown.message}`, { cause: thrown });
  if (thrown instanceof DatabaseFull || thrown instanceof BlobStoreFull)
    return new StoreFull(`the store takes nothing more: ${thrown.message}`, { cause: thrown });
  return thrown;
}

/** What `work` gives; what it throws is in the store's words. */
export async function inStoreWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw asStoreError(thrown);
  }
}

/** The same, item by item. */
export async function* eachInStoreWords<T>(items: () => AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* items();
  } catch (thrown) {
    throw asStoreError(thrown);
  }
}
