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

/** Contents lie one after the other in $2: as elements of an array each octet would be four. */
const insert = `
  insert into body (hash, size, content, blob, coding, sealed_by, salt, frames, structure, preview, thread, message_id,
    refs, sent_at, sent_on, is_reply, sort_subject, sort_from, sort_to, sort_cc, display_from, display_to, staged_at)
  select decode(n.hash, 'hex'), n.size,
    case when n.blob is null then substring($2::bytea from n.start + 1 for n.length) end, n.blob, n.coding, n.sealed_by,
    decode(n.salt, 'hex'), decode(n.frames, 'hex'), n.structure, n.preview, decode(n.thread, 'hex'), n.message_id,
    n.refs, n.sent_at, n.sent_on, n.is_reply, n.sort_subject, n.sort_from, n.sort_to, n.sort_cc, n.display_from,
    n.display_to, n.staged_at
  from set_config('synchronous_commit', 'off', true), json_to_recordset($1::json) as n (
    hash text, size int8, start int4, length int4, blob text, coding int2, sealed_by int2, salt text, frames text,
    structure text, preview text, thread text, message_id text, refs text[], sent_at timestamptz, sent_on date,
    is_reply bool, sort_subject text, sort_from text, sort_to text, sort_cc text, display_from text, display_to text,
    staged_at timestamptz)
  order by n.hash
  on conflict (hash) do update set staged_at = greatest(body.staged_at, excluded.staged_at)
  returning id, encode(hash, 'hex') as hash, blob, xmax = 0 as fresh`;

/** For each its row. Of several with the same octets the first is kept. */
export async function insertBodies(
  database: Queryable,
  bodies: readonly NewBody[],
): Promise<readonly BodyRow[]> {
  const different = new Map(bodies.toReversed().map((body) => [body.hash.toString('hex'), body]));
  const contents: Uint8Array[] = [];
  let start = 0;
  const records = [...different].map(([hash, body]) => {
    const { content } = body.kept;
    const length = typeof content === 'string' ? 0 : content.length;
    if (typeof content !== 'string') contents.push(content);
    start += length;
    return recordOf(hash, body, start - length, length);
  });
  const rows = await database.query<BodyRow & { readonly hash: string }>(insert, [
    JSON.stringify(records),
    contents.length === 1 ? contents[0] : Buffer.concat(contents),
  ]);
  const found = new Map(rows.map((row) => [row.hash, row]));
  return bodies.map((body) => {
    const hash = body.hash.toString('hex');
    const row = found.get(hash);
    if (row === undefined) throw new Error('a body was staged and its row did not come back');
    return { id: row.id, blob: row.blob, fresh: row.fresh && different.get(hash) === body };
  });
}

const recordOf = (hash: string, body: NewBody, start: number, length: number) => ({
  hash,
  size: body.size,
  start,
  length,
  blob: typeof body.kept.content === 'string' ? body.kept.content : undefined,
  coding: body.kept.coding,
  sealed_by: body.kept.sealedBy,
  salt: body.kept.salt?.toString('hex'),
  frames: body.kept.frames?.toString('hex'),
  structure: writeStructure(body.structure),
  preview: body.description.preview,
  thread: body.description.thread.toString('hex'),
  message_id: body.description.messageId,
  refs: body.description.references,
  sent_at: body.description.sentAt,
  sent_on: body.description.sentOn,
  is_reply: body.description.isReply,
  sort_subject: body.description.sortSubject,
  sort_from: body.description.sortFrom,
  sort_to: body.description.sortTo,
  sort_cc: body.description.sortCc,
  display_from: body.description.displayFrom,
  display_to: body.description.displayTo,
  staged_at: body.stagedAt,
});
