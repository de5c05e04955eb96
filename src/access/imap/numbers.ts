/**
 * access/imap/numbers - the messages a client names, by sequence numbers or UIDs, as UIDs of its view.
 *
 * The ranges are in ascending order and apart. They may cover UIDs that are not in the view: in between lies only what
 * has gone before, and nothing that came later (`*` and all else end at the last message the client knows).
 */
import type { NumberRange, SequenceSet } from '../../mail/search.ts';
import type { UidRange, UidSet } from '../../mail/uid-set.ts';
import { bad } from './refusal.ts';
import type { View } from './view.ts';

/** `lenient`: numbers beyond the last message name nothing, as in a search. */
export function uidRanges(
  view: View,
  set: SequenceSet,
  isUid: boolean,
  { lenient }: { readonly lenient: boolean } = { lenient: false },
): readonly UidRange[] {
  if (set === '$') return [...view.saved.ranges()];
  return merged(isUid ? ofUids(view, set) : ofNumbers(view, set, lenient));
}

function ofUids(view: View, set: readonly NumberRange[]): UidRange[] {
  const { lastUid } = view;
  if (lastUid === 0) return [];
  return set
    .map(({ first, last }) => {
      const from = first === '*' ? lastUid : first;
      const to = last === '*' ? lastUid : last;
      // RFC 9051 §9: the order of the ends does not matter, and `*` may be the lower one.
      return { first: Math.min(from, to), last: Math.min(Math.max(from, to), lastUid) };
    })
    .filter(({ first, last }) => first <= last);
}

/** Beyond the last message there is nothing to name: that is the client's fault (RFC 9051 §2.3.1.2). */
function ofNumbers(view: View, set: readonly NumberRange[], lenient: boolean): UidRange[] {
  const { size } = view.uids;
  return set.flatMap(({ first, last }) => {
    const one = first === '*' ? size : first;
    const other = last === '*' ? size : last;
    const from = Math.min(one, other);
    const to = Math.max(one, other);
    // `1:*` of an empty mailbox names nothing.
    if (size === 0 && last === '*') return [];
    const firstUid = view.uids.at(from);
    const lastUid = view.uids.at(lenient ? Math.min(to, size) : to);
    if (lenient && (firstUid === undefined || lastUid === undefined)) return [];
    if (firstUid === undefined || lastUid === undefined) throw bad('There is no message of this number');
    return [{ first: firstUid, last: lastUid }];
  });
}

function merged(ranges: readonly UidRange[]): readonly UidRange[] {
  const result: { first: number; last: number }[] = [];
  for (const { first, last } of [...ranges].sort((a, b) => a.first - b.first)) {
    const open = result.at(-1);
    if (open !== undefined && first <= open.last + 1) open.last = Math.max(open.last, last);
    else result.push({ first, last });
  }
  return result;
}

/** Whether the view has any of these. */
export const hasAny = (view: View, ranges: readonly UidRange[]): boolean => countIn(view, ranges) > 0;

/** How many messages of the view lie in the ranges. */
export const countIn = (view: View, ranges: readonly UidRange[]): number =>
  ranges.reduce((sum, { first, last }) => sum + view.uids.rank(last) - view.uids.rank(first - 1), 0);

/** RFC 9394 §3.1: a window of the results, counted from the end when negative. */
export function* windowOf(
  uids: UidSet,
  { from, to }: { readonly from: number; readonly to: number },
): IterableIterator<UidRange> {
  const place = (number: number): number => (number < 0 ? uids.size + 1 + number : number);
  const first = Math.max(1, Math.min(place(from), place(to)));
  const last = Math.min(uids.size, Math.max(place(from), place(to)));
  for (let rank = first; rank <= last; rank++) {
    const uid = uids.at(rank) as number;
    yield { first: uid, last: uid };
  }
}
