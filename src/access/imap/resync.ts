/**
 * access/imap/resync - what has changed since a client was last here (RFC 7162 §3.2.5 and §3.2.6).
 */
import { type UidRange, UidSet } from '../../mail/uid-set.ts';
import type { Qresync } from '../../protocol/imap/request/mailboxes.ts';
import { vanished } from '../../protocol/imap/respond/results.ts';
import { tellFlags } from './news.ts';
import type { Session } from './session.ts';
import type { View } from './view.ts';

export async function resynchronise(session: Session, view: View, client: Qresync): Promise<void> {
  if (client.validity !== view.uidValidity) return; // all that it knows is void
  await tellSince(session, view, client.modSeq, client.uids);
}

/**
 * VANISHED (EARLIER) and FETCH; of these UIDs only, where some are named. What has gone while we look keeps its number
 * and is told as news.
 */
export async function tellSince(
  session: Session,
  view: View,
  modSeq: number,
  among?: readonly UidRange[],
  { vanishedOnly }: { readonly vanishedOnly: boolean } = { vanishedOnly: false },
): Promise<void> {
  const isAmong = (uid: number): boolean =>
    among === undefined || among.some(({ first, last }) => uid >= first && uid <= last);
  let since = modSeq;
  for (let isFirst = true, more = true; more; isFirst = false) {
    const changes = await session.deps.reading.changes(view.mailbox, since);
    if (isFirst) session.say(vanished(goneOf(view, changes.gone, among), { earlier: true }));
    if (vanishedOnly) return;
    for (const row of changes.rows) {
      if (!view.uids.has(row.uid) || !isAmong(row.uid)) continue;
      tellFlags(session, view, row);
      view.told(row.uid, row.modSeq);
    }
    more = changes.more;
    since = changes.rows.at(-1)?.modSeq ?? since;
    await session.room();
  }
}

/** Without what the view still has, and within what the client asks about. */
function goneOf(
  view: View,
  gone: readonly UidRange[],
  among: readonly UidRange[] | undefined,
): readonly UidRange[] {
  const inBounds = among === undefined ? gone : crossed(gone, among);
  const isApart = inBounds.every(({ first, last }) => view.uids.rank(last) === view.uids.rank(first - 1));
  if (isApart) return inBounds;
  const set = UidSet.of(inBounds);
  for (const { first, last } of view.uids.ranges()) set.deleteRange(first, last);
  return [...set.ranges()];
}

/** What lies in both; each in ascending order. */
function crossed(some: readonly UidRange[], others: readonly UidRange[]): readonly UidRange[] {
  const sorted = [...others].sort((a, b) => a.first - b.first);
  const result: UidRange[] = [];
  let at = 0;
  for (const { first, last } of [...some].sort((a, b) => a.first - b.first)) {
    while ((sorted[at]?.last ?? Number.POSITIVE_INFINITY) < first) at += 1;
    for (let index = at; (sorted[index]?.first ?? Number.POSITIVE_INFINITY) <= last; index++) {
      const other = sorted[index] as UidRange;
      result.push({ first: Math.max(first, other.first), last: Math.min(last, other.last) });
    }
  }
  return result;
}
