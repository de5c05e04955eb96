/**
 * ldap/exchange - what Exchange's attributes in Active Directory say: the kind of recipient, where the mailbox is, typed addresses.
 *
 * Values of msExchRecipientTypeDetails and msExchRemoteRecipientType are Microsoft's; QUIRKS.md says which were
 * seen in documents and which are common knowledge only.
 */
import { type Address, parseAddress } from '../../src/mail/address.ts';
import type { EntryKind } from '../../src/ports/directory.ts';
import type { RawEntry } from './raw-entry.ts';

export interface RecipientType {
  readonly kind: EntryKind;
  /** Where its mailbox is: in this forest, in the cloud, or nowhere we know. */
  readonly mailbox?: 'local' | 'remote';
  readonly opaque?: true;
}

const types = new Map<number, RecipientType>([
  [1, { kind: 'user', mailbox: 'local' }], // UserMailbox
  [2, { kind: 'user', mailbox: 'local' }], // LinkedMailbox
  [4, { kind: 'shared', mailbox: 'local' }], // SharedMailbox
  [8, { kind: 'user', mailbox: 'local' }], // LegacyMailbox
  [16, { kind: 'room', mailbox: 'local' }], // RoomMailbox
  [32, { kind: 'equipment', mailbox: 'local' }], // EquipmentMailbox
  [64, { kind: 'contact' }], // MailContact
  [128, { kind: 'contact' }], // MailUser
  [256, { kind: 'group' }], // MailUniversalDistributionGroup
  [512, { kind: 'group' }], // MailNonUniversalGroup
  [1024, { kind: 'group' }], // MailUniversalSecurityGroup
  [2048, { kind: 'group', opaque: true }], // DynamicDistributionGroup
  [4096, { kind: 'publicFolder', mailbox: 'local' }], // PublicFolder
  [8192, { kind: 'user', mailbox: 'local' }], // SystemAttendantMailbox
  [16384, { kind: 'user', mailbox: 'local' }], // SystemMailbox
  [32768, { kind: 'contact' }], // MailForestContact
  [65536, { kind: 'user' }], // User
  [131072, { kind: 'contact' }], // Contact
  [262144, { kind: 'group' }], // UniversalDistributionGroup
  [524288, { kind: 'group' }], // UniversalSecurityGroup
  [1048576, { kind: 'group' }], // NonUniversalGroup
  [2097152, { kind: 'user' }], // DisabledUser
  [4194304, { kind: 'user', mailbox: 'local' }], // MicrosoftExchange
  [8388608, { kind: 'user', mailbox: 'local' }], // ArbitrationMailbox
  [33554432, { kind: 'user' }], // LinkedUser
  [268435456, { kind: 'group' }], // RoomList
  [536870912, { kind: 'user', mailbox: 'local' }], // DiscoveryMailbox
  [1073741824, { kind: 'group' }], // RoleGroup
  [2147483648, { kind: 'user', mailbox: 'remote' }], // RemoteUserMailbox
  [8589934592, { kind: 'room', mailbox: 'remote' }], // RemoteRoomMailbox
  [17179869184, { kind: 'equipment', mailbox: 'remote' }], // RemoteEquipmentMailbox
  [34359738368, { kind: 'shared', mailbox: 'remote' }], // RemoteSharedMailbox
  [68719476736, { kind: 'user', mailbox: 'local' }], // PublicFolderMailbox
  [137438953472, { kind: 'shared', mailbox: 'local' }], // TeamMailbox
  [274877906944, { kind: 'shared', mailbox: 'remote' }], // RemoteTeamMailbox
  [549755813888, { kind: 'user', mailbox: 'local' }], // MonitoringMailbox
  [1099511627776, { kind: 'shared', mailbox: 'local' }], // GroupMailbox
  [2199023255552, { kind: 'room', mailbox: 'local' }], // LinkedRoomMailbox
  [4398046511104, { kind: 'user', mailbox: 'local' }], // AuditLogMailbox
  [8796093022208, { kind: 'shared', mailbox: 'remote' }], // RemoteGroupMailbox
  [17592186044416, { kind: 'room', mailbox: 'local' }], // SchedulingMailbox
  [35184372088832, { kind: 'contact' }], // GuestMailUser
]);

/** msExchRemoteRecipientType, flags: the parts of a remote mailbox's story that mean that there is one. */
const remote = { provisioned: 1, migrated: 4, room: 32, equipment: 64, shared: 96 } as const;

/**
 * The recipient's type; undefined when Exchange says nothing of it, `unknown` when it says something we do not know.
 * A remote mailbox is known by msExchRemoteRecipientType too, which is there earlier than the details in staged moves.
 */
export function recipientType(raw: RawEntry): RecipientType | 'unknown' | undefined {
  const details = raw.first(['msExchRecipientTypeDetails']);
  const type = details === undefined ? undefined : types.get(Number(details));
  if (details !== undefined && type === undefined) return 'unknown';
  if (type?.mailbox === 'local' || type?.kind === 'group') return type;
  return remoteType(raw) ?? type ?? (raw.has('homeMDB') ? { kind: 'user', mailbox: 'local' } : undefined);
}

function remoteType(raw: RawEntry): RecipientType | undefined {
  const details = types.get(Number(raw.first(['msExchRecipientTypeDetails'])));
  if (details?.mailbox === 'remote') return details;
  const flags = Number(raw.first(['msExchRemoteRecipientType']) ?? 0);
  if ((flags & (remote.provisioned | remote.migrated)) === 0) return undefined;
  return { kind: remoteKind(flags), mailbox: 'remote' };
}

function remoteKind(flags: number): EntryKind {
  if ((flags & remote.shared) === remote.shared) return 'shared';
  if (flags & remote.equipment) return 'equipment';
  if (flags & remote.room) return 'room';
  return 'user';
}

export interface TypedAddresses {
  readonly primary?: Address;
  readonly others: readonly Address[];
  readonly x500: readonly string[];
  /** Why values were dropped. */
  readonly bad: readonly string[];
}

/** proxyAddresses: `SMTP:` is the primary one, `smtp:` another, `X500:` a legacyExchangeDN; SIP, EUM, X400 and the like are no mail. */
export function typedAddresses(values: readonly string[]): TypedAddresses {
  let primary: Address | undefined;
  const others: Address[] = [];
  const x500: string[] = [];
  const bad: string[] = [];
  for (const value of values) {
    const colon = value.indexOf(':');
    const type = colon < 0 ? 'smtp' : value.slice(0, colon);
    const text = value.slice(colon + 1).trim();
    if (type.toLowerCase() === 'x500') x500.push(text);
    if (type.toLowerCase() !== 'smtp') continue;
    const address = parseAddress(text);
    if (!address) bad.push(`${value} is no mail address`);
    else if (type !== 'SMTP') others.push(address);
    else if (primary) {
      bad.push(`${value}: a second primary address, taken as one more`);
      others.push(address);
    } else primary = address;
  }
  return { ...(primary && { primary }), others, x500, bad };
}

/** targetAddress: `SMTP:ada@example.org`, or without a type; other types are no mail address. */
export function typedAddress(value: string): Address | undefined {
  return parseAddress(value.replace(/^smtp:/i, '').trim());
}

/** ADS_UF_ACCOUNTDISABLE. */
export const accountDisabled = (raw: RawEntry): boolean =>
  (Number(raw.first(['userAccountControl']) ?? 0) & 2) !== 0;

/** Exchange: the owner before the originator; neither: nobody hears of it. reportToOriginator is true when it is not set. */
export function reportTo(raw: RawEntry): 'originator' | 'owner' | 'nobody' {
  if (raw.flag(['reportToOwner'])) return 'owner';
  const originator = raw.first(['reportToOriginator']);
  return originator === undefined || raw.flag(['reportToOriginator']) ? 'originator' : 'nobody';
}

/** objectGUID's octets as Windows writes them: the first three groups are little-endian. */
export function guidText(octets: Uint8Array): string {
  const hex = Buffer.from(octets).toString('hex');
  const turned = (from: number, to: number): string =>
    (hex.slice(from, to).match(/../g) ?? []).reverse().join('');
  return [turned(0, 8), turned(8, 12), turned(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
