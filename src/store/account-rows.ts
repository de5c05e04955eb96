/**
 * store/account-rows - accounts as their table keeps them, with what their mailboxes hold.
 */
import type { Account, Quota } from '../mail/mailbox.ts';
import type { Queryable } from '../ports/database.ts';

export interface AccountRow {
  readonly id: number;
  readonly name: string;
  readonly entry_id: string | null;
  readonly disabled: boolean;
  readonly quota_storage: number | null;
  readonly quota_messages: number | null;
  readonly created_at: Date;
  readonly used_storage: number;
  readonly used_messages: number;
}

/** Accounts with their usage; conditions on `a` follow. */
export const selectAccounts = `select a.id, a.name, a.entry_id, a.disabled, a.quota_storage, a.quota_messages,
  a.created_at, used.storage as used_storage, used.messages as used_messages
  from account a cross join lateral (
    select coalesce(sum(m.size), 0)::bigint as storage, coalesce(sum(m.messages), 0)::bigint as messages
    from mailbox m where m.account = a.id
  ) used`;

export function accountOf(row: AccountRow): Account {
  const quota: Quota = {
    ...(row.quota_storage === null ? {} : { storage: row.quota_storage }),
    ...(row.quota_messages === null ? {} : { messages: row.quota_messages }),
  };
  return {
    id: row.id,
    name: row.name,
    ...(row.entry_id === null ? {} : { entryId: row.entry_id }),
    disabled: row.disabled,
    quota,
    usage: { storage: row.used_storage, messages: row.used_messages },
    createdAt: row.created_at,
  };
}

export async function accountBy(
  tx: Queryable,
  column: 'id' | 'name' | 'entry_id',
  value: number | string,
): Promise<Account | undefined> {
  const [row] = await tx.query<AccountRow>(`${selectAccounts} where a.${column} = $1`, [value]);
  return row && accountOf(row);
}
