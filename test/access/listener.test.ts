/**
 * A connection as every protocol gets it: in the clear, by TLS, compressed, in a hurry, at the end. The protocol here
 * answers each line with itself.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';
import { afterEach, beforeAll, expect, test } from 'vitest';
import type { Connection } from '../../src/access/connection.ts';
import { type AccessListener, startAccess } from '../../src/access/listener.ts';
import {
  type AccessListenerOptions,
  type AccessProtocol,
  defaultAccessLimits,
} from '../../src/access/options.ts';
import { silentLog } from '../../src/ports/log.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import { LineReader } from '../../src/protocol/lines/line-reader.ts';
import { type Certificate, certificate } from '../fixture/tls.ts';
import { Talk } from '../receive/talk.ts';

let certificates: Certificate;
beforeAll(async () => {
  certificates = await certificate(['imap.example.org']);
});

const seen: { ended: boolean; failed: unknown } = { ended: false, failed: undefined };

const echo: AccessProtocol = {
  refusal: 'BYE too many\r\n',
  async serve(connection: Connection) {
    connection.farewell = (why) => `BYE ${why}\r\n`;
    connection.write('HELLO\r\n');
    const reader = new LineReader(1000);
    try {
      for (let chunk = await connection.read(); chunk !== undefined; chunk = await connection.read()) {
        reader.push(chunk);
        for (let line = reader.take(); line !== undefined; line = reader.take()) {
          const words = line.kind === 'line' ? line.octets.toString() : 'too long';
          if (words === 'QUIT') {
            connection.write('BYE quit\r\n');
            return;
          }
          if (words === 'WHO') {
            const { tls } = connection;
            connection.write(`${tls?.authorized ? tls.getPeerCertificate().subject.CN : 'nobody'}\r\n`);
          } else if (words === 'STARTTLS') {
            connection.write('GO\r\n');
            reader.clear();
            if (!(await connection.startTls())) return;
          } else if (words === 'COMPRESS') {
            connection.write('GO\r\n');
            connection.compress();
          } else if (words.startsWith('BIG')) {
            const block = Buffer.alloc(32_768, 'x');
            for (let i = 0; i < Number(words.slice(3)); i++) {
              connection.write(block);
              await connection.room();
            }
            connection.write('\r\n');
          } else if (words === 'SLOW') {
            connection.isAtRest = false;
            await new Promise((resolve) => setTimeout(resolve, 300));
            connection.write('done\r\n');
            connection.isAtRest = true;
          } else connection.write(`${connection.isSecure ? 'secure ' : ''}${words}\r\n`);
        }
      }
    } catch (error) {
      seen.failed = error;
      throw error;
    } finally {
      seen.ended = true;
    }
  },
};

let listener: AccessListener | undefined;
afterEach(async () => {
  await listener?.close();
  listener = undefined;
});

async function start(
  mode: AccessListenerOptions['tls']['mode'] = 'none',
  limits: Partial<AccessListenerOptions['limits']> = {},
  more: Partial<AccessListenerOptions> = {},
): Promise<number> {
  listener = await startAccess(optionsOf(mode, limits, more), echo, {
    metrics: noMetrics,
    log: silentLog,
    now: () => new Date(),
  });
  return listener.port;
}

const optionsOf = (
  mode: AccessListenerOptions['tls']['mode'],
  limits: Partial<AccessListenerOptions['limits']>,
  more: Partial<AccessListenerOptions>,
): AccessListenerOptions => ({
  name: 'imap',
  address: '127.0.0.1',
  port: 0,
  tls: tlsOf(mode, certificates),
  proxyProtocol: { networks: [] },
  limits: { ...defaultAccessLimits, ...limits },
  ...more,
});

const tlsOf = (
  mode: AccessListenerOptions['tls']['mode'],
  { cert, key }: Certificate,
): AccessListenerOptions['tls'] => ({
  mode,
  certificates: [{ cert, key }],
  minVersion: 'TLSv1.2',
  clientCertificates: 'ignore',
});

test('what is said is answered, and after the end the client sees the last words', async () => {
  const talk = Talk.to(await start());
  expect(await talk.line()).toBe('HELLO');
  talk.write('one\r\ntwo\nQUIT\r\nthree\r\n');
  expect(await talk.rest()).toEqual(['one', 'two', 'BYE quit']);
});

test('a client that closes its side is answered to the end', async () => {
  const talk = Talk.to(await start());
  talk.write('one\r\n').end();
  expect(await talk.rest()).toEqual(['HELLO', 'one']);
});

test('TLS from the first octet', async () => {
  const talk = Talk.tls(await start('implicit'));
  expect(await talk.line()).toBe('HELLO');
  talk.write('one\r\n');
  expect(await talk.line()).toBe('secure one');
});

test('TLS in the middle; what was said in the clear behind STARTTLS is never obeyed', async () => {
  const talk = Talk.to(await start('optional'));
  expect(await talk.line()).toBe('HELLO');
  talk.write('one\r\nSTARTTLS\r\ninjected\r\n');
  expect(await talk.line()).toBe('one');
  expect(await talk.line()).toBe('GO');
  await talk.startTls();
  talk.write('two\r\n');
  expect(await talk.line()).toBe('secure two');
});

test('no handshake after STARTTLS ends the session', async () => {
  const port = await start('optional');
  const talk = Talk.to(port);
  await talk.line();
  talk.write('STARTTLS\r\n');
  expect(await talk.line()).toBe('GO');
  talk.write('this is no TLS at all, by no means\r\n');
  await talk.closed();
});

test('compression in both directions', async () => {
  const port = await start();
  const socket = connect(port, '127.0.0.1');
  const raw: Buffer[] = [];
  await new Promise<void>((resolve) => socket.once('data', () => resolve()));
  socket.write('COMPRESS\r\n');
  await new Promise<void>((resolve) => socket.once('data', () => resolve()));
  const deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH });
  const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH });
  deflate.pipe(socket);
  socket.on('data', (chunk) => raw.push(chunk));
  socket.pipe(inflate);
  const texts: string[] = [];
  const said = new Promise<string>((resolve) => {
    inflate.on('data', (chunk) => {
      texts.push(String(chunk));
      if (texts.length > 10 && texts.at(-1)?.endsWith('\r\n')) resolve(texts.join(''));
    });
  });
  deflate.write('hello\r\nBIG100\r\n');
  expect(await said).toBe(`hello\r\n${'x'.repeat(3_276_800)}\r\n`);
  expect(Buffer.concat(raw).length).toBeLessThan(40_000);
  socket.destroy();
});

test('a client that takes nothing is waited for, and the session holds little meanwhile', async () => {
  const port = await start('none', { writeTime: 1_500 });
  seen.ended = false;
  const socket = connect(port, '127.0.0.1');
  socket.pause();
  const before = process.memoryUsage().arrayBuffers;
  socket.write('BIG10000\r\n');
  await expect.poll(() => seen.ended, { timeout: 8_000 }).toBe(true);
  expect(String(seen.failed)).toContain('gone');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30_000_000);
  expect(listener?.connections).toBe(0);
  socket.destroy();
});

test('silence ends the session with a word', async () => {
  const talk = Talk.to(await start('none', { greetingTime: 100 }));
  expect(await talk.rest()).toEqual(['HELLO', 'BYE idle']);
});

test('no handshake in time ends the connection', async () => {
  const talk = Talk.to(await start('implicit', { handshakeTime: 100 }));
  await talk.closed();
  await expect.poll(() => listener?.connections).toBe(0);
});

test('too many from one address are turned away with a word', async () => {
  const port = await start('none', { connectionsPerNetwork: 1 });
  const first = Talk.to(port);
  expect(await first.line()).toBe('HELLO');
  const second = Talk.to(port);
  expect(await second.rest()).toEqual(['BYE too many']);
  first.write('QUIT\r\n').end();
  await first.closed();
  await expect.poll(() => listener?.connections).toBe(0);
  expect(await Talk.to(port).line()).toBe('HELLO');
});

test('a drain says goodbye to those at rest, and lets a command finish', async () => {
  const port = await start();
  const idle = Talk.to(port);
  const busy = Talk.to(port);
  expect(await idle.line()).toBe('HELLO');
  expect(await busy.line()).toBe('HELLO');
  busy.write('SLOW\r\n');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const drained = listener?.drain(AbortSignal.timeout(5_000));
  expect(await idle.rest()).toEqual(['BYE shutdown']);
  expect(await busy.rest()).toEqual(['done', 'BYE shutdown']);
  idle.end();
  busy.end();
  await drained;
});

test('from a balancer the client is who the PROXY header names', async () => {
  const port = await start(
    'none',
    { connectionsPerNetwork: 1 },
    { proxyProtocol: { networks: ['127.0.0.1'] } },
  );
  const one = Talk.to(port).write('PROXY TCP4 192.0.2.1 192.0.2.9 1000 143\r\n');
  const two = Talk.to(port).write('PROXY TCP4 192.0.2.2 192.0.2.9 1000 143\r\n');
  expect(await one.line()).toBe('HELLO');
  expect(await two.line()).toBe('HELLO');
  const again = Talk.to(port).write('PROXY TCP4 192.0.2.2 192.0.2.9 1001 143\r\n');
  expect(await again.line()).toBe('BYE too many');
});

test('a reload shows a new certificate to the next client, and lets the one who is there go on', async () => {
  const port = await start('implicit');
  const before = Talk.tls(port);
  expect(await before.line()).toBe('HELLO');
  const other = await certificate(['other.example.org']);
  listener?.reload(optionsOf('implicit', {}, { port: 0, tls: tlsOf('implicit', other) }));
  const after = Talk.tls(port);
  expect(await after.line()).toBe('HELLO');
  const nameOf = ({ socket }: Talk): string => String((socket as TLSSocket).getPeerCertificate().subject.CN);
  expect([before, after].map(nameOf)).toEqual(['imap.example.org', 'other.example.org']);
  before.write('one\r\n');
  expect(await before.line()).toBe('secure one');
  expect(() => listener?.reload(optionsOf('implicit', {}, { port: 1 }))).toThrow('port needs a restart');
  expect(() =>
    listener?.reload(optionsOf('implicit', {}, { tls: { ...tlsOf('implicit', other), certificates: [] } })),
  ).toThrow('certificates is empty');
  expect(await Talk.tls(port).line()).toBe('HELLO');
});

test.each([
  ['request', true, 'known'],
  ['request', false, 'HELLO'],
  ['require', true, 'known'],
  ['require', false, undefined],
] as const)('client certificates: %s, shown: %s', async (clientCertificates, shows, answer) => {
  const tls = { ...tlsOf('implicit', certificates), clientCertificates, authorities: certificates.ca };
  const port = await start('implicit', {}, { tls });
  const client = await certificate(['ada.example.org']);
  const own = shows ? { cert: readFileSync(client.cert), key: readFileSync(client.key) } : {};
  const talk = Talk.tls(port, own);
  expect(await talk.line()).toBe(answer === 'known' ? 'HELLO' : answer);
  if (answer !== 'known') return;
  talk.write('WHO\r\n');
  expect(await talk.line()).toBe('ada.example.org');
});
