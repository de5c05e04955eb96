/**
 * Who enters, by which mechanism, and what everybody else is told.
 */
import { afterAll, expect, test } from 'vitest';
import type { GateDeps } from '../../src/auth/options.ts';
import {
  type AuthChallenge,
  type AuthStep,
  type Channel,
  type PasswordVerifier,
  type TokenVerifier,
  VerifierAway,
} from '../../src/ports/authenticator.ts';
import { ScramClient } from '../protocol/sasl-client.ts';
import { channel, closeDatabase, type Gate, openGate } from './gate.ts';

afterAll(closeDatabase);

const ada = 'ada@example.org';
const signal = new AbortController().signal;
const never = { kind: 'refused', because: 'credentials' } as const;

async function withAda(over: Partial<GateDeps> = {}): Promise<Gate> {
  const gate = await openGate(over);
  gate.people([ada, 'bob@example.org', 'info@example.org']);
  await gate.credentials.setPassword(ada, 'secret', 'root');
  return gate;
}

const plain = ({ gate }: Gate, message: string, over: Partial<Channel> = {}): Promise<AuthStep> =>
  gate.begin('PLAIN', channel(over), Buffer.from(message), signal);

function challenged(step: AuthStep): AuthChallenge {
  if (step.kind !== 'challenge') throw new Error(`expected a challenge, not ${JSON.stringify(step)}`);
  return step;
}

async function scram({ gate }: Gate, name: string, password: string, actFor?: string): Promise<AuthStep> {
  const client = new ScramClient({ name, password, ...(actFor && { actFor }) });
  const first = challenged(await gate.begin('SCRAM-SHA-256', channel(), client.first(), signal));
  const final = await first.next(client.final(first.octets));
  if (final.kind !== 'challenge') return final;
  expect(final.isLast).toBe(true);
  expect(client.trusts(final.octets)).toBe(true);
  return final.next(Buffer.alloc(0));
}

test('PLAIN, LOGIN, SCRAM and the plain command let the right password in, and say who it is', async () => {
  await using gate = await withAda();
  const login = { account: ada, authenticatedAs: ada, scope: new Set(['imap', 'pop3', 'smtp', 'sieve']) };
  expect(await plain(gate, '\0Ada\0secret')).toEqual({ kind: 'in', login: { ...login, way: 'password' } });
  expect(await plain(gate, `${ada}\0ada\0secret`)).toMatchObject({ kind: 'in' });
  const first = challenged(await gate.gate.begin('LOGIN', channel(), undefined, signal));
  const second = challenged(await first.next(Buffer.from('ada')));
  expect(await second.next(Buffer.from('secret'))).toMatchObject({ kind: 'in', login: { account: ada } });
  expect(await gate.gate.password('ada', 'secret', channel(), signal)).toMatchObject({ kind: 'in' });
  expect(await scram(gate, 'ADA', 'secret')).toEqual({ kind: 'in', login: { ...login, way: 'scram' } });
  expect(gate.events.map(({ mechanism, outcome }) => [mechanism, outcome])).toEqual([
    ['PLAIN', 'in'],
    ['PLAIN', 'in'],
    ['LOGIN', 'in'],
    ['password', 'in'],
    ['SCRAM-SHA-256', 'in'],
  ]);
});

test('an unknown name and a wrong password: the same words, the same work, the same wait', async () => {
  await using gate = await withAda();
  gate.people(['nopassword@example.org']);
  const costs = [];
  for (const name of ['ada', 'nobody', 'nopassword', 'nobody*root', 'ada*nobody']) {
    const [before, slept] = [gate.hashed.length, gate.slept.length];
    const answer = await plain(gate, `\0${name}\0wrong`);
    costs.push([answer, gate.hashed.slice(before), gate.slept.slice(slept)]);
  }
  expect(costs[0]).toEqual([never, [{ memory: 64, passes: 1 }], [2000]]);
  for (const cost of costs) expect(cost).toEqual(costs[0]);
});

test('SCRAM: an unknown name and a wrong password are alike at every step, and the salt does not change', async () => {
  await using gate = await withAda();
  gate.people(['nopassword@example.org']);
  const salts: string[][] = [];
  for (const name of ['ada', 'Ada@example.org', 'nobody', 'NOBODY', 'nopassword']) {
    const client = new ScramClient({ name, password: 'wrong' });
    const first = challenged(await gate.gate.begin('SCRAM-SHA-256', channel(), client.first(), signal));
    const [, salt = '', count = ''] = /,s=([^,]+),i=(\d+)$/.exec(Buffer.from(first.octets).toString()) ?? [];
    salts.push([name, salt]);
    expect([Buffer.from(salt, 'base64').length, count]).toEqual([16, '4096']);
    expect(await first.next(client.final(first.octets))).toEqual(never);
  }
  const of = (wanted: string) => salts.find(([name]) => name === wanted)?.[1];
  expect(of('ada')).toBe(of('Ada@example.org'));
  expect(of('nobody')).toBe(of('NOBODY'));
  expect(of('nobody')).not.toBe(of('nopassword'));
});

test('without TLS nothing is offered, and nobody enters, but from where it is safe', async () => {
  await using gate = await withAda();
  const open = channel({ tls: false });
  const work = gate.hashed.length;
  expect(gate.gate.mechanisms(open)).toEqual([]);
  expect(await plain(gate, '\0ada\0secret', { tls: false })).toEqual({
    kind: 'refused',
    because: 'tlsRequired',
  });
  expect(await gate.gate.password('ada', 'secret', open, signal)).toEqual({
    kind: 'refused',
    because: 'tlsRequired',
  });
  expect(gate.hashed).toHaveLength(work);
  const loopback = channel({ tls: false, remote: '127.0.0.1' });
  expect(gate.gate.mechanisms(loopback)).toEqual(['SCRAM-SHA-256', 'PLAIN', 'LOGIN']);
});

test('what is offered depends on what there is to verify by', async () => {
  await using gate = await withAda();
  const bound = channel({ channelBindings: new Map([['tls-exporter', Buffer.alloc(32)]]) });
  expect(gate.gate.mechanisms(bound)).toEqual(['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN', 'LOGIN']);
  expect(await gate.gate.begin('OAUTHBEARER', bound, undefined, signal)).toEqual({
    kind: 'refused',
    because: 'mechanism',
  });
  expect(await gate.gate.begin('CRAM-MD5', bound, undefined, signal)).toMatchObject({ because: 'mechanism' });
  await using only = await openGate({ passwords: [], scram: undefined }, { mechanisms: new Set(['PLAIN']) });
  expect(only.gate.mechanisms(bound)).toEqual([]);
  expect(await only.gate.password('ada', 'x', bound, signal)).toMatchObject({ because: 'mechanism' });
});

test('a client that was told of no -PLUS where there is one does not enter', async () => {
  await using gate = await withAda();
  const bound = channel({ channelBindings: new Map([['tls-exporter', Buffer.alloc(32)]]) });
  const client = new ScramClient({ name: 'ada', password: 'secret', binding: 'y' });
  expect(await gate.gate.begin('SCRAM-SHA-256', bound, client.first(), signal)).toEqual(never);
});

test('an app password opens what it is for, and nothing else', async () => {
  await using gate = await withAda();
  const { secret } = await gate.appPasswords.add({
    account: ada,
    label: 'phone',
    scope: new Set(['imap', 'smtp']),
    by: ada,
  });
  expect(await plain(gate, `\0ada\0${secret}`)).toMatchObject({
    kind: 'in',
    login: { way: 'appPassword', credential: 'phone', scope: new Set(['imap', 'smtp']) },
  });
  expect(await plain(gate, `\0ada\0${secret}`, { service: 'smtp' })).toMatchObject({ kind: 'in' });
  expect(await plain(gate, `\0ada\0${secret}`, { service: 'sieve' })).toEqual({
    kind: 'refused',
    because: 'notPermitted',
  });
});

test('an app password that has ended is told so; a wrong one is not', async () => {
  await using gate = await withAda();
  const expiresAt = new Date(gate.clock.now + 1000);
  const { secret } = await gate.appPasswords.add({
    account: ada,
    label: 'x',
    scope: new Set(['imap']),
    by: ada,
    expiresAt,
  });
  expect(await plain(gate, `\0ada\0${secret}`)).toMatchObject({ kind: 'in', login: { until: expiresAt } });
  gate.clock.now += 2000;
  expect(await plain(gate, `\0ada\0${secret}`)).toEqual({ kind: 'refused', because: 'expired' });
  expect(await plain(gate, `\0bob\0${secret}`)).toEqual(never);
});

test('an administrator opens the mail of another with the password of the administrator, and it is written down', async () => {
  await using gate = await withAda();
  await gate.credentials.setPassword('root@example.org', 'admin', 'setup');
  const opened = { kind: 'in', login: { account: ada, authenticatedAs: 'root@example.org' } };
  expect(await plain(gate, '\0ada*root\0admin')).toMatchObject(opened);
  expect(await plain(gate, 'ada\0root\0admin')).toMatchObject(opened);
  expect(await scram(gate, 'ada*root', 'admin')).toMatchObject(opened);
  expect(await scram(gate, 'root', 'admin', ada)).toMatchObject(opened);
  expect(await gate.gate.password('ada*root', 'admin', channel(), signal)).toMatchObject(opened);
  const rows = await gate.audit.find({ account: ada });
  expect(rows.filter(({ event }) => event === 'opened')).toHaveLength(5);
  expect(rows[0]).toMatchObject({
    by: 'root@example.org',
    service: 'imap',
    remote: '192.0.2.1',
    way: 'password',
  });
});

test("the password of ada does not open ada's mail for root, nor does root's for people who are no administrators", async () => {
  await using gate = await withAda();
  await gate.credentials.setPassword('root@example.org', 'admin', 'setup');
  await gate.credentials.setPassword('bob@example.org', 'bobs', 'setup');
  const notPermitted = { kind: 'refused', because: 'notPermitted' };
  expect(await plain(gate, '\0ada*root\0secret')).toEqual(never);
  expect(await plain(gate, '\0ada*bob\0bobs')).toEqual(notPermitted);
  expect(await plain(gate, 'ada\0bob\0bobs')).toEqual(notPermitted);
  expect(await plain(gate, '\0nobody*root\0admin')).toEqual(notPermitted);
  expect(await plain(gate, '\0root\0admin')).toEqual(notPermitted);
  expect((await gate.audit.find({})).some(({ event }) => event === 'opened')).toBe(false);
});

test('nobody opens the mail of another where it cannot be written down', async () => {
  const notes = { record: () => Promise.reject(new Error('the disk is full')) };
  await using gate = await withAda({ notes });
  await gate.credentials.setPassword('root@example.org', 'admin', 'setup');
  expect(await plain(gate, '\0ada*root\0admin')).toEqual({ kind: 'refused', because: 'unavailable' });
});

test('people who were let by others open their mail', async () => {
  const delegates = {
    mayOpen: async (who: string, account: string) => who === ada && account.startsWith('info@'),
  };
  await using gate = await withAda({ delegates });
  expect(await plain(gate, 'info@example.org\0ada\0secret')).toMatchObject({
    kind: 'in',
    login: { account: 'info@example.org', authenticatedAs: ada },
  });
  expect(await plain(gate, 'bob@example.org\0ada\0secret')).toMatchObject({ because: 'notPermitted' });
});

test('who is switched off does not enter, for themselves or for others; an alias leads to its account', async () => {
  await using gate = await withAda({ delegates: { mayOpen: async () => true } });
  gate.accounts.set('countess@example.org', { account: ada, scope: new Set(['imap']) });
  expect(await plain(gate, '\0countess\0secret')).toMatchObject({ kind: 'in', login: { account: ada } });
  expect(await plain(gate, 'countess\0ada\0secret')).toMatchObject({ kind: 'in', login: { account: ada } });
  gate.people([ada], []);
  expect(await plain(gate, '\0ada\0secret')).toEqual({ kind: 'refused', because: 'notPermitted' });
  expect(await plain(gate, 'bob\0ada\0secret')).toEqual({ kind: 'refused', because: 'notPermitted' });
  expect(await plain(gate, '\0ada\0wrong')).toEqual(never);
});

test('after too many failures the right password does not help either, for names that nobody has too', async () => {
  await using gate = await withAda();
  for (const name of ['ada', 'nobody']) {
    for (let i = 0; i < 10; i += 1)
      expect(await plain(gate, `\0${name}\0wrong${i}`, { remote: `203.0.113.${i}` })).toEqual(never);
    const work = gate.hashed.length;
    expect(await plain(gate, `\0${name}\0secret`)).toEqual({ kind: 'refused', because: 'tooMany' });
    expect(await scram(gate, 'bob', 'x')).toEqual(never);
    expect(gate.hashed.length).toBe(work);
  }
  gate.clock.now += 60_000;
  expect(await plain(gate, '\0ada\0secret')).toMatchObject({ kind: 'in' });
});

test('a wrong SCRAM proof is a failure like any other; an exchange left standing holds nothing', async () => {
  await using gate = await withAda();
  for (let i = 0; i < 50; i += 1) {
    const client = new ScramClient({ name: 'ada', password: 'x' });
    challenged(await gate.gate.begin('SCRAM-SHA-256', channel(), client.first(), signal));
  }
  for (let i = 0; i < 10; i += 1) expect(await scram(gate, 'ada', 'wrong')).toEqual(never);
  const client = new ScramClient({ name: 'ada', password: 'secret' });
  expect(await gate.gate.begin('SCRAM-SHA-256', channel(), client.first(), signal)).toMatchObject({
    because: 'tooMany',
  });
});

const verifier = (name: string, verify: PasswordVerifier['verify']): PasswordVerifier => ({ name, verify });

test('verifiers are asked in order; one that is away matters only where no other says right', async () => {
  const asked: string[] = [];
  const away = verifier('ldap', async ({ name, typed }) => {
    asked.push(`${name} ${typed}`);
    throw new VerifierAway('no server answers');
  });
  const second = verifier('other', async ({ password }) =>
    password === 'right' ? { is: 'right', way: 'password' } : { is: 'wrong' },
  );
  await using gate = await withAda({ passwords: [away, second], scram: undefined });
  expect(await plain(gate, '\0Ada\0right')).toMatchObject({ kind: 'in' });
  expect(asked).toEqual([`${ada} Ada`]);
  for (let i = 0; i < 30; i += 1)
    expect(await plain(gate, `\0ada\0wrong${i}`)).toEqual({ kind: 'refused', because: 'unavailable' });
  expect(await plain(gate, '\0ada\0right')).toMatchObject({ kind: 'in' });
  expect(gate.lines.some(({ level, facts }) => level === 'error' && facts.why === 'no server answers')).toBe(
    true,
  );
});

test('a database that is away is no wrong password', async () => {
  await using gate = await withAda();
  await gate.database.query('alter table credential rename to credential_away');
  expect(await plain(gate, '\0ada\0secret')).toEqual({ kind: 'refused', because: 'unavailable' });
  await gate.database.query('alter table credential_away rename to credential');
  expect(await plain(gate, '\0ada\0secret')).toMatchObject({ kind: 'in' });
});

const tokens: TokenVerifier = {
  name: 'https://id.example.org',
  openidConfiguration: 'https://id.example.org/.well-known/openid-configuration',
  scope: 'mail',
  verify: async (token) => {
    if (token === 'away') throw new VerifierAway('the issuer does not answer');
    if (token === 'small') return { is: 'tooLittle', why: 'no scope mail' };
    if (token !== 'good') return { is: 'bad', why: 'signature' };
    return { is: 'good', subject: 'ADA@example.org', until: new Date(Date.UTC(2026, 10, 30)) };
  },
};

test('a good token lets its subject in, for as long as it is good; others are told where to get one', async () => {
  await using gate = await withAda({ tokens: [tokens] });
  const bearer = (token: string, actFor = '') =>
    gate.gate.begin(
      'OAUTHBEARER',
      channel(),
      Buffer.from(`n,${actFor && `a=${actFor}`},\x01auth=Bearer ${token}\x01\x01`),
      signal,
    );
  const login = {
    account: ada,
    way: 'token',
    credential: tokens.name,
    until: new Date(Date.UTC(2026, 10, 30)),
  };
  expect(await bearer('good')).toMatchObject({ kind: 'in', login });
  expect(await bearer('good', 'ada@example.org')).toMatchObject({ kind: 'in', login });
  expect(await bearer('good', 'bob@example.org')).toEqual({ kind: 'refused', because: 'notPermitted' });
  expect(await bearer('away')).toEqual({ kind: 'refused', because: 'unavailable' });
  const said = async (token: string) => {
    const challenge = challenged(await bearer(token));
    expect(await challenge.next(Buffer.from('\x01'))).toEqual(never);
    return JSON.parse(Buffer.from(challenge.octets).toString());
  };
  const where = { scope: 'mail', 'openid-configuration': tokens.openidConfiguration };
  expect(await said('old')).toEqual({ status: 'invalid_token', ...where });
  expect(await said('small')).toEqual({ status: 'insufficient_scope', ...where });
  for (let i = 0; i < 100; i += 1) await said(`old${i}`);
  expect(await bearer('good')).toMatchObject({ kind: 'in' });
  const x = await gate.gate.begin(
    'XOAUTH2',
    channel(),
    Buffer.from(`user=${ada}\x01auth=Bearer good\x01\x01`),
    signal,
  );
  expect(x).toMatchObject({ kind: 'in' });
});

test('a certificate enters by EXTERNAL where there is one, and acts for whom it may', async () => {
  const certificates = { nameIn: (der: Uint8Array) => Buffer.from(der).toString() || undefined };
  await using gate = await withAda({ certificates });
  const shown = channel({ clientCertificate: Buffer.from(ada) });
  expect(gate.gate.mechanisms(channel())).not.toContain('EXTERNAL');
  expect(gate.gate.mechanisms(shown)).toContain('EXTERNAL');
  expect(await gate.gate.begin('EXTERNAL', shown, Buffer.alloc(0), signal)).toMatchObject({
    kind: 'in',
    login: { account: ada, way: 'certificate' },
  });
  expect(await gate.gate.begin('EXTERNAL', shown, Buffer.from('bob'), signal)).toMatchObject({
    because: 'notPermitted',
  });
  const nameless = channel({ clientCertificate: Buffer.alloc(0) });
  expect(await gate.gate.begin('EXTERNAL', nameless, Buffer.alloc(0), signal)).toEqual(never);
});

test('a token or a certificate that names `ada*root` makes nobody an administrator', async () => {
  const sly: TokenVerifier = { name: 'id', verify: async () => ({ is: 'good', subject: 'ada*root' }) };
  await using gate = await withAda({ tokens: [sly], certificates: { nameIn: () => 'ada*root' } });
  gate.people(['root@example.org']);
  const bearer = Buffer.from('n,,\x01auth=Bearer x\x01\x01');
  const shown = channel({ clientCertificate: Buffer.alloc(1) });
  for (const outcome of [
    await gate.gate.begin('OAUTHBEARER', channel(), bearer, signal),
    await gate.gate.begin('EXTERNAL', shown, Buffer.alloc(0), signal),
    await gate.gate.begin('EXTERNAL', shown, Buffer.from('ada'), signal),
  ])
    expect(outcome).toEqual({ kind: 'refused', because: 'notPermitted' });
  expect(gate.lines.at(-1)?.facts.name).toBe('ada*root@example.org');
});

test('many addresses of one account are not many tries', async () => {
  await using gate = await withAda();
  for (let i = 0; i < 10; i += 1)
    gate.accounts.set(`alias${i}@example.org`, { account: ada, scope: new Set() });
  for (let i = 0; i < 10; i += 1)
    expect(await plain(gate, `\0alias${i}\0wrong${i}`, { remote: `203.0.113.${i}` })).toEqual(never);
  expect(await plain(gate, '\0ada\0secret')).toEqual({ kind: 'refused', because: 'tooMany' });
});

test('a stored hash that cannot be read lets nobody in, after the same work, and is complained of', async () => {
  await using gate = await withAda();
  await gate.database.query(`update credential set password = 'plain:secret'`);
  const work = gate.hashed.length;
  for (const tried of ['secret', 'plain:secret']) expect(await plain(gate, `\0ada\0${tried}`)).toEqual(never);
  expect(gate.hashed.length).toBe(work + 2);
  expect(gate.lines.some(({ level, text }) => level === 'error' && text.includes('set it anew'))).toBe(true);
});

test('a connection that ends rejects, holds nothing, and is no failure', async () => {
  const stuck = Promise.withResolvers<never>();
  stuck.promise.catch(() => {});
  const waits = verifier('slow', (_, given) => {
    given.addEventListener('abort', () => stuck.reject(given.reason));
    return stuck.promise;
  });
  await using gate = await withAda({ passwords: [waits] });
  for (let i = 0; i < 30; i += 1) {
    const controller = new AbortController();
    const trying = gate.gate.begin('PLAIN', channel(), Buffer.from('\0ada\0x'), controller.signal);
    controller.abort(new Error('gone'));
    await expect(trying).rejects.toThrow('gone');
  }
  expect(gate.throttle.blocks()).toEqual([]);
  expect(gate.throttle.enter(ada, '198.51.100.1')).toBeDefined();
});

test('what cannot be a message is malformed and counts for nobody', async () => {
  await using gate = await withAda();
  for (let i = 0; i < 100; i += 1)
    expect(await plain(gate, 'nonsense')).toEqual({ kind: 'refused', because: 'malformed' });
  expect(await plain(gate, '\0ada\0secret')).toMatchObject({ kind: 'in' });
});

test('passwords and tokens are in no line of the log', async () => {
  await using gate = await withAda({ tokens: [tokens] });
  await plain(gate, '\0ada\0secret');
  await plain(gate, '\0ada\0hunter2');
  await gate.gate.begin('XOAUTH2', channel(), Buffer.from('user=ada\x01auth=Bearer t0ken\x01\x01'), signal);
  expect(gate.lines.length).toBeGreaterThan(2);
  expect(JSON.stringify(gate.lines)).not.toMatch(/secret|hunter2|t0ken/);
});

test('those who open their own mail are noted once an hour for each place; what is old can be forgotten', async () => {
  await using gate = await withAda();
  const entries = async () => {
    await gate.notes.settled();
    return (await gate.audit.find({ account: ada })).filter(({ event }) => event === 'signedIn').length;
  };
  for (let i = 0; i < 5; i += 1) await plain(gate, '\0ada\0secret');
  expect(await entries()).toBe(1);
  await plain(gate, '\0ada\0secret', { remote: '198.51.100.7' });
  await plain(gate, '\0ada\0secret', { service: 'smtp' });
  expect(await entries()).toBe(3);
  gate.clock.now += 3_600_000;
  await plain(gate, '\0ada\0secret');
  expect(await entries()).toBe(4);
  expect(await gate.audit.forget(new Date(gate.clock.now), signal)).toBe(4);
  expect(await entries()).toBe(1);
});
