/**
 * store/expunge - messages out of a mailbox and into `expunged`, where an operator may still restore them.
 */
import type { MailboxId, ModSeq } from '../mail/mailbox.ts';
import type { UidRange } from '../mail/uid-set.ts';
import type { Database, Queryable } from '../ports/database.ts';
import { type Locked, lockMailbox } from './lock.ts';
import { takeFromPages } from './page-statements.ts';
import { inPieces, islands, selected } from './selection.ts';
import { bounds, normalised, upTo } from './uid-ranges.ts';
import type { Touched, WriteOptions } from './write-options.ts';

export interface ToExpunge {
  /** Absent: all. */
  readonly uids?: readonly UidRange[] | undefined;
  /** With \Deleted or not. */
  readonly anyway?: boolean | undefined;
}

export interface Gone {
  readonly gone: readonly UidRange[];
  readonly modSeq: ModSeq;
}

/**
 * Rows are found by their place, which nobody changes while the mailbox is locked: a join by UID would be as good as the
 * planner's idea of a mailbox it may never have counted.
 */
const statement = (condition: string): string => `
  with gone as materialized (
    delete from mailbox_message where ctid = any(array(select s.place from ${selected('ctid as place', condition)} s))
    returning *
  ), box as materialized (
    update mailbox m set mod_seq = m.mod_seq + 1, messages = m.messages - t.messages, unseen = m.unseen - t.unseen,
      deleted = m.deleted - t.deleted, size = m.size - t.size, deleted_size = m.deleted_size - t.deleted_size
    from (
      select count(*) as messages, count(*) filter (where system & 1 = 0) as unseen,
        count(*) filter (where system & 8 <> 0) as deleted, sum(size)::int8 as size,
        coalesce(sum(size) filter (where system & 8 <> 0), 0)::int8 as deleted_size
      from gone
    ) t where m.id = $1 and t.messages > 0
    returning m.account, m.name, m.mod_seq
  ), kept as (
    insert into expunged (mailbox, uid, mod_seq, expunged_at, account, account_name, mailbox_name, system, keywords,
      internal_date, saved_date, body, size, uidl)
    select g.mailbox, g.uid, b.mod_seq, $4::timestamptz, a.id, a.name, b.name, g.system, g.keywords, g.internal_date,
      g.saved_date, g.body, g.size, g.uidl
    from gone g cross join box b join account a on a.id = b.account
  ), ${takeFromPages('gone')}
  select first, last, (select mod_seq from box) as mod_seq from (${islands('gone')}) i order by first`;

const marked = statement('system & 8 <> 0');
const anyOf = statement('true');

/** The mailbox is locked; its UIDs are below `uidNext`. MODSEQ 0: nothing was there. */
export async function expungeIn(
  tx: Queryable,
  { id, uidNext }: Pick<Locked, 'id' | 'uidNext'>,
  { uids, anyway }: ToExpunge,
  now: Date,
): Promise<Gone> {
  const ranges = upTo(normalised(uids ?? [{ first: 1, last: uidNext }]), uidNext - 1);
  const gone: UidRange[] = [];
  let modSeq = 0;
  for (const piece of await inPieces(tx, id, ranges, anyway === true ? 'any' : 'marked')) {
    const rows = await tx.query<{ first: number; last: number; mod_seq: number }>(
      anyway === true ? anyOf : marked,
      [id, ...bounds(piece), now],
    );
    for (const { first, last } of rows) gone.push({ first, last });
    modSeq = rows[0]?.mod_seq ?? modSeq;
  }
  return { gone: normalised(gone), modSeq };
}

export async function expunge(
  database: Database,
  mailbox: MailboxId,
  which: ToExpunge,
  { now }: WriteOptions,
): Promise<Gone & { readonly touched: readonly Touched[] }> {
  return database.transaction(async (tx) => {
    const locked = await lockMailbox(tx, mailbox);
    const { gone, modSeq } = await expungeIn(tx, locked, which, now());
    if (gone.length === 0) return { gone, modSeq: locked.modSeq, touched: [] };
    return { gone, modSeq, touched: [{ account: locked.account, mailbox, modSeq }] };
  });
}
