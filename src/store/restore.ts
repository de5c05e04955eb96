/**
 * store/restore - what was expunged and is still kept (ports/restore).
 */
import { flagBits } from '../mail/mailbox.ts';
import type { Database } from '../ports/database.ts';
import type { Restorable, Restore, RestoreFilter } from '../ports/restore.ts';
import { eachInStoreWords } from './faults.ts';

interface Row {
  readonly body: number;
  readonly mailbox_name: string;
  readonly system: number;
  readonly keywords: string[] | null;
  readonly internal_date: Date;
  readonly expunged_at: Date;
  readonly size: number;
  readonly uidl: string | null;
}

/** A move leaves a row where the message was, the last expunge another one in the trash: the former says more. */
const statement = `
  select distinct on (e.body) e.body, e.mailbox_name, e.system, e.keywords, e.internal_date, e.expunged_at, e.size, e.uidl
  from expunged e left join mailbox m on m.id = e.mailbox
  where e.account = any($1::bigint[]) and ($2::text is null or e.mailbox_name = $2)
    and ($3::timestamptz is null or e.expunged_at >= $3)
    and not exists (
      select from mailbox_message mm join mailbox there on there.id = mm.mailbox
      where mm.body = e.body and there.account = $4
    )
  order by e.body, coalesce(m.special_use in ('\\Trash', '\\Junk'), false), e.expunged_at desc`;

export function openRestore(database: Database): Restore {
  return {
    find: (filter, into, signal) =>
      eachInStoreWords(async function* () {
        const accounts = await accountsOf(database, filter.of);
        const values = [accounts, filter.mailbox, filter.since, into];
        for await (const row of database.rows<Row>(statement, values, signal)) yield restorableOf(row);
      }),
  };
}

async function accountsOf(database: Database, of: RestoreFilter['of']): Promise<readonly number[]> {
  if ('account' in of) return [of.account];
  const rows = await database.query<{ account: number }>(
    `select distinct account from expunged e
     where account_name = $1 and not exists (select from account a where a.id = e.account)`,
    [of.removed],
  );
  return rows.map(({ account }) => account);
}

const restorableOf = (row: Row): Restorable => ({
  body: row.body,
  mailbox: row.mailbox_name,
  flags: { system: row.system & ~flagBits['\\Deleted'], keywords: row.keywords ?? [] },
  internalDate: row.internal_date,
  expungedAt: row.expunged_at,
  size: row.size,
  ...(row.uidl === null ? {} : { uidl: row.uidl }),
});
