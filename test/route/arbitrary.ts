// biome-ignore-all lint/suspicious/noThenProperty: the word of the rules; no rule is awaited.
/**
 * test/route/arbitrary - random rules, directories and questions over a small world, so that things meet often.
 */
import fc from 'fast-check';
import type { Address } from '../../src/mail/address.ts';
import type { Client } from '../../src/mail/envelope.ts';
import type { Question } from '../../src/ports/routing.ts';
import type { Action, Condition, RoutingSpec, RuleSpec } from '../../src/route/spec.ts';
import { at, type Known, known, site, tenant } from './company.ts';

const locals = ['ada', 'alan', 'grace', 'ada+x', 'postmaster', 'team'];
const domains = ['example.org', 'shared.example.org', 'sub.dept.example.org', 'elsewhere.example', tenant];
const siteNames = ['onprem', 'cloud', 'third'];
const groups = ['board@example.org', 'staff@example.org'];
const kinds = ['user', 'shared', 'room', 'contact', 'group'] as const;

const pick = <T>(values: readonly T[]) => fc.constantFrom(...values);
const some = <T>(values: readonly T[]) =>
  fc.oneof(pick(values), fc.subarray([...values], { minLength: 1, maxLength: Math.min(3, values.length) }));

const addressText = fc.tuple(pick(locals), pick(domains)).map(([local, domain]) => `${local}@${domain}`);
const patterns = [
  'ada@example.org',
  '*@example.org',
  'a*@example.org',
  '*@*.example.org',
  '*a@*',
  'alan@shared.example.org',
  '*+*@*.org',
];
const domainPatterns = [...domains, '*.example.org', '*.dept.example.org', '*.org'];

const person = fc.oneof(
  fc.record({ address: some(patterns) }),
  fc.record({ domain: some(domainPatterns) }),
  fc.record({ memberOf: some(groups) }),
  fc.record({ kind: some(kinds) }),
  fc.record({ known: fc.boolean() }),
  fc.record({ attribute: fc.record({ name: pick(['department', 'title']), equals: pick(['a', 'b']) }) }),
  fc.record({ attribute: fc.record({ name: pick(['department', 'title']), present: fc.boolean() }) }),
);

const networks = ['10.0.0.0/8', '10.1.0.0/16', '192.0.2.7', '0.0.0.0/0', '2001:db8::/32'];
const client = fc.oneof(
  fc.record({ network: some(networks) }),
  fc.record({ site: some(siteNames) }),
  fc.record({ protocol: some(['smtp', 'submission', 'lmtp', 'local'] as const) }),
  fc.record({ tls: some(['none', 'unverified', 'verified'] as const) }),
  fc.record({ certificateName: some(['*.partner.example', 'mx.partner.example', '*']) }),
  fc.record({ authenticated: fc.boolean() }),
  fc.record({ account: some(['ada', 'alan']) }),
);

const header = fc.oneof(
  fc.record({ name: pick(['x-a', 'x-b']), present: fc.boolean() }),
  fc.record({ name: pick(['x-a', 'x-b']), equals: some(['yes', 'no']) }),
  fc.record({ name: pick(['x-a', 'x-b']), contains: some(['y', 'es', 'o']) }),
);

const octets = fc.integer({ min: 0, max: 4 });
const leaf: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ recipient: person }),
  fc.record({ recipient: fc.record({ home: some(siteNames) }) }),
  fc.record({ sender: fc.oneof(person, fc.record({ empty: fc.boolean() })) }),
  fc.record({ client }),
  fc.record({ direction: some(['inbound', 'outbound', 'internal'] as const) }),
  fc.record({ size: fc.oneof(fc.record({ over: octets }), fc.record({ under: octets })) }),
  fc.record({ header }),
);

export const condition: fc.Arbitrary<Condition> = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'condition' },
    { weight: 3, arbitrary: leaf },
    { weight: 1, arbitrary: fc.record({ all: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ any: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ not: tie('condition') }) },
  ),
})).condition;

const decides: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ routeTo: pick(siteNames) }),
  fc.record({ redirect: addressText }),
  fc.record({ reject: pick(['550 5.7.1 no', '451 4.7.1 later']) }),
  fc.record({ hold: pick(['wait']) }),
);
const adds: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ deliverAlso: pick(siteNames) }),
  fc.record({ rewriteRecipient: fc.record({ domain: pick(domains) }) }),
  fc.record({ addHeader: fc.record({ name: pick(['X-One', 'X-Two']), value: pick(['1']) }) }),
  fc.record({ journalTo: fc.record({ address: addressText }) }),
);

export const ruleList = (maxLength: number): fc.Arbitrary<readonly RuleSpec[]> =>
  fc
    .array(
      fc.record(
        {
          when: condition,
          then: fc.oneof(decides, adds, fc.tuple(adds, decides)),
          stop: fc.boolean(),
          strangers: fc.boolean(),
        },
        { requiredKeys: ['then'] },
      ),
      { maxLength },
    )
    .map((rules) => rules.map((rule, index) => ({ ...rule, name: `rule${index}` })));

export const routing = (rules: fc.Arbitrary<readonly RuleSpec[]>): fc.Arbitrary<RoutingSpec> =>
  fc
    .record({
      rules,
      type: pick(['authoritative', 'internalRelay', 'externalRelay'] as const),
      catchAll: fc.boolean(),
      hairpin: fc.boolean(),
      routing: pick(['never', 'prefer', 'require'] as const),
      home: fc.boolean(),
      trusted: fc.boolean(),
    })
    .map(({ rules: list, type, catchAll, hairpin, routing: way, home, trusted }) => ({
      domains: [
        { name: 'example.org', type: 'authoritative', ...(catchAll ? { catchAll: 'ada@example.org' } : {}) },
        { name: 'shared.example.org', type, site: 'onprem' },
        { name: '*.dept.example.org', type: 'authoritative' },
      ],
      sites: {
        onprem: site({ hairpin, trusted }),
        cloud: site({ routingDomain: tenant, routing: way, trusted }),
        third: site(),
      },
      homes: { rules: [], byKind: {}, ...(home ? { default: 'onprem' } : {}) },
      groups: { moderated: 'hold' },
      rules: list,
      postmaster: 'grace@example.org',
      disabled: 'deliver',
    }));

export const directory: fc.Arbitrary<readonly Known[]> = fc.array(
  fc
    .record({
      address: addressText,
      alias: addressText,
      kind: pick(kinds),
      home: fc.option(pick([...siteNames, 'atlantis']), { nil: undefined }),
      target: fc.option(addressText, { nil: undefined }),
      override: fc.option(pick(siteNames), { nil: undefined, freq: 4 }),
      groups: fc.subarray(groups),
      department: fc.subarray(['A', 'b']),
      owner: addressText,
      opaque: fc.boolean(),
    })
    .map((one) =>
      known([one.address, one.alias], {
        kind: one.kind,
        groups: one.groups,
        attributes: { department: one.department },
        ...(one.home === undefined ? {} : { home: one.home }),
        ...(one.target === undefined ? {} : { target: one.target }),
        ...(one.override === undefined ? {} : { override: one.override }),
        ...(one.kind === 'group'
          ? { group: { reportTo: 'owner' as const, owners: [`ad/${one.owner}`], opaque: one.opaque } }
          : {}),
      }),
    ),
  { maxLength: 8 },
);

const clients: fc.Arbitrary<Client> = fc
  .record({
    ip: pick(['10.1.2.3', '10.9.9.9', '192.0.2.7', '2001:db8::1', '203.0.113.5']),
    protocol: pick(['smtp', 'submission', 'lmtp', 'local'] as const),
    account: fc.option(pick(['ada', 'Alan']), { nil: undefined }),
    site: fc.option(pick(siteNames), { nil: undefined }),
    mayRelay: fc.boolean(),
    names: fc.option(fc.subarray(['mx.partner.example', 'other.example']), { nil: undefined }),
  })
  .map(({ ip, protocol, account, site: name, mayRelay, names }) => ({
    listener: 'mx',
    ip,
    protocol,
    mayRelay,
    ...(account === undefined ? {} : { account }),
    ...(name === undefined ? {} : { site: name }),
    ...(names === undefined ? {} : { tls: { version: 'TLSv1.3', cipher: 'x', certificateNames: names } }),
  }));

const bare: Address = { text: 'postmaster', local: 'postmaster', domain: '' };

/** Everything about the message is known, as after DATA. */
export const question: fc.Arbitrary<Question> = fc.record({
  recipient: fc.oneof(
    { weight: 20, arbitrary: addressText.map(at) },
    { weight: 1, arbitrary: fc.constant(bare) },
  ),
  sender: fc.option(addressText.map(at), { nil: null, freq: 5 }),
  client: clients,
  size: octets,
  headers: fc
    .array(fc.tuple(pick(['x-a', 'x-b']), pick(['Yes', 'no'])), { maxLength: 2 })
    .map((fields) => new Map(fields.map(([name, value]) => [name, [value]]))),
  sitesSeen: fc.array(pick(siteNames), { maxLength: 4 }),
  expandedFrom: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: addressText.map((text) => [`ad/${text}`]) },
  ),
});

/** The same question as it is at RCPT, with or without SIZE. */
export const asAtRcpt = ({ headers: _, sitesSeen: __, size, ...rest }: Question, sized: boolean): Question =>
  sized && size !== undefined ? { ...rest, size } : rest;
