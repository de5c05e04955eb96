/**
 * store/fsck-tree - is one account's tree whole: INBOX, parents, names, uses, rights?
 */
import { type AccountId, allRights, specialUses } from '../mail/mailbox.ts';
import type { Queryable } from '../ports/database.ts';
import { MailboxTrouble } from '../ports/mailboxes.ts';
import type { StoreFault, StoreFinding } from '../ports/store-check.ts';
import { compareNames, folderName, parentsOf } from './folder-name.ts';
import { type FolderRow, folderColumns } from './folder-rows.ts';
import type { Run } from './fsck.ts';
import { insert, lockTree } from './plant.ts';

/** Whatever the configuration says now: names were permitted when they were given. */
const anyLength = { levels: 1_000, level: 2_000, total: 2_500 };

interface Tree {
  readonly run: Run;
  readonly tx: Queryable;
  readonly account: AccountId;
  readonly owner: string;
  readonly folders: readonly FolderRow[];
}

export async function checkTree(run: Run, tx: Queryable, account: AccountId): Promise<StoreFinding[]> {
  const owner = await ownerOf(tx, account, run.repair);
  if (owner === undefined) return [];
  const folders = await tx.query<FolderRow>(`select ${folderColumns} from mailbox m where account = $1`, [
    account,
  ]);
  const tree = { run, tx, account, owner, folders };
  return [
    ...(await inbox(tree)),
    ...(await parents(tree)),
    ...names(tree),
    ...(await uses(tree)),
    ...(await rights(tree)),
  ];
}

/** Locked where it is to be mended; undefined when it is gone meanwhile. */
async function ownerOf(tx: Queryable, account: AccountId, lock: boolean): Promise<string | undefined> {
  if (!lock) {
    const [row] = await tx.query<{ name: string }>('select name from account where id = $1', [account]);
    return row?.name;
  }
  try {
    return (await lockTree(tx, account)).name;
  } catch (thrown) {
    if (thrown instanceof MailboxTrouble) return undefined;
    throw thrown;
  }
}

/** Does `mend` when the run is to repair. */
async function found(
  { run, owner }: Tree,
  fault: StoreFault,
  name: string,
  text: string,
  mend: () => Promise<unknown>,
): Promise<StoreFinding> {
  if (run.repair) await mend();
  return { fault, where: `${owner}/${name}`, text, mending: run.repair ? 'mended' : 'can be mended' };
}

async function inbox(tree: Tree): Promise<StoreFinding[]> {
  const { tx, account, folders, run } = tree;
  const there = folders.find(({ name }) => name === 'INBOX');
  if (there?.selectable) return [];
  const text = there
    ? 'INBOX is a mere level of names: made a mailbox'
    : 'the account has no INBOX: made, empty';
  const mend = async (): Promise<unknown> =>
    there
      ? tx.query('update mailbox set selectable = true where id = $1', [there.id])
      : insert(tx, account, { name: 'INBOX' }, run.now());
  return [await found(tree, 'noInbox', 'INBOX', text, mend)];
}

async function parents(tree: Tree): Promise<StoreFinding[]> {
  const { tx, account, folders, run } = tree;
  const there = new Set(folders.map(({ name }) => name).concat('INBOX'));
  const missing = new Set(folders.flatMap(({ name }) => parentsOf(name)).filter((name) => !there.has(name)));
  const findings: StoreFinding[] = [];
  for (const name of [...missing].sort(compareNames)) {
    const mend = async (): Promise<void> => {
      const { id } = await insert(tx, account, { name }, run.now());
      await tx.query('update mailbox set selectable = false where id = $1', [id]);
    };
    findings.push(
      await found(
        tree,
        'noParent',
        name,
        'there are mailboxes below this name, and nothing of this name',
        mend,
      ),
    );
  }
  return findings;
}

function names({ owner, folders }: Tree): StoreFinding[] {
  return folders.flatMap(({ name }): StoreFinding[] => {
    try {
      if (folderName(name, anyLength) === name) return [];
    } catch (thrown) {
      if (!(thrown instanceof MailboxTrouble)) throw thrown;
    }
    const where = `${owner}/${name}`;
    const text = 'clients cannot use this name: give it another one (isthmus mailbox rename)';
    return [{ fault: 'badName', where, text, mending: 'lost' }];
  });
}

async function uses(tree: Tree): Promise<StoreFinding[]> {
  const known: readonly string[] = specialUses;
  const findings: StoreFinding[] = [];
  for (const { id, name, special_use: use, selectable } of tree.folders) {
    if (use === null || (known.includes(use) && selectable && name !== 'INBOX')) continue;
    const mend = () => tree.tx.query('update mailbox set special_use = null where id = $1', [id]);
    findings.push(await found(tree, 'badUse', name, `it cannot be used as ${use}`, mend));
  }
  return findings;
}

async function rights(tree: Tree): Promise<StoreFinding[]> {
  const rows = await tree.tx.query<{ mailbox: number; who: string; rights: string; known: boolean }>(
    `select r.mailbox, r.who, r.rights,
       ltrim(r.who, '-') = 'anyone' or exists (select from account a where a.name = regexp_replace(r.who, '^-', '')) as known
     from mailbox_right r join mailbox m on m.id = r.mailbox where m.account = $1 order by r.mailbox, r.who`,
    [tree.account],
  );
  const findings: StoreFinding[] = [];
  for (const { mailbox, who, rights, known } of rows) {
    const letters = [...allRights].filter((right) => rights.includes(right)).join('');
    if (known && letters === rights && rights !== '') continue;
    const name = tree.folders.find(({ id }) => id === mailbox)?.name ?? '';
    const keep = known && letters !== '';
    const text = keep
      ? `rights of ${who} are spelt ${rights}, not ${letters}`
      : `rights ${JSON.stringify(rights)} of ${who}, whom nobody knows or who gets none`;
    const mend = () =>
      keep
        ? tree.tx.query('update mailbox_right set rights = $3 where mailbox = $1 and who = $2', [
            mailbox,
            who,
            letters,
          ])
        : tree.tx.query('delete from mailbox_right where mailbox = $1 and who = $2', [mailbox, who]);
    findings.push(await found(tree, 'badRight', name, text, mend));
  }
  return findings;
}
