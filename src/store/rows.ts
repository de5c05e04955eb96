/**
 * store/rows - rows of messages in order of UIDs, some hundred at a time, each portion as of its own instant.
 */
import type { MailboxId, MessageRow, ModSeq } from '../mail/mailbox.ts';
import type { Uid, UidRange } from '../mail/uid-set.ts';
import type { Database } from '../ports/database.ts';
import { type JoinedRow, messageColumns, messageRow } from './row-values.ts';
import { bounds, intersection, normalised, portions } from './uid-ranges.ts';

export interface Want {
  readonly structure?: boolean;
  readonly preview?: boolean;
  readonly changedSince?: ModSeq;
}

/** Messages in one portion. */
const most = 500;
/** With `changedSince`: so few changes are looked up by their MODSEQ, more by going through all. */
const fewChanges = 5000;

export async function* rows(
  database: Database,
  mailbox: MailboxId,
  uids: readonly UidRange[],
  want: Want,
  signal: AbortSignal,
): AsyncGenerator<readonly MessageRow[]> {
  signal.throwIfAborted();
  const ranges = normalised(uids);
  const narrowed =
    want.changedSince === undefined ? ranges : await changedIn(database, mailbox, ranges, want.changedSince);
  const read = reader(database, mailbox, want);
  for (const portion of portions(narrowed, most)) {
    let left = portion.kind === 'some' ? portion.ranges : [portion.range];
    while (left.length > 0) {
      signal.throwIfAborted();
      const { found, whole } = await read(left);
      if (found.length > 0) yield found;
      left = whole ? [] : after(left, found.at(-1)?.uid ?? Number.POSITIVE_INFINITY);
    }
  }
}

const after = (ranges: readonly UidRange[], uid: Uid): readonly UidRange[] =>
  ranges.flatMap(({ first, last }) => (last > uid ? { first: Math.max(first, uid + 1), last } : []));

interface Portion {
  readonly found: readonly MessageRow[];
  /** There are no more in the ranges. */
  readonly whole: boolean;
}

interface Row extends JoinedRow {
  /** Messages looked at; those whose structures would be too much at once are left for the next time. */
  readonly looked: number;
}

function reader(
  database: Database,
  mailbox: MailboxId,
  want: Want,
): (ranges: readonly UidRange[]) => Promise<Portion> {
  const text = statements[want.structure === true ? 1 : 0]![want.preview === true ? 1 : 0]!;
  return async (ranges) => {
    const rows = await database.query<Row>(text, [mailbox, ...bounds(ranges), want.changedSince]);
    const looked = rows[0]?.looked ?? 0;
    return { found: rows.map(messageRow), whole: rows.length === looked && looked < most };
  };
}

/** Ordered inside and outside: one wide range must stop at the limit, and many narrow ones come in any order. */
const messages = `(
    select s.* from unnest($2::int8[], $3::int8[]) as r (first, last) cross join lateral (
      select * from mailbox_message
      where mailbox = $1 and uid between r.first and r.last and mod_seq > coalesce($4::int8, 0)
      order by uid limit ${most}
    ) s
  )`;

const statement = (more: string): string => `
  select ${messageColumns}, count(*) over () as looked${more}
  from ${messages} m ${more === '' ? '' : 'join body b on b.id = m.body'}
  order by m.uid`;

/** Octets of structures in one portion, as the database keeps them; one is always given. */
const mostStructure = 2 * 1024 * 1024;

/** A structure may be some megabytes, where a sender wishes so. */
const withStructure = (more: string): string => `
  select ${messageColumns}, m.looked, b.structure${more}
  from (
    select w.*, count(*) over () as looked,
      sum(w.weight) over (order by w.uid rows between unbounded preceding and 1 preceding) as before
    from (
      select m.*, pg_column_size(b.structure) as weight from ${messages} m join body b on b.id = m.body
    ) w
  ) m join body b on b.id = m.body
  where coalesce(m.before, 0) < ${mostStructure}
  order by m.uid`;

const statements = [
  [statement(''), statement(', b.preview')],
  [withStructure(''), withStructure(', b.preview')],
];

/** The UIDs that changed, when they are few; else the ranges as they were. */
async function changedIn(
  database: Database,
  mailbox: MailboxId,
  ranges: readonly UidRange[],
  since: ModSeq,
): Promise<readonly UidRange[]> {
  const found = await database.query<{ uid: number }>(
    `select uid from mailbox_message where mailbox = $1 and mod_seq > $2 limit ${fewChanges + 1}`,
    [mailbox, since],
  );
  if (found.length > fewChanges) return ranges;
  return intersection(ranges, normalised(found.map(({ uid }) => ({ first: uid, last: uid }))));
}
