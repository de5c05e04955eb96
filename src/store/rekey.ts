/**
 * store/rekey - bodies sealed by old keys are sealed by the current one, so that old keys may go.
 *
 * Some at a time and for as long as one likes: what is done stands in the rows, so it goes on where it stopped. Readers
 * go on meanwhile (store/content looks again when a blob went away under it).
 */
import type { BodyId } from '../mail/mailbox.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { Coding } from './coding.ts';
import { type KeptRow, keptOctets } from './content.ts';
import { framed, inRow, type Kept } from './keep.ts';

export interface RekeyOptions {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly coding: Coding;
  readonly log: Log;
}

export interface RekeyTask {
  /** Bodies at most in this call; default: all. */
  readonly most?: number;
  /** Bodies in the clear, too. */
  readonly clear?: boolean;
  readonly progress?: (done: number) => void;
}

export interface Rekeyed {
  readonly sealed: number;
  /** Their key is missing, or what is kept is damaged: see the log. */
  readonly failed: number;
  /** None is left but those that failed. */
  readonly complete: boolean;
}

interface Row extends KeptRow {
  readonly id: number;
}

const together = 20;

export async function rekey(options: RekeyOptions, task: RekeyTask, signal: AbortSignal): Promise<Rekeyed> {
  const { current } = options.coding;
  let [sealed, failed] = [0, 0];
  if (current === undefined) return { sealed, failed, complete: true };
  const most = task.most ?? Number.POSITIVE_INFINITY;
  for (let after = 0; ; ) {
    signal.throwIfAborted();
    const rows = await due(options.database, after, current.number, task.clear === true);
    if (rows.length === 0) return { sealed, failed, complete: true };
    for (const { id } of rows) {
      if (sealed + failed >= most) return { sealed, failed, complete: false };
      signal.throwIfAborted();
      if (await resealed(options, id, signal)) sealed += 1;
      else failed += 1;
      after = id;
      task.progress?.(sealed + failed);
    }
  }
}

const due = (database: Database, after: BodyId, current: number, clear: boolean): Promise<{ id: number }[]> =>
  database.query<{ id: number }>(
    `select id from body
     where id > $1 and (sealed_by <> $2 or ($3::bool and sealed_by is null)) order by id limit ${together}`,
    [after, current, clear],
  );

/** False: it could not be. A body that went away or was sealed by somebody else meanwhile is well. */
async function resealed(options: RekeyOptions, id: BodyId, signal: AbortSignal): Promise<boolean> {
  const { database, blobs, log } = options;
  const [row] = await database.query<Row>(
    'select id, size, content, blob, coding, sealed_by, salt, frames from body where id = $1',
    [id],
  );
  if (row === undefined) return true;
  let kept: Kept;
  try {
    kept = await sealedAnew(options, row, signal);
  } catch (error) {
    signal.throwIfAborted();
    log.error({ err: error, body: id, sealedBy: row.sealed_by }, 'a body cannot be sealed by the new key');
    return false;
  }
  const inTheRow = typeof kept.content !== 'string';
  const changed = await database.query(
    `update body set content = $2, blob = $3, coding = $4, sealed_by = $5, salt = $6, frames = $7
     where id = $1 and salt is not distinct from $8 returning id`,
    [
      id,
      inTheRow ? kept.content : undefined,
      inTheRow ? undefined : kept.content,
      kept.coding,
      kept.sealedBy,
      kept.salt,
      kept.frames,
      row.salt ?? undefined,
    ],
  );
  const unused = changed.length > 0 ? row.blob : inTheRow ? null : kept.content;
  if (typeof unused === 'string') await blobs.remove(unused);
  return true;
}

async function sealedAnew(options: RekeyOptions, row: Row, signal: AbortSignal): Promise<Kept> {
  const { blobs, coding } = options;
  const writer = coding.writer();
  if (writer === undefined) throw new Error('there is no key to seal by');
  const octets = keptOctets({ blobs, coding }, row, signal, { start: 0 });
  if (row.blob === null) return inRow(Buffer.concat(await Array.fromAsync(octets)), writer);
  const { key } = await blobs.write(framed(octets, writer), signal);
  return { content: key, ...writer.coded() };
}
