/**
 * access/imap/saved-result - what `$` is after a search (RFC 5182), and which MODSEQ is told of it.
 */
import type { MailboxId, ModSeq } from '../../mail/mailbox.ts';
import { type Uid, UidSet } from '../../mail/uid-set.ts';
import type { SearchReturns } from '../../protocol/imap/request/search.ts';
import { windowOf } from './numbers.ts';
import type { Session } from './session.ts';

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

/** The first and the last. */
export interface Ends {
  readonly first: Uid | undefined;
  readonly last: Uid | undefined;
}

export const endsOf = (uids: UidSet): Ends => ({ first: uids.at(1), last: uids.at(uids.size) });

/** RFC 4731 §3.2: of the messages told of, where only the first or the last is. */
export async function modSeqTold(
  session: Session,
  mailbox: MailboxId,
  { min, max, all, count, partial }: SearchReturns,
  { first, last }: Ends,
  highest: ModSeq | undefined,
): Promise<ModSeq | undefined> {
  if (highest === undefined || all || count || partial !== undefined || !(min || max)) return highest;
  const ends = [...(min ? [first] : []), ...(max ? [last] : [])].flatMap((uid) =>
    uid === undefined ? [] : [{ first: uid, last: uid }],
  );
  if (ends.length === 0) return undefined;
  let told = 0;
  const ranges = [...UidSet.of(ends).ranges()];
  for await (const rows of session.deps.reading.rows(mailbox, ranges, {}, session.signal))
    for (const { modSeq } of rows) told = Math.max(told, modSeq);
  return told === 0 ? undefined : told;
}
