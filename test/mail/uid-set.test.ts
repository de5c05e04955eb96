/**
 * UID sets against the plainest model there is: a sorted array.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UidSet } from '../../src/mail/uid-set.ts';

const highest = 4_294_967_295;
const uid = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 5000 }) },
  fc.constantFrom(1, 31, 32, 1023, 1024, 2047, 2048, highest - 1, highest),
);
const range = fc.tuple(uid, fc.integer({ min: 0, max: 2500 })).map(([first, width]) => ({
  first,
  last: Math.min(highest, first + width),
}));
const step = fc.record({ what: fc.constantFrom('add', 'delete', 'addRange', 'deleteRange'), range });

const sorted = (set: ReadonlySet<number>): number[] => [...set].sort((a, b) => a - b);

test('any series of changes leaves what an array would hold, with its ranks', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.array(uid, { maxLength: 20 }), (steps, asked) => {
      const set = new UidSet();
      const model = new Set<number>();
      for (const one of steps) {
        const { first, last } = one.range;
        if (one.what === 'add') {
          set.add(first);
          model.add(first);
        } else if (one.what === 'delete') {
          expect(set.delete(first)).toBe(model.delete(first));
        } else if (one.what === 'addRange') {
          set.addRange(first, last);
          for (const each of all(first, last)) model.add(each);
        } else {
          set.deleteRange(first, last);
          for (const each of all(first, last)) model.delete(each);
        }
      }
      const expected = sorted(model);
      expect([...set]).toEqual(expected);
      expect(set.size).toBe(expected.length);
      expect([...set.ranges()].flatMap(({ first, last }) => all(first, last))).toEqual(expected);
      for (const each of asked) {
        expect(set.has(each)).toBe(model.has(each));
        expect(set.rank(each)).toBe(expected.filter((other) => other <= each).length);
      }
      for (const rank of [0, 1, 2, Math.ceil(expected.length / 2), expected.length, expected.length + 1])
        expect(set.at(rank)).toBe(expected[rank - 1]);
    }),
    { seed: 3, numRuns: 300 },
  );
});

const all = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('sequence numbers', () => {
  test('move down when a message before them is expunged', () => {
    const set = UidSet.of([{ first: 10, last: 14 }]);
    expect(set.rank(13)).toBe(4);
    set.delete(11);
    expect(set.rank(13)).toBe(3);
    expect(set.at(3)).toBe(13);
  });

  test('ranges are the fewest: neighbours over the border of two pages are one', () => {
    const set = UidSet.of([
      { first: 1024, last: 1030 },
      { first: 1000, last: 1023 },
      { first: 1032, last: 1032 },
    ]);
    expect([...set.ranges()]).toEqual([
      { first: 1000, last: 1030 },
      { first: 1032, last: 1032 },
    ]);
  });

  test('deleting all UIDs there can be ends at once', () => {
    const set = UidSet.of([{ first: 5, last: 5 }]);
    set.add(highest);
    set.deleteRange(1, highest);
    expect(set.size).toBe(0);
    expect(set.at(1)).toBeUndefined();
  });
});
