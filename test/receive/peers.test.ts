/**
 * Clients nobody here wrote: swaks, and Postfix's smtp-source.
 */
import { afterEach, expect, test } from 'vitest';
import { type Listener, startListener } from '../../src/receive/listener.ts';
import { onePassword } from '../fixture/authenticator.ts';
import { certificate } from '../fixture/tls.ts';
import { smtpSource, swaks } from '../peers/clients.ts';
import { describeWith } from '../peers/need.ts';
import { type Changes, fakes, listenerOptions } from './fakes.ts';

let listener: Listener | undefined;

afterEach(async () => {
  await listener?.close();
});

async function start(changes: Changes = {}) {
  const deps = fakes({
    authenticator: onePassword('secret'),
  });
  listener = await startListener(listenerOptions(changes), deps);
  return { deps, port: listener.port };
}

const mail = { from: 'bob@example.com', to: ['ada@example.org', 'eve@example.org'] };
const data = 'Subject: by swaks\r\n\r\n.a line with a dot\r\n';

await describeWith(['swaks', 'openssl'], 'receiving from swaks', () => {
  test('hands in a message', async () => {
    const { deps, port } = await start();
    expect((await swaks({ ...mail, port, data })).code).toBe(0);
    expect(deps.spool.contents[0]).toContain('\r\n.a line with a dot\r\n');
    expect(deps.spool.kept[0]?.envelope.recipients).toHaveLength(2);
  });

  test('pipelines', async () => {
    const { deps, port } = await start();
    expect((await swaks({ ...mail, port, data, more: ['--pipeline'] })).code).toBe(0);
    expect(deps.spool.kept).toHaveLength(1);
  });

  test('by TLS, after AUTH', async () => {
    const { cert, key } = await certificate(['mx.example.org']);
    const { deps, port } = await start({
      protocol: 'submission',
      tls: { mode: 'required', certificates: [{ cert, key }] },
    });
    const auth = (password: string) => [
      '--tls',
      '--auth',
      'PLAIN',
      '--auth-user',
      'ada',
      '--auth-password',
      password,
    ];
    expect((await swaks({ ...mail, port, data, more: auth('secret') })).code).toBe(0);
    expect((await swaks({ ...mail, port, data, more: auth('wrong') })).code).not.toBe(0);
    expect(deps.spool.kept.map(({ client }) => client.account)).toEqual(['ada']);
  });

  test('by LMTP', async () => {
    const { deps, port } = await start({ protocol: 'lmtp' });
    expect((await swaks({ ...mail, port, data, more: ['--protocol', 'LMTP'] })).code).toBe(0);
    expect(deps.spool.kept[0]?.client.protocol).toBe('lmtp');
  });

  test('through a load balancer, and for another client', async () => {
    const { deps, port } = await start({
      proxyProtocol: { networks: ['127.0.0.1'] },
      xclient: { networks: ['192.0.2.0/24'] },
    });
    const proxy = (version: string) => [
      ...['--proxy-version', version, '--proxy-family', version === '1' ? 'TCP4' : 'AF_INET'],
      ...(version === '1' ? [] : ['--proxy-protocol', 'STREAM', '--proxy-command', 'PROXY']),
      ...['--proxy-source', '192.0.2.7', '--proxy-source-port', '1000'],
      ...['--proxy-dest', '192.0.2.8', '--proxy-dest-port', '25'],
    ];
    expect((await swaks({ ...mail, port, data, more: proxy('1') })).code).toBe(0);
    expect(
      (await swaks({ ...mail, port, data, more: [...proxy('2'), '--xclient-addr', '198.51.100.9'] })).code,
    ).toBe(0);
    expect(deps.spool.kept.map(({ client }) => client.ip)).toEqual(['192.0.2.7', '198.51.100.9']);
  });
});

await describeWith(['postfix'], 'receiving from smtp-source', () => {
  test('hands in two hundred messages over twenty sessions', async () => {
    const { deps, port } = await start();
    await smtpSource({
      port,
      messages: 200,
      sessions: 20,
      size: 10_240,
      keep: true,
      from: 'bob@example.com',
      to: 'ada@example.org',
    });
    expect(deps.spool.kept).toHaveLength(200);
  });
});
