/**
 * store/folder-rows - mailboxes as their table keeps them, and the way to mail/mailbox.
 */
import type { MailFolder, SpecialUse } from '../mail/mailbox.ts';
import { type StatusRow, statusColumns, statusOf } from './status.ts';

export interface FolderRow extends StatusRow {
  readonly id: number;
  readonly account: number;
  readonly name: string;
  readonly selectable: boolean;
  readonly special_use: string | null;
  readonly object_id: string;
}

/** The columns of FolderRow, from table or alias `m`. */
export const folderColumns = `id, account, name, selectable, special_use, object_id, ${statusColumns}`
  .split(', ')
  .map((name) => `m.${name}`)
  .join(', ');

export function folderOf(row: FolderRow): MailFolder {
  return {
    id: row.id,
    account: row.account,
    name: row.name,
    selectable: row.selectable,
    ...(row.special_use === null ? {} : { specialUse: row.special_use as SpecialUse }),
    objectId: row.object_id,
    status: statusOf(row),
  };
}
