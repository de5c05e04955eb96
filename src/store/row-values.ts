/**
 * store/row-values - rows of mailbox_message with their body, and the values made of them.
 */
import type { MessageRow } from '../mail/mailbox.ts';
import { emailIdOf, threadIdOf } from './object-ids.ts';

export interface JoinedRow {
  readonly uid: number;
  readonly mod_seq: number;
  readonly system: number;
  readonly keywords: string[] | null;
  readonly internal_date: Date;
  readonly saved_date: Date;
  readonly size: number;
  readonly body: number;
  readonly uidl: string | null;
  readonly thread: Buffer;
  readonly structure?: string | null;
  readonly preview?: string | null;
}

/** From mailbox_message as m; its body is only looked at where the row does not know the thread. */
export const messageColumns = `
  m.uid, m.mod_seq, m.system, m.keywords, m.internal_date, m.saved_date, m.size, m.body, m.uidl,
  coalesce(m.thread, (select t.thread from body t where t.id = m.body)) as thread`;

export const messageRow = (row: JoinedRow): MessageRow => ({
  uid: row.uid,
  modSeq: row.mod_seq,
  flags: { system: row.system, keywords: row.keywords ?? [] },
  internalDate: row.internal_date,
  savedDate: row.saved_date,
  size: row.size,
  emailId: emailIdOf(row.body),
  threadId: threadIdOf(row.thread),
  body: row.body,
  ...(row.uidl === null ? {} : { uidl: row.uidl }),
  ...(typeof row.structure === 'string' ? { structure: row.structure } : {}),
  ...(typeof row.preview === 'string' ? { preview: row.preview } : {}),
});
