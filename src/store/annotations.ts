/**
 * store/annotations - what clients note about mailboxes and the server (ports/mailboxes, Annotations; RFC 5464).
 *
 * `/private/…` entries are one account's own, `/shared/…` ones everybody's who may read the mailbox. Names, values
 * and the number of entries are bounded.
 */
import type { AccountId, MailboxId } from '../mail/mailbox.ts';
import type { Database, Queryable } from '../ports/database.ts';
import { type Annotations, MailboxTrouble } from '../ports/mailboxes.ts';
import type { Changed } from './changed.ts';
import { inStoreWords } from './faults.ts';
import { lockTree, lockTreeOf } from './plant.ts';

export interface AnnotationLimits {
  /** Of one mailbox or of the server, shared ones and one account's own counted apart. */
  readonly entries: number;
  /** Octets. */
  readonly value: number;
}

export const usualAnnotationLimits: AnnotationLimits = { entries: 100, value: 65_536 };

export interface AnnotationsOptions {
  readonly database: Database;
  readonly changed: Changed;
  readonly limits: { readonly annotations: AnnotationLimits };
}

const longestName = 512;
/** RFC 5464 §3.1: ASCII, components parted by `/`, none empty, no wildcards. */
const entryName = /^\/(?:private|shared)(?:\/[!-$&-)+-.0-@[-~]+)+$/;

export function openAnnotations({ database, changed, limits }: AnnotationsOptions): Annotations {
  return {
    of: (of, account) =>
      inStoreWords(async () => {
        const rows = await database.query<{ name: string; value: Buffer }>(
          `select name, value from annotation
           where mailbox is not distinct from $1 and (account is null or account = $2) order by name`,
          [place(of), account],
        );
        return new Map(rows.map(({ name, value }) => [name, value.toString('latin1')]));
      }),
    set: (of, account, entries) =>
      inStoreWords(async () => {
        refuseUnfit(entries, limits.annotations);
        const owner = await database.transaction(async (tx) => {
          const owner = await lockPlace(tx, of, account);
          for (const [name, value] of entries) await write(tx, of, account, name, value);
          await refuseMany(tx, of, account, limits.annotations.entries);
          return owner;
        });
        changed.tree(owner, place(of));
      }),
  };
}

const place = (of: MailboxId | 'server'): MailboxId | undefined => (of === 'server' ? undefined : of);

function refuseUnfit(entries: ReadonlyMap<string, string | undefined>, limits: AnnotationLimits): void {
  if (entries.size > 2 * limits.entries) throw tooMany(limits.entries);
  for (const [name, value] of entries) {
    if (name.length > longestName || !entryName.test(name))
      throw new MailboxTrouble('badName', 'an annotation is named /private/… or /shared/…, in lower case');
    if ((value?.length ?? 0) > limits.value)
      throw new MailboxTrouble('tooBig', `an annotation can have ${limits.value} octets, no more`);
  }
}

const tooMany = (most: number): MailboxTrouble =>
  new MailboxTrouble('tooMany', `${most} annotations are kept, no more`);

/** Whose tree is told. */
async function lockPlace(tx: Queryable, of: MailboxId | 'server', account: AccountId): Promise<AccountId> {
  if (of !== 'server') return (await lockTreeOf(tx, of)).folder.account;
  await lockTree(tx, account);
  return account;
}

async function write(
  tx: Queryable,
  of: MailboxId | 'server',
  account: AccountId,
  name: string,
  value: string | undefined,
): Promise<void> {
  const key = [place(of), name.startsWith('/private/') ? account : undefined, name];
  if (value === undefined)
    await tx.query(
      `delete from annotation where mailbox is not distinct from $1 and account is not distinct from $2 and name = $3`,
      key,
    );
  else
    await tx.query(
      `insert into annotation (mailbox, account, name, value) values ($1, $2, $3, $4)
       on conflict (mailbox, account, name) do update set value = excluded.value`,
      [...key, Buffer.from(value, 'latin1')],
    );
}

async function refuseMany(
  tx: Queryable,
  of: MailboxId | 'server',
  account: AccountId,
  most: number,
): Promise<void> {
  const rows = await tx.query<{ count: number }>(
    `select count(*) from annotation
     where mailbox is not distinct from $1 and (account is null or account = $2) group by account`,
    [place(of), account],
  );
  if (rows.some(({ count }) => count > most)) throw tooMany(most);
}
