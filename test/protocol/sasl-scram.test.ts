/**
 * SCRAM-SHA-256 and -PLUS: the example of RFC 7677, a client of our own and the one of `pg`, keys made by PostgreSQL,
 * TLS connections to bind to, and everything that must fail.
 */

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { beginSasl } from '../../src/protocol/sasl/begin.ts';
import { channelBindings, serverEndPoint } from '../../src/protocol/sasl/channel-binding.ts';
import {
  deriveScramKeys,
  fakeScramKeys,
  parseScramKeys,
  printScramKeys,
} from '../../src/protocol/sasl/scram-keys.ts';
import { printName, readGs2Header } from '../../src/protocol/sasl/scram-messages.ts';
import type { ScramKeys, Step } from '../../src/protocol/sasl/step.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import { certificate } from '../fixture/tls.ts';
import { type ClientWish, ScramClient } from './sasl-client.ts';

interface PgSasl {
  startSession(offered: readonly string[], stream: object | undefined): PgSession;
  continueSession(
    session: PgSession,
    password: string,
    said: string,
    stream: object | undefined,
  ): Promise<void>;
  finalizeSession(session: PgSession, said: string): void;
}
interface PgSession {
  readonly mechanism: string;
  readonly response: string;
}
const pgSasl: PgSasl = createRequire(import.meta.url)('pg/lib/crypto/sasl.js');

const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const nonce = () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
const noBindings = new Map<string, Uint8Array>();

let keys: ScramKeys;
beforeAll(async () => {
  keys = await deriveScramKeys('pencil', salt, 4096);
});

const text = (step: Step): string =>
  step.kind === 'challenge' ? Buffer.from(step.octets).toString() : JSON.stringify(step);
const give = (step: Step, known: ScramKeys): Step =>
  step.kind === 'ask' && step.question === 'scramKeys' ? step.answer(known) : step;
const say = (step: Step, words: string | Uint8Array): Step =>
  step.kind === 'challenge' ? step.next(Buffer.from(words)) : step;

interface Server {
  readonly mechanism?: string;
  readonly bindings?: ReadonlyMap<string, Uint8Array>;
  readonly known?: ScramKeys;
}

/** The whole exchange; the client's trust in the server is asked before the last word. */
function exchange(wish: ClientWish, server: Server = {}): { readonly end: Step; readonly trusted: boolean } {
  const { mechanism = 'SCRAM-SHA-256', bindings = noBindings, known = keys } = server;
  const client = new ScramClient(wish);
  const first = give(beginSasl(mechanism, { channelBindings: bindings, nonce }, client.first()), known);
  if (first.kind !== 'challenge') return { end: first, trusted: false };
  const final = first.next(client.final(first.octets));
  if (final.kind !== 'challenge') return { end: final, trusted: false };
  return { end: final.next(Buffer.alloc(0)), trusted: client.trusts(final.octets) };
}

test('the example of RFC 7677 §3, octet by octet', () => {
  const options = { channelBindings: noBindings, nonce };
  const asked = beginSasl('SCRAM-SHA-256', options, Buffer.from('n,,n=user,r=rOprNGfwEbeRWgbNEkqO'));
  expect(asked).toMatchObject({ kind: 'ask', question: 'scramKeys', authenticationId: 'user' });
  const first = give(asked, keys);
  expect(text(first)).toBe(
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  );
  const final = say(
    first,
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  );
  expect(text(final)).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  const done = { kind: 'done', authenticationId: 'user', authorizationId: undefined };
  expect(final).toMatchObject({ success: done });
  expect(say(final, '')).toEqual(done);
});

test('words behind the end are refused', () => {
  const client = new ScramClient({ name: 'user', password: 'pencil' });
  const first = give(
    beginSasl('SCRAM-SHA-256', { channelBindings: noBindings, nonce }, client.first()),
    keys,
  );
  const final = say(first, client.final(first.kind === 'challenge' ? first.octets : Buffer.alloc(0)));
  expect(say(final, 'x')).toMatchObject({ kind: 'failed', reason: 'malformed' });
});

test('names with commas and equal signs arrive, and so does whom to act for', () => {
  expect(exchange({ name: 'a,b=c', password: 'pencil', actFor: 'info@example.org' })).toEqual({
    end: { kind: 'done', authenticationId: 'a,b=c', authorizationId: 'info@example.org' },
    trusted: true,
  });
});

test('a wrong password fails, and so does a name that nobody has: at the same step, for the same reason', () => {
  const wrong = exchange({ name: 'user', password: 'pencils' }).end;
  const known = fakeScramKeys('nobody', Buffer.from('secret'), 4096);
  const unknown = exchange({ name: 'nobody', password: 'pencil' }, { known }).end;
  expect(wrong).toMatchObject({ kind: 'failed', reason: 'credentials' });
  expect(unknown).toEqual(wrong);
});

test('the salt of a name that nobody has is stable, looks like others, and needs the secret', () => {
  const fake = (name: string, secret: string) => fakeScramKeys(name, Buffer.from(secret), 4096);
  expect(fake('eve', 's')).toEqual(fake('eve', 's'));
  expect(fake('eve', 's').salt).toHaveLength(salt.length);
  expect(fake('eve', 's').salt).not.toEqual(fake('eva', 's').salt);
  expect(fake('eve', 's').salt).not.toEqual(fake('eve', 't').salt);
});

const first = 'n,,n=user,r=abc';
test.each([
  ['no header', 'n=user,r=abc'],
  ['an unknown flag', 'x,,n=user,r=abc'],
  ['no name', 'n,,r=abc'],
  ['an empty name', 'n,,n=,r=abc'],
  ['a name with a bare =', 'n,,n=a=b,r=abc'],
  ['no nonce', 'n,,n=user'],
  ['an empty nonce', 'n,,n=user,r='],
  ['a nonce with a space', 'n,,n=user,r=a c'],
  ['a mandatory extension', 'n,,m=x,n=user,r=abc'],
  ['a NUL', 'n,,n=us\0er,r=abc'],
  ['more than a message may have', `n,,n=${'u'.repeat(5000)},r=abc`],
])('a first message with %s is malformed', (_, message) => {
  const step = beginSasl('SCRAM-SHA-256', { channelBindings: noBindings, nonce }, Buffer.from(message));
  expect(step).toMatchObject({ kind: 'failed', reason: 'malformed' });
});

const ours = `abc${nonce()}`;
const noProof = Buffer.alloc(32).toString('base64');
test.each([
  ['no proof', `c=biws,r=${ours}`, 'malformed'],
  ['an empty proof', `c=biws,r=${ours},p=`, 'malformed'],
  ['a proof that is no base64', `c=biws,r=${ours},p=a*b`, 'malformed'],
  ['base64 with octets behind', `c=biws,r=${ours},p=${noProof}AAAA`, 'malformed'],
  ['a short proof', `c=biws,r=${ours},p=AAAA`, 'credentials'],
  ['a long proof', `c=biws,r=${ours},p=${Buffer.alloc(33).toString('base64')}`, 'credentials'],
  ['zeros for a proof', `c=biws,r=${ours},p=${noProof}`, 'credentials'],
  ["only the client's nonce", `c=biws,r=abc,p=${noProof}`, 'credentials'],
  ['a nonce of its own', `c=biws,r=${ours}x,p=${noProof}`, 'credentials'],
  ['another header', `c=eSws,r=${ours},p=${noProof}`, 'binding'],
  ['no channel binding', `r=${ours},p=${noProof}`, 'malformed'],
  ['the empty message', '', 'malformed'],
])('a final message with %s fails', (_, message, reason) => {
  const challenge = give(
    beginSasl('SCRAM-SHA-256', { channelBindings: noBindings, nonce }, Buffer.from(first)),
    keys,
  );
  expect(say(challenge, message)).toMatchObject({ kind: 'failed', reason });
});

describe('channel binding', () => {
  const octets = Buffer.from('of this connection');
  const bindings = new Map<string, Uint8Array>([['tls-exporter', octets]]);
  const ada = { name: 'ada', password: 'pencil' } as const;
  const plus = { mechanism: 'SCRAM-SHA-256-PLUS', bindings } as const;

  test('the same octets at both ends let in', () => {
    const { end, trusted } = exchange({ ...ada, binding: ['tls-exporter', octets] }, plus);
    expect([end.kind, trusted]).toEqual(['done', true]);
  });

  test('other octets do not: somebody sits in between', () => {
    const { end } = exchange({ ...ada, binding: ['tls-exporter', Buffer.from('of another one')] }, plus);
    expect(end).toMatchObject({ kind: 'failed', reason: 'binding' });
  });

  test('who lies about its binding after the fact is found out by the proof or the text', () => {
    const boundText = Buffer.from('n,,');
    const { end } = exchange({ ...ada, binding: ['tls-exporter', octets], boundText }, plus);
    expect(end).toMatchObject({ kind: 'failed', reason: 'binding' });
  });

  test('a client that thinks we have no -PLUS, where we have, was lied to (RFC 5802 §6)', () => {
    expect(exchange({ ...ada, binding: 'y' }, { bindings }).end).toMatchObject({ reason: 'binding' });
    expect(exchange({ ...ada, binding: 'y' }).end.kind).toBe('done');
    expect(exchange({ ...ada, binding: 'n' }, { bindings }).end.kind).toBe('done');
  });

  test('the flag and the mechanism belong together', () => {
    expect(exchange({ ...ada, binding: 'n' }, plus).end).toMatchObject({ reason: 'binding' });
    expect(exchange({ ...ada, binding: 'y' }, plus).end).toMatchObject({ reason: 'binding' });
    expect(exchange({ ...ada, binding: ['tls-exporter', octets] }, { bindings }).end).toMatchObject({
      reason: 'binding',
    });
  });

  test('a type that this connection does not have is refused', () => {
    const { end } = exchange({ ...ada, binding: ['tls-unique', octets] }, plus);
    expect(end).toMatchObject({ kind: 'failed', reason: 'binding' });
  });
});

describe('over TLS', () => {
  const made = certificate(['mail.example.org']);
  const der = async () => Buffer.from(new X509Certificate(readFileSync((await made).cert)).raw);
  const end = (socket: TLSSocket, serverCertificate: Uint8Array) => ({
    version: socket.getProtocol(),
    exportKeyingMaterial: socket.exportKeyingMaterial.bind(socket),
    serverCertificate,
  });

  async function connected(version: 'TLSv1.2' | 'TLSv1.3') {
    const [cert, key] = [readFileSync((await made).cert), readFileSync((await made).key)];
    const server = createServer({ cert, key, maxVersion: version }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = (server.address() as { port: number }).port;
    const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    const [[socket]] = await Promise.all([
      once(server, 'secureConnection') as Promise<[TLSSocket]>,
      once(client, 'secureConnect'),
    ]);
    return {
      client,
      socket,
      [Symbol.dispose]: () => {
        client.destroy();
        server.close();
      },
    };
  }

  test('both ends of TLS 1.3 know the same two bindings; another connection has another exporter', async () => {
    using one = await connected('TLSv1.3');
    using two = await connected('TLSv1.3');
    const here = channelBindings(end(one.socket, await der()));
    const there = channelBindings(
      end(one.client, one.client.getPeerX509Certificate()?.raw ?? Buffer.alloc(0)),
    );
    expect([...here.keys()]).toEqual(['tls-exporter', 'tls-server-end-point']);
    expect(here).toEqual(there);
    const other = channelBindings(end(two.socket, await der()));
    expect(other.get('tls-exporter')).not.toEqual(here.get('tls-exporter'));
    expect(other.get('tls-server-end-point')).toEqual(here.get('tls-server-end-point'));
  });

  test('TLS 1.2 has the certificate only', async () => {
    using one = await connected('TLSv1.2');
    expect([...channelBindings(end(one.socket, await der())).keys()]).toEqual(['tls-server-end-point']);
  });

  test('the client of pg binds itself to our certificate, and takes the plain mechanism where there is no TLS', async () => {
    const raw = await der();
    const bindings = new Map([['tls-server-end-point', serverEndPoint(raw) ?? Buffer.alloc(0)]]);
    const stream = { getPeerCertificate: () => ({ raw }) };
    for (const [offered, over, mechanism, known] of [
      [['SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'], stream, 'SCRAM-SHA-256-PLUS', bindings],
      [['SCRAM-SHA-256'], undefined, 'SCRAM-SHA-256', noBindings],
    ] as const) {
      const session = pgSasl.startSession(offered, over);
      expect(session.mechanism).toBe(mechanism);
      const options = { channelBindings: known, nonce };
      const challenge = give(beginSasl(mechanism, options, Buffer.from(session.response)), keys);
      await pgSasl.continueSession(session, 'pencil', text(challenge), over);
      const final = say(challenge, session.response);
      pgSasl.finalizeSession(session, text(final));
      expect(say(final, '')).toMatchObject({ kind: 'done', authenticationId: '*' });
    }
  });
});

describe('keys at rest (RFC 5803)', () => {
  test('printed and parsed they are the same', () => {
    const printed = printScramKeys(keys);
    expect(printed).toMatch(/^SCRAM-SHA-256\$4096:W22ZaJ0SNY7soEsUEjb6gQ==\$[^$]{44}:[^$]{44}$/);
    expect(parseScramKeys(printed)).toEqual(keys);
    fc.assert(
      fc.property(
        fc.integer({ min: 4096, max: 10_000_000 }),
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (iterations, some, storedKey, serverKey) => {
          const all = { iterations, salt: some, storedKey, serverKey };
          const again = parseScramKeys(printScramKeys(all));
          expect(again && printScramKeys(again)).toBe(printScramKeys(all));
          expect(again?.iterations).toBe(iterations);
        },
      ),
    );
  });

  test.each([
    ['another hash', 'SCRAM-SHA-1$4096:W22ZaJ0SNY7soEsUEjb6gQ==$a:b'],
    ['few iterations', 'SCRAM-SHA-256$1000:W22ZaJ0SNY7soEsUEjb6gQ==$KEY:KEY'],
    ['many iterations', 'SCRAM-SHA-256$99999999:W22ZaJ0SNY7soEsUEjb6gQ==$KEY:KEY'],
    ['no base64', 'SCRAM-SHA-256$4096:W22Z*J0SNY7soEsUEjb6gQ==$KEY:KEY'],
    ['a line end', 'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$KEY:KEY\n'],
  ])('%s is not taken', (_, written) => {
    const key = Buffer.alloc(32, 7).toString('base64');
    expect(parseScramKeys(written.replaceAll('KEY', key))).toBeUndefined();
    expect(parseScramKeys(`SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$${key}:${key}`)).toBeDefined();
  });

  let fresh: FreshDatabase | undefined;
  afterAll(() => fresh?.drop());

  test('PostgreSQL makes the same keys of the same password', async () => {
    fresh = await freshDatabase({ empty: true });
    const { database } = fresh;
    const role = `scram_${process.pid}`;
    await database.query(`set password_encryption = 'scram-sha-256'`);
    await database.query(`create role ${role} password 'pencil'`);
    try {
      const [row] = await database.query<{ rolpassword: string }>(
        'select rolpassword from pg_authid where rolname = $1',
        [role],
      );
      const theirs = parseScramKeys(row?.rolpassword ?? '');
      expect(theirs).toBeDefined();
      const { salt: theirSalt, iterations } = theirs ?? keys;
      expect(printScramKeys(await deriveScramKeys('pencil', theirSalt, iterations))).toBe(row?.rolpassword);
    } finally {
      await database.query(`drop role ${role}`);
    }
  });
});

test('a name printed into a GS2 header is read back', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, maxLength: 50 }).map((some) => `${some}\u00e9=,`),
      (name) => {
        fc.pre(!name.includes('\0'));
        expect(readGs2Header(`n,a=${printName(name)},rest`)).toMatchObject({
          authorizationId: name,
          rest: 'rest',
        });
      },
    ),
  );
});

test('one octet of the client final message changed never lets in', () => {
  const client = new ScramClient({ name: 'user', password: 'pencil' });
  const begin = () =>
    give(beginSasl('SCRAM-SHA-256', { channelBindings: noBindings, nonce }, client.first()), keys);
  const challenge = begin();
  const good = client.final(challenge.kind === 'challenge' ? challenge.octets : Buffer.alloc(0));
  for (let at = 0; at < good.length; at += 1) {
    const bad = Buffer.from(good);
    bad[at] = (bad[at] ?? 0) ^ 1;
    expect(say(begin(), bad).kind, bad.toString()).toBe('failed');
  }
});
