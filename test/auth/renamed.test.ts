/** An account that follows its directory entry to a new name takes its passwords along, and leaves none behind. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Credentials, moveCredentials } from '../../src/auth/credentials.ts';
import { PasswordHasher } from '../../src/auth/password-hash.ts';
import { unheard } from '../../src/store/changed.ts';
import { openTree } from '../../src/store/tree.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase();
});
afterAll(() => fresh.drop());

const now = () => new Date('2026-11-29T12:00:00Z');

test('a rename in the directory moves passwords in the same commit, and a new owner of the old name has none', async () => {
  const { database } = fresh;
  const hasher = new PasswordHasher(
    { cost: { memory: 64, passes: 1, parallelism: 1 }, atOnce: 1, waiting: 10 },
    randomBytes,
  );
  const credentials = new Credentials(
    database,
    hasher,
    { shortest: 4, scramIterations: undefined },
    { now, randomBytes },
  );
  const { accounts } = openTree({ database, changed: unheard, now, renamed: moveCredentials });
  const isRight = async (name: string, password: string) =>
    hasher.isRight(password, (await credentials.find(name)).hash);

  const ada = await accounts.forEntry('ad/1', 'ada@example.org');
  await credentials.setPassword('ada@example.org', "ada's own", 'test');
  // Somebody had that name before her and left a password.
  await credentials.setPassword('ada.king@example.org', 'a stale one', 'test');

  const renamed = await accounts.forEntry('ad/1', 'ada.king@example.org');
  expect(renamed).toMatchObject({ id: ada.id, name: 'ada.king@example.org' });
  expect(await isRight('ada.king@example.org', "ada's own")).toBe(true);
  expect(await isRight('ada.king@example.org', 'a stale one')).toBe(false);

  await accounts.forEntry('ad/2', 'ada@example.org');
  expect(await isRight('ada@example.org', "ada's own")).toBe(false);

  await accounts.remove(ada.id);
  expect(await isRight('ada.king@example.org', "ada's own")).toBe(false);
});
