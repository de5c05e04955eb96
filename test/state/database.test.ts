import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase();
});
afterAll(() => fresh.drop());

test('values come back as the port says', async () => {
  const [row] = await fresh.database.query(
    `select 9007199254740991::int8 as big, 1.50::numeric as exact, '2026-01-02T03:04:05Z'::timestamptz as at,
            '\\x00ff'::bytea as bytes, '{"a":[1]}'::jsonb as value, $1::text as absent,
            '{1,NULL,3}'::int8[] as bigs, '2026-01-02'::date as day`,
    [undefined],
  );
  expect(row).toEqual({
    big: 9007199254740991,
    exact: '1.50',
    at: new Date('2026-01-02T03:04:05Z'),
    bytes: Buffer.from([0, 255]),
    value: { a: [1] },
    absent: null,
    bigs: [1, null, 3],
    day: '2026-01-02',
  });
});
