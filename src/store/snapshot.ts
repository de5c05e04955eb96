/**
 * store/snapshot - a mailbox as of one instant, for SELECT: status, UIDs, keywords.
 *
 * One statement, so one instant. A mailbox of a million messages is a thousand rows of bitmaps here, and few of them not full.
 */
import type { MailboxId } from '../mail/mailbox.ts';
import { type UidRange, UidSet } from '../mail/uid-set.ts';
import type { Database, Queryable } from '../ports/database.ts';
import { MailboxGone, type Snapshot } from '../ports/messages.ts';
import { type PagesRow, pagesOf, readPages } from './page-statements.ts';
import { type StatusRow, statusColumns, statusOf } from './status.ts';
import { rangesOfPages } from './uid-pages.ts';

interface Row extends StatusRow, PagesRow {
  readonly keywords: string[];
  readonly first_unseen: number | null;
}

const statement = `
  select ${statusColumns}, keywords, p.*, u.first_unseen
  from mailbox m
  cross join lateral (${readPages('m.id')}) p
  left join lateral (
    select uid as first_unseen from mailbox_message
    where mailbox = m.id and system & 1 = 0 order by uid limit 1
  ) u on true
  where m.id = $1 and selectable`;

export async function snapshot(
  database: Database,
  mailbox: MailboxId,
  takeRecent: boolean,
  mostKeywords: number,
): Promise<Snapshot> {
  const first = await read(database, mailbox);
  // Most SELECTs find nothing recent, and need no lock.
  const row = takeRecent && first.recent_from < first.uid_next ? await taken(database, mailbox) : first;
  return {
    status: statusOf(row),
    uids: UidSet.of(rangesOfPages(pagesOf(row))),
    ...(row.first_unseen === null ? {} : { firstUnseen: row.first_unseen }),
    keywords: row.keywords,
    mayAddKeywords: row.keywords.length < mostKeywords,
  };
}

async function read(database: Queryable, mailbox: MailboxId): Promise<Row> {
  const [row] = await database.query<Row>(statement, [mailbox]);
  if (row === undefined) throw new MailboxGone(`mailbox ${mailbox} is not there any more`);
  return row;
}

/** Two sessions that select at once: one of them gets what is recent. */
async function taken(database: Database, mailbox: MailboxId): Promise<Row> {
  return database.transaction(async (tx) => {
    const [, row] = await Promise.all([
      tx.query('select from mailbox where id = $1 for update', [mailbox]),
      read(tx, mailbox),
      tx.query('update mailbox set recent_from = uid_next where id = $1', [mailbox]),
    ]);
    return row;
  });
}

/** Nothing is written where nothing is recent; the mailbox may be gone. */
export async function takeRecent(database: Database, mailbox: MailboxId): Promise<UidRange | undefined> {
  const [row] = await database.transaction(async (tx) => {
    const [, rows] = await Promise.all([
      tx.query('select from mailbox where id = $1 for update', [mailbox]),
      tx.query<{ first: number; last: number }>(
        `select recent_from as first, uid_next - 1 as last from mailbox
         where id = $1 and recent_from < uid_next`,
        [mailbox],
      ),
      tx.query('update mailbox set recent_from = uid_next where id = $1 and recent_from < uid_next', [
        mailbox,
      ]),
    ]);
    return rows;
  });
  return row;
}
