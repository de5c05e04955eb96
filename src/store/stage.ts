/**
 * store/stage - a message's octets to where they stay, and everything about them computed on the way.
 *
 * Small bodies go into the row, larger ones are streamed into the store's blobs, synced before the row is written.
 * The same octets staged again are the same body.
 */
import { createHash } from 'node:crypto';
import type { MessageStructure } from '../mail/structure.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import { MessageTooBig, type Staged, type Staging } from '../ports/messages.ts';
import { StructureScanner } from '../protocol/mime/structure.ts';
import { type BodyRow, insertBodies, type NewBody } from './body.ts';
import type { Coding } from './coding.ts';
import { describe } from './describe.ts';
import { eachResult } from './each-result.ts';
import { inStoreWords } from './faults.ts';
import { Gather } from './gather.ts';
import { framed, inRow, type Kept } from './keep.ts';

export interface StageOptions {
  readonly database: Database;
  /** The store's own: not the spool's. */
  readonly blobs: BlobStore;
  readonly coding: Coding;
  /** Octets of a body that stay in the row. */
  readonly inlineLimit: number;
  /** Statements under way; each takes a database connection. */
  readonly commitsAtOnce: number;
  readonly now: () => Date;
  readonly log: Log;
}

/** Octets from the beginning of a message that are looked at once more at its end. */
const beginningKept = 256 * 1024;
/** Many small chunks take much more memory than their octets. */
const mostChunks = 64;

/** Bodies in one statement, and octets of them. */
const together = { bodies: 200, octets: 4 * 1024 * 1024 };

/** Rows of bodies are written as appends are: what comes while others are under way goes together. */
export function openStaging(options: StageOptions): Staging & { idle(): Promise<void> } {
  const { database } = options;
  const rows = new Gather<NewBody, BodyRow | Error>({
    together: together.bodies,
    atOnce: options.commitsAtOnce,
    weight: together.octets,
    weigh: ({ kept }) => (typeof kept.content === 'string' ? 0 : kept.content.length),
    commit: (bodies) => eachResult(bodies, (some) => insertBodies(database, some)),
  });
  return {
    stage: (content, limit, signal) => inStoreWords(() => stage(options, rows, content, limit, signal)),
    idle: () => rows.idle(),
  };
}

async function stage(
  options: StageOptions,
  rows: Gather<NewBody, BodyRow | Error>,
  content: AsyncIterable<Uint8Array>,
  limit: number,
  signal: AbortSignal,
): Promise<Staged> {
  const { blobs, now, log } = options;
  const reading = new Reading(limit);
  const kept = await keep(options, content, reading, signal);
  const { hash, size, structure, beginning } = reading.finish();
  const description = describe(structure, beginning, hash);
  signal.throwIfAborted();
  const row = await rows.add({ hash, size, kept, structure, description, stagedAt: now() });
  if (row instanceof Error) throw row;
  if (!row.fresh && typeof kept.content === 'string' && kept.content !== row.blob)
    await blobs.remove(kept.content).catch((error: unknown) => {
      log.debug({ err: error }, 'a second copy of a body stays until the sweep');
    });
  return { body: row.id, size, isNew: row.fresh };
}

async function keep(
  { blobs, coding, inlineLimit }: StageOptions,
  content: AsyncIterable<Uint8Array>,
  reading: Reading,
  signal: AbortSignal,
): Promise<Kept> {
  const source = content[Symbol.asyncIterator]();
  const writer = coding.writer();
  try {
    const chunks: Uint8Array[] = [];
    while (reading.size <= inlineLimit) {
      signal.throwIfAborted();
      const next = await source.next();
      if (next.done) return inRow(Buffer.concat(chunks), writer);
      chunks.push(reading.take(next.value));
      if (chunks.length >= mostChunks) chunks.splice(0, chunks.length, Buffer.concat(chunks));
    }
    async function* whole(): AsyncGenerator<Uint8Array> {
      yield* chunks.splice(0);
      for (let next = await source.next(); !next.done; next = await source.next())
        yield reading.take(next.value);
    }
    const { key } = await blobs.write(writer === undefined ? whole() : framed(whole(), writer), signal);
    return { content: key, ...(writer?.coded() ?? { coding: 0 }) };
  } finally {
    await source.return?.().catch(() => undefined);
  }
}

/** What is learned of the octets while they stream by. */
class Reading {
  size = 0;
  readonly #limit: number;
  readonly #hash = createHash('sha256');
  readonly #scanner = new StructureScanner();
  readonly #beginning: Uint8Array[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  take(chunk: Uint8Array): Uint8Array {
    if (this.size + chunk.length > this.#limit)
      throw new MessageTooBig(`the message is larger than the ${this.#limit} octets permitted`);
    const room = beginningKept - this.size;
    if (room > 0) this.#beginning.push(chunk.subarray(0, room));
    this.size += chunk.length;
    this.#hash.update(chunk);
    this.#scanner.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    return chunk;
  }

  finish(): { hash: Buffer; size: number; structure: MessageStructure; beginning: Buffer } {
    return {
      hash: this.#hash.digest(),
      size: this.size,
      structure: this.#scanner.finish(),
      beginning: Buffer.concat(this.#beginning),
    };
  }
}
