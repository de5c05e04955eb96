/**
 * store/memory-blobs - blobs in memory, with the keys that ports/blob-store prescribes.
 */
import { createHash } from 'node:crypto';
import { type Blob, type BlobKey, BlobMissing, type BlobStore } from '../../src/ports/blob-store.ts';

export class MemoryBlobs implements BlobStore {
  readonly kept = new Map<BlobKey, Buffer>();
  /** Octets handed out. */
  octetsRead = 0;
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  async write(content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Blob> {
    const octets = Buffer.concat(await Array.fromAsync(content));
    signal.throwIfAborted();
    const hour = this.#now().toISOString().slice(0, 13).replace(/\D/g, '');
    const key = `${hour}-${createHash('sha256').update(octets).digest('hex')}`;
    this.kept.set(key, octets);
    return { key, size: octets.length };
  }

  async *read(key: BlobKey, signal: AbortSignal, range: { start: number; end?: number } = { start: 0 }) {
    const octets = this.kept.get(key);
    if (octets === undefined) throw new BlobMissing(key);
    const end = Math.min(range.end ?? octets.length, octets.length);
    for (let at = range.start; at < end; at += 16_384) {
      signal.throwIfAborted();
      const piece = octets.subarray(at, Math.min(at + 16_384, end));
      this.octetsRead += piece.length;
      yield piece;
    }
  }

  async *list(before: Date): AsyncGenerator<Blob> {
    const limit = before.toISOString().slice(0, 13).replace(/\D/g, '');
    for (const [key, octets] of [...this.kept].sort()) if (key < limit) yield { key, size: octets.length };
  }

  async remove(key: BlobKey): Promise<void> {
    this.kept.delete(key);
  }
}
