/**
 * store/plant - new mailboxes in one account's tree, and the lock under which trees change.
 *
 * Whoever changes a tree holds the account's row first and then locks mailboxes in order of id: names can be looked at
 * and changed without surprise, while deliveries into the account's mailboxes go on.
 */
import type { AccountId, MailboxId, SpecialUse } from '../mail/mailbox.ts';
import type { Queryable } from '../ports/database.ts';
import { MailboxTrouble } from '../ports/mailboxes.ts';
import { parentsOf } from './folder-name.ts';
import { type FolderRow, folderColumns } from './folder-rows.ts';

export interface NewFolder {
  readonly name: string;
  readonly specialUse?: SpecialUse;
}

/** Throws MailboxTrouble missing when there is no such account. */
export async function lockTree(tx: Queryable, account: AccountId): Promise<{ readonly name: string }> {
  const [row] = await tx.query<{ name: string }>('select name from account where id = $1 for no key update', [
    account,
  ]);
  if (!row) throw new MailboxTrouble('missing', 'there is no such account');
  return row;
}

/** The tree that a mailbox belongs to, locked; the mailbox as it is then. */
export async function lockTreeOf(
  tx: Queryable,
  id: MailboxId,
): Promise<{ readonly folder: FolderRow; readonly accountName: string }> {
  const [account] = await tx.query<{ name: string }>(
    `select a.name from account a join mailbox m on m.account = a.id where m.id = $1 for no key update of a`,
    [id],
  );
  const [folder] = await tx.query<FolderRow>(`select ${folderColumns} from mailbox m where id = $1`, [id]);
  if (!account || !folder) throw new MailboxTrouble('missing', 'there is no such mailbox');
  return { folder, accountName: account.name };
}

export async function folderByName(
  tx: Queryable,
  account: AccountId,
  name: string,
): Promise<FolderRow | undefined> {
  const [row] = await tx.query<FolderRow>(
    `select ${folderColumns} from mailbox m where account = $1 and name = $2`,
    [account, name],
  );
  return row;
}

/**
 * Makes `folder` and the parents it lacks, under lockTree. A mere level of that name becomes a mailbox again, as
 * another one: its MAILBOXID and UIDVALIDITY are new. Each new one starts with its parent's rights (RFC 4314 §3 leaves
 * the choice). Throws MailboxTrouble: exists, tooMany, useTaken.
 */
export async function plant(
  tx: Queryable,
  account: AccountId,
  folder: NewFolder,
  options: { readonly now: Date; readonly most: number },
): Promise<FolderRow> {
  const there = await folderByName(tx, account, folder.name);
  if (there?.selectable) throw new MailboxTrouble('exists', `there is a mailbox ${folder.name} already`);
  if (folder.specialUse !== undefined) await refuseTaken(tx, account, folder.specialUse, there?.id);
  if (there) return replant(tx, there.id, folder.specialUse);
  const missing = await missingOf(tx, account, parentsOf(folder.name));
  await refuseTooMany(tx, account, missing.length + 1, options.most);
  for (const name of missing) await insert(tx, account, { name }, options.now);
  return insert(tx, account, folder, options.now);
}

export async function missingOf(
  tx: Queryable,
  account: AccountId,
  names: readonly string[],
): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const rows = await tx.query<{ name: string }>(
    'select name from mailbox where account = $1 and name = any($2::text[])',
    [account, names],
  );
  const known = new Set(rows.map(({ name }) => name));
  return names.filter((name) => !known.has(name));
}

export async function refuseTooMany(
  tx: Queryable,
  account: AccountId,
  more: number,
  most: number,
): Promise<void> {
  const [row] = await tx.query<{ count: number }>('select count(*) from mailbox where account = $1', [
    account,
  ]);
  if ((row?.count ?? 0) + more > most)
    throw new MailboxTrouble('tooMany', `an account can have ${most} mailboxes, no more`);
}

/** Throws useTaken when a mailbox other than `but` has the use. */
export async function refuseTaken(
  tx: Queryable,
  account: AccountId,
  use: SpecialUse,
  but?: MailboxId,
): Promise<void> {
  const [taken] = await tx.query<{ name: string }>(
    'select name from mailbox where account = $1 and special_use = $2 and id is distinct from $3',
    [account, use, but],
  );
  if (taken) throw new MailboxTrouble('useTaken', `${taken.name} is used as ${use} already`);
}

/** Under lockTree, of a name that is free and whose parents are there. */
export async function insert(
  tx: Queryable,
  account: AccountId,
  { name, specialUse }: NewFolder,
  now: Date,
): Promise<FolderRow> {
  const [row] = await tx.query<FolderRow>(
    `insert into mailbox as m (account, name, special_use, object_id, created_at)
     values ($1, $2, $3, 'F' || replace(gen_random_uuid()::text, '-', ''), $4)
     returning ${folderColumns}`,
    [account, name, specialUse, now],
  );
  if (!row) throw new Error(`mailbox ${name} of account ${account} was not made`);
  const parent = parentsOf(name).at(-1);
  if (parent !== undefined)
    await tx.query(
      `insert into mailbox_right (mailbox, who, rights)
       select $1, r.who, r.rights from mailbox_right r join mailbox p on p.id = r.mailbox
       where p.account = $2 and p.name = $3`,
      [row.id, account, parent],
    );
  return row;
}

async function replant(tx: Queryable, id: MailboxId, use: SpecialUse | undefined): Promise<FolderRow> {
  const [row] = await tx.query<FolderRow>(
    `update mailbox m set selectable = true, special_use = $2, uid_validity = nextval('uid_validity'),
       object_id = 'F' || replace(gen_random_uuid()::text, '-', ''), mod_seq = mod_seq + 1,
       forgotten_to = mod_seq + 1, recent_from = uid_next
     where id = $1 returning ${folderColumns}`,
    [id, use],
  );
  if (!row) throw new Error(`mailbox ${id} went away under its account's lock`);
  return row;
}
