/**
 * access/imap/tell-items - data items of new messages, told without being asked message by message: NOTIFY's MessageNew
 * (RFC 5465 §5.2) and UPDATE (§7). Nothing is marked as read.
 */
import type { UidRange } from '../../mail/uid-set.ts';
import type { FetchWish } from '../../protocol/imap/request/fetch.ts';
import { planOf } from './fetch-plan.ts';
import { tellMessage } from './fetch-row.ts';
import { tellKeywords } from './news.ts';
import type { Session } from './session.ts';
import type { View } from './view.ts';

export async function tellItems(
  session: Session,
  view: View,
  items: readonly FetchWish[],
  uids: readonly UidRange[],
): Promise<void> {
  const plan = planOf(session, view, { items, uid: true });
  const want = { structure: plan.needsStructure, preview: plan.needsPreview };
  for await (const rows of session.deps.reading.rows(view.mailbox, uids, want, session.signal)) {
    for (const row of rows) {
      if (!view.uids.has(row.uid)) continue;
      if (view.learn(row.flags.keywords)) tellKeywords(session, view);
      await tellMessage(session, view, plan, row, false);
      await session.room();
    }
  }
}
