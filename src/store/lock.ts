/**
 * store/lock - mailboxes locked for a change, in order of id, and what the change has to know of them.
 *
 * Whoever holds the lock gives out the next UIDs and MODSEQs; it ends with the transaction.
 */
import type { AccountId, MailboxId, ModSeq } from '../mail/mailbox.ts';
import type { Uid } from '../mail/uid-set.ts';
import type { Queryable } from '../ports/database.ts';
import { MailboxGone } from '../ports/messages.ts';

export interface Locked {
  readonly id: MailboxId;
  readonly account: AccountId;
  readonly name: string;
  readonly uidValidity: number;
  readonly uidNext: Uid;
  readonly modSeq: ModSeq;
  /** As first spelt. */
  readonly keywords: readonly string[];
}

interface Row {
  readonly id: number;
  readonly account: number;
  readonly name: string;
  readonly uid_validity: number;
  readonly uid_next: number;
  readonly mod_seq: number;
  readonly keywords: string[];
}

/** Those that are there and can hold messages. */
export async function lockMailboxes(
  tx: Queryable,
  ids: readonly MailboxId[],
): Promise<ReadonlyMap<MailboxId, Locked>> {
  const rows = await tx.query<Row>(
    `select id, account, name, uid_validity, uid_next, mod_seq, keywords
     from mailbox where id = any($1::int8[]) and selectable order by id for update`,
    [ids],
  );
  return new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        account: row.account,
        name: row.name,
        uidValidity: row.uid_validity,
        uidNext: row.uid_next,
        modSeq: row.mod_seq,
        keywords: row.keywords,
      },
    ]),
  );
}

export async function lockMailbox(tx: Queryable, id: MailboxId): Promise<Locked> {
  return theLocked(await lockMailboxes(tx, [id]), id);
}

export function theLocked(locked: ReadonlyMap<MailboxId, Locked>, id: MailboxId): Locked {
  const mailbox = locked.get(id);
  if (mailbox === undefined) throw new MailboxGone(`mailbox ${id} is not there any more`);
  return mailbox;
}
