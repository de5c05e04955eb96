/**
 * store/uid-ranges - lists of UID ranges as clients name them, made fit for SQL: in order, merged, within 1 and 2^32-1.
 */
import type { Uid, UidRange } from '../mail/uid-set.ts';

const highest: Uid = 4_294_967_295;

/** In ascending order, neither overlapping nor adjacent. Ends may come in either order (RFC 9051 §9, seq-range). */
export function normalised(ranges: Iterable<UidRange>): UidRange[] {
  const sorted: { first: Uid; last: Uid }[] = [];
  for (const { first, last } of ranges) {
    const from = Math.max(1, Math.min(first, last));
    const to = Math.min(highest, Math.max(first, last));
    if (from <= to) sorted.push({ first: from, last: to });
  }
  sorted.sort((a, b) => a.first - b.first);
  const merged: { first: Uid; last: Uid }[] = [];
  for (const range of sorted) {
    const before = merged.at(-1);
    if (before !== undefined && range.first <= before.last + 1)
      before.last = Math.max(before.last, range.last);
    else merged.push(range);
  }
  return merged;
}

/** For `unnest($n::int8[], $m::int8[])`. */
export const bounds = (ranges: readonly UidRange[]): [Uid[], Uid[]] => [
  ranges.map(({ first }) => first),
  ranges.map(({ last }) => last),
];

/** A portion of a list that one query answers with at most `most` rows. */
export type Portion =
  | { readonly kind: 'some'; readonly ranges: readonly UidRange[] }
  /** Wider than `most`: to be walked through with a limit. */
  | { readonly kind: 'wide'; readonly range: UidRange };

/** Cuts a normalised list into portions: narrow ranges together, wide ones alone. */
export function* portions(ranges: readonly UidRange[], most: number): Generator<Portion> {
  let some: UidRange[] = [];
  let width = 0;
  for (const range of ranges) {
    const wide = range.last - range.first + 1;
    if (width + wide > most && some.length > 0) {
      yield { kind: 'some', ranges: some };
      some = [];
      width = 0;
    }
    if (wide > most) yield { kind: 'wide', range };
    else {
      some.push(range);
      width += wide;
    }
  }
  if (some.length > 0) yield { kind: 'some', ranges: some };
}

/** What two normalised lists have in common. */
export function intersection(a: readonly UidRange[], b: readonly UidRange[]): UidRange[] {
  const both: UidRange[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [one, other] = [a[i]!, b[j]!];
    const first = Math.max(one.first, other.first);
    const last = Math.min(one.last, other.last);
    if (first <= last) both.push({ first, last });
    if (one.last < other.last) i += 1;
    else j += 1;
  }
  return both;
}

/** Of a normalised list. */
export const upTo = (ranges: readonly UidRange[], last: Uid): UidRange[] =>
  intersection(ranges, last < 1 ? [] : [{ first: 1, last }]);

/** A normalised list in pieces, a new one after each of these UIDs, which are in order; empty ones left out. */
export function cutAfter(ranges: readonly UidRange[], uids: readonly Uid[]): UidRange[][] {
  const pieces: UidRange[][] = [];
  let first: Uid = 1;
  for (const last of [...uids, highest]) {
    const piece = first <= last ? withinOne(ranges, first, last) : [];
    if (piece.length > 0) pieces.push(piece);
    first = last + 1;
  }
  return pieces;
}

/** As intersection, of one range, from a list that may be long: its place in it is searched for. */
function withinOne(ranges: readonly UidRange[], first: Uid, last: Uid): UidRange[] {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle]!.last < first) low = middle + 1;
    else high = middle;
  }
  const piece: UidRange[] = [];
  for (let at = low; at < ranges.length && ranges[at]!.first <= last; at++)
    piece.push({
      first: Math.max(first, ranges[at]!.first),
      last: Math.min(last, ranges[at]!.last),
    });
  return piece;
}
