/**
 * From slapd to the snapshot, with the servers going away: the last good snapshot answers.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LdapSource } from '../../connectors/ldap/ldap-source.ts';
import { Refresher, requestRefresh } from '../../src/directory/refresher.ts';
import { silentLog } from '../../src/ports/log.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import { brief, look, never, openDirectory } from '../directory/sample.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import { type Certificate, certificate } from '../fixture/tls.ts';
import { describeWith } from '../peers/need.ts';
import { type Openldap, openldapPackages, reader, startOpenldap } from '../peers/openldap.ts';
import { ldapOptions } from './sample.ts';

const ada = `dn: uid=ada,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
objectClass: inetLocalMailRecipient
uid: ada
cn: Ada
sn: L
mail: ada@example.org
mailHost: mail1.example.org

dn: cn=team,ou=groups,dc=example,dc=org
objectClass: groupOfNames
objectClass: testPerson
cn: team
mail: team@example.org
member: uid=ada,ou=people,dc=example,dc=org

`;

await describeWith(openldapPackages, 'a directory that goes away', () => {
  let fresh: FreshDatabase;
  let cert: Certificate;
  let first: Openldap;
  let second: Openldap;

  beforeAll(async () => {
    cert = await certificate(['ldap.example.org']);
    [fresh, first, second] = await Promise.all([
      freshDatabase(),
      startOpenldap(cert, ada),
      startOpenldap(cert, ada),
    ]);
  });

  afterAll(async () => {
    await Promise.all([first?.remove(), second?.remove(), fresh?.drop()]);
  });

  async function startRefresher(): Promise<Refresher> {
    const homes = { values: { 'mail1.example.org': 'onprem' } };
    const servers = [first.url, second.secureUrl];
    const options = ldapOptions('openldap', cert.ca, {
      name: 'ldap',
      homes,
      servers,
      bind: { method: 'simple', ...reader },
      connectTimeout: 2000,
    });
    const source = new LdapSource(options, () => new Date());
    const parts = { database: fresh.database, sources: [source], log: silentLog, metrics: noMetrics };
    const refresher = new Refresher(
      { ...parts, now: () => new Date(), random: () => 0.5 },
      {
        refreshEvery: 60_000,
        fullEvery: 86_400_000,
        deletionsEvery: 0,
        allowAge: 86_400_000,
        refuseLoss: { share: 0.3, atLeast: 50 },
        precedence: [],
      },
    );
    await refresher.start();
    return refresher;
  }

  test('routing goes on through fail-over, outage and restart, and hears of changes afterwards', {
    timeout: 60_000,
  }, async () => {
    let refresher = await startRefresher();
    await using directory = await openDirectory(fresh.database, ['ldap'], {
      cache: { size: 1 << 20, age: 1 },
    });
    const health = async () => (await directory.health(never))[0]!;
    try {
      await expect.poll(async () => (await health()).entries, { timeout: 10_000 }).toBe(2);
      const lookup = await look(directory, 'ada@example.org', true);
      expect(lookup).toMatchObject({ found: 'one', entry: { home: 'onprem' } });
      expect(lookup.found === 'one' && lookup.groups).toContain('team@example.org');

      // The first server dies: the second one serves.
      await first.kill();
      await second.modify(`dn: uid=ada,ou=people,dc=example,dc=org
changetype: modify
add: mail
mail: countess@example.org

`);
      await requestRefresh(fresh.database, {});
      const countess = async () => brief(await look(directory, 'countess@example.org'));
      await expect.poll(countess, { timeout: 10_000 }).toMatch(/^exact ldap\//);

      // Both are down: the trouble is shown, people are found as before.
      await second.kill();
      await requestRefresh(fresh.database, {});
      await expect
        .poll(async () => (await health()).trouble, { timeout: 10_000 })
        .toMatch(/no directory server let us in/);
      expect(await countess()).toMatch(/^exact ldap\//);

      // And after a restart, at once.
      await refresher.stop();
      refresher = await startRefresher();
      await using restarted = await openDirectory(fresh.database, ['ldap']);
      expect(await look(restarted, 'ada@example.org')).toMatchObject({
        found: 'one',
        entry: { home: 'onprem' },
      });
      expect(brief(await look(restarted, 'eve@example.org'))).toBe('nobody');

      // They come back, with one person less.
      await second.start();
      await second.modify('dn: uid=ada,ou=people,dc=example,dc=org\nchangetype: delete\n\n');
      await requestRefresh(fresh.database, {});
      await expect.poll(countess, { timeout: 20_000 }).toBe('nobody');
      expect(await health()).toMatchObject({ entries: 1, tooOld: false });
    } finally {
      await refresher.stop();
    }
  });
});
