/**
 * Passwords checked by binding to OpenLDAP.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  BindVerifier,
  type BindVerifierOptions,
  fillIn,
  usualFilters,
} from '../../connectors/ldap/bind-verifier.ts';
import { type Channel, VerifierAway } from '../../src/ports/authenticator.ts';
import { type Certificate, certificate } from '../fixture/tls.ts';
import { describeWith } from '../peers/need.ts';
import { type Openldap, openldapPackages, reader, startOpenldap } from '../peers/openldap.ts';

const channel: Channel = { service: 'imap', remote: '192.0.2.1', tls: true, channelBindings: new Map() };

const person = (uid: string, mail: string, password?: string) => `dn: uid=${uid},ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: ${uid}
cn: ${uid}
sn: ${uid}
mail: ${mail}
${password === undefined ? '' : `userPassword: ${password}\n`}
`;

test.each([
  ['a*', '(mail=a\\2a)'],
  ['a)(uid=*', '(mail=a\\29\\28uid=\\2a)'],
  ['a\\b\0', '(mail=a\\5cb\\00)'],
  ['{local}', '(mail={local})'],
])('the name %j is a value in the filter and no part of it', (name, filter) => {
  expect(fillIn('(mail={name})', name)).toBe(filter);
});

test('the parts of a name', () => {
  expect(fillIn('{local} at {domain}', 'ada@example.org')).toBe('ada at example.org');
  expect(fillIn('{local} at {domain}', 'ada')).toBe('ada at ');
});

await describeWith(openldapPackages, 'OpenLDAP as a judge of passwords', () => {
  let cert: Certificate;
  let server: Openldap;

  beforeAll(async () => {
    cert = await certificate(['ldap.example.org']);
    const people = [
      person('ada', 'ada@example.org', 'secret'),
      person('bob', 'bob@example.org'),
      person('one', 'twice@example.org', 'secret'),
      person('two', 'twice@example.org', 'secret'),
    ];
    server = await startOpenldap(cert, people.join(''));
  });
  afterAll(() => server?.remove());

  const options = (): BindVerifierOptions => ({
    name: 'corp',
    servers: [server.url],
    tls: { startTls: 'require', verify: true, ca: cert.ca },
    bind: { method: 'simple', ...reader },
    connectTimeout: 5_000,
    pageTimeout: 5_000,
    pageSize: 2,
    bases: ['ou=people,dc=example,dc=org'],
    filter: usualFilters.openldap,
    atOnce: 10,
  });
  const verifier = (over: Partial<BindVerifierOptions> = {}) => new BindVerifier({ ...options(), ...over });
  const check = (name: string, password: string, over: Partial<BindVerifierOptions> = {}) =>
    verifier(over).verify({ name, typed: name, password, channel }, AbortSignal.timeout(20_000));

  test('the right password is right, over STARTTLS and over LDAPS', async () => {
    expect(await check('ada@example.org', 'secret')).toEqual({ is: 'right', way: 'password' });
    const servers = [server.secureUrl];
    expect(await check('ada@example.org', 'secret', { servers })).toMatchObject({ is: 'right' });
  });

  test.each([
    ['a wrong password', 'ada@example.org', 'Secret'],
    ['a name that nobody has', 'eve@example.org', 'secret'],
    ['a name that two have', 'twice@example.org', 'secret'],
    ['somebody without a password', 'bob@example.org', 'secret'],
    ['a star for a name', '*', 'secret'],
    ['no password, which LDAP takes for nobody', 'ada@example.org', ''],
  ])('%s is wrong', async (_, name, password) => {
    expect(await check(name, password)).toEqual({ is: 'wrong' });
  });

  test('a server that cannot be asked, or does not let the reader in, tells nothing', async () => {
    const asked = check('ada@example.org', 'secret', { servers: ['ldap://127.0.0.1:1'] });
    await expect(asked).rejects.toThrow(VerifierAway);
    const bind = { method: 'simple', dn: reader.dn, password: 'not reading' } as const;
    await expect(check('ada@example.org', 'secret', { bind })).rejects.toThrow(VerifierAway);
    const bases = ['ou=nowhere,dc=example,dc=org'];
    await expect(check('ada@example.org', 'secret', { bases })).rejects.toThrow(VerifierAway);
  });

  test('without a place to search in nobody is judged', () => {
    expect(() => verifier({ bases: [] })).toThrow('give it bases');
  });

  test('when the first server is gone the next one is asked', async () => {
    const servers = ['ldap://127.0.0.1:1', server.url];
    expect(await check('ada@example.org', 'secret', { servers })).toMatchObject({ is: 'right' });
  });

  test('a server that is gone is asked last for a minute, and then first again', async () => {
    let asked = 0;
    const gone = createServer((socket) => {
      asked += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const clock = { now: 1_000_000 };
    const servers = [`ldap://127.0.0.1:${(gone.address() as AddressInfo).port}`, server.url];
    const one = new BindVerifier({ ...options(), servers }, undefined, () => clock.now);
    const attempt = { name: 'ada@example.org', typed: 'ada', password: 'secret', channel };
    const counts: number[] = [];
    for (const later of [0, 0, 59_999, 1]) {
      clock.now += later;
      expect(await one.verify(attempt, AbortSignal.timeout(20_000))).toMatchObject({ is: 'right' });
      counts.push(asked);
    }
    gone.close();
    expect(counts).toEqual([1, 1, 1, 2]);
  });

  test('no more are asked at once than is said, and the others hear so', async () => {
    const one = verifier({ atOnce: 3 });
    const attempt = { name: 'ada@example.org', typed: 'ada', password: 'secret', channel };
    const asked = Array.from({ length: 5 }, () => one.verify(attempt, AbortSignal.timeout(20_000)));
    const ended = await Promise.allSettled(asked);
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(await one.verify(attempt, AbortSignal.timeout(20_000))).toMatchObject({ is: 'right' });
  });

  test('what was right is remembered for as long as is said, what was wrong is not', async () => {
    const clock = { now: 1_000_000 };
    const remember = { forMs: 60_000, secret: Buffer.from('s') };
    const name = 'ada@example.org';
    const tell = (password: string) => ({ name, typed: name, password, channel });
    const one = new BindVerifier(options(), remember, () => clock.now);
    const ask = (password: string) => one.verify(tell(password), AbortSignal.timeout(20_000));
    const change = (to: string) =>
      server.modify(
        `dn: uid=ada,ou=people,dc=example,dc=org\nchangetype: modify\nreplace: userPassword\nuserPassword: ${to}\n\n`,
      );
    expect(await ask('secret')).toMatchObject({ is: 'right' });
    expect(await ask('other')).toEqual({ is: 'wrong' });
    await change('other');
    expect(await ask('secret')).toMatchObject({ is: 'right' });
    expect(await ask('other')).toMatchObject({ is: 'right' });
    clock.now += 60_000;
    expect(await ask('secret')).toEqual({ is: 'wrong' });
    expect(await ask('other')).toMatchObject({ is: 'right' });
    await change('secret');
  });

  test('whose connection is gone does not wait for the answer', async () => {
    const controller = new AbortController();
    const attempt = { name: 'ada@example.org', typed: 'ada', password: 'secret', channel };
    const asked = verifier().verify(attempt, controller.signal);
    controller.abort(new Error('gone'));
    await expect(asked).rejects.toThrow('gone');
  });
});
