/**
 * admin/blob-health - whether the blob store takes message bodies: a few octets are written to it.
 *
 * They are always the same, so the store keeps them once an hour, and the sweeper takes them away. An answer stands
 * for some seconds: however often monitoring asks, the store is asked that seldom. A write that hangs is not joined by
 * a second one.
 */
import type { BlobStore } from '../ports/blob-store.ts';
import type { Log } from '../ports/log.ts';
import type { HealthCheck } from './health.ts';

export interface BlobHealthParts {
  readonly blobs: Pick<BlobStore, 'write'>;
  readonly log: Log;
  readonly now: () => Date;
}

const sample = Buffer.from('isthmus: can this be kept?\r\n');
/** Milliseconds: the longest wait for the store, and how long its answer stands. */
const limits = { answer: 3_000, kept: 10_000 } as const;

/** Never rejects. */
export function makeBlobCheck(parts: BlobHealthParts): () => Promise<HealthCheck> {
  let last: { readonly at: number; readonly check: Promise<HealthCheck> } | undefined;
  let writing: Promise<unknown> | undefined;
  const write = (): Promise<unknown> => {
    writing ??= parts.blobs.write(only(sample), AbortSignal.timeout(limits.answer)).finally(() => {
      writing = undefined;
    });
    return writing;
  };
  return () => {
    const at = parts.now().getTime();
    // Either way: clocks are set back, too.
    if (last === undefined || Math.abs(at - last.at) >= limits.kept)
      last = { at, check: check(write, parts) };
    return last.check;
  };
}

async function check(write: () => Promise<unknown>, { log }: BlobHealthParts): Promise<HealthCheck> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('no answer in time')), limits.answer);
  try {
    await Promise.race([write(), late]);
    return { name: 'blobs', ok: true, text: 'can be written' };
  } catch (error) {
    log.warn({ error }, 'the blob store cannot be written');
    return { name: 'blobs', ok: false, text: 'cannot be written: large messages are put off' };
  } finally {
    clearTimeout(timer);
  }
}

async function* only(chunk: Uint8Array): AsyncIterable<Uint8Array> {
  yield chunk;
}
