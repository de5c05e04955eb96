/**
 * store/selection - messages named by UID ranges: in SQL, $2 the first and $3 the last of each, in mailbox $1.
 *
 * What is done to very many is done in pieces, within one transaction, so that no statement runs into its time limit.
 */
import type { MailboxId } from '../mail/mailbox.ts';
import type { UidRange } from '../mail/uid-set.ts';
import type { Queryable } from '../ports/database.ts';
import { bounds, cutAfter } from './uid-ranges.ts';

/** Messages that one statement changes. */
const mostAtOnce = 10_000;

/** A table expression: the messages in the ranges. Each range is looked up in the index by itself. */
export const selected = (columns: string, condition = 'true'): string => `
  unnest($2::int8[], $3::int8[]) as r (first, last) cross join lateral (
    select ${columns} from mailbox_message
    where mailbox = $1 and uid between r.first and r.last and ${condition} offset 0
  )`;

/** A query: the UIDs of `from` as the fewest ranges, in order. */
export const islands = (from: string): string => `
  select min(uid) as first, max(uid) as last
  from (select uid, uid - row_number() over (order by uid) as island from ${from}) i
  group by island order by 1`;

/** A query: the last UID of each piece of so many messages. */
const piecesEnd = (condition: string): string => `
  select uid from (
    select s.uid, row_number() over (order by s.uid) as place from ${selected('uid', condition)} s
  ) p where place % ${mostAtOnce} = 0 order by uid`;

const ends = { any: piecesEnd('true'), marked: piecesEnd('system & 8 <> 0') };

/** The ranges in pieces with so many messages, or so many with \Deleted. The mailbox is locked. */
export async function inPieces(
  tx: Queryable,
  mailbox: MailboxId,
  ranges: readonly UidRange[],
  which: keyof typeof ends = 'any',
): Promise<readonly (readonly UidRange[])[]> {
  const width = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (width <= mostAtOnce) return width > 0 ? [ranges] : [];
  const found = await tx.query<{ uid: number }>(ends[which], [mailbox, ...bounds(ranges)]);
  return cutAfter(
    ranges,
    found.map(({ uid }) => uid),
  );
}
