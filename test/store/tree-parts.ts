/** What the tests of the tree share: a fresh database, its tree, a clock, and messages put in by SQL. */
import type { AccountId, MailboxId } from '../../src/mail/mailbox.ts';
import type { Database } from '../../src/ports/database.ts';
import type { Changed } from '../../src/store/changed.ts';
import { openTree, type Tree, type TreeOptions } from '../../src/store/tree.ts';
import { freshDatabase } from '../fixture/database.ts';

export interface Garden extends AsyncDisposable {
  readonly database: Database;
  readonly tree: Tree;
  /** What was said, in order: `tree 1 2`, `messages 1 2 3`. */
  readonly said: string[];
}

export const startedAt = new Date('2026-11-29T12:00:00Z');

export async function garden(options: Partial<TreeOptions> = {}): Promise<Garden> {
  const fresh = await freshDatabase();
  const said: string[] = [];
  const changed: Changed = {
    messages: (account, mailbox, modSeq) => said.push(`messages ${account} ${mailbox} ${modSeq}`),
    tree: (account, mailbox) => said.push(`tree ${account} ${mailbox ?? '-'}`),
  };
  const tree = openTree({ database: fresh.database, changed, now: () => startedAt, ...options });
  return { database: fresh.database, tree, said, [Symbol.asyncDispose]: () => fresh.drop() };
}

/** UIDs uidNext … of tiny messages, as an append would leave them. */
export async function grow(database: Database, mailbox: MailboxId, count: number): Promise<void> {
  await database.transaction(async (tx) => {
    const [body] = await tx.query<{ id: number }>(
      `insert into body (hash, size, content, structure, thread, staged_at)
       values (sha256(gen_random_uuid()::text::bytea), 10, '0123456789', '', '\\x00', now()) returning id`,
    );
    const [at] = await tx.query<{ first: number }>(
      `update mailbox set uid_next = uid_next + $2, mod_seq = mod_seq + 1, messages = messages + $2,
         unseen = unseen + $2, size = size + 10 * $2 where id = $1 returning uid_next - $2 as first`,
      [mailbox, count],
    );
    await tx.query(
      `insert into mailbox_message (mailbox, uid, mod_seq, internal_date, saved_date, body, size)
       select $1, uid, (select mod_seq from mailbox where id = $1), now(), now(), $4, 10
       from generate_series($2::bigint, $3::bigint) as uid`,
      [mailbox, at!.first, at!.first + count - 1, body!.id],
    );
    await tx.query(
      `insert into uid_page (mailbox, page, bits) select $1, page, decode(repeat('ff', 128), 'hex')
       from generate_series($2::int, $3::int) as page`,
      [mailbox, Math.floor(at!.first / 1024), Math.floor((at!.first + count - 1) / 1024)],
    );
  });
}

export async function names(tree: Tree, account: AccountId): Promise<string[]> {
  return (await tree.mailboxes.list(account)).map(({ name, selectable }) =>
    selectable ? name : `(${name})`,
  );
}

/** The name of the fault that was thrown. */
export async function fault(doing: Promise<unknown>): Promise<string> {
  try {
    await doing;
  } catch (thrown) {
    const { fault, name } = thrown as { fault?: string; name: string };
    return fault ?? name;
  }
  return 'no fault';
}
