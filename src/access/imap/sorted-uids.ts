/**
 * access/imap/sorted-uids - what was found, in order: four octets or so a message, as the order has to be known whole
 * before its end can be told.
 */
import type { SearchKey, SortCriterion } from '../../mail/search.ts';
import type { Uid } from '../../mail/uid-set.ts';
import type { Session } from './session.ts';
import type { View } from './view.ts';

/** Of what the client knows: the rest has no number yet, or none any more. */
export async function sortedUids(
  session: Session,
  view: View,
  key: SearchKey,
  by: readonly SortCriterion[],
): Promise<readonly Uid[]> {
  const uids: Uid[] = [];
  for await (const batch of session.deps.search.sorted(view.mailbox, key, by, session.signal))
    for (const uid of batch) if (view.uids.has(uid)) uids.push(uid);
  return uids;
}
