/**
 * TLS policies against peers with every kind of certificate.
 */
import { afterEach, beforeAll, expect, test } from 'vitest';
import type { Site, TlsPolicy } from '../../src/deliver/options.ts';
import { type Peer, type PeerScript, startPeer } from '../fixture/smtp-peer.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { agentFor, brief, names, never, soon, taskOf } from './parts.ts';

let certificates: Certificates;
beforeAll(() => {
  certificates = makeCertificates();
});

const peers: Peer[] = [];
const peer = async (script: PeerScript = {}): Promise<Peer> => {
  const started = await startPeer(script);
  peers.push(started);
  return started;
};
afterEach(async () => {
  for (const each of peers.splice(0)) await each.close();
});

const resolver = names({ host: { 'peer.test': ['127.0.0.1'] } });

async function deliver(
  port: number,
  site: Partial<Site>,
  transaction = {},
): Promise<{
  readonly said: string;
  readonly tls: string | undefined;
  readonly text: string;
  readonly down: boolean | undefined;
}> {
  const hops = { nextHops: [{ host: 'peer.test', port }], ca: certificates.ca };
  const agent = agentFor({ ...hops, ...site }, { resolver });
  const [status] = await agent.deliver(taskOf({ transaction }), never);
  await agent.close(AbortSignal.timeout(1000));
  if (!status) throw new Error('no status');
  return {
    said: brief([status])[0] ?? '',
    tls: status.peer?.tls?.replace(/TLSv1\.[23] /, ''),
    text: status.reply.lines.join(' '),
    down: status.destinationDown,
  };
}

const yes = 'delivered 250 2.0.0';
const no = 'later 454 4.7.5';
type Kind =
  | 'valid'
  | 'wrongName'
  | 'selfSigned'
  | 'expired'
  | 'not offered'
  | 'refused'
  | 'too old'
  | 'broken';
//                              opportunistic            require            verify
const matrix: readonly (readonly [kind: Kind, opportunistic: string, require: string, verify: string])[] = [
  ['valid', `${yes} verified`, `${yes} verified`, `${yes} verified`],
  ['wrongName', `${yes} unverified`, `${yes} unverified`, no],
  ['selfSigned', `${yes} unverified`, `${yes} unverified`, no],
  ['expired', `${yes} unverified`, `${yes} unverified`, no],
  ['not offered', `${yes} clear`, no, no],
  ['refused', `${yes} clear`, 'later 454 4.7.0', 'later 454 4.7.0'],
  ['too old', `${yes} clear`, no, no],
  ['broken', `${yes} clear`, no, no],
];
const cases = matrix.flatMap(([kind, opportunistic, require, verify]) => [
  { kind, policy: 'none' as TlsPolicy, expected: `${yes} clear` },
  { kind, policy: 'opportunistic' as TlsPolicy, expected: opportunistic },
  { kind, policy: 'require' as TlsPolicy, expected: require },
  { kind, policy: 'verify' as TlsPolicy, expected: verify },
]);

test.each(cases)('certificate $kind, policy $policy: $expected', async ({ kind, policy, expected }) => {
  const key = kind === 'wrongName' || kind === 'selfSigned' || kind === 'expired' ? kind : 'valid';
  const started = await peer({
    extensions: kind === 'not offered' ? [] : ['STARTTLS', 'PIPELINING'],
    tls: { ...certificates[key], ...(kind === 'too old' ? { maxVersion: 'TLSv1.1' as const } : {}) },
    steps:
      kind === 'refused'
        ? { starttls: () => '454 4.7.0 TLS is not available' }
        : kind === 'broken'
          ? { starttls: () => ({ do: 'close', after: '220 2.0.0 go ahead\r\n' }) }
          : {},
  });
  const { said, tls, down } = await deliver(started.port, { tls: policy });
  expect(said.startsWith('later') ? said : `${said} ${tls ?? 'clear'}`).toBe(expected);
  expect(down).toBe(said === yes ? undefined : true);
  expect(started.messages.map((message) => message.tls)).toEqual(said !== yes ? [] : [tls !== undefined]);
  await soon(() => started.open() === 0);
});

test('data between the answer to STARTTLS and the handshake is an attack', async () => {
  const script: PeerScript = {
    extensions: ['STARTTLS'],
    tls: certificates.valid,
    steps: { starttls: () => '220 go ahead\n250 2.0.0 injected' },
  };
  const started = await peer(script);
  const strict = await deliver(started.port, { tls: 'verify' });
  expect(strict.said).toBe(no);
  expect(strict.text).toMatch(/sent data between/);
});

test('a certificate for another name is accepted where tlsName says so', async () => {
  const started = await peer({ extensions: ['STARTTLS'], tls: certificates.wrongName });
  expect(await deliver(started.port, { tls: 'verify', tlsName: 'other.test' })).toMatchObject({
    said: yes,
    tls: 'verified',
  });
});

test("without an authority of the site's own, those of the system count", async () => {
  const started = await peer({ extensions: ['STARTTLS'], tls: certificates.valid });
  const { said, text } = await deliver(started.port, { tls: 'verify', ca: undefined });
  expect(said).toBe(no);
  expect(text).toMatch(/not valid for this host: [A-Z_]+/);
});

test('TLS from the first octet', async () => {
  const started = await peer({ implicitTls: true, tls: certificates.valid });
  expect(await deliver(started.port, { tls: 'verify', implicitTls: true })).toMatchObject({
    said: yes,
    tls: 'verified',
  });
  const wrong = await peer({ implicitTls: true, tls: certificates.wrongName });
  expect((await deliver(wrong.port, { tls: 'verify', implicitTls: true })).said).toBe(no);
});

test('our certificate is shown to a peer that asks', async () => {
  const started = await peer({
    extensions: ['STARTTLS'],
    tls: { ...certificates.valid, ca: certificates.ca },
  });
  await deliver(started.port, { tls: 'verify', clientCertificate: certificates.client });
  expect(started.messages[0]?.certificate).toBe('isthmus.test');
});

test('a client certificate that cannot be used defers, and names what is wrong', async () => {
  const started = await peer({ extensions: ['STARTTLS'], tls: certificates.valid });
  const { said, text } = await deliver(started.port, {
    tls: 'verify',
    clientCertificate: { cert: 'none', key: 'none' },
  });
  expect(said).toBe(no);
  expect(text).toMatch(/our certificate, key or authorities cannot be used/);
});

test('what was offered in the clear is forgotten after TLS', async () => {
  const started = await peer({
    extensions: ['STARTTLS'],
    tls: certificates.valid,
    steps: {
      hello: ({ tls }) => (tls ? '250-peer.test\n250 8BITMIME' : '250-peer.test\n250-STARTTLS\n250 DSN'),
    },
  });
  await deliver(started.port, { tls: 'require' }, { envid: 'abc', ret: 'hdrs', body: '8bitmime' });
  expect(started.commands).toContain('MAIL FROM:<sender@example.net> BODY=8BITMIME');
});

const offersAuth = (mechanisms: string): PeerScript => ({
  extensions: ['STARTTLS', `AUTH ${mechanisms}`],
  tls: certificates.valid,
});

test.each([
  ['PLAIN LOGIN', undefined, [`AUTH PLAIN ${Buffer.from('\0ada\0secret').toString('base64')}`]],
  [
    'LOGIN',
    undefined,
    ['AUTH LOGIN', Buffer.from('ada').toString('base64'), Buffer.from('secret').toString('base64')],
  ],
  [
    'XOAUTH2',
    'XOAUTH2',
    [`AUTH XOAUTH2 ${Buffer.from('user=ada\x01auth=Bearer secret\x01\x01').toString('base64')}`],
  ],
] as const)('AUTH among %s, wanted %s', async (offered, mechanism, lines) => {
  const login = mechanism === undefined && offered === 'LOGIN';
  const started = await peer({
    ...offersAuth(offered),
    steps: { auth: ({ count }) => (login && count < 3 ? '334 VXNlcm5hbWU6' : undefined) },
  });
  const { said } = await deliver(started.port, {
    tls: 'require',
    auth: { user: 'ada', password: 'secret', ...(mechanism ? { mechanism } : {}) },
  });
  expect(said).toBe(yes);
  const at = started.commands.indexOf(lines[0] ?? '');
  expect(started.commands.slice(at, at + lines.length)).toEqual(lines);
});

test('refused credentials defer, and the secret is in no reply', async () => {
  const started = await peer({ ...offersAuth('PLAIN'), steps: { auth: () => '535 5.7.8 wrong' } });
  const { said, text, down } = await deliver(started.port, {
    tls: 'require',
    auth: { user: 'ada', password: 'secret' },
  });
  expect([said, down]).toEqual(['later 450 4.7.0', true]);
  expect(text).toMatch(/credentials are refused: 535 5\.7\.8 wrong/);
  expect(text).not.toMatch(/secret/);
});

test.each([
  ['XOAUTH2', {}],
  ['', {}],
  ['PLAIN', { mechanism: 'XOAUTH2' as const }],
])('no common mechanism: offered "%s"', async (offered, wanted) => {
  const started = await peer(offersAuth(offered));
  const { said } = await deliver(started.port, {
    tls: 'require',
    auth: { user: 'ada', password: 'secret', ...wanted },
  });
  expect(said).toBe('later 450 4.7.0');
  expect(started.commands.some((line) => line.startsWith('AUTH'))).toBe(false);
});

test('credentials are not sent in the clear, unless the site says so', async () => {
  const script: PeerScript = { extensions: ['AUTH PLAIN'] };
  const guarded = await peer(script);
  const auth = { user: 'ada', password: 'secret' };
  expect((await deliver(guarded.port, { tls: 'opportunistic', auth })).said).toBe('later 450 4.7.0');
  expect(guarded.commands.some((line) => line.startsWith('AUTH'))).toBe(false);
  const open = await peer(script);
  expect((await deliver(open.port, { tls: 'none', auth, authWithoutTls: true })).said).toBe(yes);
});

//                                           offered  certificate   outcome
const requireTls: readonly (readonly [boolean, 'valid' | 'wrongName', string])[] = [
  [true, 'valid', yes],
  [true, 'wrongName', 'failed 550 5.7.30'],
  [false, 'valid', 'failed 550 5.7.30'],
];
test.each(requireTls)('REQUIRETLS offered %s, certificate %s: %s', async (offered, kind, outcome) => {
  const started = await peer({
    extensions: offered ? ['STARTTLS', 'REQUIRETLS'] : ['STARTTLS'],
    tls: certificates[kind],
  });
  const { said } = await deliver(started.port, { tls: 'opportunistic' }, { requireTls: true });
  expect(said).toBe(outcome);
  expect(started.commands.includes('MAIL FROM:<sender@example.net> REQUIRETLS')).toBe(said === yes);
});

test('REQUIRETLS is refused for mail exchangers that plain DNS names', async () => {
  const task = taskOf({ transaction: { requireTls: true }, nextHop: { kind: 'mx', domain: 'peer.test' } });
  const statuses = await agentFor({ nextHops: [] }, { resolver }).deliver(task, never);
  expect(brief(statuses)).toEqual(['failed 550 5.7.30']);
});
