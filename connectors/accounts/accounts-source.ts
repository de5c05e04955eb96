/**
 * accounts/accounts-source - the accounts that were made here, as a DirectorySource: each is an entry with the account's
 * number in its id, the account's name as its address, and its home in the store of this installation.
 *
 * Accounts of people who are in another directory (by `entryId`) are left to it. An account whose name is no address has
 * none, so that no mail comes for it; it is reported.
 */
import { createHash } from 'node:crypto';
import { addressKey, parseAddress } from '../../src/mail/address.ts';
import type { Account } from '../../src/mail/mailbox.ts';
import type { Accounts } from '../../src/ports/accounts.ts';
import {
  CursorExpired,
  type DirectorySource,
  type SourceChange,
  type SourceCursor,
  type SourceEntry,
} from '../../src/ports/directory.ts';

export interface AccountsOptions {
  readonly name: string;
  /** The site whose mailboxes are in the store here. */
  readonly home: string;
}

export class AccountsSource implements DirectorySource {
  readonly name: string;
  readonly #options: AccountsOptions;
  readonly #accounts: Pick<Accounts, 'list'>;

  constructor(options: AccountsOptions, accounts: Pick<Accounts, 'list'>) {
    this.name = options.name;
    this.#options = options;
    this.#accounts = accounts;
  }

  async *everything(signal: AbortSignal): AsyncGenerator<SourceEntry, SourceCursor> {
    const digest = new AccountsDigest();
    for await (const account of this.#accounts.list(signal)) {
      if (account.entryId !== undefined) continue;
      digest.add(account);
      yield entryOf(account, this.#options);
    }
    return digest.value();
  }

  /** Nothing, or everything. */
  // biome-ignore lint/correctness/useYield: accounts tell no single changes
  async *changes(cursor: SourceCursor, signal: AbortSignal): AsyncGenerator<SourceChange, SourceCursor> {
    const digest = new AccountsDigest();
    for await (const account of this.#accounts.list(signal)) {
      if (account.entryId === undefined) digest.add(account);
    }
    const now = digest.value();
    if (now !== cursor) throw new CursorExpired('accounts were made, changed or removed');
    return now;
  }

  async close(): Promise<void> {
    // The store is not ours to close.
  }
}

/** Of all that entries are made of. */
class AccountsDigest {
  readonly #hash = createHash('sha256');

  add({ id, name, disabled }: Account): void {
    this.#hash.update(`${id} ${disabled} ${name}\n`);
  }

  value(): SourceCursor {
    return this.#hash.digest('base64');
  }
}

function entryOf({ id, name, disabled }: Account, { name: source, home }: AccountsOptions): SourceEntry {
  const address = parseAddress(name);
  const where = `account ${id}`;
  const common = {
    id: `${source}/${id}`,
    where,
    kind: 'user',
    x500: [],
    home,
    hiddenFromAddressLists: false,
    disabled,
    attributes: {},
  } as const;
  if (address !== undefined)
    return { ...common, names: [addressKey(address)], primary: address, addresses: [address], problems: [] };
  const text = `the account ${JSON.stringify(name.slice(0, 100))} is named by no address: no mail comes for it`;
  return { ...common, addresses: [], problems: [{ source, where, kind: 'bad address', text }] };
}
