/**
 * store/body - the row of a body: made when it is staged, found again by the hash of its octets.
 *
 * The commit does not wait for the disk: whoever appends the body commits later and waits, and what was committed
 * before is then on disk too (PostgreSQL flushes its log in order).
 */
import type { BodyId } from '../mail/mailbox.ts';
import type { MessageStructure } from '../mail/structure.ts';
import type { BlobKey } from '../ports/blob-store.ts';
import type { Queryable } from '../ports/database.ts';
import { writeStructure } from '../protocol/mime/stored-structure.ts';
import type { Description } from './describe.ts';
import type { Kept } from './keep.ts';

export interface NewBody {
  /** SHA-256 of the plain octets. */
  readonly hash: Buffer;
  readonly size: number;
  readonly kept: Kept;
  readonly structure: MessageStructure;
  readonly description: Description;
  readonly stagedAt: Date;
}

export interface BodyRow {
  readonly id: BodyId;
  readonly blob: BlobKey | null;
  readonly fresh: boolean;
}

const insert = `
  insert into body (hash, size, content, blob, coding, sealed_by, salt, frames, structure, preview, thread, message_id,
    refs, sent_at, sent_on, is_reply, sort_subject, sort_from, sort_to, sort_cc, display_from, display_to, staged_at)
  select $1::bytea, $2::int8, $3::bytea, $4::text, $5::int2, $6::int2, $7::bytea, $8::bytea, $9::text, $10::text,
    $11::bytea, $12::text, $13::text[], $14::timestamptz, $15::date, $16::bool, $17::text, $18::text, $19::text,
    $20::text, $21::text, $22::text, $23::timestamptz
  from set_config('synchronous_commit', 'off', true)
  on conflict (hash) do update set staged_at = greatest(body.staged_at, excluded.staged_at)
  returning id, blob, xmax = 0 as fresh`;

/** `fresh`: it was not there; otherwise what was kept before stays, and `kept` is not needed. */
export async function insertBody(database: Queryable, body: NewBody): Promise<BodyRow> {
  const { kept, description } = body;
  const inRow = typeof kept.content !== 'string';
  const [row] = await database.query<BodyRow>(insert, [
    body.hash,
    body.size,
    inRow ? kept.content : undefined,
    inRow ? undefined : kept.content,
    kept.coding,
    kept.sealedBy,
    kept.salt,
    kept.frames,
    writeStructure(body.structure),
    description.preview,
    description.thread,
    description.messageId,
    description.references,
    description.sentAt,
    description.sentOn,
    description.isReply,
    description.sortSubject,
    description.sortFrom,
    description.sortTo,
    description.sortCc,
    description.displayFrom,
    description.displayTo,
    body.stagedAt,
  ]);
  if (row === undefined) throw new Error('a body was staged and its row did not come back');
  return row;
}
