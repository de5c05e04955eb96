/**
 * store/uid-pages - which UIDs a mailbox has, from the bitmaps of `uid_page`.
 *
 * A page is 128 octets: octet n has UIDs 8 n to 8 n + 7 of the page, the lowest in its lowest bit, as get_bit() counts.
 */
import type { Uid, UidRange } from '../mail/uid-set.ts';

export const pageSize = 1024;
export const pageOctets = pageSize / 8;

/** Pages in ascending order, `bits` one after the other. */
export interface Pages {
  readonly numbers: readonly number[];
  readonly bits: Uint8Array;
}

/** The UIDs of the pages as the fewest ranges, in ascending order. */
export function* rangesOfPages({ numbers, bits }: Pages): Generator<UidRange> {
  let first: Uid | undefined;
  let next: Uid = 0;
  for (const [index, number] of numbers.entries()) {
    for (let octet = 0; octet < pageOctets; octet++) {
      const byte = bits[index * pageOctets + octet] ?? 0;
      const base = number * pageSize + octet * 8;
      // A range that runs on is not touched by full octets, nor a gap by empty ones.
      if (first !== undefined && next === base && byte === 0xff) {
        next += 8;
        continue;
      }
      for (let left = byte; left !== 0; left &= left - 1) {
        const uid = base + 31 - Math.clz32(left & -left);
        if (first !== undefined && uid !== next) {
          yield { first, last: next - 1 };
          first = uid;
        } else first ??= uid;
        next = uid + 1;
      }
    }
  }
  if (first !== undefined) yield { first, last: next - 1 };
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
