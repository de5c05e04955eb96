import { readFileSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { type Listener, startListener } from '../../src/receive/listener.ts';
import { authorityFile, certificate } from '../fixture/tls.ts';
import { type Changes, type Fakes, fakes, listenerOptions } from './fakes.ts';
import { Talk } from './talk.ts';

const open: (Listener | Talk)[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) {
    if (one instanceof Talk) one.destroy();
    else await one.close();
  }
});

async function start(changes: Changes, deps: Fakes = fakes()): Promise<Listener> {
  const listener = await startListener(listenerOptions(changes), deps);
  open.push(listener);
  return listener;
}

function dial(port: number): Talk {
  const talk = Talk.to(port);
  open.push(talk);
  return talk;
}

async function startTls(port: number, options: Parameters<Talk['startTls']>[0] = {}): Promise<Talk> {
  const talk = dial(port);
  await talk.reply();
  expect(await talk.say('STARTTLS')).toBe('220 2.0.0 Ready to start TLS');
  await talk.startTls(options);
  return talk;
}

const nameShown = (talk: Talk) => (talk.socket as TLSSocket).getPeerCertificate().subject.CN;

/** A message from this session, as the spool saw its client. */
async function deliver(talk: Talk): Promise<string> {
  await talk.say('EHLO me');
  await talk.say('MAIL FROM:<bob@example.com>');
  await talk.say('RCPT TO:<ada@example.org>');
  await talk.say('DATA');
  return talk.say('.');
}

describe('TLS', () => {
  test('the certificate is the one for the name asked for, the first one else', async () => {
    const [one, two] = await Promise.all([
      certificate(['mx.example.org', '*.wild.example']),
      certificate(['mail.example.net']),
    ]);
    const { port } = await start({
      tls: { mode: 'optional', certificates: [one, two].map(({ cert, key }) => ({ cert, key })) },
    });
    expect(nameShown(await startTls(port, { servername: 'mail.example.net' }))).toBe('mail.example.net');
    expect(nameShown(await startTls(port, { servername: 'MX.example.org' }))).toBe('mx.example.org');
    expect(nameShown(await startTls(port, { servername: 'a.wild.example' }))).toBe('mx.example.org');
    expect(nameShown(await startTls(port, { servername: 'other.example' }))).toBe('mx.example.org');
    expect(nameShown(await startTls(port))).toBe('mx.example.org');
  });

  test('a reload shows the new certificate to new sessions, and a broken one changes nothing', async () => {
    const [one, two] = await Promise.all([
      certificate(['mx.example.org']),
      certificate(['mail.example.net']),
    ]);
    const tls = (pair: { cert: string; key: string }) =>
      ({ mode: 'optional', certificates: [{ cert: pair.cert, key: pair.key }] }) as const;
    const listener = await start({ tls: tls(one) });
    listener.reload(listenerOptions({ tls: tls(two) }));
    expect(nameShown(await startTls(listener.port))).toBe('mail.example.net');
    expect(() => listener.reload(listenerOptions({ tls: tls({ cert: one.cert, key: two.key }) }))).toThrow(
      /tls\.certificates\[0\]/,
    );
    expect(() =>
      listener.reload(listenerOptions({ tls: tls({ cert: '/nowhere.pem', key: two.key }) })),
    ).toThrow(/tls\.certificates\[0\]\.cert.*\/nowhere\.pem/);
    expect(nameShown(await startTls(listener.port))).toBe('mail.example.net');
  });

  test('PEM text does as well as a path, and no certificate at all is an error', async () => {
    const { cert, key } = await certificate(['mx.example.org']);
    const text = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
    const { port } = await start({ tls: { mode: 'optional', certificates: [text] } });
    expect(nameShown(await startTls(port))).toBe('mx.example.org');
    await expect(startListener(listenerOptions({ tls: { mode: 'required' } }), fakes())).rejects.toThrow(
      /tls\.certificates is empty/,
    );
  });

  test('old versions are not spoken', async () => {
    const { cert, key } = await certificate(['mx.example.org']);
    const { port } = await start({
      tls: { mode: 'optional', certificates: [{ cert, key }], minVersion: 'TLSv1.3' },
    });
    await expect(startTls(port, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
    expect((await startTls(port)).socket).toMatchObject({ encrypted: true });
  });

  test('implicit TLS has it from the first octet', async () => {
    const { cert, key } = await certificate(['mx.example.org']);
    const deps = fakes();
    const { port } = await start({ tls: { mode: 'implicit', certificates: [{ cert, key }] } }, deps);
    const talk = Talk.tls(port, { servername: 'mx.example.org' });
    open.push(talk);
    expect(await talk.reply()).toBe('220 mx.example.org ESMTP');
    expect(await deliver(talk)).toMatch(/^250 2\.0\.0/);
    expect(deps.spool.kept[0]?.client.tls?.version).toBe('TLSv1.3');
  });

  test('a client that never speaks TLS where it must does not stay', async () => {
    const { cert, key } = await certificate(['mx.example.org']);
    const listener = await start({ tls: { mode: 'implicit', certificates: [{ cert, key }] } });
    const talk = dial(listener.port);
    talk.write('EHLO me\r\n');
    await talk.closed();
    await expect.poll(() => listener.connections).toBe(0);
  });
});

describe('a client certificate', () => {
  async function mutual(clientCertificates: 'ignore' | 'request' | 'require') {
    const { cert, key } = await certificate(['mx.example.org']);
    const client = await certificate(['gateway.example.net', 'alt.example.net'], 'their authority');
    const stranger = await certificate(['gateway.example.net'], 'another authority');
    const deps = fakes({
      recognise: (_ip, names) => (names.includes('alt.example.net') ? 'cloud' : undefined),
    });
    const listener = await start(
      {
        relay: { networks: [], certificateNames: ['Gateway.example.net'] },
        tls: {
          mode: 'optional',
          certificates: [{ cert, key }],
          clientCertificates,
          authorities: await authorityFile('their authority'),
        },
      },
      deps,
    );
    const pair = (one: { cert: string; key: string }) => ({
      cert: readFileSync(one.cert),
      key: readFileSync(one.key),
    });
    return { port: listener.port, deps, client: pair(client), stranger: pair(stranger) };
  }

  test('that verifies says who it is: names, site, and leave to relay', async () => {
    const { port, deps, client } = await mutual('request');
    await deliver(await startTls(port, client));
    expect(deps.spool.kept[0]?.client).toMatchObject({
      site: 'cloud',
      mayRelay: true,
      tls: { certificateNames: ['gateway.example.net', 'alt.example.net'] },
    });
    expect(deps.spool.kept[0]?.client.tls?.certificateFingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  test('that does not verify is not mentioned', async () => {
    const { port, deps, stranger } = await mutual('request');
    await deliver(await startTls(port, stranger));
    await deliver(await startTls(port));
    for (const { client } of deps.spool.kept) {
      expect(client.mayRelay).toBe(false);
      expect(client.site).toBeUndefined();
      expect(client.tls).not.toHaveProperty('certificateNames');
    }
    expect(deps.spool.kept).toHaveLength(2);
  });

  test('is not asked for where it is ignored', async () => {
    const { port, deps, client } = await mutual('ignore');
    await deliver(await startTls(port, client));
    expect(deps.spool.kept[0]?.client.tls).not.toHaveProperty('certificateNames');
  });

  test('that is required and not there, or not good, ends the connection', async () => {
    const { port, client, stranger } = await mutual('require');
    expect(await deliver(await startTls(port, client))).toMatch(/^250 /);
    for (const options of [stranger, {}]) {
      const talk = dial(port);
      await talk.reply();
      await talk.say('STARTTLS');
      await talk.startTls(options).catch(() => {});
      expect(await talk.write('EHLO me\r\n').rest()).toEqual([]);
    }
  });

  test('is still known when the session is resumed', async () => {
    const { port, deps, client } = await mutual('request');
    const first = await startTls(port, { ...client, maxVersion: 'TLSv1.2' });
    const session = (first.socket as TLSSocket).getSession();
    await deliver(first);
    const second = await startTls(port, { ...client, maxVersion: 'TLSv1.2', ...(session && { session }) });
    expect((second.socket as TLSSocket).isSessionReused()).toBe(true);
    await deliver(second);
    expect(deps.spool.kept.map((kept) => kept.client.site)).toEqual(['cloud', 'cloud']);
  });
});
