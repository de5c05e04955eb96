/**
 * store/uid-pages - which UIDs a mailbox has, from the bitmaps of `uid_page`.
 *
 * A page is 128 octets: octet n has UIDs 8 n to 8 n + 7 of the page, the lowest in its lowest bit, as get_bit() counts.
 */
import type { Uid, UidRange } from '../mail/uid-set.ts';

export const pageSize = 1024;
export const pageOctets = pageSize / 8;

export interface Pages {
  /** In ascending order; `bits` are theirs, one after the other. */
  readonly numbers: readonly number[];
  readonly bits: Uint8Array;
  /** Others that have all their UIDs; in ascending order. */
  readonly full: readonly number[];
}

/** The UIDs of the pages as the fewest ranges, in ascending order. */
export function* rangesOfPages(pages: Pages): Generator<UidRange> {
  let open: { first: Uid; last: Uid } | undefined;
  for (const piece of pieces(pages)) {
    if (open !== undefined && piece.first === open.last + 1) open.last = piece.last;
    else {
      if (open !== undefined) yield open;
      open = { first: piece.first, last: piece.last };
    }
  }
  if (open !== undefined) yield open;
}

function* pieces({ numbers, bits, full }: Pages): Generator<UidRange> {
  let next = 0;
  for (const [index, number] of numbers.entries()) {
    for (; next < full.length && full[next]! < number; next++) yield wholePage(full[next]!);
    yield* piecesOfPage(number, bits.subarray(index * pageOctets, (index + 1) * pageOctets));
  }
  for (; next < full.length; next++) yield wholePage(full[next]!);
}

const wholePage = (number: number): UidRange => ({
  first: number * pageSize,
  last: number * pageSize + pageSize - 1,
});

function* piecesOfPage(number: number, bits: Uint8Array): Generator<UidRange> {
  for (const [octet, byte] of bits.entries()) {
    const base = number * pageSize + octet * 8;
    if (byte === 0xff) yield { first: base, last: base + 7 };
    else
      for (let left = byte; left !== 0; left &= left - 1) {
        const uid = base + 31 - Math.clz32(left & -left);
        yield { first: uid, last: uid };
      }
  }
}

/** What ranges in order leave out between 1 and `last`. */
export function* gaps(ranges: Iterable<UidRange>, last: Uid): Generator<UidRange> {
  let next: Uid = 1;
  for (const range of ranges) {
    if (range.first > last) break;
    if (range.first > next) yield { first: next, last: range.first - 1 };
    next = range.last + 1;
  }
  if (next <= last) yield { first: next, last };
}
