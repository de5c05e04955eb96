/**
 * store/insert-new - the piece of SQL that puts new messages into mailboxes: rows, totals, pages.
 *
 * Used by append and copy; the mailboxes are locked.
 */
import { addToPages } from './page-statements.ts';

/** Parts of a `with`, after one named `new` with the columns of mailbox_message but saved_date, which is given. */
export const insertNew = (savedDate: string): string => `
  rows as (
    insert into mailbox_message (mailbox, uid, mod_seq, system, keywords, internal_date, saved_date, body, size, thread,
      uidl)
    select mailbox, uid, mod_seq, system, keywords, internal_date, ${savedDate}::timestamptz, body, size, thread, uidl
    from new
  ), totals as (
    select mailbox, max(uid) as uid, max(mod_seq) as mod_seq, count(*) as messages, sum(size)::int8 as size,
      count(*) filter (where system & 1 = 0) as unseen,
      count(*) filter (where system & 8 <> 0) as deleted,
      coalesce(sum(size) filter (where system & 8 <> 0), 0)::int8 as deleted_size
    from new group by mailbox
  ), box as (
    update mailbox m set uid_next = t.uid + 1, mod_seq = t.mod_seq, messages = m.messages + t.messages,
      unseen = m.unseen + t.unseen, deleted = m.deleted + t.deleted, size = m.size + t.size,
      deleted_size = m.deleted_size + t.deleted_size
    from totals t where m.id = t.mailbox
  ), ${addToPages('new')}`;
