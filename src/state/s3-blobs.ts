/**
 * state/s3-blobs - blobs in S3-compatible storage: `<prefix>YYYYMMDDHH/ab/<sha256>` in one bucket.
 *
 * The name is the hash, so content is read to its end before it is sent: small content in memory, more in a temporary
 * file. Up to one part it is one PUT, signed over its hash, which the server verifies; beyond that a multipart upload,
 * each part signed over its own. In the end the size that the server says is compared.
 */
import { createHash, type Hash } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { type Blob, type BlobKey, BlobMissing, type BlobStore, BlobStoreAway } from '../ports/blob-store.ts';
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
import { ask, pause, requireSafeEndpoint, type S3Options } from './s3-request.ts';

export interface S3BlobsOptions extends S3Options {
  /** Empty, or ends in `/`. */
  readonly prefix: string;
  /** For content on its way to the bucket. */
  readonly temporaryFolder: string;
  /** Octets of a part of a multipart upload; S3 wants at least 5 MiB. */
  readonly partSize?: number;
  readonly now: () => Date;
  readonly log: Log;
}

const usualPartSize = 8 * 1024 * 1024;
/** S3 takes no more parts. */
const mostParts = 10_000;
const resumptions = 5;

export async function openS3Blobs(options: S3BlobsOptions): Promise<BlobStore> {
  requireSafeEndpoint(options);
  await sweepIncoming(options.temporaryFolder, options.now, options.log);
  return new S3Blobs(options);
}

/** Content that has been read to its end. */
interface Gathered {
  readonly size: number;
  readonly sha256: string;
  readonly body: globalThis.Blob | Uint8Array<ArrayBuffer>;
  readonly partHashes: readonly string[];
}

class S3Blobs implements BlobStore {
  readonly #options: S3BlobsOptions;
  readonly #partSize: number;

  constructor(options: S3BlobsOptions) {
    this.#options = options;
    this.#partSize = options.partSize ?? usualPartSize;
  }

  async write(content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Blob> {
    signal.throwIfAborted();
    const file: { incoming?: Incoming } = {};
    try {
      const gathered = await this.#gather(content, signal, file);
      const key = keyOf(this.#options.now(), gathered.sha256);
      if (gathered.size <= this.#partSize) await this.#put(key, gathered, signal);
      else await this.#putParts(key, gathered, signal);
      const stored = await this.#sizeOf(key, signal);
      if (stored !== gathered.size)
        throw new BlobStoreAway(
          `${this.#options.endpoint} keeps ${stored} octets of ${gathered.size} of blob ${key}`,
        );
      return { key, size: gathered.size };
    } catch (error) {
      throw asFileFault(error, `the folder ${this.#options.temporaryFolder}`);
    } finally {
      if (file.incoming) await dropIncoming(file.incoming);
    }
  }

  async #gather(
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    file: { incoming?: Incoming },
  ): Promise<Gathered> {
    const gatherer = new Gatherer();
    const parts = new PartHashes(this.#partSize);
    for await (const chunk of untilAborted(content, signal)) {
      parts.add(chunk);
      const due = gatherer.add(chunk);
      if (!due) continue;
      file.incoming ??= await openIncoming(this.#options.temporaryFolder);
      await writeAll(file.incoming.handle, due);
    }
    const { size } = gatherer;
    const facts = { size, sha256: gatherer.hash.digest('hex'), partHashes: parts.end() };
    const rest = gatherer.rest();
    if (!file.incoming) return { ...facts, body: new Uint8Array(rest) };
    await writeAll(file.incoming.handle, rest);
    return { ...facts, body: await openAsBlob(file.incoming.path) };
  }

  async #put(key: BlobKey, { body, sha256 }: Gathered, signal: AbortSignal): Promise<void> {
    const response = await this.#ask({ method: 'PUT', key: this.#nameOf(key), body, sha256 }, signal);
    await response.body?.cancel();
  }

  async #putParts(key: BlobKey, gathered: Gathered, signal: AbortSignal): Promise<void> {
    const { size, partHashes } = gathered;
    const body = gathered.body instanceof Uint8Array ? new globalThis.Blob([gathered.body]) : gathered.body;
    if (partHashes.length > mostParts)
      throw new Error(`a blob of ${size} octets has more than ${mostParts} parts of ${this.#partSize}`);
    const name = this.#nameOf(key);
    const begun = await (
      await this.#ask({ method: 'POST', key: name, query: { uploads: '' } }, signal)
    ).text();
    const uploadId = unescapeXml(/<UploadId>([^<]+)<\/UploadId>/.exec(begun)?.[1] ?? '');
    if (uploadId === '') throw new BlobStoreAway(`${this.#options.endpoint} began no multipart upload`);
    try {
      const tags: string[] = [];
      for (const [index, sha256] of partHashes.entries()) {
        const slice = body.slice(index * this.#partSize, Math.min((index + 1) * this.#partSize, size));
        const query = { partNumber: String(index + 1), uploadId };
        const response = await this.#ask({ method: 'PUT', key: name, query, body: slice, sha256 }, signal);
        await response.body?.cancel();
        tags.push(response.headers.get('etag') ?? '');
      }
      await this.#complete(name, uploadId, tags, signal);
    } catch (error) {
      // What is not completed is paid for until it is aborted; a failure of this is left to the bucket's own rule.
      await this.#ask({ method: 'DELETE', key: name, query: { uploadId } }, AbortSignal.timeout(5_000)).catch(
        () => {},
      );
      throw error;
    }
  }

  async #complete(
    name: string,
    uploadId: string,
    tags: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const parts = tags.map(
      (tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeXml(tag)}</ETag></Part>`,
    );
    const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
    const sha256 = createHash('sha256').update(body).digest('hex');
    const response = await this.#ask(
      { method: 'POST', key: name, query: { uploadId }, body, sha256 },
      signal,
    );
    // S3 may begin a 200 and find out only then that it failed.
    const text = await response.text();
    if (/<Error>/.test(text))
      throw new BlobStoreAway(`${this.#options.endpoint} did not complete a multipart upload`);
  }

  async #sizeOf(key: BlobKey, signal: AbortSignal): Promise<number> {
    const response = await this.#ask({ method: 'HEAD', key: this.#nameOf(key) }, signal).catch((error) => {
      if (!(error instanceof BlobMissing)) throw error;
      throw new BlobStoreAway(`${this.#options.endpoint} does not show what was just written: ${key}`);
    });
    return Number(response.headers.get('content-length'));
  }

  async *read(
    key: BlobKey,
    signal: AbortSignal,
    range: { readonly start: number; readonly end?: number } = { start: 0 },
  ): AsyncIterable<Uint8Array> {
    let at = range.start;
    const end = range.end ?? Number.POSITIVE_INFINITY;
    for (let attempt = 1; at < end; attempt++) {
      const response = await this.#open(key, at, end, signal);
      if (!response?.body) return;
      try {
        for await (const chunk of this.#timed(response.body, signal)) {
          at += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (attempt === resumptions) throw new BlobStoreAway(`the blob ${key} broke off`, { cause: error });
        await pause(this.#options, attempt, signal);
      }
    }
  }

  /** undefined when there is nothing from `start` on. */
  async #open(key: BlobKey, start: number, end: number, signal: AbortSignal): Promise<Response | undefined> {
    const request = { method: 'GET', key: this.#nameOf(key) } as const;
    if (start === 0 && end === Number.POSITIVE_INFINITY) return this.#ask(request, signal);
    const range = `bytes=${start}-${end === Number.POSITIVE_INFINITY ? '' : end - 1}`;
    const response = await this.#ask({ ...request, headers: { range } }, signal);
    if (response.status === 206) return response;
    await response.body?.cancel();
    if (response.status === 416) return undefined;
    throw new BlobStoreAway(`${this.#options.endpoint} does not serve ranges`);
  }

  /** The stream's chunks, as long as they keep coming. */
  async *#timed(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const stalled = new AbortController();
    const watch = () =>
      setTimeout(() => stalled.abort(new Error('the stream stalled')), this.#options.requestTimeout);
    let timer = watch();
    try {
      for await (const chunk of untilAborted(body, AbortSignal.any([signal, stalled.signal]))) {
        clearTimeout(timer); // However long the reader takes is not the server's fault.
        yield chunk;
        timer = watch();
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async *list(before: Date, signal: AbortSignal): AsyncIterable<Blob> {
    const limit = hourOf(before);
    const { prefix } = this.#options;
    for (let after = ''; ; ) {
      const query = { 'list-type': '2', prefix, 'max-keys': '1000' };
      const request = {
        method: 'GET',
        key: '',
        query: after ? { ...query, 'start-after': after } : query,
      } as const;
      const page = await (await this.#ask(request, signal)).text();
      const items = [...page.matchAll(/<Contents>(.*?)<\/Contents>/gs)];
      for (const [, item = ''] of items) {
        after = unescapeXml(/<Key>([^<]*)<\/Key>/.exec(item)?.[1] ?? '');
        const [, hour, hash] =
          /^(\d{10})\/[0-9a-f]{2}\/([0-9a-f]{64})$/.exec(after.slice(prefix.length)) ?? [];
        if (hour === undefined) continue;
        if (hour >= limit) return; // S3 lists in the order of names, and names begin with the hour.
        signal.throwIfAborted();
        yield { key: `${hour}-${hash}`, size: Number(/<Size>(\d+)<\/Size>/.exec(item)?.[1]) };
      }
      if (items.length === 0 || !/<IsTruncated>true</.test(page)) return;
    }
  }

  async remove(key: BlobKey): Promise<void> {
    const limit = AbortSignal.timeout(this.#options.requestTimeout * 2);
    const response = await this.#ask({ method: 'DELETE', key: this.#nameOf(key) }, limit).catch((error) => {
      if (error instanceof BlobMissing) return undefined;
      throw error;
    });
    await response?.body?.cancel();
  }

  #ask(request: Parameters<typeof ask>[1], signal: AbortSignal): Promise<Response> {
    return ask(this.#options, request, signal);
  }

  #nameOf(key: BlobKey): string {
    const { hour, shelf, name } = pathOf(key);
    return `${this.#options.prefix}${hour}/${shelf}/${name}`;
  }
}

/** The hash of each part, while the octets pass. */
class PartHashes {
  readonly #partSize: number;
  readonly #done: string[] = [];
  #hash: Hash = createHash('sha256');
  #filled = 0;

  constructor(partSize: number) {
    this.#partSize = partSize;
  }

  add(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#filled === this.#partSize) this.#next();
      const slice = chunk.subarray(at, at + this.#partSize - this.#filled);
      this.#hash.update(slice);
      this.#filled += slice.length;
      at += slice.length;
    }
  }

  end(): readonly string[] {
    this.#next();
    return this.#done;
  }

  #next(): void {
    this.#done.push(this.#hash.digest('hex'));
    this.#hash = createHash('sha256');
    this.#filled = 0;
  }
}

const unescapeXml = (text: string): string =>
  text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
