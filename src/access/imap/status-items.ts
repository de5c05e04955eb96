/**
 * access/imap/status-items - what STATUS tells of a mailbox (RFC 9051 §6.3.11), also in LIST (RFC 5819) and NOTIFY.
 */
import type { MailFolder } from '../../mail/mailbox.ts';
import type { StatusWish } from '../../protocol/imap/request/mailboxes.ts';
import type { StatusItem } from '../../protocol/imap/respond/mailboxes.ts';
import type { Session } from './session.ts';

export async function statusItems(
  session: Session,
  folder: MailFolder,
  wishes: readonly StatusWish[],
): Promise<readonly StatusItem[]> {
  const { status } = folder;
  const items: StatusItem[] = [];
  for (const wish of new Set(wishes)) {
    switch (wish) {
      case 'MESSAGES':
        items.push([wish, status.messages]);
        break;
      case 'UIDNEXT':
        items.push([wish, status.uidNext]);
        break;
      case 'UIDVALIDITY':
        items.push([wish, status.uidValidity]);
        break;
      case 'UNSEEN':
        items.push([wish, status.unseen]);
        break;
      case 'DELETED':
        items.push([wish, status.deleted]);
        break;
      case 'SIZE':
        items.push([wish, status.size]);
        break;
      case 'DELETED-STORAGE':
        items.push([wish, status.deletedSize]);
        break;
      case 'HIGHESTMODSEQ':
        session.enable('CONDSTORE'); // RFC 7162 §3.1
        items.push([wish, status.highestModSeq]);
        break;
      case 'RECENT':
        items.push([wish, await recentIn(session, folder)]);
        break;
      case 'APPENDLIMIT':
        items.push([wish, session.options.limits.message]);
        break;
      case 'MAILBOXID':
        items.push([wish, folder.objectId]);
        break;
    }
  }
  return items;
}

/** Counted only where there may be some. */
async function recentIn(session: Session, { id, status }: MailFolder): Promise<number> {
  if (status.messages === 0 || status.recentFrom >= status.uidNext) return 0;
  const { uids } = await session.deps.reading.snapshot(id);
  return uids.size - uids.rank(status.recentFrom - 1);
}
