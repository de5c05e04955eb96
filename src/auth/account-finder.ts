/**
 * auth/account-finder - whose mail a name means: an account that is hosted here, or somebody in the directory, by any
 * of their addresses. Both are always asked, so that no answer comes sooner than another.
 */
import { addressKey, parseAddress } from '../mail/address.ts';
import type { Account } from '../mail/mailbox.ts';
import type { Accounts } from '../ports/accounts.ts';
import { type Service, services } from '../ports/authenticator.ts';
import type { Directory, DirectoryEntry } from '../ports/directory.ts';
import type { AccountFinder, KnownAccount } from './options.ts';

const all: ReadonlySet<Service> = new Set(services);
const none: ReadonlySet<Service> = new Set();

export class HostedAndListed implements AccountFinder {
  readonly #accounts: Pick<Accounts, 'byName' | 'byEntry'>;
  readonly #directory: Pick<Directory, 'lookup'> | undefined;

  constructor(
    accounts: Pick<Accounts, 'byName' | 'byEntry'>,
    directory: Pick<Directory, 'lookup'> | undefined,
  ) {
    this.#accounts = accounts;
    this.#directory = directory;
  }

  async find(name: string, signal: AbortSignal): Promise<KnownAccount | undefined> {
    const [hosted, entry] = await Promise.all([this.#accounts.byName(name), this.#entry(name, signal)]);
    const account = hosted ?? (entry && (await this.#accounts.byEntry(entry.id)));
    const primary = entry?.primary && addressKey(entry.primary);
    if (account === undefined && primary === undefined) return undefined;
    return { account: account?.name ?? primary ?? name, scope: mayEnter(account, entry) ? all : none };
  }

  /** By an exact address only: `ada+lists` is an address of hers and no name. */
  async #entry(name: string, signal: AbortSignal): Promise<DirectoryEntry | undefined> {
    const address = parseAddress(name);
    if (address === undefined) return undefined;
    const [found] = (await this.#directory?.lookup([address], { groups: false }, signal)) ?? [];
    if (found?.found !== 'one' || found.by !== 'exact') return undefined;
    return people.has(found.entry.kind) ? found.entry : undefined;
  }
}

const people: ReadonlySet<DirectoryEntry['kind']> = new Set(['user', 'shared', 'room', 'equipment']);

const mayEnter = (account: Account | undefined, entry: DirectoryEntry | undefined): boolean =>
  account?.disabled !== true && entry?.disabled !== true;
