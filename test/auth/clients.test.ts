/**
 * Real clients at the gate, by IMAP and STARTTLS: GNU SASL bound to the connection, imapflow and curl with
 * passwords, tokens and certificates.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CertificateNames } from '../../src/auth/options.ts';
import type { TokenVerifier } from '../../src/ports/authenticator.ts';
import { type ImapServer, imapServer } from '../access/imap-server.ts';
import { type Certificate, certificate } from '../fixture/tls.ts';
import { command } from '../peers/command.ts';
import { needPackages, program } from '../peers/packages.ts';
import { closeDatabase, type Gate, openGate } from './gate.ts';

const ada = 'ada@example.org';
const isGsaslThere = await needPackages(['gsasl']);
const isCurlThere = await needPackages(['curl']);

const tokens: TokenVerifier = {
  name: 'https://id.example.org',
  verify: async (token) => (token === 'good' ? { is: 'good', subject: ada } : { is: 'bad', why: 'unknown' }),
};

const certificates: CertificateNames = {
  nameIn: (der) =>
    new X509Certificate(der).subjectAltName?.includes('DNS:ada.people.example.org') ? ada : undefined,
};

let gate: Gate;
let server: ImapServer;
let pem: Certificate;
beforeAll(async () => {
  pem = await certificate(['imap.example.org']);
  gate = await openGate({ tokens: [tokens], certificates });
  gate.people([ada, 'bob@example.org']);
  await gate.credentials.setPassword(ada, 'pencil', 'root');
  await gate.credentials.setPassword('root@example.org', 'admin', 'setup');
  server = await imapServer({
    people: [ada, 'bob@example.org'],
    authenticator: gate.gate,
    listener: {
      tls: {
        mode: 'required',
        certificates: [{ cert: pem.cert, key: pem.key }],
        minVersion: 'TLSv1.2',
        clientCertificates: 'request',
        authorities: readFileSync(pem.ca, 'utf8'),
      },
    },
  });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await gate?.[Symbol.asyncDispose]();
  await closeDatabase();
});

/** How the last one entered: mechanism and account, or the reason why not. */
function lastEntry(): string {
  const { facts, text } = gate.lines.at(-1) ?? expect.fail('nobody came');
  return text === 'signed in' ? `${facts.mechanism} ${facts.account}` : `${facts.mechanism} ${facts.because}`;
}

const flow = (auth: object) =>
  new ImapFlow({
    host: '127.0.0.1',
    port: server.port,
    secure: false,
    auth: { user: ada, ...auth },
    logger: false,
    tls: { rejectUnauthorized: false },
  });

test('imapflow enters with a password, as an administrator, and with a token', async () => {
  for (const [auth, entry] of [
    [{ pass: 'pencil' }, /^(PLAIN|LOGIN|password) ada@example\.org$/],
    [{ user: 'bob*root', pass: 'admin' }, /^(PLAIN|LOGIN|password) bob@example\.org$/],
    [{ accessToken: 'good' }, /^(OAUTHBEARER|XOAUTH2) ada@example\.org$/],
  ] as const) {
    const client = flow(auth);
    await client.connect();
    expect(lastEntry()).toMatch(entry);
    await client.logout();
  }
});

test('imapflow does not enter with another password or token', async () => {
  await expect(flow({ pass: 'pen' }).connect()).rejects.toThrow();
  expect(lastEntry()).toMatch(/credentials$/);
  await expect(flow({ accessToken: 'bad' }).connect()).rejects.toThrow();
  expect(lastEntry()).toMatch(/credentials$/);
});

const curl = (more: readonly string[]) =>
  command(
    program('curl'),
    ['-sS', '--ssl-reqd', '--cacert', pem.ca, `imap://127.0.0.1:${server.port}/INBOX`, ...more],
    {
      within: 30_000,
    },
  );

test.skipIf(!isCurlThere).each([
  ['PLAIN', ['-u', `${ada}:pencil`, '--login-options', 'AUTH=PLAIN']],
  ['LOGIN', ['-u', `${ada}:pencil`, '--login-options', 'AUTH=LOGIN']],
  ['OAUTHBEARER', ['-u', ada, '--oauth2-bearer', 'good', '--login-options', 'AUTH=OAUTHBEARER']],
])('curl enters by %s', async (mechanism, more) => {
  const { stderr } = await curl(more);
  expect([lastEntry(), stderr]).toEqual([`${mechanism} ${ada}`, expect.any(String)]);
});

test.skipIf(!isCurlThere)('curl with a bad token is told so and ends', async () => {
  const { code } = await curl(['-u', ada, '--oauth2-bearer', 'bad', '--login-options', 'AUTH=OAUTHBEARER']);
  expect([code === 0, lastEntry()]).toEqual([false, 'OAUTHBEARER credentials']);
});

test.skipIf(!isCurlThere)('curl enters by a certificate, and as the person that it names only', async () => {
  const own = await certificate(['ada.people.example.org']);
  const other = await certificate(['eve.people.example.org']);
  const by = ({ cert, key }: Certificate, name: string) =>
    curl(['--cert', cert, '--key', key, '-u', `${name}:`, '--login-options', 'AUTH=EXTERNAL']);
  await by(own, ada);
  expect(lastEntry()).toBe(`EXTERNAL ${ada}`);
  await by(own, 'bob@example.org');
  expect(lastEntry()).toBe('EXTERNAL notPermitted');
  await by(other, ada);
  expect(lastEntry()).toBe('EXTERNAL credentials');
});

const gsasl = (password: string, more: readonly string[] = []) =>
  command(
    program('gsasl'),
    [
      ...['--imap', '--starttls', '--quiet', '--mechanism=SCRAM-SHA-256-PLUS', `--authentication-id=${ada}`],
      ...[
        `--password=${password}`,
        `--connect=127.0.0.1:${server.port}`,
        `--x509-ca-file=${pem.ca}`,
        ...more,
      ],
    ],
    { within: 30_000, input: '' },
  );

test.skipIf(!isGsaslThere)('gsasl enters, bound to the TLS connection', async () => {
  const { code, stdout } = await gsasl('pencil');
  expect([code, lastEntry()]).toEqual([0, `SCRAM-SHA-256-PLUS ${ada}`]);
  // The type of the binding, in the client's first message: `p=tls-exporter,,`.
  expect(stdout).toContain(Buffer.from('p=tls-exporter,,').toString('base64').slice(0, 20));
});

test.skipIf(!isGsaslThere)('gsasl does not enter with another password, or as somebody else', async () => {
  expect((await gsasl('pen')).code).not.toBe(0);
  expect(lastEntry()).toBe('SCRAM-SHA-256-PLUS credentials');
  expect((await gsasl('pencil', ['--authorization-id=bob@example.org'])).code).not.toBe(0);
  expect(lastEntry()).toBe('SCRAM-SHA-256-PLUS notPermitted');
});
