/**
 * The room put together from a parsed configuration, in two processes over one database.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { authSection } from '../../config/sections/auth.ts';
import type { IntrospectionOptions } from '../../connectors/oidc/introspection-verifier.ts';
import type { JwtVerifierOptions } from '../../connectors/oidc/jwt-verifier.ts';
import { HostedAndListed } from '../../src/auth/account-finder.ts';
import { mailAddressInCertificate } from '../../src/auth/certificate-names.ts';
import { Masters } from '../../src/auth/masters.ts';
import { type Auth, type AuthDeps, openAuth } from '../../src/auth/open.ts';
import { parseAddress } from '../../src/mail/address.ts';
import type { Account } from '../../src/mail/mailbox.ts';
import { services } from '../../src/ports/authenticator.ts';
import type { DirectoryEntry, Lookup } from '../../src/ports/directory.ts';
import { silentLog } from '../../src/ports/log.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import { must } from '../peers/command.ts';
import { channel } from './gate.ts';

const signal = new AbortController().signal;
const section = (over: object = {}) =>
  authSection.parse({ failureDelay: '0ms', local: { memory: '8MB' }, ...over });

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase();
});
afterAll(() => fresh.drop());

const open = (over: object = {}, deps: Partial<AuthDeps> = {}): Promise<Auth> =>
  openAuth(section(over), {
    database: fresh.database,
    accounts: { find: async (name) => ({ account: name, scope: new Set(services) }) },
    passwords: [],
    tokens: [],
    networkOf: (remote) => remote,
    isTrusted: () => false,
    isSafeWithoutTls: () => false,
    log: silentLog,
    now: () => new Date(),
    sleep: async () => {},
    randomBytes,
    ...deps,
  });

const enter = ({ authenticator }: Auth, name: string, password: string) =>
  authenticator.begin('PLAIN', channel(), Buffer.from(`\0${name}\0${password}`), signal);

test('the defaults are enough for accounts kept here', async () => {
  await using auth = await open();
  expect(auth.authenticator.mechanisms(channel())).toEqual(['SCRAM-SHA-256', 'PLAIN', 'LOGIN']);
  await auth.credentials.setPassword('ada@example.org', 'a long secret', 'root');
  expect(await enter(auth, 'ada@example.org', 'a long secret')).toMatchObject({ kind: 'in' });
  const stored = await auth.credentials.find('ada@example.org');
  expect(stored.hash?.cost).toEqual({ memory: 8192, passes: 2, parallelism: 1 });
  expect(stored.scram?.iterations).toBe(65_536);
});

test('SCRAM is not offered where passwords are in a directory, unless that is said', async () => {
  const passwords = [{ name: 'ldap', verify: async () => ({ is: 'wrong' }) as const }];
  await using auth = await open({}, { passwords });
  expect(auth.authenticator.mechanisms(channel())).toEqual(['PLAIN', 'LOGIN']);
  await using always = await open({ scram: { offer: 'always' } }, { passwords });
  expect(always.authenticator.mechanisms(channel())).toContain('SCRAM-SHA-256');
  await using none = await open({ local: { enabled: false }, appPasswords: false });
  expect(none.authenticator.mechanisms(channel())).toEqual([]);
});

test('a block that begins in one process holds in the other, and is written down', async () => {
  await using one = await open({ throttle: { failures: 3 } });
  await using two = await open({ throttle: { failures: 3 } });
  for (let i = 0; i < 3; i += 1) await enter(one, 'bob@example.org', `wrong ${i}`);
  for (let i = 0; i < 100 && two.throttle.blocks().length === 0; i += 1) await wait(50);
  expect(two.throttle.blocks()).toMatchObject([{ kind: 'account', key: 'bob@example.org' }]);
  expect(await enter(two, 'bob@example.org', 'x')).toEqual({ kind: 'refused', because: 'tooMany' });
  await one[Symbol.asyncDispose]();
  expect(await one.audit.find({ account: 'bob@example.org' })).toMatchObject([
    { event: 'blocked', detail: { kind: 'account' } },
  ]);
});

test('where people entered from is known again after a restart: strangers do not lock them out there', async () => {
  const name = 'cy@example.org';
  const first = await open();
  await first.credentials.setPassword(name, 'a long secret', 'root');
  expect(await enter(first, name, 'a long secret')).toMatchObject({ kind: 'in' });
  await first[Symbol.asyncDispose]();
  await using second = await open();
  second.throttle.apply({ kind: 'account', key: name, until: Date.now() + 600_000 });
  expect(await enter(second, name, 'a long secret')).toMatchObject({ kind: 'in' });
  const elsewhere = channel({ remote: '203.0.113.9' });
  expect(await second.authenticator.password(name, 'a long secret', elsewhere, signal)).toMatchObject({
    because: 'tooMany',
  });
});

test('parsed issuers fit their verifiers', () => {
  const { oidc } = section({
    oidc: [
      { check: 'jwt', issuer: 'https://id.example.org/realms/mail', audiences: ['mail'] },
      { check: 'introspection', issuer: 'https://id.example.org', clientId: 'x', clientSecret: 'y' },
    ],
  });
  const made = oidc.map((one): JwtVerifierOptions | IntrospectionOptions => one);
  expect(made[0]).toMatchObject({
    timeout: 5000,
    clockTolerance: 60_000,
    subjectClaims: ['email', 'preferred_username'],
  });
});

test.each([
  [
    'a token for anybody',
    { oidc: [{ check: 'jwt', issuer: 'https://id.example.org', audiences: [] }] },
    'audience',
  ],
  [
    'an issuer in the clear',
    { oidc: [{ check: 'jwt', issuer: 'http://id.example.org', audiences: ['a'] }] },
    'https://',
  ],
  ['a filter for everybody', { ldap: [{ source: 'corp', filter: '(objectClass=person)' }] }, '{name}'],
  ['a letter between names', { masterSeparator: 'x' }, 'one sign'],
  ['the at between names', { masterSeparator: '@' }, 'one sign'],
  ['little memory', { local: { memory: '1MB' } }, '8MB'],
  ['few iterations', { scram: { iterations: 1000 } }, '4096'],
  ['a weak mechanism', { mechanisms: ['CRAM-MD5'] }, 'PLAIN'],
])('%s is refused', (_, value, words) => {
  const parsed = authSection.safeParse(value);
  expect(parsed.success).toBe(false);
  expect(JSON.stringify(z.treeifyError(parsed.error ?? expect.fail()))).toContain(words);
});

test('administrators open what they are for', async () => {
  const masters = new Masters(
    [
      { name: 'root', services: [], domains: [] },
      { name: 'help@example.org', services: ['imap'], domains: ['example.org'] },
    ],
    'example.net',
    { mayOpen: async (who, account) => who === 'ada' && account === 'info' },
  );
  const may = (who: string, account: string, service: 'imap' | 'smtp' = 'imap') =>
    masters.mayOpen(who, account, service, signal);
  expect(await may('root@example.net', 'x@y')).toBe(true);
  expect(await may('root@example.org', 'x@y')).toBe(false);
  expect(await may('help@example.org', 'x@example.org')).toBe(true);
  expect(await may('help@example.org', 'x@example.com')).toBe(false);
  expect(await may('help@example.org', 'x@example.org', 'smtp')).toBe(false);
  expect(await may('ada', 'info')).toBe(true);
  expect(await may('ada', 'sales')).toBe(false);
});

test('an account is found by its name, or by any address of its entry; what is switched off has nothing', async () => {
  const hosted = (name: string, more: object = {}) =>
    ({ name, disabled: false, ...more }) as unknown as Account;
  const entry = (id: string, more: object = {}) =>
    ({
      id,
      kind: 'user',
      primary: parseAddress(`${id}@Example.org`),
      disabled: false,
      ...more,
    }) as DirectoryEntry;
  const byName: Record<string, Account> = {
    'ada@example.org': hosted('ada@example.org'),
    off: hosted('off', { disabled: true }),
  };
  const byEntry: Record<string, Account> = { eve: hosted('eve.old@example.org') };
  const found = (one: DirectoryEntry, by: 'exact' | 'detail' | 'target' = 'exact'): Lookup => ({
    found: 'one',
    entry: one,
    by,
  });
  const lookups: Record<string, Lookup> = {
    'countess@example.org': found(entry('ada')),
    'e@example.org': found(entry('eve')),
    'ada+x@example.org': found(entry('ada'), 'detail'),
    'team@example.org': found(entry('team', { kind: 'group' })),
    'gone@example.org': found(entry('gone', { disabled: true })),
  };
  const finder = new HostedAndListed(
    { byName: async (name) => byName[name], byEntry: async (id) => byEntry[id] },
    { lookup: async (addresses) => addresses.map(({ text }) => lookups[text] ?? { found: 'nobody' }) },
  );
  const find = async (name: string) => {
    const account = await finder.find(name, signal);
    return account && `${account.account} ${account.scope.size}`;
  };
  expect(await find('ada@example.org')).toBe('ada@example.org 4');
  expect(await find('countess@example.org')).toBe('ada@example.org 4');
  expect(await find('e@example.org')).toBe('eve.old@example.org 4');
  expect(await find('off')).toBe('off 0');
  expect(await find('gone@example.org')).toBe('gone@example.org 0');
  for (const nobody of ['ada+x@example.org', 'team@example.org', 'x@example.org', 'x'])
    expect(await find(nobody)).toBeUndefined();
});

test('a certificate names whoever its one mail address is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-auth-'));
  const [config, made] = [join(folder, 'config'), join(folder, 'made')];
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    join(folder, 'key'),
  ];
  const name = async (...names: readonly string[]) => {
    const head =
      '[req]\ndistinguished_name = dn\nx509_extensions = ext\n[dn]\n[ext]\nsubjectAltName = @names\n[names]\n';
    writeFileSync(config, `${head}${names.join('\n')}\n`);
    await must('openssl', [
      'req',
      '-x509',
      ...key,
      '-config',
      config,
      '-subj',
      '/CN=x',
      '-outform',
      'DER',
      '-out',
      made,
    ]);
    return mailAddressInCertificate.nameIn(readFileSync(made));
  };
  try {
    expect(await name('email.1 = ada@example.org', 'DNS.1 = example.org')).toBe('ada@example.org');
    expect(await name('email.1 = ada@example.org', 'email.2 = bob@example.org')).toBeUndefined();
    expect(await name('DNS.1 = example.org')).toBeUndefined();
    expect(await name('URI.1 = "http://x/, email:ada@example.org, x"')).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
