/**
 * store/changes - what happened in a mailbox after a MODSEQ, as of one instant.
 */
import type { MailboxId, MailboxStatus, MessageRow, ModSeq } from '../mail/mailbox.ts';
import type { UidRange } from '../mail/uid-set.ts';
import type { Database, Queryable } from '../ports/database.ts';
import { MailboxGone } from '../ports/messages.ts';
import { type PagesRow, pagesOf, readPages } from './page-statements.ts';
import { type JoinedRow, messageColumns, messageRow } from './row-values.ts';
import { islands } from './selection.ts';
import { type StatusRow, statusColumns, statusOf } from './status.ts';
import { gaps, rangesOfPages } from './uid-pages.ts';

export interface Changes {
  readonly status: MailboxStatus;
  readonly gone: readonly UidRange[];
  readonly rows: readonly MessageRow[];
  readonly forgotten: boolean;
  readonly more: boolean;
}

/** Rows answered at once; a few more where several share the last MODSEQ, which is never cut. */
const mostRows = 1000;

export async function changes(database: Database, mailbox: MailboxId, since: ModSeq): Promise<Changes> {
  return database.transaction(async (tx) => {
    const [, box, gone, rows] = await Promise.all([
      tx.query('set transaction isolation level repeatable read read only'),
      readStatus(tx, mailbox),
      goneSince(tx, mailbox, since),
      changedSince(tx, mailbox, since),
    ]);
    const status = statusOf(box);
    const forgotten = since < box.forgotten_to;
    return {
      status,
      gone: forgotten ? await everGone(tx, mailbox, status.uidNext - 1) : gone,
      rows,
      forgotten,
      more: rows.length >= mostRows && (rows.at(-1)?.modSeq ?? 0) < status.highestModSeq,
    };
  });
}

async function readStatus(
  tx: Queryable,
  mailbox: MailboxId,
): Promise<StatusRow & { readonly forgotten_to: number }> {
  const [row] = await tx.query<StatusRow & { forgotten_to: number }>(
    `select ${statusColumns}, forgotten_to from mailbox where id = $1 and selectable`,
    [mailbox],
  );
  if (row === undefined) throw new MailboxGone(`mailbox ${mailbox} is not there any more`);
  return row;
}

const goneStatement = islands('(select uid from expunged where mailbox = $1 and mod_seq > $2) e');

const goneSince = (tx: Queryable, mailbox: MailboxId, since: ModSeq): Promise<UidRange[]> =>
  tx.query<{ first: number; last: number }>(goneStatement, [mailbox, since]);

async function changedSince(tx: Queryable, mailbox: MailboxId, since: ModSeq): Promise<MessageRow[]> {
  const rows = await tx.query<JoinedRow>(
    `select ${messageColumns}
     from (
       select * from mailbox_message where mailbox = $1 and mod_seq > $2
       order by mod_seq fetch first ${mostRows} rows with ties
     ) m
     order by m.mod_seq, m.uid`,
    [mailbox, since],
  );
  return rows.map(messageRow);
}

/** What the mailbox does not have up to `last`. */
async function everGone(tx: Queryable, mailbox: MailboxId, last: number): Promise<UidRange[]> {
  const [row] = await tx.query<PagesRow>(readPages('$1'), [mailbox]);
  return [...gaps(rangesOfPages(pagesOf(row ?? { pages: null, bits: null, full_pages: null })), last)];
}
