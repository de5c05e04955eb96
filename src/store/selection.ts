/**
 * store/selection - pieces of SQL that name messages by UID ranges, $2 the first and $3 the last of each, in mailbox $1.
 */

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
