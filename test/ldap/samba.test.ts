/**
 * The LDAP source against Samba as an Active Directory domain controller: update numbers, tombstones, Exchange's attributes.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LdapSource } from '../../connectors/ldap/ldap-source.ts';
import { CursorExpired, type SourceEntry } from '../../src/ports/directory.ts';
import { type Certificate, certificate } from '../fixture/tls.ts';
import { describeWith } from '../peers/need.ts';
import { type Samba, sambaPackages, startSamba } from '../peers/samba.ts';
import { ldapOptions, readAll, readChanges, readIds } from './sample.ts';

const dn = (name: string): string => `CN=${name},OU=Staff,DC=example,DC=org`;

const user = (name: string, more = ''): string => `dn: ${dn(name)}
changetype: add
objectClass: user
sAMAccountName: ${name}
mail: ${name}@example.org
proxyAddresses: SMTP:${name}@example.org
proxyAddresses: smtp:${name}@tenant.mail.onmicrosoft.com
${more}
`;

const company = `dn: OU=Staff,DC=example,DC=org
changetype: add
objectClass: organizationalUnit

${user('ada', 'msExchRecipientTypeDetails: 1\nproxyAddresses: X500:/o=Old/cn=ada\n')}
${user('bob', 'msExchRecipientTypeDetails: 2147483648\nmsExchRemoteRecipientType: 4\ntargetAddress: SMTP:bob@tenant.mail.onmicrosoft.com\n')}
${user('room1', 'msExchRecipientTypeDetails: 8589934592\nmsExchHideFromAddressLists: TRUE\n')}
dn: ${dn('Outside')}
changetype: add
objectClass: contact
mail: outside@elsewhere.example
targetAddress: SMTP:outside@elsewhere.example
msExchRecipientTypeDetails: 64

dn: ${dn('Team')}
changetype: add
objectClass: group
sAMAccountName: team
mail: team@example.org
member: ${dn('ada')}
member: ${dn('bob')}
managedBy: ${dn('ada')}
msExchEnableModeration: TRUE
msExchRequireAuthToSendTo: TRUE
reportToOwner: TRUE

`;

await describeWith(sambaPackages, 'Active Directory as a source', () => {
  let cert: Certificate;
  let samba: Samba;

  beforeAll(async () => {
    cert = await certificate(['dc1.example.org']);
    samba = await startSamba(cert);
    await samba.modify(company);
  });

  afterAll(() => samba?.remove());

  const source = (more: Parameters<typeof ldapOptions>[2] = {}) =>
    new LdapSource(
      ldapOptions('activeDirectory', cert.ca, {
        servers: [samba.url],
        tls: { startTls: 'require', verify: true, ca: cert.ca, serverName: 'dc1.example.org' },
        bind: { method: 'simple', ...samba.admin },
        ...more,
      }),
      () => new Date(),
    );

  const byName = (entries: readonly SourceEntry[], name: string): SourceEntry | undefined =>
    entries.find((entry) => entry.where === dn(name));

  test('people, rooms, contacts and groups are read as Exchange means them, the base found by itself', async () => {
    const { entries } = await readAll(source());
    expect(byName(entries, 'ada')).toMatchObject({
      id: expect.stringMatching(/^src\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      kind: 'user',
      home: 'onprem',
      primary: { text: 'ada@example.org' },
      addresses: [{ text: 'ada@example.org' }, { text: 'ada@tenant.mail.onmicrosoft.com' }],
      x500: ['/o=Old/cn=ada'],
    });
    expect(byName(entries, 'bob')).toMatchObject({
      kind: 'user',
      home: 'cloud',
      targetAddress: { text: 'bob@tenant.mail.onmicrosoft.com' },
    });
    expect(byName(entries, 'room1')).toMatchObject({
      kind: 'room',
      home: 'cloud',
      hiddenFromAddressLists: true,
    });
    expect(byName(entries, 'Outside')).toMatchObject({
      kind: 'contact',
      targetAddress: { text: 'outside@elsewhere.example' },
    });
    expect(byName(entries, 'Team')).toMatchObject({
      kind: 'group',
      group: {
        members: expect.arrayContaining([dn('ada').toLowerCase(), dn('bob').toLowerCase()]),
        owners: [dn('ada').toLowerCase()],
        moderated: true,
        internalOnly: true,
        reportTo: 'owner',
      },
    });
  });

  test('the id is the same as the one Windows tools show', async () => {
    const { entries } = await readAll(source({ filter: '(sAMAccountName=ada)' }));
    const guid = entries[0]?.id.slice('src/'.length);
    // The server finds the object by this text form (MS-ADTS 3.1.1.3.1.2.4).
    const again = await readAll(source({ bases: [`<GUID=${guid}>`], filter: '(objectClass=user)' }));
    expect(again.entries.map((entry) => entry.where)).toEqual([dn('ada')]);
  });

  test('changes are found by number, deletions among the tombstones', async () => {
    const reading = source();
    const { entries, cursor } = await readAll(reading);
    await samba.modify(`${user('carol')}
dn: ${dn('ada')}
changetype: modify
add: proxyAddresses
proxyAddresses: smtp:countess@example.org

dn: ${dn('Team')}
changetype: modify
add: member
member: ${dn('carol')}

dn: ${dn('room1')}
changetype: delete

`);
    const { changes, cursor: next } = await readChanges(reading, cursor);
    expect(reading.ids).toBeUndefined();
    const upserts = changes.flatMap((change) => (change.change === 'upsert' ? [change.entry] : []));
    expect(upserts.map((entry) => entry.where).sort()).toEqual([dn('Team'), dn('ada'), dn('carol')].sort());
    expect(byName(upserts, 'Team')?.group?.members).toHaveLength(3);
    expect(byName(upserts, 'ada')?.addresses).toHaveLength(3);
    const deleted = changes.flatMap((change) => (change.change === 'delete' ? [change.id] : []));
    expect(deleted).toContain(byName(entries, 'room1')?.id);
    const again = await readChanges(reading, next);
    expect(again.changes).toEqual([]);
  });

  test('an ordinary account hears of deletions, by tombstones or by the list of ids', async () => {
    const password = Buffer.from('"Passw0rd.of-the-reader"', 'utf16le').toString('base64');
    await samba.modify(`dn: CN=reader,CN=Users,DC=example,DC=org
changetype: add
objectClass: user
sAMAccountName: reader
userAccountControl: 512
unicodePwd:: ${password}

`);
    const account = { dn: 'CN=reader,CN=Users,DC=example,DC=org', password: 'Passw0rd.of-the-reader' };
    const reading = source({ bind: { method: 'simple', ...account } });
    await samba.modify(`dn: ${dn('Leaving')}
changetype: add
objectClass: contact
mail: leaving@example.org

`);
    const { entries, cursor } = await readAll(reading);
    const leaving = byName(entries, 'Leaving')?.id;
    await samba.modify(`dn: ${dn('Leaving')}\nchangetype: delete\n\n`);
    const { changes } = await readChanges(reading, cursor);
    const told = changes.some((change) => change.change === 'delete' && change.id === leaving);
    const missing = reading.ids !== undefined && !(await readIds(reading)).includes(leaving ?? '');
    expect([leaving === undefined, told || missing]).toEqual([false, true]);
  });

  test('without a sight of tombstones the list of ids serves', async () => {
    const reading = source({ deletions: 'idList' });
    const { entries, cursor } = await readAll(reading);
    await readChanges(reading, cursor);
    const ids: string[] = [];
    for await (const id of reading.ids?.(AbortSignal.timeout(10_000)) ?? []) ids.push(id);
    expect(ids.sort()).toEqual(entries.map((entry) => entry.id).sort());
  });

  test('a renamed organisational unit makes everything be read again', async () => {
    const reading = source();
    const { cursor } = await readAll(reading);
    await samba.modify(`dn: OU=Staff,DC=example,DC=org
changetype: modrdn
newrdn: OU=People
deleteoldrdn: 1

`);
    await expect(readChanges(reading, cursor)).rejects.toBeInstanceOf(CursorExpired);
    const { entries } = await readAll(reading);
    expect(entries.some((entry) => entry.where === 'CN=ada,OU=People,DC=example,DC=org')).toBe(true);
  });

  test('a cursor of another domain controller is of no use', async () => {
    const reading = source();
    const { cursor } = await readAll(reading);
    const other = cursor.replace(/"server":"[0-9a-f]+/, '"server":"00');
    await expect(readChanges(reading, other)).rejects.toThrow(/another server/);
  });

  test('all members of a large group are read, though the server gives 1500 at a time', async () => {
    const names = Array.from({ length: 1501 }, (_, n) => `m${n}`);
    await samba.modify(
      names
        .map((name) => `dn: CN=${name},CN=Users,DC=example,DC=org\nchangetype: add\nobjectClass: contact\n\n`)
        .join(''),
    );
    await samba.modify(`dn: CN=Large,CN=Users,DC=example,DC=org
changetype: add
objectClass: group
sAMAccountName: large
mail: large@example.org
${names.map((name) => `member: CN=${name},CN=Users,DC=example,DC=org`).join('\n')}

`);
    const { entries } = await readAll(source({ filter: '(sAMAccountName=large)' }));
    expect(new Set(entries[0]?.group?.members).size).toBe(1501);
  });
});
