import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import { Bench, received, sample } from './fakes.ts';

let fresh: FreshDatabase;
let bench: Bench;

beforeEach(async () => {
  fresh = await freshDatabase();
  bench = new Bench(fresh.database);
});
afterEach(async () => {
  await bench.close();
  await fresh.drop();
});

test('a message is delivered as it came, under our trace field, and its story is told', async () => {
  bench.work();
  const id = await bench.accept({ to: ['bob@example.net'] });
  await bench.empty();
  expect(bench.peer.deliveries).toHaveLength(1);
  const [got] = bench.peer.deliveries;
  expect(got?.content.toString()).toBe(received + sample);
  expect(got?.size).toBe(received.length + sample.length);
  expect((await bench.story(id)).map((row) => row.event)).toEqual(['accepted', 'delivered', 'done']);
});
