/**
 * store/subscriptions - names that people subscribed to (ports/mailboxes, Subscriptions).
 *
 * A name stays when its mailbox goes (RFC 9051 §6.3.7). Names of others' mailboxes come as the person sees them: here
 * they are text, held to the rules of store/folder-name.
 */
import type { AccountId } from '../mail/mailbox.ts';
import type { Database, Queryable } from '../ports/database.ts';
import { MailboxTrouble, type Subscriptions } from '../ports/mailboxes.ts';
import type { Changed } from './changed.ts';
import { inStoreWords } from './faults.ts';
import { compareNames, folderName, type NameLimits } from './folder-name.ts';
import { lockTree } from './plant.ts';

export interface SubscriptionsOptions {
  readonly database: Database;
  readonly changed: Changed;
  readonly limits: { readonly names: NameLimits; readonly subscriptionsPerAccount: number };
}

export function openSubscriptions({ database, changed, limits }: SubscriptionsOptions): Subscriptions {
  return {
    list: (account) =>
      inStoreWords(async () => {
        const rows = await database.query<{ name: string }>(
          'select name from subscription where account = $1',
          [account],
        );
        return rows.map(({ name }) => name).sort(compareNames);
      }),
    set: (account, text, subscribed) =>
      inStoreWords(async () => {
        const name = folderName(text, limits.names);
        const done = await database.transaction((tx) =>
          subscribed
            ? add(tx, account, name, limits.subscriptionsPerAccount)
            : tx.query('delete from subscription where account = $1 and name = $2 returning name', [
                account,
                name,
              ]),
        );
        if (done.length > 0) changed.tree(account);
      }),
  };
}

async function add(
  tx: Queryable,
  account: AccountId,
  name: string,
  most: number,
): Promise<readonly object[]> {
  await lockTree(tx, account);
  const [row] = await tx.query<{ count: number; there: boolean }>(
    'select count(*) as count, coalesce(bool_or(name = $2), false) as there from subscription where account = $1',
    [account, name],
  );
  if (!row || row.there) return [];
  if (row.count >= most) throw new MailboxTrouble('tooMany', `${most} subscriptions are kept, no more`);
  return tx.query('insert into subscription (account, name) values ($1, $2) returning name', [account, name]);
}
