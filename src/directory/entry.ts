/**
 * directory/entry - an entry as a row, and back.
 *
 * What is asked by SQL has columns; the rest is one jsonb value, `facts`. The
 * digest is over all that the source said, so that an entry read again
 * unchanged costs no write.
 */
import { hash } from 'node:crypto';
import { type Address, addressKey, parseAddress } from '../mail/address.ts';
import type { DirectoryEntry, DirectoryProblem, EntryKind, SourceEntry } from '../ports/directory.ts';

/** What of a group is kept in `facts`. */
export interface GroupRules {
  readonly moderated: boolean;
  readonly internalOnly: boolean;
  readonly reportTo: 'originator' | 'owner' | 'nobody';
  readonly opaque: boolean;
}

/** What of an entry is kept in `facts`. Absent means false, none or undefined. */
interface Facts {
  readonly name?: string;
  readonly primary?: string;
  readonly addresses?: readonly string[];
  readonly x500?: readonly string[];
  readonly target?: string;
  readonly hidden?: true;
  readonly disabled?: true;
  readonly group?: GroupRules;
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
}

/** One row of directory_stage, as json_to_recordset reads it. */
export interface StagedRow {
  readonly id: string;
  readonly digest: string;
  readonly place: string;
  readonly kind: string;
  readonly home: string | undefined;
  readonly target: string | undefined;
  readonly facts: Facts;
  readonly keys: readonly string[];
  readonly roles: readonly string[];
  readonly members: readonly string[];
  readonly owners: readonly string[];
  readonly problems: readonly (readonly [place: string, kind: string, what: string])[];
}

/** Octets. An index takes 2704 at most; addresses stay below by their grammar, what else a source says does not. */
const longestKey = 1000;

/** A longer key is its beginning and its digest, so that one odd value does not keep all others from being written. */
const bounded = (key: string): string =>
  Buffer.byteLength(key) <= longestKey
    ? key
    : `${key.slice(0, 200).toWellFormed()}… ${hash('sha256', key, 'hex')}`;

/** No address has a tab in it, so a name never equals an address. */
export const nameKey = (source: string, name: string): string => bounded(`${source}\t${name}`);

/** X.500 addresses are compared without regard to case. Anybody may enclose one, with a NUL that no text may have. */
export const x500Key = (x500: string): string =>
  bounded(`\tx500\t${x500.toLowerCase().replaceAll('\0', '\ufffd')}`);

/** `mailto:` means whoever has the address; anything else is a name in the same source. */
function memberKey(source: string, member: string): string {
  if (!member.startsWith('mailto:')) return nameKey(source, member);
  const address = parseAddress(member.slice('mailto:'.length));
  return address === undefined ? nameKey(source, member) : addressKey(address);
}

export function stagedRow(source: string, entry: SourceEntry): StagedRow {
  const keys = new Map<string, string>();
  if (entry.primary) keys.set(addressKey(entry.primary), 'p');
  for (const address of entry.addresses)
    if (!keys.has(addressKey(address))) keys.set(addressKey(address), 'a');
  for (const x500 of entry.x500) keys.set(x500Key(x500), 'x');
  for (const name of entry.names ?? [entry.where]) keys.set(nameKey(source, name), 'n');
  const members = new Set(entry.group?.members.map((member) => memberKey(source, member)));
  const owners = new Set(entry.group?.owners.map((owner) => memberKey(source, owner)));
  const said = {
    id: entry.id,
    place: entry.where,
    kind: entry.kind,
    home: entry.home,
    target: entry.targetAddress && addressKey(entry.targetAddress),
    facts: factsOf(entry),
    keys: [...keys.keys()],
    roles: [...keys.values()],
    members: [...members].sort(),
    owners: [...owners].sort(),
    problems: [...entry.problems, ...groupProblems(source, entry)].map(
      (problem) => [problem.where, problem.kind, problem.text] as const,
    ),
  };
  const digest = hash('sha256', JSON.stringify(said), 'hex').slice(0, 32);
  return { ...said, digest };
}

function factsOf(entry: SourceEntry): Facts {
  const { group } = entry;
  return {
    ...(entry.displayName !== undefined && { name: entry.displayName }),
    ...(entry.primary && { primary: entry.primary.text }),
    ...(entry.addresses.length > 0 && { addresses: entry.addresses.map((address) => address.text) }),
    ...(entry.x500.length > 0 && { x500: entry.x500 }),
    ...(entry.targetAddress && { target: entry.targetAddress.text }),
    ...(entry.hiddenFromAddressLists && { hidden: true as const }),
    ...(entry.disabled && { disabled: true as const }),
    ...(group && {
      group: {
        moderated: group.moderated,
        internalOnly: group.internalOnly,
        reportTo: group.reportTo,
        opaque: group.opaque,
      },
    }),
    ...(Object.keys(entry.attributes).length > 0 && { attributes: sorted(entry.attributes) }),
  };
}

const sorted = (attributes: Facts['attributes'] & object): Facts['attributes'] & object =>
  Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Groups that operators should know of before they move people: told by every source alike. */
function groupProblems(source: string, entry: SourceEntry): DirectoryProblem[] {
  if (!entry.group) return [];
  const about = (kind: DirectoryProblem['kind'], text: string): DirectoryProblem => ({
    source,
    where: entry.where,
    kind,
    text,
  });
  return [
    ...(entry.group.moderated ? [about('moderated', 'messages to this group need a moderator')] : []),
    ...(entry.hiddenFromAddressLists ? [about('hidden', 'this group is hidden from address lists')] : []),
    ...(entry.group.opaque ? [about('opaque', 'the members of this group cannot be read')] : []),
  ];
}

/** What the lookups select of directory_entry, with the owners of a group resolved to ids. */
export const entryColumns = `e.n, e.source, e.id, e.place, e.kind, e.home, e.facts,
  case when e.kind = 'group' then array(
    select o.id from directory_member w
      join directory_address oa on oa.key = w.ref
      join directory_entry o on o.n = oa.entry and o.source = e.source
    where w.grp = e.n and w.role = 'o' order by o.id) end as owners`;

export interface EntryRow {
  readonly n: number;
  readonly source: string;
  readonly id: string;
  readonly place: string;
  readonly kind: EntryKind;
  readonly home: string | null;
  readonly facts: Facts;
  readonly owners: readonly string[] | null;
}

const noStrings: readonly string[] = [];
const noAttributes: DirectoryEntry['attributes'] = {};

export function entryOf(row: EntryRow): DirectoryEntry {
  const { facts } = row;
  const primary = facts.primary === undefined ? undefined : parseAddress(facts.primary);
  const target = facts.target === undefined ? undefined : parseAddress(facts.target);
  const addresses = (facts.addresses ?? noStrings)
    .map((text) => parseAddress(text))
    .filter((address): address is Address => address !== undefined);
  return {
    id: row.id,
    source: row.source,
    where: row.place,
    kind: row.kind,
    ...(facts.name !== undefined && { displayName: facts.name }),
    ...(primary && { primary }),
    addresses,
    x500: facts.x500 ?? noStrings,
    ...(row.home !== null && { home: row.home }),
    ...(target && { targetAddress: target }),
    hiddenFromAddressLists: facts.hidden ?? false,
    disabled: facts.disabled ?? false,
    ...(facts.group && { group: { ...facts.group, owners: row.owners ?? noStrings } }),
    attributes: facts.attributes ?? noAttributes,
  };
}
