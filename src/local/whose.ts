/**
 * local/whose - which account an address is of: by the directory's entry, or by the name of an account made here.
 *
 * People whose entry is somebody else's directory's get their account at their first mail; it is kept by the entry's
 * id, so that it stays theirs when their address changes.
 */
import { type Address, addressKey, parseAddress, withoutDetail } from '../mail/address.ts';
import { replyFor } from '../mail/condition.ts';
import type { Recipient } from '../mail/envelope.ts';
import type { Account } from '../mail/mailbox.ts';
import type { Reply } from '../mail/reply.ts';
import type { DirectoryEntry, EntryKind, Lookup } from '../ports/directory.ts';
import type { LocalOptions, LocalPolicy } from './options.ts';

export interface Owner {
  readonly account: Account;
  /** All addresses of the account, the one in the envelope among them. */
  readonly addresses: readonly string[];
  /** `lists` of ada+lists. */
  readonly detail?: string;
}

/** Kinds of entries that have a mailbox. */
const kinds: ReadonlySet<EntryKind> = new Set(['user', 'shared', 'room', 'equipment', 'publicFolder']);

/** It could not be told for one of them: what was thrown. */
export class Untold {
  readonly cause: unknown;
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** One answer for each recipient, in order: its account, or why there is none. Throws what Directory throws. */
export async function whose(
  recipients: readonly Recipient[],
  options: LocalOptions,
  signal: AbortSignal,
): Promise<readonly (Owner | Reply | Untold)[]> {
  const addresses = recipients.map(({ address }) => address);
  const lookups = await options.directory.lookup(addresses, { groups: false }, signal);
  // Several addresses of one person are one account, made once.
  const accounts = new Map<string, Promise<Account | undefined>>();
  return await Promise.all(
    addresses.map((address, at) =>
      ownerOf(address, lookups[at] ?? { found: 'nobody' }, accounts, options).catch(
        (error: unknown) => new Untold(error),
      ),
    ),
  );
}

/** At RCPT: why nothing is taken for this address now. Makes no account: one that is not there yet takes mail. */
export async function whyNot(
  address: Address,
  options: LocalOptions,
  signal: AbortSignal,
): Promise<Reply | undefined> {
  const [lookup] = await options.directory.lookup([address], { groups: false }, signal);
  if (lookup === undefined || lookup.found === 'ambiguous') return replyFor('later', 'ambiguousMailbox');
  const policy = options.policy();
  const entry = lookup.found === 'one' ? lookup.entry : undefined;
  if (entry !== undefined && !kinds.has(entry.kind)) return replyFor('never', 'unknownMailbox');
  const made = entry !== undefined && entry.source !== policy.localSource;
  const account = await (made
    ? options.accounts.byEntry(entry.id)
    : entry === undefined
      ? byName(address, withoutDetail(address, policy.detailSeparator), options)
      : byEntry(entry, address, options));
  if (account === undefined) return made ? undefined : replyFor('never', 'unknownMailbox');
  return whyDisabled(account, policy);
}

export const isReply = (answer: Owner | Reply | Untold): answer is Reply => 'code' in answer;

async function ownerOf(
  address: Address,
  lookup: Lookup,
  accounts: Map<string, Promise<Account | undefined>>,
  options: LocalOptions,
): Promise<Owner | Reply> {
  if (lookup.found === 'ambiguous') return replyFor('later', 'ambiguousMailbox');
  const policy = options.policy();
  const entry = lookup.found === 'one' ? lookup.entry : undefined;
  if (entry !== undefined && !kinds.has(entry.kind)) return replyFor('never', 'unknownMailbox');
  const detail = detailOf(address, policy);
  const plain = detail === undefined ? undefined : withoutDetail(address, policy.detailSeparator);
  const account = await (entry === undefined
    ? byName(address, plain, options)
    : onceFor(accounts, entry.id, () => byEntry(entry, address, options)));
  if (account === undefined) return replyFor('never', 'unknownMailbox');
  const refusal = whyDisabled(account, policy);
  if (refusal !== undefined) return refusal;
  const exact = lookup.found === 'one' ? lookup.by !== 'detail' : account.name === addressKey(address);
  return {
    account,
    addresses: addressesOf(account, entry, address, exact ? undefined : plain),
    ...(exact || detail === undefined ? {} : { detail }),
  };
}

function whyDisabled({ disabled }: Account, policy: LocalPolicy): Reply | undefined {
  if (!disabled || policy.disabled === 'deliver') return undefined;
  return replyFor(policy.disabled === 'later' ? 'later' : 'never', 'mailboxDisabled');
}

async function byName(
  address: Address,
  plain: Address | undefined,
  { accounts }: LocalOptions,
): Promise<Account | undefined> {
  const exact = await accounts.byName(addressKey(address));
  return exact ?? (plain && (await accounts.byName(addressKey(plain))));
}

async function byEntry(
  entry: DirectoryEntry,
  address: Address,
  { accounts, policy }: LocalOptions,
): Promise<Account | undefined> {
  if (entry.source === policy().localSource) {
    const number = /\/(\d{1,15})$/.exec(entry.id)?.[1];
    return number === undefined ? undefined : await accounts.byId(Number(number));
  }
  const name = addressKey(entry.primary ?? entry.addresses[0] ?? address);
  const known = await accounts.byEntry(entry.id);
  return known?.name === name ? known : await accounts.forEntry(entry.id, name);
}

function onceFor<T>(made: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = made.get(key);
  if (known !== undefined) return known;
  const making = make();
  made.set(key, making);
  return making;
}

function detailOf(address: Address, { detailSeparator }: LocalPolicy): string | undefined {
  const at = address.local.indexOf(detailSeparator);
  return at < 1 ? undefined : address.local.slice(at + detailSeparator.length);
}

function addressesOf(
  account: Account,
  entry: DirectoryEntry | undefined,
  address: Address,
  plain: Address | undefined,
): readonly string[] {
  const named = parseAddress(account.name);
  const all = [address, plain, named, ...(entry?.addresses ?? [])].flatMap((one) => (one ? [one.text] : []));
  return [...new Set(all)];
}
