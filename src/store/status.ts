/**
 * store/status - the columns of a mailbox that make its status.
 */
import type { MailboxStatus } from '../mail/mailbox.ts';

export const statusColumns =
  'uid_validity, uid_next, mod_seq, messages, unseen, deleted, size, deleted_size, recent_from';

export interface StatusRow {
  readonly uid_validity: number;
  readonly uid_next: number;
  readonly mod_seq: number;
  readonly messages: number;
  readonly unseen: number;
  readonly deleted: number;
  readonly size: number;
  readonly deleted_size: number;
  readonly recent_from: number;
}

export const statusOf = (row: StatusRow): MailboxStatus => ({
  uidValidity: row.uid_validity,
  uidNext: row.uid_next,
  highestModSeq: row.mod_seq,
  messages: row.messages,
  unseen: row.unseen,
  deleted: row.deleted,
  size: row.size,
  deletedSize: row.deleted_size,
  recentFrom: row.recent_from,
});
