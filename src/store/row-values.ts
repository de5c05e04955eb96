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
  /** Seconds since 1970: cheaper to read than dates, and a mailbox has very many. */
  readonly internal_date: number;
  readonly saved_date: number;
  readonly size: number;
  readonly body: number;
  readonly uidl: string | null;
  readonly thread: Buffer;
  readonly structure?: string | null;
  readonly preview?: string | null;
}

/** From mailbox_message as m; its body is only looked at where the row does not know the thread. */
export const messageColumns = `
  m.uid, m.mod_seq, m.system, m.keywords, m.size, m.body, m.uidl,
  date_part('epoch', m.internal_date) as internal_date, date_part('epoch', m.saved_date) as saved_date,
  coalesce(m.thread, (select t.thread from body t where t.id = m.body)) as thread`;

export const messageRow = (row: JoinedRow): MessageRow => ({
  uid: row.uid,
  modSeq: row.mod_seq,
  flags: { system: row.system, keywords: row.keywords ?? [] },
  internalDate: new Date(row.internal_date * 1000),
  savedDate: new Date(row.saved_date * 1000),
  size: row.size,
  emailId: emailIdOf(row.body),
  threadId: threadIdOf(row.thread),
  body: row.body,
  ...(row.uidl === null ? {} : { uidl: row.uidl }),
  ...(typeof row.structure === 'string' ? { structure: row.structure } : {}),
  ...(typeof row.preview === 'string' ? { preview: row.preview } : {}),
});
