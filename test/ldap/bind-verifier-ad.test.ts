/**
 * Passwords checked by binding to Samba as an Active Directory domain controller.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BindVerifier, usualFilters } from '../../connectors/ldap/bind-verifier.ts';
import type { Channel } from '../../src/ports/authenticator.ts';
import { type Certificate, certificate } from '../fixture/tls.ts';
import { describeWith } from '../peers/need.ts';
import { type Samba, sambaPackages, startSamba } from '../peers/samba.ts';

const channel: Channel = { service: 'imap', remote: '192.0.2.1', tls: true, channelBindings: new Map() };
const password = 'A long.Secret 1';
const quoted = Buffer.from(`"${password}"`, 'utf16le').toString('base64');

/** 512: an ordinary account, 514: the same, disabled. */
const user = (name: string, control: 512 | 514 = 512): string => `dn: CN=${name},CN=Users,DC=example,DC=org
changetype: add
objectClass: user
sAMAccountName: ${name}
userPrincipalName: ${name}@corp.example.org
mail: ${name}.mail@example.org
proxyAddresses: SMTP:${name}.mail@example.org
proxyAddresses: smtp:${name}.other@example.org
unicodePwd:: ${quoted}
userAccountControl: ${control}

`;

const mustChange = `dn: CN=new,CN=Users,DC=example,DC=org
changetype: modify
replace: pwdLastSet
pwdLastSet: 0

`;

await describeWith(
  [...sambaPackages, 'samba-dsdb-modules', 'samba-vfs-modules'],
  'Active Directory as a judge of passwords',
  () => {
    let cert: Certificate;
    let samba: Samba;

    beforeAll(async () => {
      cert = await certificate(['dc1.example.org']);
      samba = await startSamba(cert);
      await samba.modify(user('ada') + user('off', 514) + user('new') + mustChange);
    });
    afterAll(() => samba?.remove());

    const check = (name: string, tried: string) =>
      new BindVerifier({
        name: 'ad',
        servers: [samba.url],
        tls: { startTls: 'require', verify: true, ca: cert.ca, serverName: 'dc1.example.org' },
        bind: { method: 'simple', ...samba.admin },
        connectTimeout: 10_000,
        pageTimeout: 10_000,
        pageSize: 10,
        bases: [samba.base],
        filter: usualFilters.activeDirectory,
        atOnce: 10,
      }).verify({ name, typed: name, password: tried, channel }, AbortSignal.timeout(30_000));

    test.each(['ada@corp.example.org', 'ada.mail@example.org', 'ada.other@example.org'])(
      '%s with the right password is right, with another wrong',
      async (name) => {
        expect(await check(name, password)).toEqual({ is: 'right', way: 'password' });
        expect(await check(name, `${password}.`)).toEqual({ is: 'wrong' });
      },
    );

    test.each([
      ['a name that nobody has', 'eve@example.org', password],
      ['an account that is disabled', 'off.mail@example.org', password],
      ['no password', 'ada.mail@example.org', ''],
      ['a wrong password of an account that must change it', 'new.mail@example.org', 'something else'],
    ])('%s is wrong', async (_, name, tried) => {
      expect(await check(name, tried)).toEqual({ is: 'wrong' });
    });

    test('the right password, which must be changed first, has ended', async () => {
      expect(await check('new.mail@example.org', password)).toEqual({ is: 'expired' });
    });
  },
);
