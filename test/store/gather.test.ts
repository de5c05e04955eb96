/** Group commit: who waits goes together. */
import { expect, test } from 'vitest';
import { Gather } from '../../src/store/gather.ts';

/** A commit that the test lets through. */
function held(together: number, atOnce: number, weight = 1e9) {
  const commits: { items: readonly number[]; done: PromiseWithResolvers<void> }[] = [];
  const gather = new Gather<number, string>({
    together,
    atOnce,
    weight,
    weigh: (item) => item,
    commit: async (items) => {
      const done = Promise.withResolvers<void>();
      commits.push({ items, done });
      await done.promise;
      return items.map((item) => `done ${item}`);
    },
  });
  const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
  return { gather, commits, settled };
}

test('what comes while a commit is under way goes in the next one, in order', async () => {
  const { gather, commits, settled } = held(100, 1);
  const first = gather.add(1);
  await settled();
  const rest = [2, 3, 4].map((item) => gather.add(item));
  await settled();
  expect(commits.map(({ items }) => items)).toEqual([[1]]);
  commits[0]!.done.resolve();
  expect(await first).toBe('done 1');
  await settled();
  expect(commits.map(({ items }) => items)).toEqual([[1], [2, 3, 4]]);
  commits[1]!.done.resolve();
  expect(await Promise.all(rest)).toEqual(['done 2', 'done 3', 'done 4']);
  await gather.idle();
});

test('a commit has so many items at most, and so much weight, but one item always', async () => {
  const { gather, commits, settled } = held(3, 10, 100);
  for (const item of [1, 1, 1, 1, 60, 60, 500, 5]) void gather.add(item);
  await settled();
  expect(commits.map(({ items }) => items)).toEqual([[1, 1, 1], [1, 60], [60], [500], [5]]);
  for (const { done } of commits) done.resolve();
  await gather.idle();
});

test('no more commits than permitted run at once', async () => {
  const { gather, commits, settled } = held(1, 2);
  for (const item of [1, 2, 3]) void gather.add(item);
  await settled();
  expect(commits.length).toBe(2);
  commits[0]!.done.resolve();
  await settled();
  expect(commits.length).toBe(3);
  for (const { done } of commits) done.resolve();
  await gather.idle();
});

test('a commit that fails is told to all who shared it, and to nobody else', async () => {
  const { gather, commits, settled } = held(2, 1);
  const three = [1, 2, 3].map((item) => gather.add(item).catch((error: Error) => error.message));
  await settled();
  commits[0]!.done.reject(new Error('no'));
  await settled();
  commits[1]!.done.resolve();
  expect(await Promise.all(three)).toEqual(['no', 'no', 'done 3']);
});
