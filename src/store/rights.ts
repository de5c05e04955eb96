/**
 * store/rights - who may do what in whose mailboxes (ports/mailboxes, Rights; RFC 4314).
 *
 * What an account may do is what its own entry and `anyone`'s give together, less what `-` entries of either take
 * away (RFC 4314 §2). The owner has every right, always, and needs no entry.
 */
import { type AccountId, allRights, type MailboxId, type RightsSet } from '../mail/mailbox.ts';
import type { Database, Queryable } from '../ports/database.ts';
import { MailboxTrouble, type Rights } from '../ports/mailboxes.ts';
import type { Changed } from './changed.ts';
import { inStoreWords } from './faults.ts';
import { type FolderRow, folderColumns, folderOf } from './folder-rows.ts';
import { lockTreeOf } from './plant.ts';

export interface RightsOptions {
  readonly database: Database;
  readonly changed: Changed;
  readonly limits: {
    readonly rightsPerMailbox: number;
    /** Of others' mailboxes that one account is shown. */
    readonly sharedPerAccount: number;
  };
}

type Entries = readonly { readonly who: string; readonly rights: string }[];

export function openRights(options: RightsOptions): Rights {
  const { database } = options;
  return {
    of: (id, account) => inStoreWords(() => of(database, id, account)),
    entries: (id) => inStoreWords(() => entries(database, id)),
    set: (id, identifier, rights) => inStoreWords(() => set(options, id, identifier, rights)),
    shared: (account) => inStoreWords(() => shared(options, account)),
  };
}

/** In the order of RFC 4314 §2.1, without letters that are none. */
const inOrder = (letters: string): RightsSet =>
  [...allRights].filter((right) => letters.includes(right)).join('');

function effective(all: Entries): RightsSet {
  const [given, taken] = [false, true].map((negative) =>
    all
      .filter(({ who }) => who.startsWith('-') === negative)
      .map(({ rights }) => rights)
      .join(''),
  );
  return inOrder([...(given ?? '')].filter((right) => !taken?.includes(right)).join(''));
}

async function of(database: Database, id: MailboxId, account: AccountId): Promise<RightsSet> {
  const rows = await database.query<{ owner: number; who: string | null; rights: string | null }>(
    `select m.account as owner, r.who, r.rights from mailbox m
     left join account a on a.id = $2 and a.id <> m.account
     left join mailbox_right r on r.mailbox = m.id and r.who in (a.name, '-' || a.name, 'anyone', '-anyone')
       and a.id is not null
     where m.id = $1`,
    [id, account],
  );
  if (rows[0]?.owner === account) return allRights;
  return effective(
    rows.flatMap(({ who, rights }) => (who === null || rights === null ? [] : [{ who, rights }])),
  );
}

async function entries(database: Database, id: MailboxId): Promise<ReadonlyMap<string, RightsSet>> {
  const [owner] = await database.query<{ name: string }>(
    'select a.name from account a join mailbox m on m.account = a.id where m.id = $1',
    [id],
  );
  if (!owner) throw new MailboxTrouble('missing', 'there is no such mailbox');
  const rows = await database.query<{ who: string; rights: string }>(
    'select who, rights from mailbox_right where mailbox = $1 order by who',
    [id],
  );
  return new Map([
    [owner.name, allRights],
    ...rows.map(({ who, rights }): [string, RightsSet] => [who, rights]),
  ]);
}

async function set(
  { database, changed, limits }: RightsOptions,
  id: MailboxId,
  identifier: string,
  letters: RightsSet,
): Promise<void> {
  const who = identifier.normalize('NFC').toLowerCase();
  const rights = inOrder(letters);
  const told = await database.transaction(async (tx) => {
    const { folder, accountName } = await lockTreeOf(tx, id);
    if (!folder.selectable)
      throw new MailboxTrouble('missing', `${folder.name} is a level of names, not a mailbox`);
    if (rights === '') {
      await tx.query('delete from mailbox_right where mailbox = $1 and who = $2', [id, who]);
    } else {
      await refuseUnknown(tx, who, accountName);
      await refuseMore(tx, id, who, limits.rightsPerMailbox);
      await tx.query(
        `insert into mailbox_right (mailbox, who, rights) values ($1, $2, $3)
         on conflict (mailbox, who) do update set rights = excluded.rights`,
        [id, who, rights],
      );
    }
    const [other] = await tx.query<{ id: number }>('select id from account where name = $1', [
      who.replace(/^-/, ''),
    ]);
    return [folder.account, ...(other ? [other.id] : [])];
  });
  for (const account of told) changed.tree(account, id);
}

async function refuseUnknown(tx: Queryable, who: string, owner: string): Promise<void> {
  const name = who.replace(/^-/, '');
  if (name === 'anyone') return;
  if (name === owner)
    throw new MailboxTrouble('unknownIdentifier', `${owner} owns the mailbox and has all rights, always`);
  // Held, so that a renaming finds the entry.
  const rows = await tx.query('select from account where name = $1 for key share', [name]);
  if (rows.length === 0) throw new MailboxTrouble('unknownIdentifier', `there is no account ${name}`);
}

async function refuseMore(tx: Queryable, id: MailboxId, who: string, most: number): Promise<void> {
  const [row] = await tx.query<{ count: number }>(
    'select count(*) from mailbox_right where mailbox = $1 and who <> $2',
    [id, who],
  );
  if ((row?.count ?? 0) >= most)
    throw new MailboxTrouble('tooMany', `a mailbox can have ${most} entries of rights, no more`);
}

async function shared({ database, limits }: RightsOptions, account: AccountId): ReturnType<Rights['shared']> {
  const rows = await database.query<FolderRow & { owner: string; entries: Entries }>(
    `select ${folderColumns}, o.name as owner, jsonb_agg(jsonb_build_object('who', r.who, 'rights', r.rights)) as entries
     from account a
     join mailbox_right r on r.who in (a.name, '-' || a.name, 'anyone', '-anyone')
     join mailbox m on m.id = r.mailbox and m.account <> a.id
     join account o on o.id = m.account
     where a.id = $1
     group by m.id, o.name
     having bool_or(r.who not like '-%' and r.rights like '%l%')
     order by o.name, m.name limit $2`,
    [account, limits.sharedPerAccount],
  );
  return rows
    .map((row) => ({ owner: row.owner, mailbox: folderOf(row), rights: effective(row.entries) }))
    .filter(({ rights }) => rights.includes('l'));
}
