/**
 * access/imap/saved-result - what `$` is after a search (RFC 5182).
 */
import { UidSet } from '../../mail/uid-set.ts';
import type { SearchReturns } from '../../protocol/imap/request/search.ts';
import { windowOf } from './numbers.ts';

/** §2.4: MIN and MAX alone save no more than they tell. */
export function savedOf(uids: UidSet, { min, max, all, count, partial }: SearchReturns): UidSet {
  if (partial !== undefined) return UidSet.of(windowOf(uids, partial));
  if (all || count || !(min || max)) return uids;
  const ends = [min ? uids.at(1) : undefined, max ? uids.at(uids.size) : undefined];
  return UidSet.of(ends.flatMap((uid) => (uid === undefined ? [] : [{ first: uid, last: uid }])));
}

/** Then nothing is told. */
export const isOnlySave = ({ save, min, max, all, count, partial }: SearchReturns): boolean =>
  save && !(min || max || all || count || partial !== undefined);
