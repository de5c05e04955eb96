/**
 * store/accounts - the accounts hosted here (ports/accounts).
 *
 * An account belongs to a directory entry by the entry's id; its name follows the entry's. A name is never handed from
 * one entry's account to another's: the mail of whoever had the address before is not the newcomer's.
 */
import type { Account, AccountId, MailboxId, ModSeq, Quota } from '../mail/mailbox.ts';
import { AccountExists, type Accounts, type NewAccount } from '../ports/accounts.ts';
import type { Database, Queryable } from '../ports/database.ts';
import { MailboxTrouble } from '../ports/mailboxes.ts';
import { type AccountRow, accountBy, accountOf, selectAccounts } from './account-rows.ts';
import type { Changed } from './changed.ts';
import { clearMailbox } from './clear-mailbox.ts';
import { eachInStoreWords, inStoreWords } from './faults.ts';
import { compareNames, folderName, parentsOf, usualNameLimits } from './folder-name.ts';
import { insert, type NewFolder } from './plant.ts';

export interface AccountsOptions {
  readonly database: Database;
  readonly changed: Changed;
  readonly now: () => Date;
  /** Made for each new account, besides INBOX, with the parents they lack. All are subscribed. */
  readonly newcomers: readonly NewFolder[];
  /** Of a new account for which none is named. */
  readonly quota: Quota;
  /**
   * Called in the transaction in which a name goes to another name, or (`to` undefined) is nobody's any more: passwords
   * kept by name must neither be lost nor open the mail of whoever has the name next.
   */
  readonly renamed?: (tx: Queryable, from: string, to: string | undefined) => Promise<void>;
}

const longestName = 320;

export function openAccounts(options: AccountsOptions): Accounts {
  const { database } = options;
  const all = { ...options, newcomers: withParents(options.newcomers) };
  return {
    byName: (name) => inStoreWords(() => accountBy(database, 'name', name.toLowerCase())),
    byId: (id) => inStoreWords(() => accountBy(database, 'id', id)),
    byEntry: (entryId) => inStoreWords(() => accountBy(database, 'entry_id', entryId)),
    create: (account) =>
      inStoreWords(async () => {
        const id = await database.transaction((tx) => create(all, tx, account));
        if (id === undefined) throw nameTaken(account.name);
        options.changed.tree(id);
        return known(database, id);
      }),
    forEntry: (entryId, name) => inStoreWords(() => forEntry(all, entryId, name)),
    change: (id, change) =>
      inStoreWords(async () => {
        await database.transaction((tx) => applyChange(options, tx, id, change));
        options.changed.tree(id);
        return known(database, id);
      }),
    remove: (id) => inStoreWords(() => remove(options, id)),
    list: (signal) =>
      eachInStoreWords(async function* () {
        for await (const row of database.rows<AccountRow>(`${selectAccounts} order by a.name`, [], signal))
          yield accountOf(row);
      }),
  };
}

/** In the form kept, each after its parents. Throws MailboxTrouble badName: a mistake in the configuration. */
function withParents(folders: readonly NewFolder[]): NewFolder[] {
  const named = folders.map((folder) => ({ ...folder, name: folderName(folder.name, usualNameLimits) }));
  const all = new Map<string, NewFolder>();
  for (const { name } of named) for (const parent of parentsOf(name)) all.set(parent, { name: parent });
  for (const folder of named) all.set(folder.name, folder);
  all.delete('INBOX');
  return [...all.values()].sort((a, b) => compareNames(a.name, b.name));
}

const nameTaken = (name: string): AccountExists =>
  new AccountExists(`there is an account ${name} already; choose another name or remove that account`);

/** In the form kept: whatever an address may be, but for quoted ones with spaces. Throws MailboxTrouble badName. */
function accountName(text: string): string {
  const name = text.normalize('NFC').toLowerCase();
  if (name === '' || name.length > longestName || !name.isWellFormed() || /[\p{Cc}\p{Z}]/u.test(name))
    throw new MailboxTrouble(
      'badName',
      `an account's name has 1 to ${longestName} characters, none of them a space or a control character`,
    );
  // Such names mean something else in lists of rights (RFC 4314 §2).
  if (name === 'anyone' || name.startsWith('-'))
    throw new MailboxTrouble('badName', 'an account can be named neither anyone nor with - in front');
  return name;
}

/** undefined: the name or the entry has an account. */
async function create(
  { now, newcomers, quota }: AccountsOptions,
  tx: Queryable,
  account: NewAccount,
): Promise<AccountId | undefined> {
  const limits = account.quota ?? quota;
  const [row] = await tx.query<{ id: number }>(
    `insert into account (name, entry_id, quota_storage, quota_messages, created_at) values ($1, $2, $3, $4, $5)
     on conflict do nothing returning id`,
    [accountName(account.name), account.entryId, limits.storage, limits.messages, now()],
  );
  if (!row) return undefined;
  const folders: readonly NewFolder[] = [{ name: 'INBOX' }, ...newcomers];
  for (const folder of folders) await insert(tx, row.id, folder, now());
  await tx.query('insert into subscription (account, name) select $1, unnest($2::text[])', [
    row.id,
    folders.map(({ name }) => name),
  ]);
  return row.id;
}

async function known(database: Database, id: AccountId): Promise<Account> {
  const account = await accountBy(database, 'id', id);
  if (!account) throw new MailboxTrouble('missing', 'the account was removed meanwhile');
  return account;
}

/**
 * Whoever comes second waits in `insert … on conflict` for the first one's commit and finds the account. An account
 * that was made by hand under that name becomes the entry's; one of another entry does not.
 */
async function forEntry(options: AccountsOptions, entryId: string, name: string): Promise<Account> {
  const { database } = options;
  const there = await accountBy(database, 'entry_id', entryId);
  if (there) return there.name === accountName(name) ? there : followName(options, there, name);
  const id = await database.transaction(async (tx) => {
    const made = await create(options, tx, { name, entryId });
    if (made !== undefined) return made;
    const [adopted] = await tx.query<{ id: number }>(
      `update account set entry_id = $2 where name = $1 and entry_id is null
         and not exists (select from account where entry_id = $2)
       returning id`,
      [accountName(name), entryId],
    );
    return adopted?.id;
  });
  if (id !== undefined) {
    options.changed.tree(id);
    return known(database, id);
  }
  const second = await accountBy(database, 'entry_id', entryId);
  if (second) return second;
  throw new AccountExists(
    `the account ${accountName(name)} belongs to another directory entry than ${entryId}: ` +
      'remove or rename it, and mail for the new owner will be taken',
  );
}

/** As long as another account has the new name, the old one stays: that is no reason to refuse mail. */
async function followName(options: AccountsOptions, account: Account, name: string): Promise<Account> {
  try {
    await options.database.transaction((tx) => applyChange(options, tx, account.id, { name }));
  } catch (thrown) {
    if (thrown instanceof AccountExists) return account;
    throw thrown;
  }
  options.changed.tree(account.id);
  return known(options.database, account.id);
}

async function applyChange(
  { renamed }: AccountsOptions,
  tx: Queryable,
  id: AccountId,
  change: { readonly name?: string; readonly quota?: Quota; readonly disabled?: boolean },
): Promise<void> {
  const [before] = await tx.query<{ name: string }>('select name from account where id = $1 for update', [
    id,
  ]);
  if (!before) throw new MailboxTrouble('missing', 'there is no such account');
  const name = change.name === undefined ? before.name : accountName(change.name);
  if (name !== before.name) {
    await rename(tx, id, before.name, name);
    await renamed?.(tx, before.name, name);
  }
  if (change.quota !== undefined)
    await tx.query('update account set quota_storage = $2, quota_messages = $3 where id = $1', [
      id,
      change.quota.storage,
      change.quota.messages,
    ]);
  if (change.disabled !== undefined)
    await tx.query('update account set disabled = $2 where id = $1', [id, change.disabled]);
}

/** Rights that others gave it go along. */
async function rename(tx: Queryable, id: AccountId, before: string, name: string): Promise<void> {
  const taken = await tx.query('select from account where name = $1', [name]);
  if (taken.length > 0) throw nameTaken(name);
  try {
    await tx.query('update account set name = $2 where id = $1', [id, name]);
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code === uniqueViolation) throw nameTaken(name);
    throw thrown;
  }
  await tx.query(
    `update mailbox_right set who = case when who = $1 then $2 else '-' || $2 end where who in ($1, '-' || $1)`,
    [before, name],
  );
}

const uniqueViolation = '23505';

async function remove({ database, changed, now, renamed }: AccountsOptions, id: AccountId): Promise<void> {
  const emptied = await database.transaction(async (tx) => {
    const [account] = await tx.query<{ name: string }>('select name from account where id = $1 for update', [
      id,
    ]);
    if (!account) throw new MailboxTrouble('missing', 'there is no such account');
    const mailboxes = await tx.query<{ id: number; name: string }>(
      'select id, name from mailbox where account = $1 order by id for update',
      [id],
    );
    const emptied = new Map<MailboxId, ModSeq>();
    for (const mailbox of mailboxes) {
      const of = { account: id, accountName: account.name, mailboxName: mailbox.name };
      emptied.set(mailbox.id, await clearMailbox(tx, mailbox.id, of, now()));
    }
    await tx.query(`delete from mailbox_right where who in ($1, '-' || $1)`, [account.name]);
    await tx.query('delete from account where id = $1', [id]);
    await renamed?.(tx, account.name, undefined);
    return emptied;
  });
  for (const [mailbox, modSeq] of emptied) changed.messages(id, mailbox, modSeq);
  changed.tree(id);
}
