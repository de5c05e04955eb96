/**
 * The directory hears of accounts that are made, changed or removed, and of nothing else; its deafness harms nobody.
 */
import { expect, test } from 'vitest';
import type { Account } from '../../src/mail/mailbox.ts';
import { toldAccounts } from '../../src/main/told-accounts.ts';
import type { Accounts } from '../../src/ports/accounts.ts';
import { silentLog } from '../../src/ports/log.ts';

const ada: Account = {
  id: 1,
  name: 'ada@example.org',
  disabled: false,
  quota: {},
  usage: { storage: 0, messages: 0 },
  createdAt: new Date(0),
};

const accounts: Accounts = {
  byName: async () => ada,
  byId: async () => ada,
  byEntry: async () => ada,
  create: async ({ name }) => {
    if (name === 'taken') throw new Error('taken');
    return ada;
  },
  forEntry: async () => ada,
  change: async () => ada,
  remove: async () => {},
  async *list() {
    yield ada;
  },
};

test('told after it was done, and only then', async () => {
  let told = 0;
  const tell = async () => {
    told += 1;
  };
  const heard = toldAccounts(accounts, tell, silentLog);
  expect(await heard.create({ name: 'ada@example.org' })).toBe(ada);
  await heard.change(1, { disabled: true });
  await heard.remove(1);
  expect(told).toBe(3);
  await expect(heard.create({ name: 'taken' })).rejects.toThrow('taken');
  await heard.byName('ada@example.org');
  await heard.forEntry('ad/1', 'bob@example.org');
  expect(told).toBe(3);
});

test('an account is made though nobody can be told', async () => {
  const heard = toldAccounts(accounts, () => Promise.reject(new Error('away')), silentLog);
  expect(await heard.create({ name: 'ada@example.org' })).toBe(ada);
});
