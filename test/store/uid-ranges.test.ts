/** Lists of UID ranges, and which UIDs a page of bits has. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { UidRange } from '../../src/mail/uid-set.ts';
import { gaps, rangesOfPages } from '../../src/store/uid-pages.ts';
import { cutAfter, intersection, normalised, portions, upTo } from '../../src/store/uid-ranges.ts';

const uid = fc.integer({ min: 1, max: 60 });
const list = fc.array(fc.record({ first: uid, last: uid }), { maxLength: 8 });
const spell = (ranges: Iterable<UidRange>): number[] =>
  [...ranges].flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
const set = (ranges: readonly UidRange[]): number[] => {
  const turned = ranges.map(({ first, last }) => ({
    first: Math.min(first, last),
    last: Math.max(first, last),
  }));
  return [...new Set(spell(turned))].sort((a, b) => a - b);
};

test('a list comes in order, with nothing twice and nothing that could be one range', () => {
  fc.assert(
    fc.property(list, (ranges) => {
      const merged = normalised(ranges);
      expect(spell(merged)).toEqual(set(ranges));
      merged.forEach((range, index) => {
        if (index > 0) expect(range.first).toBeGreaterThan(merged[index - 1]!.last + 1);
      });
    }),
  );
  expect(normalised([{ first: 0, last: Number.POSITIVE_INFINITY }])).toEqual([
    { first: 1, last: 4_294_967_295 },
  ]);
});

test('what two lists have in common', () => {
  fc.assert(
    fc.property(list, list, uid, (a, b, last) => {
      const [one, other] = [normalised(a), normalised(b)];
      const both = set(a).filter((each) => set(b).includes(each));
      expect(spell(intersection(one, other))).toEqual(both);
      expect(spell(upTo(one, last))).toEqual(set(a).filter((each) => each <= last));
      expect(upTo(one, 0)).toEqual([]);
    }),
  );
});

test('pieces are the list again, cut after the UIDs named', () => {
  fc.assert(
    fc.property(list, fc.uniqueArray(uid, { maxLength: 5 }), (ranges, cuts) => {
      const ends = cuts.toSorted((a, b) => a - b);
      const pieces = cutAfter(normalised(ranges), ends);
      expect(pieces.flatMap(spell)).toEqual(set(ranges));
      for (const piece of pieces) {
        expect(piece.length).toBeGreaterThan(0);
        const [first, last] = [piece[0]!.first, piece.at(-1)!.last];
        expect(ends.some((end) => first <= end && end < last)).toBe(false);
      }
    }),
  );
});

test('portions have so many UIDs at most, or are one wide range', () => {
  fc.assert(
    fc.property(list, fc.integer({ min: 1, max: 30 }), (ranges, most) => {
      const all = [...portions(normalised(ranges), most)];
      expect(
        all
          .flatMap((one) => (one.kind === 'some' ? spell(one.ranges) : spell([one.range])))
          .sort((a, b) => a - b),
      ).toEqual(set(ranges));
      for (const one of all)
        if (one.kind === 'some') expect(spell(one.ranges).length).toBeLessThanOrEqual(most);
        else expect(spell([one.range]).length).toBeGreaterThan(most);
    }),
  );
});

test('bits of pages are ranges, and the gaps between them the rest', () => {
  const page = fc.record({
    number: fc.nat(5),
    bits: fc.oneof(
      fc.uint8Array({ minLength: 128, maxLength: 128 }),
      fc.constantFrom(0, 255).map((octet) => new Uint8Array(128).fill(octet)),
    ),
  });
  fc.assert(
    fc.property(fc.uniqueArray(page, { selector: ({ number }) => number }), (any) => {
      const pages = any.toSorted((a, b) => a.number - b.number);
      const expected = pages.flatMap(({ number, bits }) =>
        Array.from({ length: 1024 }, (_, place) => place)
          .filter((place) => ((bits[place >> 3] ?? 0) >> (place & 7)) & 1)
          .map((place) => number * 1024 + place),
      );
      // Full ones may be told either way.
      const short = pages.filter(
        ({ number, bits }) => number % 2 === 0 && bits.every((octet) => octet === 255),
      );
      const drawn = pages.filter((one) => !short.includes(one));
      const ranges = [
        ...rangesOfPages({
          numbers: drawn.map(({ number }) => number),
          bits: Buffer.concat(drawn.map(({ bits }) => bits)),
          full: short.map(({ number }) => number),
        }),
      ];
      expect(spell(ranges)).toEqual(expected);
      expect(normalised(ranges.filter(({ last }) => last > 0)).length).toBe(
        ranges.filter(({ last }) => last > 0).length,
      );
      const there = new Set(expected);
      const missing = Array.from({ length: 6000 }, (_, index) => index + 1).filter(
        (each) => !there.has(each),
      );
      expect(spell(gaps(ranges, 6000))).toEqual(missing);
    }),
    { numRuns: 60 },
  );
});
