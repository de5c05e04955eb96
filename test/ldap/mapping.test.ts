import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalizeDn } from '../../connectors/ldap/dn.ts';
import { guidText } from '../../connectors/ldap/exchange.ts';
import { type MappingOptions, makeMapping } from '../../connectors/ldap/mapping.ts';
import { RawEntry } from '../../connectors/ldap/raw-entry.ts';
import type { SourceEntry } from '../../src/ports/directory.ts';
import { mapping } from './sample.ts';

type Attributes = Readonly<Record<string, string | readonly string[] | Uint8Array>>;

function map(
  preset: MappingOptions['preset'],
  attributes: Attributes,
  more: Partial<MappingOptions> = {},
): SourceEntry {
  const raw = new RawEntry(
    'CN=Ada,OU=People,DC=example,DC=org',
    Object.entries(attributes).map(([name, value]) => [
      name,
      Array.isArray(value) ? value : [value as string | Uint8Array],
    ]),
  );
  return makeMapping(mapping(preset, more)).entry(raw);
}

const ad = (attributes: Attributes, more: Partial<MappingOptions> = {}): SourceEntry =>
  map('activeDirectory', attributes, more);

const texts = (entry: SourceEntry): string[] => entry.addresses.map((address) => address.text);

test.each([
  [
    'the SMTP: value is primary, smtp: values are not',
    ['smtp:b@x.org', 'SMTP:a@x.org'],
    'm@x.org',
    ['a@x.org', 'b@x.org'],
  ],
  ['mail counts nothing beside a typed primary address', ['SMTP:a@x.org'], 'm@x.org', ['a@x.org']],
  ['mail is primary where no typed address is', ['smtp:b@x.org'], 'm@x.org', ['m@x.org', 'b@x.org']],
  ['mail alone', [], 'm@x.org', ['m@x.org']],
  [
    'SIP, X400, EUM and the like are no mail',
    [
      'SMTP:a@x.org',
      'sip:a@x.org',
      'SIP:b@x.org',
      'x400:c=US;a= ;',
      'EUM:1;phone-context=x',
      'x500:/o=X/cn=a',
    ],
    '',
    ['a@x.org'],
  ],
  [
    'one address twice is there once, the primary one first',
    ['smtp:A@X.org', 'SMTP:a@x.org', 'smtp:b@x.org'],
    '',
    ['a@x.org', 'b@x.org'],
  ],
  ['a value without type is an address', ['a@x.org'], '', ['a@x.org']],
  ['an international domain is kept as written', ['SMTP:ada@bücher.example'], '', ['ada@bücher.example']],
] as const)('proxyAddresses: %s', (_name, proxyAddresses, mail, expected) => {
  expect(texts(ad({ proxyAddresses, mail }))).toEqual(expected);
});

test('a broken address is dropped and reported, the entry stays', () => {
  const entry = ad({ proxyAddresses: ['SMTP:a@x.org', 'smtp:not an address', 'smtp:@x'], mail: 'a@x.org' });
  expect(texts(entry)).toEqual(['a@x.org']);
  expect(entry.problems.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
    'bad address: smtp:not an address is no mail address',
    'bad address: smtp:@x is no mail address',
  ]);
});

test('a second SMTP: value is reported and taken as one more address', () => {
  const entry = ad({ proxyAddresses: ['SMTP:a@x.org', 'SMTP:b@x.org'] });
  expect(entry.primary?.text).toBe('a@x.org');
  expect(texts(entry)).toEqual(['a@x.org', 'b@x.org']);
  expect(entry.problems[0]?.text).toContain('a second primary address');
});

test('X500 addresses and legacyExchangeDN are kept, each once', () => {
  const entry = ad({
    proxyAddresses: ['X500:/o=A/cn=old', 'x500:/o=B/cn=x'],
    legacyExchangeDN: '/o=A/cn=old',
  });
  expect(entry.x500).toEqual(['/o=A/cn=old', '/o=B/cn=x']);
});

//  details        remote   kind           home
test.each([
  [1, 0, 'user', 'onprem'],
  [2, 0, 'user', 'onprem'],
  [4, 0, 'shared', 'onprem'],
  [16, 0, 'room', 'onprem'],
  [32, 0, 'equipment', 'onprem'],
  [64, 0, 'contact', undefined],
  [128, 0, 'contact', undefined],
  [256, 0, 'group', undefined],
  [1024, 0, 'group', undefined],
  [2048, 0, 'group', undefined],
  [8388608, 0, 'user', 'onprem'],
  [2147483648, 4, 'user', 'cloud'],
  [8589934592, 36, 'room', 'cloud'],
  [17179869184, 68, 'equipment', 'cloud'],
  [34359738368, 100, 'shared', 'cloud'],
  // Only the flags tell: provisioned or migrated, and what it is.
  [128, 1, 'user', 'cloud'],
  [128, 4, 'user', 'cloud'],
  [128, 33, 'room', 'cloud'],
  [128, 68, 'equipment', 'cloud'],
  [128, 97, 'shared', 'cloud'],
  [undefined, 4, 'user', 'cloud'],
  // A leftover Deprovision flag is no mailbox, and a mailbox here is here whatever is left over.
  [128, 8, 'contact', undefined],
  [1, 8, 'user', 'onprem'],
] as const)('recipient type %s with remote type %s is a %s at %s', (details, remote, kind, home) => {
  const entry = ad({
    objectClass: 'user',
    mail: 'a@x.org',
    ...(details !== undefined && { msExchRecipientTypeDetails: String(details) }),
    ...(remote !== 0 && { msExchRemoteRecipientType: String(remote) }),
  });
  expect([entry.kind, entry.home, entry.problems]).toEqual([kind, home, []]);
});

test('sites are called as the configuration calls them, and none is guessed when it calls them nothing', () => {
  const type = { msExchRecipientTypeDetails: '1' };
  expect(ad(type, { homes: { local: 'berlin', values: {} } }).home).toBe('berlin');
  expect(ad(type, { homes: { values: {} } }).home).toBeUndefined();
});

test('an unknown recipient type is reported and decides nothing', () => {
  const entry = ad({ objectClass: 'user', msExchRecipientTypeDetails: '3' });
  expect(entry).toMatchObject({ kind: 'user', problems: [{ kind: 'unknown kind' }] });
  expect(entry.home).toBeUndefined();
});

test.each([
  ['without Exchange a user is a user', { objectClass: ['top', 'person', 'user'] }, 'user', undefined],
  ['and one with homeMDB has a mailbox here', { objectClass: 'user', homeMDB: 'CN=DB1' }, 'user', 'onprem'],
  ['a contact', { objectClass: ['top', 'contact'] }, 'contact', undefined],
  ['a group', { objectClass: ['top', 'group'] }, 'group', undefined],
  ['a public folder', { objectClass: ['top', 'publicFolder'] }, 'publicFolder', undefined],
] as const)('object classes: %s', (_name, attributes, kind, home) => {
  expect([ad(attributes).kind, ad(attributes).home]).toEqual([kind, home]);
});

test.each([
  ['SMTP:ada@t.mail.onmicrosoft.com', 'ada@t.mail.onmicrosoft.com'],
  ['smtp:ada@t.mail.onmicrosoft.com', 'ada@t.mail.onmicrosoft.com'],
  ['ada@t.mail.onmicrosoft.com', 'ada@t.mail.onmicrosoft.com'],
  ['X400:c=US', undefined],
] as const)('targetAddress %s is %s', (targetAddress, expected) => {
  const entry = ad({ targetAddress });
  expect(entry.targetAddress?.text).toBe(expected);
  expect(entry.problems).toHaveLength(expected === undefined ? 1 : 0);
});

test('the routing address of a remote mailbox may be among its own addresses', () => {
  const routing = 'ada@t.mail.onmicrosoft.com';
  const entry = ad({ proxyAddresses: ['SMTP:a@x.org', `smtp:${routing}`], targetAddress: `SMTP:${routing}` });
  expect(entry.targetAddress?.text).toBe(routing);
});

test.each([
  ['512', false],
  ['514', true],
  ['66050', true],
  [undefined, false],
] as const)('userAccountControl %s: disabled %s', (value, disabled) => {
  expect(ad(value === undefined ? {} : { userAccountControl: value }).disabled).toBe(disabled);
});

test('hidden from address lists', () => {
  expect(ad({ msExchHideFromAddressLists: 'TRUE' }).hiddenFromAddressLists).toBe(true);
  expect(ad({ msExchHideFromAddressLists: 'FALSE' }).hiddenFromAddressLists).toBe(false);
});

test('a group of Exchange: members, owners, moderation, who may write, who hears of failures', () => {
  const entry = ad({
    objectClass: ['top', 'group'],
    mail: 'team@x.org',
    member: ['CN=Ada, OU=People,DC=example,DC=org', 'cn=Bob\\, Jr.,DC=example,DC=org'],
    managedBy: 'CN=Boss,DC=example,DC=org',
    msExchCoManagedByLink: 'CN=Deputy,DC=example,DC=org',
    msExchEnableModeration: 'TRUE',
    msExchRequireAuthToSendTo: 'TRUE',
    reportToOwner: 'TRUE',
    reportToOriginator: 'FALSE',
  });
  expect(entry.group).toEqual({
    members: ['cn=ada,ou=people,dc=example,dc=org', 'cn=bob\\, jr.,dc=example,dc=org'],
    owners: ['cn=boss,dc=example,dc=org', 'cn=deputy,dc=example,dc=org'],
    moderated: true,
    internalOnly: true,
    reportTo: 'owner',
    opaque: false,
  });
});

test.each([
  [{}, 'originator'],
  [{ reportToOriginator: 'TRUE' }, 'originator'],
  [{ reportToOriginator: 'FALSE' }, 'nobody'],
  [{ reportToOwner: 'TRUE', reportToOriginator: 'TRUE' }, 'owner'],
  [{ reportToOwner: 'FALSE', reportToOriginator: 'FALSE' }, 'nobody'],
] as const)('reports about members: %j go to the %s', (attributes, expected) => {
  expect(ad({ objectClass: 'group', ...attributes }).group?.reportTo).toBe(expected);
});

test('a dynamic distribution group is opaque', () => {
  expect(ad({ objectClass: 'msExchDynamicDistributionList' }).group?.opaque).toBe(true);
  expect(ad({ objectClass: 'group', msExchRecipientTypeDetails: '2048' }).group?.opaque).toBe(true);
});

test('objectGUID is written as Windows writes it', () => {
  const octets = Buffer.from('33221100554477668899aabbccddeeff', 'hex');
  expect(guidText(octets)).toBe('00112233-4455-6677-8899-aabbccddeeff');
  expect(ad({ objectGUID: octets }).id).toBe('src/00112233-4455-6677-8899-aabbccddeeff');
});

test('a GUID whose octets happen to be text is a GUID still', () => {
  expect(ad({ objectGUID: Buffer.from('abcdefghijklmnop') }).id).toBe(
    'src/64636261-6665-6867-696a-6b6c6d6e6f70',
  );
});

test('without any id attribute the name stands for the entry', () => {
  expect(ad({}).id).toBe('src/cn=ada,ou=people,dc=example,dc=org');
});

const ldap = (attributes: Attributes, more: Partial<MappingOptions> = {}): SourceEntry =>
  map('openldap', attributes, more);

test('inetOrgPerson: mail, mailLocalAddress and mailAlternateAddress are addresses, in this order', () => {
  const entry = ldap({
    objectClass: ['inetOrgPerson', 'inetLocalMailRecipient'],
    entryUUID: '0f0e0d0c-1111-2222-3333-444455556666',
    uid: 'Ada',
    cn: 'Ada Lovelace',
    mailAlternateAddress: 'c@x.org',
    mailLocalAddress: ['b@x.org', 'A@x.org'],
    mail: 'a@x.org',
  });
  expect(texts(entry)).toEqual(['a@x.org', 'b@x.org', 'c@x.org']);
  expect(entry).toMatchObject({
    id: 'src/0f0e0d0c-1111-2222-3333-444455556666',
    kind: 'user',
    displayName: 'Ada Lovelace',
    names: ['cn=ada,ou=people,dc=example,dc=org', 'uid:ada'],
    disabled: false,
  });
});

test('mailRoutingAddress is the target, unless it is an address of the entry itself', () => {
  expect(ldap({ mail: 'a@x.org', mailRoutingAddress: 'a@inner.x.org' }).targetAddress?.text).toBe(
    'a@inner.x.org',
  );
  expect(ldap({ mail: 'a@x.org', mailRoutingAddress: 'A@X.ORG' }).targetAddress).toBeUndefined();
});

test('mailHost says the home by the map, without regard to case; an unknown host says nothing', () => {
  const homes = { values: { 'Mail1.example.org': 'onprem', 'mail2.example.org': 'cloud' } };
  expect(ldap({ mailHost: 'mail1.EXAMPLE.org' }, { homes }).home).toBe('onprem');
  expect(ldap({ mailHost: 'mail2.example.org' }, { homes }).home).toBe('cloud');
  expect(ldap({ mailHost: 'mail3.example.org' }, { homes }).home).toBeUndefined();
});

test('another attribute may say the home, and wins over the recipient type', () => {
  const homes = { local: 'onprem', attribute: 'extensionAttribute5', values: { moved: 'cloud' } };
  const type = { msExchRecipientTypeDetails: '1' };
  expect(ad({ ...type, extensionAttribute5: 'Moved' }, { homes }).home).toBe('cloud');
  expect(ad({ ...type, extensionAttribute5: 'other' }, { homes }).home).toBe('onprem');
});

test.each([
  ['groupOfNames', { objectClass: 'groupOfNames', member: 'uid=a,dc=x' }, ['uid=a,dc=x']],
  ['groupOfUniqueNames', { objectClass: 'groupOfUniqueNames', uniqueMember: 'UID=A, DC=x' }, ['uid=a,dc=x']],
  ['posixGroup', { objectClass: 'posixGroup', memberUid: ['Ada', 'bob'] }, ['uid:ada', 'uid:bob']],
  ['nisMailAlias', { objectClass: 'nisMailAlias', rfc822MailMember: ' a@x.org' }, ['mailto:a@x.org']],
] as const)('members of a %s', (_name, attributes, members) => {
  expect(ldap(attributes)).toMatchObject({
    kind: 'group',
    group: { members, opaque: false, reportTo: 'originator' },
  });
});

test('a group by URL is opaque', () => {
  const entry = ldap({ objectClass: 'groupOfURLs', memberURL: 'ldap:///dc=x??sub?(mail=*)' });
  expect(entry.group?.opaque).toBe(true);
});

test('the kind may be an attribute of its own; what it says wrong is reported', () => {
  const attributes = { kind: ['employeeType'] };
  expect(ldap({ employeeType: 'room' }, { attributes }).kind).toBe('room');
  expect(ldap({ employeeType: 'boss' }, { attributes })).toMatchObject({
    kind: 'user',
    problems: [{ kind: 'unknown kind' }],
  });
});

test('attributes that rules want are kept, names in lower case', () => {
  const entry = ldap({ departmentNumber: ['7', '8'], title: 'x' }, { keep: ['departmentNumber', 'absent'] });
  expect(entry.attributes).toEqual({ departmentnumber: ['7', '8'] });
});

const zimbra = (attributes: Attributes, more: Partial<MappingOptions> = {}): SourceEntry =>
  map('zimbra', attributes, more);

test('an account of Zimbra: delivery address, aliases, host', () => {
  const entry = zimbra(
    {
      objectClass: ['inetOrgPerson', 'zimbraAccount'],
      zimbraId: 'e0fafd89-1360-11d9-8661-000a95d98ef2',
      zimbraMailDeliveryAddress: 'a@x.org',
      zimbraMailAlias: ['b@x.org'],
      mail: ['a@x.org', 'c@x.org'],
      zimbraMailHost: 'mbox1.x.org',
      zimbraHideInGal: 'TRUE',
    },
    { homes: { values: { 'mbox1.x.org': 'onprem' } } },
  );
  expect(texts(entry)).toEqual(['a@x.org', 'c@x.org', 'b@x.org']);
  expect(entry).toMatchObject({
    id: 'src/e0fafd89-1360-11d9-8661-000a95d98ef2',
    kind: 'user',
    home: 'onprem',
    hiddenFromAddressLists: true,
  });
});

test.each([
  ['active', false],
  ['locked', true],
  ['closed', true],
  ['maintenance', true],
] as const)('zimbraAccountStatus %s: disabled %s', (status, disabled) => {
  expect(zimbra({ objectClass: 'zimbraAccount', zimbraAccountStatus: status }).disabled).toBe(disabled);
});

test('forwarding of an account is its target only where nothing is delivered locally', () => {
  const forwarding = { objectClass: 'zimbraAccount', zimbraMailForwardingAddress: 'a@y.org' };
  expect(zimbra(forwarding).targetAddress).toBeUndefined();
  const off = { ...forwarding, zimbraPrefMailLocalDeliveryDisabled: 'TRUE' };
  expect(zimbra(off).targetAddress?.text).toBe('a@y.org');
});

test('a distribution list of Zimbra has its members as forwarding addresses', () => {
  const entry = zimbra({
    objectClass: 'zimbraDistributionList',
    mail: 'team@x.org',
    zimbraMailForwardingAddress: ['a@x.org', 'b@y.org'],
    zimbraMailStatus: 'disabled',
  });
  expect(entry).toMatchObject({
    kind: 'group',
    disabled: true,
    group: { members: ['mailto:a@x.org', 'mailto:b@y.org'] },
  });
});

test.each([
  ['Location', 'room'],
  ['Equipment', 'equipment'],
] as const)('a calendar resource of type %s is a %s', (zimbraCalResType, kind) => {
  expect(zimbra({ objectClass: 'zimbraCalendarResource', zimbraCalResType }).kind).toBe(kind);
});

test.each([
  ['CN=Ada,DC=x', 'cn=ada,dc=x'],
  ['cn = Ada , dc = x', 'cn=ada,dc=x'],
  ['cn=Lovelace\\2C Ada,dc=x', 'cn=lovelace\\, ada,dc=x'],
  ['cn="Lovelace, Ada",dc=x', 'cn=lovelace\\, ada,dc=x'],
  ['cn=J\\C3\\BCrgen,dc=x', 'cn=jürgen,dc=x'],
  ['uid=b+cn=a,dc=x', 'cn=a+uid=b,dc=x'],
  ['cn=two  spaces,dc=x', 'cn=two spaces,dc=x'],
  ['no name at all', 'no name at all'],
])('the name %s is %s', (dn, expected) => {
  expect(normalizeDn(dn)).toBe(expected);
});

test('a normalised name stays as it is', () => {
  const part = fc.string({ unit: fc.constantFrom('a', 'B', ' ', ',', '\\', '"', '=', '+', 'é', '2C', '#') });
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const once = normalizeDn(parts.map((value) => `cn=${value}`).join(','));
      expect(normalizeDn(once)).toBe(once);
    }),
    { seed: 7, numRuns: 500 },
  );
});

test('whatever values an object has, it is mapped without a throw, and every address of it parses', () => {
  const names = [
    'proxyAddresses',
    'mail',
    'targetAddress',
    'objectClass',
    'member',
    'msExchRecipientTypeDetails',
    'objectGUID',
    'managedBy',
    'zimbraMailForwardingAddress',
    'memberUid',
  ];
  const value = fc.oneof(fc.string(), fc.constantFrom('SMTP:a@x.org', 'group', '1', 'TRUE'), fc.uint8Array());
  const attributes = fc.array(fc.tuple(fc.constantFrom(...names), fc.array(value)));
  fc.assert(
    fc.property(attributes, fc.constantFrom('activeDirectory', 'openldap', 'zimbra'), (all, preset) => {
      const entry = makeMapping(mapping(preset)).entry(new RawEntry('cn=x', all));
      for (const address of entry.addresses) expect(address.domain).not.toBe('');
    }),
    { seed: 7, numRuns: 300 },
  );
});
