/**
 * directory/senders - Senders by the directory: who may send as whom.
 *
 * An account sends as all addresses of its own entry, their details included. It sends for another entry when an
 * attribute of that entry names it: by DN, by address (`smtp:` before it or not), by id, or by a group it is in.
 * Exchange keeps those who may send on behalf in publicDelegates.
 */
import { type Address, addressKey, parseAddress, sameAddress } from '../mail/address.ts';
import { MailError } from '../mail/condition.ts';
import { type Directory, type DirectoryEntry, DirectoryUnready, type Lookup } from '../ports/directory.ts';
import type { Senders } from '../ports/senders.ts';

export function makeSenders(directory: Directory, attributes: () => readonly string[]): Senders {
  return {
    async mayUse(account, address, signal) {
      const name = parseAddress(account);
      if (name === undefined) return undefined;
      if (sameAddress(name, address)) return 'own';
      const [me, other] = await ask(directory, name, address, signal);
      if (other?.found === 'ambiguous') throw new MailError('later', 'ambiguousMailbox');
      if (me?.found !== 'one' || other?.found !== 'one' || other.by === 'target') return undefined;
      if (me.entry.disabled) return undefined;
      if (me.entry.id === other.entry.id) return 'own';
      const mine = namesOf(me.entry, me.groups ?? new Set());
      return namedBy(other.entry, attributes()).some((value) => mine.has(value)) ? 'delegated' : undefined;
    },
  };
}

async function ask(
  directory: Directory,
  account: Address,
  address: Address,
  signal: AbortSignal,
): Promise<readonly Lookup[]> {
  try {
    return await directory.lookup([account, address], { groups: true }, signal);
  } catch (error) {
    if (error instanceof DirectoryUnready) throw new MailError('later', 'directoryTrouble', { cause: error });
    throw error;
  }
}

/** All that an attribute may call it, in one spelling. */
const namesOf = (entry: DirectoryEntry, groups: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([
    entry.id.toLowerCase(),
    entry.where.toLowerCase(),
    ...entry.addresses.map(spelt),
    ...[...groups].map((group) => group.toLowerCase()),
  ]);

const spelt = (address: Address): string => addressKey(address).toLowerCase();

const namedBy = (entry: DirectoryEntry, attributes: readonly string[]): string[] =>
  attributes
    .flatMap((attribute) => entry.attributes[attribute.toLowerCase()] ?? [])
    .map((value) => {
      const bare = value.replace(/^smtp:/i, '');
      const address = parseAddress(bare);
      return address === undefined ? bare.toLowerCase() : spelt(address);
    });
