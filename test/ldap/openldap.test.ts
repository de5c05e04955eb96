/**
 * The LDAP source against OpenLDAP: TLS in both ways, pages, changes, deletions, fail-over.
 */
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LdapSource } from '../../connectors/ldap/ldap-source.ts';
import { CursorExpired } from '../../src/ports/directory.ts';
import { authorityFile, type Certificate, certificate } from '../fixture/tls.ts';
import { describeWith } from '../peers/need.ts';
import { type Openldap, openldapPackages, reader, startOpenldap } from '../peers/openldap.ts';
import { ldapOptions, readAll, readChanges, readIds } from './sample.ts';

const people = 3000;

const person = (uid: string, more = ''): string => `dn: uid=${uid},ou=people,dc=example,dc=org
objectClass: inetOrgPerson
objectClass: testPerson
uid: ${uid}
cn: ${uid}
sn: ${uid}
mail: ${uid}@example.org
${more}
`;

const crowd = (): string => Array.from({ length: people }, (_, n) => person(`p${n}`)).join('');

const group = `dn: cn=team,ou=groups,dc=example,dc=org
objectClass: groupOfNames
objectClass: testPerson
cn: team
mail: team@example.org
owner: uid=p0,ou=people,dc=example,dc=org
member: UID=P1, ou=people, dc=example,dc=org
member: uid=p2,ou=people,dc=example,dc=org

`;

await describeWith(openldapPackages, 'OpenLDAP as a source', () => {
  let cert: Certificate;
  let first: Openldap;
  let second: Openldap;

  beforeAll(async () => {
    cert = await certificate(['ldap.example.org']);
    const ldif = crowd() + group;
    [first, second] = await Promise.all([startOpenldap(cert, ldif), startOpenldap(cert, ldif)]);
  });

  afterAll(async () => {
    await Promise.all([first?.remove(), second?.remove()]);
  });

  const source = (servers: readonly string[], more: Parameters<typeof ldapOptions>[2] = {}) =>
    new LdapSource(
      ldapOptions('openldap', cert.ca, { servers, bind: { method: 'simple', ...reader }, ...more }),
      () => new Date(),
    );

  test('three thousand people come by pages, though the server gives 500 at a time', async () => {
    const { entries } = await readAll(source([first.url]));
    expect(entries.filter((entry) => entry.kind === 'user')).toHaveLength(people);
    expect(new Set(entries.map((entry) => entry.id)).size).toBe(people + 1);
    expect(entries.find((entry) => entry.kind === 'group')).toMatchObject({
      where: 'cn=team,ou=groups,dc=example,dc=org',
      group: {
        owners: ['uid=p0,ou=people,dc=example,dc=org'],
        members: ['uid=p1,ou=people,dc=example,dc=org', 'uid=p2,ou=people,dc=example,dc=org'],
      },
    });
  });

  test.each([7, 100, 1000, 3001])('pages of %i lose nobody', async (pageSize) => {
    const most = Math.min(pageSize, 500);
    const { entries } = await readAll(source([first.url], { pageSize: most, filter: '(uid=p1*)' }));
    expect(entries).toHaveLength(1111);
  });

  test('LDAPS is verified by the authority it is given', async () => {
    const { entries } = await readAll(source([first.secureUrl], { filter: '(uid=p7)' }));
    expect(entries[0]?.primary?.text).toBe('p7@example.org');
  });

  test.each(['url', 'secureUrl'] as const)(
    'a certificate of another authority is refused (%s)',
    async (url) => {
      const ca = await authorityFile('some other authority');
      const tls = { startTls: 'require', verify: true, ca } as const;
      const reading = readAll(source([first[url]], { tls }));
      await expect(reading).rejects.toThrow(/no directory server let us in: .*(self-signed|unable to)/);
    },
  );

  test.each(['url', 'secureUrl'] as const)('a certificate for another name is refused (%s)', async (url) => {
    const tls = {
      startTls: 'require',
      verify: true,
      ca: cert.ca,
      serverName: 'dc9.example.org',
    } as const;
    const reading = readAll(source([first[url]], { tls }));
    await expect(reading).rejects.toThrow(/Hostname\/IP does not match/);
  });

  test('a wrong password is told without the password', async () => {
    const reading = readAll(
      source([first.url], { bind: { method: 'simple', dn: reader.dn, password: 'guessed' } }),
    );
    const error = await reading.catch((thrown: Error) => thrown);
    expect(String(error)).toMatch(/InvalidCredentials/);
    expect(String(error)).not.toContain('guessed');
  });

  test('a server that is down is passed over', async () => {
    const { entries } = await readAll(source(['ldap://127.0.0.1:1', first.url], { filter: '(uid=p7)' }));
    expect(entries).toHaveLength(1);
  });

  test('a server that takes the connection and says nothing is passed over in time', async () => {
    const silent = await listening();
    try {
      const { port } = silent.address() as { port: number };
      const servers = [`ldap://127.0.0.1:${port}`, `ldaps://127.0.0.1:${port}`, first.url];
      const { entries } = await readAll(source(servers, { filter: '(uid=p7)', connectTimeout: 300 }));
      expect(entries).toHaveLength(1);
    } finally {
      silent.close();
    }
  });

  test('a base that is not there is an error, not an empty directory', async () => {
    const reading = readAll(source([first.url], { bases: ['ou=nowhere,dc=example,dc=org'] }));
    await expect(reading).rejects.toThrow(/NoSuchObject|0x20/i);
  });

  test('a stopped read ends at once', async () => {
    const stop = new AbortController();
    const reading = source([first.url], { pageSize: 10 }).everything(stop.signal);
    await reading.next();
    stop.abort(new Error('enough'));
    await expect(
      (async () => {
        while (!(await reading.next()).done);
      })(),
    ).rejects.toThrow(/enough|stopped/);
  });

  test('what was added and changed is told, and little else', async () => {
    // The clock of the reader is ahead, so that the margin for clocks does not make it read everybody again.
    const ahead = new LdapSource(
      ldapOptions('openldap', cert.ca, { servers: [first.url], bind: { method: 'simple', ...reader } }),
      () => new Date(Date.now() + 3_600_000),
    );
    await nextSecond();
    await first.modify(person('new1').replace('\nobjectClass', '\nchangetype: add\nobjectClass'));
    const { cursor } = await readAll(ahead);
    await nextSecond();
    await first.modify(
      `${person('new2').replace('\nobjectClass', '\nchangetype: add\nobjectClass')}
dn: uid=p5,ou=people,dc=example,dc=org
changetype: modify
add: mailAlternateAddress
mailAlternateAddress: five@example.org
`,
    );
    const { changes, cursor: next } = await readChanges(ahead, cursor);
    const told = changes.map((change) => (change.change === 'upsert' ? change.entry.displayName : change.id));
    expect(told.sort()).toEqual(['new1', 'new2', 'p5']);
    const five = changes.find((change) => change.change === 'upsert' && change.entry.displayName === 'p5');
    expect(five).toMatchObject({ entry: { addresses: [{ local: 'p5' }, { local: 'five' }] } });
    expect(next > cursor).toBe(true);
  });

  test('whoever leaves the filter is told as deleted, whoever leaves the directory is missing among the ids', async () => {
    const reading = source([second.url]);
    const { entries, cursor } = await readAll(reading);
    const id = (uid: string) => entries.find((entry) => entry.displayName === uid)?.id;
    await second.modify(`dn: uid=p8,ou=people,dc=example,dc=org
changetype: modify
delete: mail

dn: uid=p9,ou=people,dc=example,dc=org
changetype: delete

`);
    const { changes } = await readChanges(reading, cursor);
    const deleted = changes.flatMap((change) => (change.change === 'delete' ? [change.id] : []));
    expect(deleted).toContain(id('p8'));
    expect(deleted.filter((gone) => entries.some((entry) => entry.id === gone))).toEqual([id('p8')]);
    const ids = new Set(await readIds(reading));
    expect(ids.has(id('p9') ?? '')).toBe(false);
    expect(ids.has(id('p10') ?? '')).toBe(true);
  });

  test('a renamed container makes everything be read again', async () => {
    const reading = source([second.url]);
    const { cursor } = await readAll(reading);
    await nextSecond();
    await second.modify(`dn: ou=groups,dc=example,dc=org
changetype: modrdn
newrdn: ou=teams
deleteoldrdn: 1

`);
    // Made by slapadd seconds ago, the container is new to a cursor with its margin; to a later one it is not.
    const later = cursor.replace(/\d{14}Z/, timeNow());
    await expect(readChanges(reading, later)).rejects.toBeInstanceOf(CursorExpired);
  });

  test('a cursor of another configuration is of no use', async () => {
    const { cursor } = await readAll(source([first.url], { filter: '(uid=p7)' }));
    await expect(readChanges(source([first.url], { filter: '(uid=p8)' }), cursor)).rejects.toBeInstanceOf(
      CursorExpired,
    );
  });

  test('a server that dies in the middle of a read fails the read, and the next one goes to another server', async () => {
    const dying = await startOpenldap(cert, crowd());
    try {
      const reading = source([dying.url, first.url], { pageSize: 50 });
      const stop = new AbortController();
      const everything = reading.everything(stop.signal);
      for (let n = 0; n < 60; n += 1) await everything.next();
      await dying.kill();
      await expect(
        (async () => {
          while (!(await everything.next()).done);
        })(),
      ).rejects.toThrow(/[Cc]onnection|Socket/);
      const { entries } = await readAll(reading);
      expect(entries.length).toBeGreaterThan(people);
    } finally {
      await dying.remove();
    }
  });
});

const nextSecond = (): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, 1010 - (Date.now() % 1000)));

const timeNow = (): string => `${new Date().toISOString().replace(/[-:T]|\..*$/g, '')}Z`;

function listening(): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}));
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}
