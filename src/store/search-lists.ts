/**
 * store/search-lists - messages found, in the order a client wants (RFC 5256 §3, RFC 5957 §3), or with what threading needs.
 *
 * By a key that asks for rows only; one snapshot, streamed.
 */
import type { MailboxId } from '../mail/mailbox.ts';
import type { SortBy, SortCriterion, ThreadRow } from '../mail/search.ts';
import type { Uid } from '../mail/uid-set.ts';
import type { Database } from '../ports/database.ts';
import type { Plain } from './search-key.ts';
import { anyText, condition, Values } from './search-sql.ts';

const together = 5_000;

/** Texts are folded already: by octets is i;unicode-casemap. A message without a date goes by its internal date. */
const columns: Readonly<Record<SortBy, string>> = {
  arrival: 'm.internal_date',
  cc: 'b.sort_cc collate "C"',
  date: 'coalesce(b.sent_at, m.internal_date)',
  from: 'b.sort_from collate "C"',
  size: 'm.size',
  subject: 'b.sort_subject collate "C"',
  to: 'b.sort_to collate "C"',
  displayFrom: 'b.display_from collate "C"',
  displayTo: 'b.display_to collate "C"',
};

const rowsOnly: ReadonlySet<SortBy> = new Set(['arrival', 'size']);

interface Asked {
  readonly mailbox: MailboxId;
  readonly key: Plain;
  readonly now: Date;
}

export async function* inOrder(
  database: Database,
  { mailbox, key, now }: Asked,
  by: readonly SortCriterion[],
  signal: AbortSignal,
): AsyncGenerator<readonly Uid[]> {
  const values = new Values();
  const inMailbox = values.add(mailbox, 'int8');
  const where = condition(key, values, now, anyText);
  const join = by.every((each) => rowsOnly.has(each.by)) && !where.includes('b.') ? '' : joinBody;
  const order = [...by.map((each) => `${columns[each.by]}${each.reverse ? ' desc' : ''}`), 'm.uid'];
  const text = `select m.uid from mailbox_message m ${join}
    where m.mailbox = ${inMailbox} and ${where} order by ${order.join(', ')}`;
  let batch: Uid[] = [];
  for await (const { uid } of database.rows<{ uid: Uid }>(text, values.list, signal, together)) {
    batch.push(uid);
    if (batch.length < together) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

const joinBody = 'join body b on b.id = m.body';

interface Row {
  readonly uid: Uid;
  readonly sent_at: Date;
  readonly is_reply: boolean;
  readonly sort_subject: string;
  readonly message_id: string | null;
  readonly refs: string[];
}

export async function* forThreads(
  database: Database,
  { mailbox, key, now }: Asked,
  signal: AbortSignal,
): AsyncGenerator<readonly ThreadRow[]> {
  const values = new Values();
  const inMailbox = values.add(mailbox, 'int8');
  const where = condition(key, values, now, anyText);
  const text = `select m.uid, coalesce(b.sent_at, m.internal_date) as sent_at, b.message_id, b.refs, b.is_reply,
      b.sort_subject
    from mailbox_message m ${joinBody} where m.mailbox = ${inMailbox} and ${where} order by m.uid`;
  let batch: ThreadRow[] = [];
  for await (const row of database.rows<Row>(text, values.list, signal, together)) {
    batch.push(threadRow(row));
    if (batch.length < together) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** A mark in front of the base subject says as much to an algorithm as all that stood around it (RFC 5256 §2.1). */
const threadRow = (row: Row): ThreadRow => ({
  uid: row.uid,
  sentAt: row.sent_at,
  subject: `${row.is_reply ? 'Re: ' : ''}${row.sort_subject}`,
  ...(row.message_id === null ? {} : { messageId: row.message_id }),
  references: row.refs,
});
