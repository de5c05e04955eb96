/**
 * store/sweep-keywords - keywords that no message of their mailbox has any more make room for others.
 *
 * Only where a mailbox has so many that the bound is in sight: nobody else misses the room.
 */
import type { MailboxId } from '../mail/mailbox.ts';
import type { Database } from '../ports/database.ts';

/** Says how many went. */
export async function sweepKeywords(database: Database, worth: number, signal: AbortSignal): Promise<number> {
  const rows = await database.query<{ id: number }>(
    'select id from mailbox where cardinality(keywords) >= $1 order by id',
    [worth],
  );
  let total = 0;
  for (const { id } of rows) {
    signal.throwIfAborted();
    total += await prune(database, id);
  }
  return total;
}

async function prune(database: Database, mailbox: MailboxId): Promise<number> {
  return database.transaction(async (tx) => {
    const [rows, used] = await Promise.all([
      tx.query<{ keywords: string[] }>('select keywords from mailbox where id = $1 for update', [mailbox]),
      tx.query<{ keyword: string }>(
        `select distinct k.keyword from mailbox_message m, unnest(m.keywords) as k (keyword)
         where m.mailbox = $1 and m.keywords is not null`,
        [mailbox],
      ),
    ]);
    const keywords = rows[0]?.keywords ?? [];
    const inUse = new Set(used.map(({ keyword }) => keyword));
    const left = keywords.filter((keyword) => inUse.has(keyword));
    if (left.length < keywords.length)
      await tx.query('update mailbox set keywords = $2 where id = $1', [mailbox, left]);
    return keywords.length - left.length;
  });
}
