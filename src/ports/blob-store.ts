/**
 * ports/blob-store - message bodies, addressed by content. Implemented in src/state by files and by S3;
 * both pass test/contract/blob-store.ts.
 *
 * A key is `YYYYMMDDHH-` and the SHA-256 of the content in lower-case hex: one content written twice within
 * an hour is kept once, and a sweep of old hours can never meet a writer (nobody writes into a past hour), so
 * no reference counting is needed. Whoever refers to keys sweeps: keys of hours at least two hours ago that nobody refers to.
 */
export type BlobKey = string;

export interface Blob {
  readonly key: BlobKey;
  /** Octets. */
  readonly size: number;
}

export interface BlobStore {
  /**
   * Streams `content` into the store. When it returns, content and name are on stable storage. When `content`
   * throws or `signal` aborts, nothing is kept. Throws BlobStoreFull or BlobStoreAway.
   */
  write(content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Blob>;

  /** The content from `start` (default 0) to before `end` (default all). Throws BlobMissing before the first chunk. */
  read(
    key: BlobKey,
    signal: AbortSignal,
    range?: { readonly start: number; readonly end?: number },
  ): AsyncIterable<Uint8Array>;

  /** All keys of hours before `before`, in order of hours. */
  list(before: Date, signal: AbortSignal): AsyncIterable<Blob>;

  /** No error when it is gone already. */
  remove(key: BlobKey): Promise<void>;
}

export class BlobMissing extends Error {
  override readonly name = 'BlobMissing';
}
/** No space, or read-only. */
export class BlobStoreFull extends Error {
  override readonly name = 'BlobStoreFull';
}
/** Cannot be reached; the same call may succeed later. */
export class BlobStoreAway extends Error {
  override readonly name = 'BlobStoreAway';
}
