/**
 * ports/accounts - the accounts that are hosted here. Implemented by src/store.
 */
import type { Account, AccountId, Quota } from '../mail/mailbox.ts';

export interface NewAccount {
  /** Put in lower case. Throws AccountExists. */
  readonly name: string;
  readonly entryId?: string;
  readonly quota?: Quota;
}

export interface Accounts {
  byName(name: string): Promise<Account | undefined>;
  byId(id: AccountId): Promise<Account | undefined>;
  byEntry(entryId: string): Promise<Account | undefined>;
  /** With INBOX and the folders that the configuration gives to newcomers. */
  create(account: NewAccount): Promise<Account>;
  /** The account of a directory entry, made if there is none; renamed when the entry's name has changed. Any number of callers at once get one. */
  forEntry(entryId: string, name: string): Promise<Account>;
  change(
    id: AccountId,
    change: { readonly name?: string; readonly quota?: Quota; readonly disabled?: boolean },
  ): Promise<Account>;
  /** With all its mail, which stays restorable for as long as expunged messages do. */
  remove(id: AccountId): Promise<void>;
  /** By name. */
  list(signal: AbortSignal): AsyncIterable<Account>;
}

export class AccountExists extends Error {
  override readonly name = 'AccountExists';
}
