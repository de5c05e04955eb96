/**
 * store/mailboxes - the trees of hosted accounts (ports/mailboxes, Mailboxes).
 *
 * A parent's row is there as long as a child's is; one that was removed above its children stays as a mere level of
 * names. All changes of one tree go one by one (store/plant).
 */
import type { AccountId, MailboxId, MailFolder, SpecialUse } from '../mail/mailbox.ts';
import type { Database, Queryable } from '../ports/database.ts';
import { type Mailboxes, MailboxTrouble } from '../ports/mailboxes.ts';
import type { Changed } from './changed.ts';
import { clearMailbox, handOver } from './clear-mailbox.ts';
import { inStoreWords } from './faults.ts';
import { compareNames, folderName, type NameLimits, parentsOf } from './folder-name.ts';
import { type FolderRow, folderColumns, folderOf } from './folder-rows.ts';
import {
  folderByName,
  insert,
  lockTree,
  lockTreeOf,
  missingOf,
  plant,
  refuseTaken,
  refuseTooMany,
} from './plant.ts';

export interface MailboxesOptions {
  readonly database: Database;
  readonly changed: Changed;
  readonly now: () => Date;
  readonly limits: { readonly names: NameLimits; readonly mailboxesPerAccount: number };
}

export function openMailboxes(options: MailboxesOptions): Mailboxes {
  const { database, changed, limits } = options;
  return {
    list: (account) => inStoreWords(() => list(database, account)),
    get: (account, name) =>
      inStoreWords(async () => {
        const known = possible(name, limits.names);
        const row = known === undefined ? undefined : await folderByName(database, account, known);
        return row && folderOf(row);
      }),
    byId: (id) =>
      inStoreWords(async () => {
        const [row] = await database.query<FolderRow>(
          `select ${folderColumns} from mailbox m where id = $1`,
          [id],
        );
        return row && folderOf(row);
      }),
    create: (account, name, { specialUse } = {}) =>
      inStoreWords(async () => {
        const folder = { name: folderName(name, limits.names), ...(specialUse ? { specialUse } : {}) };
        const row = await database.transaction(async (tx) => {
          await lockTree(tx, account);
          return plant(tx, account, folder, { now: options.now(), most: limits.mailboxesPerAccount });
        });
        changed.tree(account, row.id);
        return folderOf(row);
      }),
    remove: (id) => inStoreWords(() => remove(options, id)),
    rename: (id, name) => inStoreWords(() => rename(options, id, folderName(name, limits.names))),
    setSpecialUse: (id, use) => inStoreWords(() => setSpecialUse(options, id, use)),
  };
}

async function list(database: Database, account: AccountId): Promise<MailFolder[]> {
  const rows = await database.query<FolderRow>(`select ${folderColumns} from mailbox m where account = $1`, [
    account,
  ]);
  return rows.map(folderOf).sort((a, b) => compareNames(a.name, b.name));
}

/** A name that no mailbox can have names none. */
function possible(name: string, limits: NameLimits): string | undefined {
  try {
    return folderName(name, limits);
  } catch (thrown) {
    if (thrown instanceof MailboxTrouble) return undefined;
    throw thrown;
  }
}

async function remove({ database, changed, now }: MailboxesOptions, id: MailboxId): Promise<void> {
  const { account, modSeq } = await database.transaction(async (tx) => {
    const { folder, accountName } = await lockTreeOf(tx, id);
    if (folder.name === 'INBOX') throw new MailboxTrouble('inbox', 'INBOX cannot be removed');
    const parent = await hasChildren(tx, folder);
    if (parent && !folder.selectable)
      throw new MailboxTrouble('hasChildren', `${folder.name} holds other mailboxes: remove those first`);
    const of = { account: folder.account, accountName, mailboxName: folder.name };
    const cleared = await clearMailbox(tx, id, of, now());
    if (parent) await leaveLevel(tx, id);
    else await tx.query('delete from mailbox where id = $1', [id]);
    return { account: folder.account, modSeq: cleared };
  });
  changed.messages(account, id, modSeq);
  changed.tree(account, id);
}

async function hasChildren(tx: Queryable, { account, name }: FolderRow): Promise<boolean> {
  const rows = await tx.query('select from mailbox where account = $1 and starts_with(name, $2) limit 1', [
    account,
    `${name}/`,
  ]);
  return rows.length > 0;
}

async function leaveLevel(tx: Queryable, id: MailboxId): Promise<void> {
  await tx.query('update mailbox set selectable = false, special_use = null where id = $1', [id]);
  await tx.query('delete from mailbox_right where mailbox = $1', [id]);
  await tx.query('delete from annotation where mailbox = $1', [id]);
}

async function rename(options: MailboxesOptions, id: MailboxId, name: string): Promise<void> {
  const { database, changed, limits, now } = options;
  const { account, inbox } = await database.transaction(async (tx) => {
    const { folder } = await lockTreeOf(tx, id);
    if (name === folder.name || (await folderByName(tx, folder.account, name)))
      throw new MailboxTrouble('exists', `there is a mailbox ${name} already`);
    const missing = await missingOf(tx, folder.account, parentsOf(name));
    const isInbox = folder.name === 'INBOX';
    if (missing.length > 0 || isInbox)
      await refuseTooMany(tx, folder.account, missing.length + (isInbox ? 1 : 0), limits.mailboxesPerAccount);
    if (!isInbox && name.startsWith(`${folder.name}/`))
      throw new MailboxTrouble('intoItself', `${folder.name} cannot be moved into itself`);
    for (const parent of missing) await insert(tx, folder.account, { name: parent }, now());
    if (!isInbox) {
      await renameTree(tx, folder, name, limits.names);
      return { account: folder.account };
    }
    const fresh = await insert(tx, folder.account, { name }, now());
    return {
      account: folder.account,
      inbox: { fresh: fresh.id, modSeqs: await handOver(tx, id, fresh.id) },
    };
  });
  changed.tree(account, id);
  if (!inbox) return;
  changed.messages(account, id, inbox.modSeqs.from);
  changed.messages(account, inbox.fresh, inbox.modSeqs.to);
}

/** Throws badName when a child's name would become too long. */
async function renameTree(
  tx: Queryable,
  { account, name: old }: FolderRow,
  name: string,
  limits: NameLimits,
): Promise<void> {
  const rows = await tx.query<{ id: number; name: string }>(
    `select id, name from mailbox where account = $1 and (name = $2 or starts_with(name, $3)) order by id for update`,
    [account, old, `${old}/`],
  );
  const names = rows.map((row) => folderName(name + row.name.slice(old.length), limits));
  await tx.query(
    `update mailbox m set name = n.name from unnest($1::bigint[], $2::text[]) as n (id, name) where m.id = n.id`,
    [rows.map(({ id }) => id), names],
  );
}

async function setSpecialUse(
  { database, changed }: MailboxesOptions,
  id: MailboxId,
  use: SpecialUse | undefined,
): Promise<void> {
  const account = await database.transaction(async (tx) => {
    const { folder } = await lockTreeOf(tx, id);
    if (use !== undefined) {
      if (folder.name === 'INBOX') throw new MailboxTrouble('inbox', 'INBOX has its own use');
      if (!folder.selectable)
        throw new MailboxTrouble('missing', `${folder.name} is a level of names, not a mailbox`);
      await refuseTaken(tx, folder.account, use, id);
    }
    await tx.query('update mailbox set special_use = $2 where id = $1', [id, use]);
    return folder.account;
  });
  changed.tree(account, id);
}
