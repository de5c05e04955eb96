/**
 * state/file-blobs - blobs in a folder: `<folder>/YYYYMMDDHH/ab/<sha256>`.
 *
 *   write to incoming/ -> sync the file -> rename -> sync the folders that name it -> answer
 *
 * A crash before the answer leaves at most a file in `incoming`, which a later start removes, or a blob that nobody
 * refers to, which the sweep removes. Several nodes may share the folder when their file system keeps what it synced.
 */
import { mkdir, open, opendir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Blob, type BlobKey, BlobMissing, type BlobStore } from '../ports/blob-store.ts';
import type { Log } from '../ports/log.ts';
import {
  asFileFault,
  dropIncoming,
  Gatherer,
  hourOf,
  type Incoming,
  keyOf,
  openIncoming,
  pathOf,
  sweepIncoming,
  untilAborted,
  writeAll,
} from './blob-content.ts';

export interface FileBlobsOptions {
  readonly folder: string;
  readonly now: () => Date;
  readonly log: Log;
}

const chunkSize = 128 * 1024;

/** Never fails for a folder that cannot be written now: what is in it can still be read. */
export async function openFileBlobs(options: FileBlobsOptions): Promise<BlobStore> {
  await sweepIncoming(join(options.folder, 'incoming'), options.now, options.log);
  return new FileBlobs(options);
}

class FileBlobs implements BlobStore {
  readonly #folder: string;
  readonly #now: () => Date;
  /** Shelves of the current hour whose names we have seen on stable storage: not only made, perhaps by another process. */
  readonly #synced = new Set<string>();
  #syncedHour = '';

  constructor({ folder, now }: FileBlobsOptions) {
    this.#folder = folder;
    this.#now = now;
  }

  async write(content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Blob> {
    signal.throwIfAborted();
    let incoming: Incoming | undefined;
    try {
      incoming = await openIncoming(join(this.#folder, 'incoming'));
      const gatherer = new Gatherer();
      for await (const chunk of untilAborted(content, signal)) {
        const due = gatherer.add(chunk);
        if (due) await writeAll(incoming.handle, due);
      }
      await writeAll(incoming.handle, gatherer.rest());
      await incoming.handle.sync();
      await incoming.handle.close();
      signal.throwIfAborted();
      const key = keyOf(this.#now(), gatherer.hash.digest('hex'));
      await this.#place(incoming.path, key);
      return { key, size: gatherer.size };
    } catch (error) {
      if (incoming) await dropIncoming(incoming);
      throw asFileFault(error, `the folder of message bodies ${this.#folder}`);
    }
  }

  /** Under its name, and the name on stable storage. */
  async #place(from: string, key: BlobKey): Promise<void> {
    const { hour, shelf, name } = pathOf(key);
    const folder = join(this.#folder, hour, shelf);
    if (this.#syncedHour !== hour) {
      this.#synced.clear();
      this.#syncedHour = hour;
    }
    if (!this.#synced.has(shelf)) await this.#makeShelf(hour, shelf);
    await rename(from, join(folder, name)).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      await this.#makeShelf(hour, shelf); // Somebody tidied it away.
      await rename(from, join(folder, name));
    });
    await syncFolder(folder);
  }

  async #makeShelf(hour: string, shelf: string): Promise<void> {
    await mkdir(join(this.#folder, hour, shelf), { recursive: true, mode: 0o700 });
    await syncFolder(join(this.#folder, hour));
    await syncFolder(this.#folder);
    this.#synced.add(shelf);
  }

  async *read(
    key: BlobKey,
    signal: AbortSignal,
    range: { readonly start: number; readonly end?: number } = { start: 0 },
  ): AsyncIterable<Uint8Array> {
    signal.throwIfAborted();
    const handle = await open(this.#fileOf(key), 'r').catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT'
        ? new BlobMissing(`there is no blob ${key}`)
        : asFileFault(error, 'a blob');
    });
    try {
      const end = range.end ?? Number.POSITIVE_INFINITY;
      for (let at = range.start; at < end; ) {
        const buffer = Buffer.allocUnsafe(Math.min(chunkSize, end - at));
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
        signal.throwIfAborted();
        if (bytesRead === 0) return;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } catch (error) {
      throw asFileFault(error, `the blob ${key}`);
    } finally {
      await handle.close();
    }
  }

  async *list(before: Date, signal: AbortSignal): AsyncIterable<Blob> {
    const limit = hourOf(before);
    try {
      const hours = (await readdir(this.#folder)).filter((name) => /^\d{10}$/.test(name) && name < limit);
      for (const hour of hours.sort())
        for (const shelf of (await readdirIfThere(join(this.#folder, hour))).sort())
          for await (const blob of this.#shelf(hour, shelf)) {
            signal.throwIfAborted();
            yield blob;
          }
    } catch (error) {
      throw asFileFault(error, `the folder of message bodies ${this.#folder}`);
    }
  }

  async *#shelf(hour: string, shelf: string): AsyncIterable<Blob> {
    const path = join(this.#folder, hour, shelf);
    const folder = await opendir(path).catch(() => undefined);
    if (!folder) return;
    for await (const { name } of folder) {
      if (!/^[0-9a-f]{64}$/.test(name)) continue;
      const facts = await stat(join(path, name)).catch(() => undefined);
      if (facts) yield { key: `${hour}-${name}`, size: facts.size };
    }
  }

  async remove(key: BlobKey): Promise<void> {
    const { hour, shelf } = pathOf(key);
    try {
      await rm(this.#fileOf(key), { force: true });
    } catch (error) {
      throw asFileFault(error, `the blob ${key}`);
    }
    if (hour >= hourOf(this.#now())) return;
    // Nobody writes into a past hour: folders go with their last blob.
    await rmdir(join(this.#folder, hour, shelf))
      .then(() => rmdir(join(this.#folder, hour)))
      .catch(() => {});
  }

  #fileOf(key: BlobKey): string {
    const { hour, shelf, name } = pathOf(key);
    return join(this.#folder, hour, shelf, name);
  }
}

const readdirIfThere = (path: string): Promise<string[]> =>
  readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
