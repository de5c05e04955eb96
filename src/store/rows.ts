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
    if (portion.kind === 'some') {
      signal.throwIfAborted();
      const found = await read(portion.ranges);
      if (found.length > 0) yield found;
      continue;
    }
    const { last } = portion.range;
    for (let first: Uid | undefined = portion.range.first; first !== undefined && first <= last; ) {
      signal.throwIfAborted();
      const found = await read([{ first, last }]);
      if (found.length > 0) yield found;
      first = found.length < most ? undefined : (found.at(-1)?.uid ?? last) + 1;
    }
  }
}

type Read = (ranges: readonly UidRange[]) => Promise<readonly MessageRow[]>;

function reader(database: Database, mailbox: MailboxId, want: Want): Read {
  const text = statements[want.structure === true ? 1 : 0]![want.preview === true ? 1 : 0]!;
  return async (ranges) => {
    const found = await database.query<JoinedRow>(text, [mailbox, ...bounds(ranges), want.changedSince]);
    return found.map(messageRow);
  };
}

/** Ordered inside and outside: one wide range must stop at the limit, and many narrow ones come in any order. */
const statement = (more: string): string => `
  select ${messageColumns}${more}
  from (
    select s.* from unnest($2::int8[], $3::int8[]) as r (first, last) cross join lateral (
      select * from mailbox_message
      where mailbox = $1 and uid between r.first and r.last and mod_seq > coalesce($4::int8, 0)
      order by uid limit ${most}
    ) s
  ) m ${more === '' ? '' : 'join body b on b.id = m.body'}
  order by m.uid`;

const statements = [
  [statement(''), statement(', b.preview')],
  [statement(', b.structure'), statement(', b.structure, b.preview')],
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
