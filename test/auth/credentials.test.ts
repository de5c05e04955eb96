/**
 * What is kept of passwords: hashes, SCRAM keys, app passwords, and who changed them.
 */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { AppPasswordRefused } from '../../src/auth/app-passwords.ts';
import { Credentials, PasswordRefused } from '../../src/auth/credentials.ts';
import { canonicalName, splitClaim } from '../../src/auth/names.ts';
import { nodeArgon2, PasswordHasher, parseHash, printHash, usualCost } from '../../src/auth/password-hash.ts';
import { sharedSecret } from '../../src/auth/secrets.ts';
import { type PasswordVerdict, VerifierAway } from '../../src/ports/authenticator.ts';
import { channel, closeDatabase, type Gate, openGate, quickCost } from './gate.ts';

const random = (length: number) => Buffer.alloc(length, 7);
afterAll(closeDatabase);

const ada = 'ada@example.org';
const check = ({ local }: Gate, name: string, password: string): Promise<PasswordVerdict> =>
  local.verify({ name, typed: name, password, channel: channel() });
const checkApp = ({ appPasswords }: Gate, name: string, password: string): Promise<PasswordVerdict> =>
  appPasswords.verify({ name, typed: name, password, channel: channel() });

test('the hash is argon2id as the reference implementation makes it', async () => {
  // argon2 of the reference implementation: `echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 24`.
  const hasher = new PasswordHasher({ cost: usualCost, atOnce: 1, waiting: 0 }, random);
  const stored = parseHash(
    '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  );
  expect(stored).toBeDefined();
  expect(await hasher.isRight('password', stored)).toBe(true);
  expect(await hasher.isRight('passwort', stored)).toBe(false);
});

test('hashes printed and parsed are the same; what asks for too much or is something else is not taken', () => {
  const octets = (least: number) => fc.uint8Array({ minLength: least, maxLength: 64 });
  fc.assert(
    fc.property(
      fc.record({
        cost: fc.record({
          memory: fc.integer({ min: 512, max: 1 << 20 }),
          passes: fc.integer({ min: 1, max: 64 }),
          parallelism: fc.integer({ min: 1, max: 64 }),
        }),
        salt: octets(9),
        hash: octets(16),
      }),
      (hash) => {
        const again = parseHash(printHash(hash));
        expect(again && printHash(again)).toBe(printHash(hash));
      },
    ),
  );
  const good = '$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  expect(parseHash(good)).toBeDefined();
  for (const bad of [
    good.replace('argon2id', 'argon2i'),
    good.replace('v=19', 'v=16'),
    good.replace('m=64', 'm=9999999'),
    good.replace('m=64', 'm=4'),
    good.replace('t=1', 't=0'),
    good.replace('t=1', 't=999'),
    good.replace('p=1', 'p=65'),
    good.replace('c29tZXNhbHQ', 'c29tZXNhbHR'),
    `${good}\n`,
    `${good}$`,
    '',
  ])
    expect(parseHash(bad), bad).toBeUndefined();
});

test('only some passwords are checked at once; the one too many is told so at once', async () => {
  let now = 0;
  let most = 0;
  const hasher = new PasswordHasher(
    { cost: quickCost, atOnce: 2, waiting: 3 },
    random,
    async (parameters) => {
      now += 1;
      most = Math.max(most, now);
      const hash = await nodeArgon2(parameters);
      now -= 1;
      return hash;
    },
  );
  const asked = Array.from({ length: 8 }, () => hasher.isRight('x', undefined));
  const ended = await Promise.allSettled(asked);
  expect(most).toBe(2);
  expect(ended.map(({ status }) => status)).toEqual([
    ...Array(5).fill('fulfilled'),
    ...Array(3).fill('rejected'),
  ]);
  expect(ended[7]).toMatchObject({ reason: expect.any(VerifierAway) });
  expect(await hasher.isRight('x', undefined)).toBe(false);
});

test('a password that was set is right, in any spelling that SASLprep makes one, and no other is', async () => {
  await using gate = await openGate();
  await gate.credentials.setPassword(ada, 'caf\u00e9 \u2168', 'root');
  for (const typed of ['caf\u00e9 \u2168', 'cafe\u0301 IX', 'caf\u00e9\u00a0IX'])
    expect(await check(gate, ada, typed)).toEqual({ is: 'right', way: 'password' });
  for (const typed of ['cafe IX', 'caf\u00e9 IX ', ''])
    expect(await check(gate, ada, typed)).toEqual({ is: 'wrong' });
  expect(await check(gate, 'bob@example.org', 'caf\u00e9 \u2168')).toEqual({ is: 'wrong' });
});

test('a new password replaces the old one at once, also where the old one is remembered', async () => {
  await using gate = await openGate();
  await gate.credentials.setPassword(ada, 'first', 'root');
  await check(gate, ada, 'first');
  const before = gate.hashed.length;
  expect(await check(gate, ada, 'first')).toMatchObject({ is: 'right' });
  expect(gate.hashed.length).toBe(before);
  await gate.credentials.setPassword(ada, 'second', 'ada');
  expect(await check(gate, ada, 'first')).toEqual({ is: 'wrong' });
  expect(await check(gate, ada, 'second')).toMatchObject({ is: 'right' });
  expect(await gate.credentials.removePassword(ada, 'root')).toBe(true);
  expect(await check(gate, ada, 'second')).toEqual({ is: 'wrong' });
  expect(await gate.credentials.removePassword(ada, 'root')).toBe(false);
  expect((await gate.audit.find({ account: ada })).map(({ event, by }) => [event, by])).toEqual([
    ['passwordRemoved', 'root'],
    ['passwordSet', 'ada'],
    ['passwordSet', 'root'],
  ]);
});

test('nothing that is stored has the password in it', async () => {
  await using gate = await openGate();
  await gate.credentials.setPassword(ada, 'correct horse', 'root');
  const { secret } = await gate.appPasswords.add({
    account: ada,
    label: 'phone',
    scope: new Set(['imap']),
    by: ada,
  });
  const rows = await gate.database.query(
    'select c::text from credential c union all select a::text from app_password a union all select s::text from sign_in_audit s',
  );
  expect(rows).toHaveLength(4);
  expect(JSON.stringify(rows)).not.toContain('correct horse');
  expect(JSON.stringify(rows)).not.toContain(secret.replaceAll('-', '').slice(0, 10));
});

test.each([
  ['a short one', 'ab', 'fewer than 3'],
  ['an empty one', '', 'fewer than 3'],
  ['a long one', 'x'.repeat(1025), 'more than 1024 octets'],
  ['one with a line end', 'abc\ndef', 'control characters'],
])('%s is refused, with the reason', async (_, password, reason) => {
  await using gate = await openGate();
  const setting = gate.credentials.setPassword(ada, password, 'root');
  await expect(setting).rejects.toThrow(PasswordRefused);
  await expect(setting).rejects.toThrow(reason);
});

test('a hash of another cost, and missing SCRAM keys, are made anew at the next sign-in', async () => {
  await using gate = await openGate();
  const old = new PasswordHasher({ cost: { ...quickCost, passes: 2 }, atOnce: 1, waiting: 1 }, random);
  const before = new Credentials(
    gate.database,
    old,
    { shortest: 1, scramIterations: undefined },
    { now: () => new Date(), randomBytes: random },
  );
  await before.setPassword(ada, 'secret', 'root');
  expect(await gate.local.scramKeys(ada)).toBeUndefined();
  expect(await check(gate, ada, 'wrong')).toEqual({ is: 'wrong' });
  expect((await gate.credentials.find(ada)).hash?.cost.passes).toBe(2);
  expect(await check(gate, ada, 'secret')).toMatchObject({ is: 'right' });
  expect((await gate.credentials.find(ada)).hash?.cost).toEqual(quickCost);
  expect((await gate.local.scramKeys(ada))?.iterations).toBe(4096);
  expect(await check(gate, ada, 'secret')).toMatchObject({ is: 'right' });
});

test('an app password is shown once, is right for its account however it is typed, and gone when revoked', async () => {
  await using gate = await openGate();
  const scope = new Set(['imap', 'smtp'] as const);
  const { id, secret } = await gate.appPasswords.add({ account: ada, label: "Ada's phone", scope, by: ada });
  expect(secret).toMatch(/^([0-9a-z]{5}-){3}[0-9a-z]{5}$/);
  for (const typed of [secret, secret.toUpperCase(), secret.replaceAll('-', ''), secret.replaceAll('-', ' ')])
    expect(await checkApp(gate, ada, typed)).toEqual({
      is: 'right',
      way: 'appPassword',
      scope,
      credential: "Ada's phone",
    });
  expect(await checkApp(gate, 'bob@example.org', secret)).toEqual({ is: 'wrong' });
  expect(await checkApp(gate, ada, `${secret}0`)).toEqual({ is: 'wrong' });
  expect(await gate.appPasswords.list(ada)).toMatchObject([
    {
      id,
      label: "Ada's phone",
      scope,
      createdBy: ada,
      usedAt: new Date(gate.clock.now),
      usedFrom: '192.0.2.1',
    },
  ]);
  expect(await gate.appPasswords.revoke('bob@example.org', id, 'bob')).toBe(false);
  expect(await gate.appPasswords.revoke(ada, id, ada)).toBe(true);
  expect(await checkApp(gate, ada, secret)).toEqual({ is: 'wrong' });
  expect((await gate.audit.find({})).map(({ event }) => event)).toEqual([
    'appPasswordRevoked',
    'appPasswordAdded',
  ]);
});

test('an app password ends when it was said to', async () => {
  await using gate = await openGate();
  const expiresAt = new Date(gate.clock.now + 1000);
  const wish = { account: ada, label: 'x', scope: new Set(['imap'] as const), by: ada };
  const { secret } = await gate.appPasswords.add({ ...wish, expiresAt });
  expect(await checkApp(gate, ada, secret)).toMatchObject({ is: 'right', until: expiresAt });
  gate.clock.now += 1000;
  expect(await checkApp(gate, ada, secret)).toEqual({ is: 'expired' });
  await expect(gate.appPasswords.add({ ...wish, expiresAt })).rejects.toThrow(AppPasswordRefused);
});

test('there is an end to the app passwords of one account, also when many are asked for at once', async () => {
  await using gate = await openGate();
  const wish = { account: ada, label: 'x', scope: new Set(['imap'] as const), by: ada };
  const made = await Promise.allSettled(Array.from({ length: 105 }, () => gate.appPasswords.add(wish)));
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(100);
  expect(await gate.appPasswords.list(ada)).toHaveLength(100);
  await expect(gate.appPasswords.add({ ...wish, label: ' ' })).rejects.toThrow('label');
  await expect(gate.appPasswords.add({ ...wish, scope: new Set() })).rejects.toThrow('one service at least');
});

test('renamed, an account keeps what it entered with; removed, nothing is left', async () => {
  await using gate = await openGate();
  await gate.credentials.setPassword(ada, 'secret', 'root');
  const { secret } = await gate.appPasswords.add({
    account: ada,
    label: 'x',
    scope: new Set(['imap']),
    by: ada,
  });
  await gate.credentials.move(ada, 'ada.king@example.org', 'root');
  expect(await check(gate, ada, 'secret')).toEqual({ is: 'wrong' });
  expect(await check(gate, 'ada.king@example.org', 'secret')).toMatchObject({ is: 'right' });
  expect(await checkApp(gate, 'ada.king@example.org', secret)).toMatchObject({ is: 'right' });
  await gate.credentials.move('ada.king@example.org', undefined, 'root');
  expect(await check(gate, 'ada.king@example.org', 'secret')).toEqual({ is: 'wrong' });
  expect(await gate.appPasswords.list('ada.king@example.org')).toEqual([]);
});

test('all nodes share a secret, whoever asked first', async () => {
  await using gate = await openGate();
  const made = await Promise.all(
    [1, 2, 3].map((n) => sharedSecret(gate.database, 'x', (length) => Buffer.alloc(length, n))),
  );
  expect(new Set(made.map((secret) => Buffer.from(secret).toString('hex'))).size).toBe(1);
});

test.each([
  ['Ada', 'ada@example.org'],
  ['ADA@Example.ORG', 'ada@example.org'],
  [' ada@example.org ', 'ada@example.org'],
  ['ada@B\u00fccher.example', 'ada@xn--bcher-kva.example'],
  ['\uff41da', 'ada@example.org'],
  ['EXAMPLE\\ada', 'example\\ada'],
  ['a\u0000b', undefined],
  ['', undefined],
  ['\u00ad', undefined],
  ['x'.repeat(400), undefined],
])('the name %j is %j', (typed, name) => {
  expect(canonicalName(typed, 'example.org')).toBe(name);
});

test.each([
  ['ada*root', { who: 'root', wanted: 'ada' }],
  ['a*b@example.org*root', { who: 'root', wanted: 'a*b@example.org' }],
  ['ada', { who: 'ada', wanted: undefined }],
  ['*root', { who: '*root', wanted: undefined }],
  ['ada*', { who: 'ada*', wanted: undefined }],
])('%s is a claim', (typed, claim) => {
  expect(splitClaim(typed, '*')).toEqual(claim);
  expect(splitClaim(typed, undefined)).toEqual({ who: typed, wanted: undefined });
});
