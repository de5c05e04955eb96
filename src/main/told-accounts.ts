/**
 * main/told-accounts - accounts whose making and removal the directory hears of at once: mail for a new one is not
 * refused until the next refresh, nor is mail for one that is gone accepted.
 */
import type { Accounts } from '../ports/accounts.ts';
import type { Log } from '../ports/log.ts';

/** `tell` asks for a refresh of the source that lists accounts; when it cannot, the next one in its time must do. */
export function toldAccounts(accounts: Accounts, tell: () => Promise<void>, log: Log): Accounts {
  const afterwards = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    await tell().catch((error: unknown) => {
      log.warn({ err: error }, 'the directory hears of an account at its next refresh');
    });
    return result;
  };
  return {
    ...accounts,
    create: (account) => afterwards(accounts.create(account)),
    change: (id, change) => afterwards(accounts.change(id, change)),
    remove: (id) => afterwards(accounts.remove(id)),
  };
}
