/**
 * ldap/mapping - an LDAP object in our words. Used for LDAP servers and for LDIF files alike.
 *
 * A preset says what things are called; the configuration may overrule each name.
 * An address that is none is dropped and reported, the entry stays. Pure.
 */
import { type Address, addressKey, parseAddress } from '../../src/mail/address.ts';
import type { DirectoryProblem, EntryKind, SourceEntry } from '../../src/ports/directory.ts';
import { normalizeDn } from './dn.ts';
import {
  accountDisabled,
  guidText,
  type RecipientType,
  recipientType,
  reportTo,
  typedAddress,
  typedAddresses,
} from './exchange.ts';
import { type AttributeNames, type Preset, type PresetName, presets } from './presets.ts';
import type { RawEntry } from './raw-entry.ts';

export interface HomeMapping {
  /** Site of mailboxes that Exchange's recipient type says are in this forest. */
  readonly local?: string;
  /** Site of mailboxes that it says are remote. */
  readonly remote?: string;
  /** An attribute whose value says where the mailbox is; it wins over the recipient type. */
  readonly attribute?: string;
  /** Its values, without regard to case, and the site that each means. */
  readonly values: Readonly<Record<string, string>>;
}

export interface MappingOptions {
  /** Name of the source. */
  readonly name: string;
  readonly preset: PresetName;
  /** What is called otherwise than in the preset. */
  readonly attributes: Partial<AttributeNames>;
  /** Attributes to keep for rules. */
  readonly keep: readonly string[];
  readonly homes: HomeMapping;
}

export interface Mapping {
  readonly names: AttributeNames;
  readonly preset: Preset;
  /** All attributes that have to be asked for. */
  readonly wanted: readonly string[];
  readonly entry: (raw: RawEntry) => SourceEntry;
  readonly id: (raw: RawEntry) => string;
}

const kinds = new Set(['user', 'shared', 'room', 'equipment', 'contact', 'group', 'publicFolder']);

const homeAttribute: Readonly<Record<PresetName, string | undefined>> = {
  activeDirectory: undefined,
  openldap: 'mailHost',
  zimbra: 'zimbraMailHost',
};

export function makeMapping(options: MappingOptions): Mapping {
  const preset = presets[options.preset];
  const names = { ...preset.attributes, ...options.attributes };
  const home = options.homes.attribute ?? homeAttribute[options.preset];
  const reader = new Reader(options, preset, names, home, lowerKeys(options.homes.values));
  const wanted = new Set(
    [
      'objectClass',
      ...Object.values(names).flat(),
      ...preset.needed,
      ...options.keep,
      ...(home ? [home] : []),
    ].map((name) => name.trim()),
  );
  return {
    names,
    preset,
    wanted: [...wanted],
    entry: (raw) => reader.entry(raw),
    id: (raw) => reader.id(raw),
  };
}

const lowerKeys = (values: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(values).map(([key, site]) => [key.toLowerCase(), site]));

class Reader {
  readonly #options: MappingOptions;
  readonly #preset: Preset;
  readonly #names: AttributeNames;
  readonly #homeAttribute: string | undefined;
  readonly #sites: ReadonlyMap<string, string>;

  constructor(
    options: MappingOptions,
    preset: Preset,
    names: AttributeNames,
    home: string | undefined,
    sites: ReadonlyMap<string, string>,
  ) {
    this.#options = options;
    this.#preset = preset;
    this.#names = names;
    this.#homeAttribute = home;
    this.#sites = sites;
  }

  /** `SOURCE/` and the first id attribute that is there; the DN, which does not outlive a renaming, when there is none. */
  id(raw: RawEntry): string {
    for (const name of this.#names.id) {
      const octets = raw.octets(name);
      if (!octets || octets.length === 0) continue;
      const text = Buffer.from(octets).toString('utf8');
      const isText = !name.toLowerCase().endsWith('guid') && !text.includes('\ufffd');
      if (octets.length === 16 && !isText) return `${this.#options.name}/${guidText(octets)}`;
      return `${this.#options.name}/${isText || /^[\x20-\x7e]+$/.test(text) ? text : Buffer.from(octets).toString('hex')}`;
    }
    return `${this.#options.name}/${normalizeDn(raw.dn)}`;
  }

  entry(raw: RawEntry): SourceEntry {
    const problems: DirectoryProblem[] = [];
    const report = (kind: DirectoryProblem['kind'], text: string): void => {
      problems.push({ source: this.#options.name, where: raw.dn, kind, text });
    };
    const type = this.#type(raw, report);
    const kind = this.#kind(raw, type, report);
    const { primary, addresses, x500 } = this.#addresses(raw, report);
    const target = this.#target(raw, kind, addresses, report);
    const home = this.#home(raw, type);
    const displayName = raw.first(this.#names.displayName);
    return {
      id: this.id(raw),
      where: raw.dn,
      names: [normalizeDn(raw.dn), ...raw.allOf(this.#names.uid).map(uidName)],
      kind,
      ...(displayName !== undefined && { displayName }),
      ...(primary && { primary }),
      addresses,
      x500,
      ...(home !== undefined && { home }),
      ...(target && { targetAddress: target }),
      hiddenFromAddressLists: raw.flag(this.#names.hidden),
      disabled: this.#disabled(raw),
      ...(kind === 'group' && { group: this.#group(raw, type) }),
      attributes: this.#kept(raw),
      problems,
    };
  }

  #type(raw: RawEntry, report: Report): RecipientType | undefined {
    if (this.#options.preset !== 'activeDirectory') return undefined;
    const type = recipientType(raw);
    if (type !== 'unknown') return type;
    report(
      'unknown kind',
      `msExchRecipientTypeDetails ${raw.first(['msExchRecipientTypeDetails'])} is not known`,
    );
    return undefined;
  }

  #kind(raw: RawEntry, type: RecipientType | undefined, report: Report): EntryKind {
    const said = raw.first(this.#names.kind);
    if (said !== undefined && kinds.has(said)) return said as EntryKind;
    if (said !== undefined) report('unknown kind', `${said} is none of ${[...kinds].join(', ')}`);
    if (raw.isA(this.#preset.groupClasses)) return 'group';
    if (type) return type.kind;
    if (raw.isA(this.#preset.contactClasses)) return 'contact';
    if (raw.isA(['publicFolder'])) return 'publicFolder';
    return resources.get(raw.first(['zimbraCalResType'])?.toLowerCase() ?? '') ?? 'user';
  }

  /** The typed primary one, else the first plain one, else the first of any; each once. */
  #addresses(raw: RawEntry, report: Report): Addresses {
    const typed = typedAddresses(raw.allOf(this.#names.proxyAddresses));
    for (const why of typed.bad) report('bad address', why);
    // With a typed primary address, `mail` is only what address books show.
    const plain = typed.primary ? [] : [...this.#plain(raw, this.#names.primary, report), ...typed.others];
    const all = [
      ...(typed.primary ? [typed.primary, ...typed.others] : plain),
      ...this.#plain(raw, this.#names.aliases, report),
    ];
    const addresses = eachOnce(all);
    const primary = addresses[0];
    const legacy = raw.first(['legacyExchangeDN']);
    const x500 = legacy === undefined ? typed.x500 : [...new Set([legacy, ...typed.x500])];
    return { ...(primary && { primary }), addresses, x500 };
  }

  #plain(raw: RawEntry, names: readonly string[], report: Report): Address[] {
    return raw.allOf(names).flatMap((text) => {
      const address = parseAddress(text.trim());
      if (!address && text.trim() !== '') report('bad address', `${text} is no mail address`);
      return address ? [address] : [];
    });
  }

  /**
   * A mailRoutingAddress that is one of the entry's own addresses sends it nowhere. In Exchange it does: the routing
   * address of a remote mailbox is among its proxyAddresses.
   */
  #target(raw: RawEntry, kind: EntryKind, own: readonly Address[], report: Report): Address | undefined {
    const { preset } = this.#options;
    const text = preset === 'zimbra' ? forwardedTo(raw, kind) : raw.first(this.#names.targetAddress);
    if (text === undefined) return undefined;
    const target = typedAddress(text);
    if (!target) report('bad address', `the target ${text} is no mail address`);
    const isOwn = target && own.some((address) => addressKey(address) === addressKey(target));
    return isOwn && preset !== 'activeDirectory' ? undefined : target;
  }

  #home(raw: RawEntry, type: RecipientType | undefined): string | undefined {
    const { homes } = this.#options;
    const value = this.#homeAttribute === undefined ? undefined : raw.first([this.#homeAttribute]);
    const site = value === undefined ? undefined : this.#sites.get(value.toLowerCase());
    if (site !== undefined) return site;
    if (type?.mailbox === 'local') return homes.local;
    if (type?.mailbox === 'remote') return homes.remote;
    return undefined;
  }

  #disabled(raw: RawEntry): boolean {
    if (this.#options.preset === 'activeDirectory') return accountDisabled(raw);
    const status = raw.first(['zimbraAccountStatus']) ?? 'active';
    return status !== 'active' || raw.first(['zimbraMailStatus']) === 'disabled';
  }

  #group(raw: RawEntry, type: RecipientType | undefined): SourceEntry['group'] & object {
    const names = this.#names;
    const members = [
      ...raw.allOf(names.members).map(normalizeDn),
      ...raw.allOf(names.memberUids).map(uidName),
      ...raw.allOf(names.memberAddresses).map((address) => `mailto:${address.trim()}`),
    ];
    return {
      moderated: raw.flag(names.moderated),
      internalOnly: raw.flag(names.internalOnly),
      owners: raw.allOf(names.owners).map(normalizeDn),
      reportTo: this.#options.preset === 'activeDirectory' ? reportTo(raw) : 'originator',
      opaque: type?.opaque === true || this.#isQuery(raw),
      members,
    };
  }

  /** A dynamic group of Zimbra is one only if it has a query; every msExchDynamicDistributionList is. */
  #isQuery(raw: RawEntry): boolean {
    if (!raw.isA(this.#preset.opaqueClasses)) return false;
    return this.#options.preset === 'activeDirectory' || raw.has('memberURL');
  }

  #kept(raw: RawEntry): Readonly<Record<string, readonly string[]>> {
    const kept = this.#options.keep
      .map((name) => [name.toLowerCase(), raw.all(name)] as const)
      .filter(([, values]) => values.length > 0);
    return Object.fromEntries(kept);
  }
}

type Report = (kind: DirectoryProblem['kind'], text: string) => void;

interface Addresses {
  readonly primary?: Address;
  readonly addresses: readonly Address[];
  readonly x500: readonly string[];
}

function eachOnce(addresses: readonly Address[]): readonly Address[] {
  const first = new Map<string, Address>();
  for (const address of addresses) {
    const key = addressKey(address);
    if (!first.has(key)) first.set(key, address);
  }
  return [...first.values()];
}

const uidName = (uid: string): string => `uid:${uid.trim().toLowerCase()}`;

const resources = new Map<string, EntryKind>([
  ['location', 'room'],
  ['equipment', 'equipment'],
]);

/** Zimbra delivers and forwards by itself, unless local delivery is off: then the one address is where the mail belongs. */
function forwardedTo(raw: RawEntry, kind: EntryKind): string | undefined {
  if (kind === 'group' || !raw.flag(['zimbraPrefMailLocalDeliveryDisabled'])) return undefined;
  const to = raw.all('zimbraMailForwardingAddress');
  return to.length === 1 ? to[0] : undefined;
}
