/**
 * test/route/company - a small company for the tests of routing: a directory in memory, a configuration of two sites,
 * and questions asked of the real router.
 */
import { type Address, addressKey, parseAddress, withoutDetail } from '../../src/mail/address.ts';
import type { Client } from '../../src/mail/envelope.ts';
import { printReply } from '../../src/mail/reply.ts';
import type { Copy, Decision } from '../../src/mail/route.ts';
import { nextHopKey } from '../../src/mail/route.ts';
import type {
  Directory,
  DirectoryEntry,
  GroupFacts,
  GroupMember,
  Lookup,
} from '../../src/ports/directory.ts';
import type { Question } from '../../src/ports/routing.ts';
import { compile } from '../../src/route/compile.ts';
import { makeRouter } from '../../src/route/router.ts';
import type { RoutingSpec, RuleSpec, SiteSpec } from '../../src/route/spec.ts';

export const at = (text: string): Address => {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
};

type Some = Partial<Omit<DirectoryEntry, 'addresses' | 'group' | 'targetAddress'>> & {
  readonly target?: string;
  readonly group?: Partial<GroupFacts>;
  readonly override?: string;
  readonly groups?: readonly string[];
  readonly members?: readonly GroupMember[];
};

export interface Known {
  readonly entry: DirectoryEntry;
  readonly override: string | undefined;
  readonly groups: readonly string[];
  readonly members: readonly GroupMember[];
}

export function known(addresses: readonly string[], some: Some = {}): Known {
  const { target, group, override, groups = [], members = [], ...rest } = some;
  const list = addresses.map(at);
  const [primary] = list;
  const facts = { moderated: false, internalOnly: false, owners: [], opaque: false, ...group };
  const entry: DirectoryEntry = {
    id: `ad/${addresses[0]}`,
    source: 'ad',
    where: `CN=${addresses[0]}`,
    kind: group === undefined ? 'user' : 'group',
    addresses: list,
    x500: [],
    hiddenFromAddressLists: false,
    disabled: false,
    attributes: {},
    ...(primary === undefined ? {} : { primary }),
    ...(target === undefined ? {} : { targetAddress: at(target) }),
    ...(group === undefined ? {} : { group: { reportTo: 'originator', ...facts } }),
    ...rest,
  };
  return { entry, override, groups, members };
}

/** A Directory over a list, with the port's meanings; `asked` counts its round trips. */
export class MemoryDirectory implements Directory {
  asked = 0;
  readonly #all: readonly Known[];
  constructor(all: readonly Known[]) {
    this.#all = all;
  }

  async lookup(addresses: readonly Address[], { groups }: { readonly groups: boolean }) {
    this.asked += 1;
    return addresses.map((address) => this.#find(address, groups));
  }

  async entry(id: string) {
    return this.#all.find(({ entry }) => entry.id === id)?.entry;
  }

  async *members(groupId: string): AsyncGenerator<GroupMember> {
    yield* this.#all.find(({ entry }) => entry.id === groupId)?.members ?? [];
  }

  async health() {
    return [];
  }

  #find(address: Address, groups: boolean): Lookup {
    const base = withoutDetail(address);
    const byTarget = ({ entry }: Known) =>
      entry.targetAddress !== undefined && addressKey(entry.targetAddress) === addressKey(address);
    return (
      this.#one('exact', this.#holding(address), groups) ??
      (base === undefined ? undefined : this.#one('detail', this.#holding(base), groups)) ??
      this.#one('target', this.#all.filter(byTarget), groups) ?? { found: 'nobody' }
    );
  }

  #holding(address: Address): readonly Known[] {
    const key = addressKey(address);
    return this.#all.filter(({ entry }) => entry.addresses.some((one) => addressKey(one) === key));
  }

  #one(by: 'exact' | 'detail' | 'target', all: readonly Known[], groups: boolean): Lookup | undefined {
    const [first] = all;
    if (first === undefined) return undefined;
    if (all.length > 1) return { found: 'ambiguous', entries: all.map(({ entry }) => entry) };
    const { entry, override } = first;
    return {
      found: 'one',
      entry,
      by,
      ...(groups ? { groups: new Set(first.groups) } : {}),
      ...(override === undefined ? {} : { override }),
    };
  }
}

export const site = (some: Partial<SiteSpec> = {}): SiteSpec => ({
  nextHops: [{ host: 'mail.invalid', protocol: 'smtp', priority: 0, weight: 1 }],
  tls: 'opportunistic',
  routing: 'prefer',
  detail: 'keep',
  canonical: true,
  recognise: { networks: [], certificateNames: [] },
  trusted: false,
  transparent: false,
  hairpin: false,
  relay: false,
  ...some,
});

export const tenant = 'tenant.mail.onmicrosoft.com';

/** example.org shared by onprem and cloud; legacy.example.org is another system's. */
export const spec = (some: Partial<RoutingSpec> = {}): RoutingSpec => ({
  domains: [
    { name: 'example.org', type: 'authoritative' },
    { name: 'shared.example.org', type: 'internalRelay', site: 'onprem' },
    { name: 'legacy.example.org', type: 'internalRelay', site: 'onprem' },
    { name: 'friend.example', type: 'externalRelay' },
    { name: '*.dept.example.org', type: 'authoritative' },
    { name: 'catch.example.org', type: 'authoritative', catchAll: 'ada@example.org' },
  ],
  sites: {
    onprem: site({ recognise: { networks: ['10.0.0.0/8'], certificateNames: [] } }),
    cloud: site({
      routingDomain: tenant,
      recognise: { networks: [], certificateNames: ['mail.protection.outlook.com'] },
    }),
  },
  homes: { rules: [], byKind: {}, default: 'onprem' },
  groups: { moderated: 'hold' },
  rules: [],
  postmaster: 'grace@example.org',
  disabled: 'deliver',
  ...some,
});

const member = (address: string): GroupMember => ({
  kind: 'entry',
  address: at(address),
  entryId: `ad/${address}`,
});

export const people: readonly Known[] = [
  known(['ada@example.org', 'countess@example.org'], { home: 'onprem' }),
  known(['grace@example.org', `grace.h@${tenant}`], { target: `grace.h@${tenant}` }),
  known(['alan@example.org'], { home: 'cloud', attributes: { department: ['Research', 'Codes'] } }),
  known(['moved@example.org'], { home: 'onprem', override: 'cloud' }),
  known(['back@example.org'], { target: `back@${tenant}`, override: 'onprem' }),
  known(['homeless@example.org']),
  known(['lost@example.org'], { home: 'atlantis' }),
  known(['gone@example.org'], { disabled: true, home: 'onprem' }),
  known(['dual@example.org', 'one@example.org'], { home: 'onprem' }),
  known(['dual@example.org', 'two@example.org'], { home: 'cloud' }),
  known(['partner@example.org'], { kind: 'contact', target: 'bob@partner.example' }),
  known(['unix@example.org'], { target: 'unix@legacy.example.org' }),
  known(['inner@example.org'], { kind: 'contact', target: 'ada@example.org' }),
  known(['ping@example.org'], { kind: 'contact', target: 'pong@example.org' }),
  known(['pong@example.org'], { kind: 'contact', target: 'ping@example.org' }),
  known(['room@example.org'], { kind: 'room' }),
  known(['vip@example.org'], { home: 'cloud', groups: ['board@example.org', 'ad/board@example.org'] }),
  known(['all@example.org'], {
    group: { reportTo: 'owner', owners: ['ad/nobody', 'ad/ada@example.org'] },
    members: [member('ada@example.org'), member('alan@example.org'), member('partner@example.org')],
  }),
  known(['staff@example.org'], { group: { internalOnly: true, reportTo: 'nobody' } }),
  known(['careful@example.org'], { group: { moderated: true } }),
  known(['dynamic@example.org'], { group: { opaque: true } }),
  known(['box@x.dept.example.org'], { home: 'cloud' }),
];

export const clientOf = (some: Partial<Client> = {}): Client => ({
  listener: 'mx',
  protocol: 'smtp',
  ip: '192.0.2.7',
  mayRelay: false,
  ...some,
});

export const fromOnprem = clientOf({ ip: '10.1.2.3', site: 'onprem' });
export const fromCloud = clientOf({ ip: '198.51.100.1', site: 'cloud' });
export const loggedIn = clientOf({ protocol: 'submission', listener: 'submission', account: 'ada' });

export const question = (to: string, some: Partial<Question> = {}): Question => ({
  recipient: to === 'postmaster' ? { text: to, local: to, domain: '' } : at(to),
  sender: at('sender@elsewhere.example'),
  client: clientOf(),
  size: 1000,
  headers: new Map(),
  sitesSeen: [],
  ...some,
});

export const router = (routing: RoutingSpec, directory: Directory = new MemoryDirectory(people)) => {
  const compiled = compile(routing);
  return makeRouter({ directory, compiled: () => compiled, directoryTimeout: 10_000 });
};

export const decide = (to: string, some: Partial<Question> = {}, routing: RoutingSpec = spec()) =>
  router(routing).route(question(to, some), new AbortController().signal);

export const withRules = (...rules: readonly RuleSpec[]): RoutingSpec => spec({ rules });

/** `site:cloud alan@tenant…`, `refuse 550 5.1.1 Mailbox unknown`, `hold reason`, `expand id`. */
export function told(decision: Decision): string {
  switch (decision.verdict) {
    case 'deliver':
      return decision.copies.map(toldCopy).join(', ');
    case 'refuse':
    case 'defer':
      return `${decision.verdict} ${printReply(decision.reply)}`;
    case 'hold':
      return `hold ${decision.reason}`;
    case 'expand':
      return `expand ${decision.group.id}`;
  }
}

const toldCopy = ({ nextHop, recipient, purpose }: Copy): string =>
  `${purpose === 'delivery' ? '' : `${purpose} `}${nextHopKey(nextHop)} ${recipient.text}`;
