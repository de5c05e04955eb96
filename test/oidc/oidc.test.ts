/**
 * Access tokens: signed ones checked here, opaque ones asked about, and providers on their bad days.
 */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import {
  type IntrospectionOptions,
  IntrospectionVerifier,
} from '../../connectors/oidc/introspection-verifier.ts';
import { JwtVerifier, type JwtVerifierOptions } from '../../connectors/oidc/jwt-verifier.ts';
import { VerifierAway } from '../../src/ports/authenticator.ts';
import { certificate } from '../fixture/tls.ts';
import { makeKey, type Provider, signed, startProvider } from './provider.ts';

const signal = AbortSignal.timeout(60_000);
const clock = { now: Date.UTC(2026, 10, 29) };
const now = () => clock.now;
const inAnHour = () => Math.floor(clock.now / 1000) + 3600;

const open: Provider[] = [];
afterEach(() => {
  for (const provider of open.splice(0)) provider.close();
});

async function scene(tls?: Parameters<typeof startProvider>[0]) {
  const provider = await startProvider(tls);
  open.push(provider);
  const key = makeKey('one');
  provider.keys.push(key);
  const settings = {
    issuer: provider.issuer,
    audiences: ['mail'],
    subjectClaims: ['email', 'preferred_username'],
    domains: [],
    timeout: 1000,
  };
  const claims = () => ({ iss: provider.issuer, aud: 'mail', exp: inAnHour(), email: 'ada@example.org' });
  return {
    provider,
    key,
    claims,
    jwt: (over: Partial<JwtVerifierOptions> = {}) =>
      new JwtVerifier({ ...settings, clockTolerance: 60_000, ...over }, now),
    introspection: (over: Partial<IntrospectionOptions> = {}) =>
      new IntrospectionVerifier(
        { ...settings, clientId: 'isthmus', clientSecret: 'a&b', cacheFor: 30_000, atOnce: 10, ...over },
        now,
      ),
  };
}

test('a signed token names its subject and says until when it is good', async () => {
  const { jwt, key, claims, provider } = await scene();
  const verifier = jwt();
  const all = new Set(['imap', 'pop3', 'smtp', 'sieve']);
  const good = { is: 'good', subject: 'ada@example.org', scope: all, until: new Date(inAnHour() * 1000) };
  expect(await verifier.verify(signed(claims(), key), signal)).toEqual(good);
  const rsa = makeKey('two', 'RS256');
  provider.keys.push(rsa);
  const several = signed({ ...claims(), aud: ['other', 'mail'] }, key);
  expect(await verifier.verify(several, signal)).toEqual(good);
  expect(provider.asked).toEqual(['/.well-known/openid-configuration', '/keys']);
  expect(await jwt().verify(signed(claims(), rsa), signal)).toEqual(good);
  expect(verifier.openidConfiguration).toBe(`${provider.issuer}/.well-known/openid-configuration`);
});

test('tokens that are not good', async () => {
  const { jwt, key, claims } = await scene();
  const verifier = jwt();
  const seconds = Math.floor(clock.now / 1000);
  const good = signed(claims(), key);
  const [head = '', body = '', signature = ''] = good.split('.');
  const none = (alg: string) => Buffer.from(JSON.stringify({ alg, kid: 'one' })).toString('base64url');
  const secret = JSON.stringify(key.jwk);
  const byHmac = `${none('HS256')}.${body}`;
  const cases: readonly (readonly [string, string])[] = [
    ['ended', signed({ ...claims(), exp: seconds - 61 }, key)],
    ['not begun', signed({ ...claims(), nbf: seconds + 120 }, key)],
    ['without an end', signed({ ...claims(), exp: undefined }, key)],
    ['for another audience', signed({ ...claims(), aud: 'calendar' }, key)],
    ['for nobody', signed({ ...claims(), aud: undefined }, key)],
    ['of another issuer', signed({ ...claims(), iss: 'https://evil.example' }, key)],
    ['of no issuer', signed({ ...claims(), iss: undefined }, key)],
    ['without a name', signed({ ...claims(), email: undefined }, key)],
    ['with an address that was not verified', signed({ ...claims(), email_verified: false }, key)],
    ['signed by a stranger', signed(claims(), makeKey('one'))],
    ['signed by an unknown key', signed(claims(), makeKey('three'))],
    ['signed by nobody', `${none('none')}.${body}.`],
    ['signed by nobody, with something there', `${none('none')}.${body}.${signature}`],
    [
      'signed with the public key as a secret',
      `${byHmac}.${createHmac('sha256', secret).update(byHmac).digest('base64url')}`,
    ],
    ['with a critical extension', signed(claims(), key, { crit: ['x'], x: 1 })],
    [
      'changed',
      `${head}.${Buffer.from(JSON.stringify({ ...claims(), email: 'eve@example.org' })).toString('base64url')}.${signature}`,
    ],
    ['opaque', 'abcdef'],
    ['three dots of nothing', '...'],
    ['no JSON', 'YQ.YQ.YQ'],
  ];
  for (const [name, token] of cases)
    expect(await verifier.verify(token, signal), name).toMatchObject({ is: 'bad' });
  const soon = signed({ ...claims(), exp: seconds - 30 }, key);
  expect(await verifier.verify(soon, signal)).toMatchObject({ is: 'good' });
});

test('a required scope, in any of the ways it is written', async () => {
  const { jwt, key, claims } = await scene();
  const verifier = jwt({ requiredScope: 'IMAP.AccessAsUser.All' });
  const check = (more: object) => verifier.verify(signed({ ...claims(), ...more }, key), signal);
  for (const more of [
    { scope: 'openid IMAP.AccessAsUser.All' },
    { scp: 'IMAP.AccessAsUser.All SMTP.Send' },
    { scope: ['IMAP.AccessAsUser.All'] },
  ])
    expect(await check(more)).toMatchObject({ is: 'good' });
  for (const more of [{}, { scope: 'IMAP.AccessAsUser.Al' }, { scope: 7 }])
    expect(await check(more)).toMatchObject({ is: 'tooLittle' });
});

test('scopes by service: a token to send with does not read', async () => {
  const { jwt, key, claims } = await scene();
  const serviceScopes = { imap: 'IMAP.AccessAsUser.All', pop3: 'POP.AccessAsUser.All', smtp: 'SMTP.Send' };
  const check = (more: object, over: Partial<JwtVerifierOptions> = {}) =>
    jwt({ serviceScopes, ...over }).verify(signed({ ...claims(), ...more }, key), signal);
  expect(await check({ scp: 'SMTP.Send IMAP.AccessAsUser.All' })).toMatchObject({
    is: 'good',
    scope: new Set(['imap', 'smtp', 'sieve']),
  });
  expect(await check({ scp: 'Calendars.Read' })).toMatchObject({ is: 'good', scope: new Set(['sieve']) });
  const every = { serviceScopes: { ...serviceScopes, sieve: 'Sieve' } };
  expect(await check({ scp: 'Calendars.Read' }, every)).toMatchObject({ is: 'tooLittle' });
});

test('an issuer speaks for its own domains only', async () => {
  const { jwt, key, claims } = await scene();
  const verifier = jwt({ domains: ['example.org'] });
  const check = (email: string) => verifier.verify(signed({ ...claims(), email }, key), signal);
  expect(await check('ada@EXAMPLE.org')).toMatchObject({ is: 'good' });
  expect(await check('ada@example.net')).toMatchObject({ is: 'bad' });
  expect(await check('ada')).toMatchObject({ is: 'bad' });
});

test('without an audience nothing is checked here', async () => {
  const { jwt } = await scene();
  expect(() => jwt({ audiences: [] })).toThrow('audience');
});

test('a new key is found when a token names it, and strangers make nobody ask often', async () => {
  const { jwt, key, claims, provider } = await scene();
  const verifier = jwt();
  await verifier.verify(signed(claims(), key), signal);
  for (let i = 0; i < 20; i += 1)
    expect(await verifier.verify(signed(claims(), makeKey(`x${i}`)), signal)).toMatchObject({ is: 'bad' });
  expect(provider.asked.filter((path) => path === '/keys')).toHaveLength(1);
});

test('a document of another issuer is not believed', async () => {
  const { jwt, key, claims, provider } = await scene();
  provider.document = { issuer: 'https://evil.example' };
  await expect(jwt().verify(signed(claims(), key), signal)).rejects.toThrow(VerifierAway);
  await expect(jwt().verify(signed(claims(), key), signal)).rejects.toThrow('evil.example');
});

test.each(['status 500', 'silent', 'no JSON', 'endless', 'redirect'] as const)(
  'an issuer with a bad day (%s) refuses nobody, it is away',
  async (mood) => {
    const { jwt, introspection, key, claims, provider } = await scene();
    provider.mood = mood;
    await expect(jwt().verify(signed(claims(), key), signal)).rejects.toThrow(VerifierAway);
    await expect(introspection().verify('opaque', signal)).rejects.toThrow(VerifierAway);
    provider.mood = 'ok';
    const verifier = jwt();
    const warm = introspection();
    await verifier.verify(signed(claims(), key), signal);
    await warm.verify('opaque', signal);
    provider.mood = mood;
    expect(await verifier.verify(signed(claims(), key), signal)).toMatchObject({ is: 'good' });
    await expect(warm.verify('opaque2', signal)).rejects.toThrow(VerifierAway);
  },
);

test('an issuer in the clear elsewhere is not asked at all', async () => {
  const { jwt, introspection, key, claims } = await scene();
  const issuer = 'http://192.0.2.1';
  const token = signed({ ...claims(), iss: issuer }, key);
  await expect(jwt({ issuer }).verify(token, signal)).rejects.toThrow('over TLS only');
  await expect(introspection({ endpoint: 'http://192.0.2.1/x' }).verify('t', signal)).rejects.toThrow(
    'over TLS only',
  );
});

test("a certificate of one's own authority is believed where it is configured", async () => {
  const made = await certificate(['id.example.org']);
  const tls = { cert: readFileSync(made.cert, 'utf8'), key: readFileSync(made.key, 'utf8') };
  const { jwt, key, claims } = await scene(tls);
  const ca = readFileSync(made.ca, 'utf8');
  expect(await jwt({ ca }).verify(signed(claims(), key), signal)).toMatchObject({ is: 'good' });
  await expect(jwt().verify(signed(claims(), key), signal)).rejects.toThrow(VerifierAway);
});

test('an opaque token is asked about, once for a while, and never beyond its end', async () => {
  const { introspection, provider, claims } = await scene();
  const verifier = introspection();
  const exp = Math.floor(clock.now / 1000) + 10;
  provider.tokens.set('opaque', { ...claims(), active: true, exp });
  const asked = () => provider.asked.filter((path) => path === '/introspect').length;
  const good = { is: 'good', subject: 'ada@example.org', until: new Date(exp * 1000) };
  for (let i = 0; i < 3; i += 1) expect(await verifier.verify('opaque', signal)).toMatchObject(good);
  expect(asked()).toBe(1);
  clock.now += 11_000;
  expect(await verifier.verify('opaque', signal)).toMatchObject({ is: 'bad' });
  expect(asked()).toBe(2);
});

test('what its issuer does not call active, or is for others, lets nobody in', async () => {
  const { introspection, provider, claims } = await scene();
  const verifier = introspection();
  const tokens: readonly (readonly [string, object])[] = [
    ['unknown', { active: false }],
    ['truthy', { ...claims(), active: 'true' }],
    ['audience', { ...claims(), active: true, aud: 'calendar' }],
    ['silent audience', { ...claims(), active: true, aud: undefined }],
    ['issuer', { ...claims(), active: true, iss: 'https://evil.example' }],
    ['nameless', { ...claims(), active: true, email: '' }],
  ];
  for (const [token, said] of tokens) {
    provider.tokens.set(token, said);
    expect(await verifier.verify(token, signal), token).toMatchObject({ is: 'bad' });
  }
  provider.tokens.set('any', { ...claims(), active: true, aud: undefined });
  expect(await introspection({ audiences: [] }).verify('any', signal)).toMatchObject({ is: 'good' });
});

test('the secret that we ask with is wrong: nobody is refused for that', async () => {
  const { introspection } = await scene();
  await expect(introspection({ clientSecret: 'x' }).verify('opaque', signal)).rejects.toThrow('status 401');
});

test("another issuer's token is not shown to this one", async () => {
  const { introspection, key, claims, provider } = await scene();
  const token = signed({ ...claims(), iss: 'https://other.example' }, key);
  expect(await introspection().verify(token, signal)).toMatchObject({ is: 'bad' });
  expect(provider.asked).toEqual([]);
});

test('only some tokens are asked about at once', async () => {
  const { introspection, provider } = await scene();
  const verifier = introspection({ atOnce: 2 });
  await verifier.verify('warm', signal);
  provider.mood = 'silent';
  const asked = ['a', 'b', 'c'].map((token) => verifier.verify(token, signal));
  const ended = await Promise.allSettled(asked);
  expect(ended[2]).toMatchObject({
    reason: expect.objectContaining({ message: expect.stringContaining('already') }),
  });
  provider.mood = 'ok';
  expect(await verifier.verify('d', signal)).toMatchObject({ is: 'bad' });
});

test('who has gone does not wait for the issuer', async () => {
  const { introspection, provider } = await scene();
  const verifier = introspection({ timeout: 20_000 });
  await verifier.verify('warm', signal);
  provider.mood = 'silent';
  const controller = new AbortController();
  const asked = verifier.verify('t', controller.signal);
  setTimeout(() => controller.abort(new Error('gone')), 50);
  await expect(asked).rejects.toThrow('gone');
});
