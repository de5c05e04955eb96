/**
 * store/clear-mailbox - all messages of a mailbox, taken out at once: to where expunged ones go, or into another mailbox.
 *
 * In portions, so that no statement runs long, within the caller's transaction, which holds the mailbox's row.
 */
import type { MailboxId, ModSeq } from '../mail/mailbox.ts';
import type { Queryable } from '../ports/database.ts';

const portion = 20_000;

export interface ClearedOf {
  readonly account: number;
  readonly accountName: string;
  readonly mailboxName: string;
}

/** Locks the mailbox's row and leaves it empty, keywords, pages and totals included. Its MODSEQ after that. */
export async function clearMailbox(tx: Queryable, id: MailboxId, of: ClearedOf, now: Date): Promise<ModSeq> {
  const modSeq = await emptied(tx, id);
  const until = await lastUid(tx, id);
  for (let from = 0; from <= until; ) {
    const to = await portionEnd(tx, id, from, until);
    await tx.query(
      `with gone as (delete from mailbox_message where mailbox = $1 and uid between $2 and $3 returning *)
       insert into expunged (mailbox, uid, mod_seq, expunged_at, account, account_name, mailbox_name, system, keywords,
         internal_date, saved_date, body, size, uidl)
       select mailbox, uid, $4, $5, $6, $7, $8, system, keywords, internal_date, saved_date, body, size, uidl from gone`,
      [id, from, to, modSeq, now, of.account, of.accountName, of.mailboxName],
    );
    from = to + 1;
  }
  await tx.query('delete from uid_page where mailbox = $1', [id]);
  return modSeq;
}

/**
 * All messages of `from` become those of `to`, an empty new mailbox with a higher id: UIDs and MODSEQs stay. Sessions
 * in `from` learn from its `forgotten_to` that all is gone. The MODSEQs after that.
 */
export async function handOver(
  tx: Queryable,
  from: MailboxId,
  to: MailboxId,
): Promise<{ readonly from: ModSeq; readonly to: ModSeq }> {
  await tx.query('select from mailbox where id = any($1::bigint[]) order by id for update', [[from, to]]);
  const [taken] = await tx.query<{ mod_seq: number }>(
    `update mailbox t set uid_next = f.uid_next, mod_seq = f.mod_seq, messages = f.messages, unseen = f.unseen,
       deleted = f.deleted, size = f.size, deleted_size = f.deleted_size, recent_from = f.recent_from,
       keywords = f.keywords, forgotten_to = f.mod_seq
     from mailbox f where t.id = $2 and f.id = $1 returning t.mod_seq`,
    [from, to],
  );
  if (!taken) throw new Error(`mailbox ${from} or ${to} went away under its account's lock`);
  const until = await lastUid(tx, from);
  for (let start = 0; start <= until; ) {
    const end = await portionEnd(tx, from, start, until);
    await tx.query('update mailbox_message set mailbox = $2 where mailbox = $1 and uid between $3 and $4', [
      from,
      to,
      start,
      end,
    ]);
    start = end + 1;
  }
  await tx.query('update uid_page set mailbox = $2 where mailbox = $1', [from, to]);
  const modSeq = await emptied(tx, from);
  await tx.query('update mailbox set forgotten_to = mod_seq where id = $1', [from]);
  return { from: modSeq, to: taken.mod_seq };
}

async function emptied(tx: Queryable, id: MailboxId): Promise<ModSeq> {
  const [row] = await tx.query<{ mod_seq: number }>(
    `update mailbox set mod_seq = mod_seq + 1, messages = 0, unseen = 0, deleted = 0, size = 0, deleted_size = 0,
       keywords = '{}', recent_from = uid_next
     where id = $1 returning mod_seq`,
    [id],
  );
  if (!row) throw new Error(`mailbox ${id} went away under its account's lock`);
  return row.mod_seq;
}

async function lastUid(tx: Queryable, id: MailboxId): Promise<number> {
  const [row] = await tx.query<{ last: number | null }>(
    'select max(uid) as last from mailbox_message where mailbox = $1',
    [id],
  );
  return row?.last ?? -1;
}

/** The UID of the last message of a portion that starts at `from`. */
async function portionEnd(tx: Queryable, id: MailboxId, from: number, until: number): Promise<number> {
  const [row] = await tx.query<{ uid: number }>(
    `select uid from mailbox_message where mailbox = $1 and uid >= $2 order by uid offset ${portion - 1} limit 1`,
    [id, from],
  );
  return row?.uid ?? until;
}
