/**
 * store/quota - what accounts may still take, asked while the mailboxes of a change are locked.
 *
 * Usage is the sum over an account's mailboxes. Other mailboxes of the account are not locked: changes at the same
 * instant in several of them may together pass the quota by what they add.
 */
import type { AccountId, MailboxId, Usage } from '../mail/mailbox.ts';
import type { Queryable } from '../ports/database.ts';
import { OverQuota } from '../ports/messages.ts';

interface Row {
  readonly id: number;
  readonly name: string;
  readonly quota_storage: number | null;
  readonly quota_messages: number | null;
  readonly storage: number;
  readonly messages: number;
}

/** Accounts with a quota, among those the mailboxes belong to. */
export class Quotas {
  readonly #rows: ReadonlyMap<AccountId, Row>;
  readonly #added = new Map<AccountId, Usage>();
  /** Share of a quota by which a delivery may exceed it: 0.1 is a tenth. */
  readonly #grace: number;

  private constructor(rows: ReadonlyMap<AccountId, Row>, grace: number) {
    this.#rows = rows;
    this.#grace = grace;
  }

  /** Sent right after the statement that locks the mailboxes, so that it sees what they are then. */
  static async read(tx: Queryable, mailboxes: readonly MailboxId[], grace: number): Promise<Quotas> {
    const rows = await tx.query<Row>(
      `select a.id, a.name, a.quota_storage, a.quota_messages, u.storage, u.messages
       from account a cross join lateral (
         select coalesce(sum(size), 0)::int8 as storage, coalesce(sum(messages), 0)::int8 as messages
         from mailbox where account = a.id
       ) u
       where a.id in (select account from mailbox where id = any($1::int8[]))
         and (a.quota_storage is not null or a.quota_messages is not null)`,
      [mailboxes],
    );
    return new Quotas(new Map(rows.map((row) => [row.id, row])), grace);
  }

  /** Throws OverQuota when they do not fit, and then nothing is counted. */
  add(more: ReadonlyMap<AccountId, Usage>, grace: boolean): void {
    for (const [account, usage] of more) {
      const row = this.#rows.get(account);
      if (row === undefined || (usage.storage <= 0 && usage.messages <= 0)) continue;
      const before = this.#added.get(account) ?? { storage: 0, messages: 0 };
      const factor = grace ? 1 + this.#grace : 1;
      const over = (quota: number | null, used: number, fresh: number): boolean =>
        quota !== null && fresh > 0 && used + fresh > Math.floor(quota * factor);
      if (over(row.quota_storage, row.storage + before.storage, usage.storage))
        throw new OverQuota(`the storage of ${row.name} is full`);
      if (over(row.quota_messages, row.messages + before.messages, usage.messages))
        throw new OverQuota(`${row.name} has as many messages as permitted`);
    }
    for (const [account, usage] of more) {
      const before = this.#added.get(account) ?? { storage: 0, messages: 0 };
      this.#added.set(account, {
        storage: before.storage + usage.storage,
        messages: before.messages + usage.messages,
      });
    }
  }
}
