/**
 * state/blob-content - what both blob stores do with content: keys, watching for an abort, temporary files.
 */
import { createHash, type Hash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, opendir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobKey, BlobStoreAway, BlobStoreFull } from '../ports/blob-store.ts';
import type { Log } from '../ports/log.ts';

/** `2026112502`, in UTC: the hour that a key begins with. */
export const hourOf = (at: Date): string => at.toISOString().replace(/\D/g, '').slice(0, 10);

export const keyOf = (at: Date, sha256: string): BlobKey => `${hourOf(at)}-${sha256}`;

/** `YYYYMMDDHH/ab/HASH`: an hour is a folder, so that it can be listed and swept by itself. */
export function pathOf(key: BlobKey): {
  readonly hour: string;
  readonly shelf: string;
  readonly name: string;
} {
  const match = /^(\d{10})-(([0-9a-f]{2})[0-9a-f]{62})$/.exec(key);
  if (!match?.[1] || !match[2] || !match[3]) throw new Error(`not the key of a blob: ${key.slice(0, 80)}`);
  return { hour: match[1], shelf: match[3], name: match[2] };
}

/** `content`, ended by the signal also while it has nothing to say. */
export async function* untilAborted(
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const source = content[Symbol.asyncIterator]();
  let interrupt = (_reason: unknown): void => {};
  const cut = () => interrupt(signal.reason);
  signal.addEventListener('abort', cut, { once: true });
  let ended = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        interrupt = reject;
        source.next().then(resolve, reject);
      });
      if (done) {
        ended = true;
        return;
      }
      yield value;
    }
  } catch (error) {
    ended = !signal.aborted;
    throw error;
  } finally {
    signal.removeEventListener('abort', cut);
    // A source that is stuck may never answer: it is told, not waited for.
    if (!ended) void Promise.resolve(source.return?.()).catch(() => {});
  }
}

/** A temporary file whose old siblings are removed when a store opens: only a crash leaves them. */
export interface Incoming {
  readonly path: string;
  readonly handle: FileHandle;
}

/** Nobody takes longer to hand a message over, milliseconds since its last octet. */
const abandonedAfter = 3_600_000;
const together = 128 * 1024;

export async function openIncoming(folder: string): Promise<Incoming> {
  const path = join(folder, randomBytes(12).toString('hex'));
  try {
    return { path, handle: await open(path, 'wx', 0o600) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return { path, handle: await open(path, 'wx', 0o600) };
  }
}

export async function dropIncoming({ path, handle }: Incoming): Promise<void> {
  await handle.close().catch(() => {});
  await rm(path, { force: true }).catch(() => {});
}

/** Never fails: a store that cannot be written can still be read. */
export async function sweepIncoming(folder: string, now: () => Date, log: Log): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for await (const entry of await opendir(folder)) {
      const path = join(folder, entry.name);
      const facts = await stat(path).catch(() => undefined);
      if (facts?.isFile() && now().getTime() - facts.mtimeMs > abandonedAfter)
        await rm(path, { force: true });
    }
  } catch (error) {
    log.warn(
      { folder, error: (error as Error).message },
      'the folder for new message bodies cannot be tidied',
    );
  }
}

/** Gathers small chunks, so that each write is worth its system call. */
export class Gatherer {
  readonly hash: Hash = createHash('sha256');
  size = 0;
  #chunks: Uint8Array[] = [];
  #held = 0;

  /** The octets to write now, if there are enough. */
  add(chunk: Uint8Array): Uint8Array | undefined {
    this.hash.update(chunk);
    this.size += chunk.length;
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    return this.#held >= together ? this.rest() : undefined;
  }

  rest(): Uint8Array {
    const all = this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#held = 0;
    return all;
  }
}

export async function writeAll(handle: FileHandle, octets: Uint8Array): Promise<void> {
  for (let at = 0; at < octets.length; ) at += (await handle.write(octets, at)).bytesWritten;
}

const fullCodes = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EFBIG']);

/** What the file system threw, in the words of ports/blob-store; anything else passes. */
export function asFileFault(thrown: unknown, what: string): unknown {
  const { code, syscall } = (thrown ?? {}) as NodeJS.ErrnoException;
  if (!(thrown instanceof Error) || typeof code !== 'string' || syscall === undefined) return thrown;
  if (fullCodes.has(code))
    return new BlobStoreFull(`${what} cannot be written: ${thrown.message}`, { cause: thrown });
  return new BlobStoreAway(`${what} cannot be used: ${thrown.message}`, { cause: thrown });
}
