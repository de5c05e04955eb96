/**
 * Accounts made here as entries of the directory: known to routing, found by delivery.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AccountsSource } from '../../connectors/accounts/accounts-source.ts';
import { whose } from '../../src/local/whose.ts';
import { CursorExpired, type SourceEntry } from '../../src/ports/directory.ts';
import { unheard } from '../../src/store/changed.ts';
import { openTree, type Tree } from '../../src/store/tree.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import { address, World } from './fakes.ts';

const never = new AbortController().signal;
let fresh: FreshDatabase;
let tree: Tree;
let source: AccountsSource;

beforeEach(async () => {
  fresh = await freshDatabase();
  tree = openTree({ database: fresh.database, changed: unheard, now: () => new Date() });
  source = new AccountsSource({ name: 'here', home: 'local' }, tree.accounts);
});
afterEach(() => fresh.drop());

async function everything(): Promise<{ entries: SourceEntry[]; cursor: string }> {
  const entries: SourceEntry[] = [];
  const reading = source.everything(never);
  for (;;) {
    const next = await reading.next();
    if (next.done) return { entries, cursor: next.value };
    entries.push(next.value);
  }
}

const changed = async (cursor: string): Promise<boolean> => {
  try {
    await source.changes(cursor, never).next();
    return false;
  } catch (error) {
    if (error instanceof CursorExpired) return true;
    throw error;
  }
};

test('an account made here is an entry whose home is here; those of other directories are left to them', async () => {
  const ada = await tree.accounts.create({ name: 'Ada@example.org' });
  await tree.accounts.forEntry('ad/1', 'bob@example.org');
  const { entries } = await everything();
  expect(entries).toMatchObject([
    {
      id: `here/${ada.id}`,
      kind: 'user',
      home: 'local',
      disabled: false,
      primary: { text: 'ada@example.org' },
    },
  ]);
});

test('an account without an address is reported', async () => {
  await tree.accounts.create({ name: 'scanner' });
  const { entries } = await everything();
  expect(entries).toMatchObject([{ addresses: [], problems: [{ kind: 'bad address' }] }]);
});

test('what was made, changed or removed is seen, and nothing else', async () => {
  const ada = await tree.accounts.create({ name: 'ada@example.org' });
  let { cursor } = await everything();
  expect(await changed(cursor)).toBe(false);
  await tree.accounts.change(ada.id, { quota: { messages: 5 } });
  await tree.accounts.forEntry('ad/1', 'bob@example.org');
  expect(await changed(cursor)).toBe(false);
  const steps = [
    () => tree.accounts.create({ name: 'carol@example.org' }),
    () => tree.accounts.change(ada.id, { name: 'lovelace@example.org' }),
    () => tree.accounts.change(ada.id, { disabled: true }),
    () => tree.accounts.remove(ada.id),
  ];
  for (const step of steps) {
    await step();
    expect(await changed(cursor)).toBe(true);
    ({ cursor } = await everything());
    expect(await changed(cursor)).toBe(false);
  }
});

test('delivery finds the account by the number in the entry, after it was renamed too', async () => {
  const ada = await tree.accounts.create({ name: 'ada@example.org' });
  const { entries } = await everything();
  await tree.accounts.change(ada.id, { name: 'lovelace@example.org' });
  const [entry] = entries;
  const options = {
    ...new World().options(),
    ...tree,
    directory: {
      lookup: async () => [{ found: 'one', by: 'exact', entry: { ...entry, source: 'here' } } as never],
    },
  };
  const [owner] = await whose([{ address: address('ada@example.org') }], options, never);
  expect(owner).toMatchObject({ account: { id: ada.id, name: 'lovelace@example.org' } });
});
