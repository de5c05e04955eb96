/**
 * Clients that say anything: the server answers or hangs up, never crashes, never hangs, never takes what was not sent.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Listener, startListener } from '../../src/receive/listener.ts';
import { type Fakes, fakes, listenerOptions } from './fakes.ts';
import { Talk } from './talk.ts';

let listener: Listener;
let deps: Fakes;
const crashes: unknown[] = [];
const note = (error: unknown) => crashes.push(error);

beforeAll(async () => {
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
  deps = fakes();
  listener = await startListener(
    listenerOptions({
      limits: { errors: 50, messageSize: 5000, headerSize: 4096, commandLine: 512 },
      xclient: { networks: ['127.0.0.0/8'] },
    }),
    deps,
  );
});

afterAll(async () => {
  await listener.close();
  process.off('uncaughtException', note);
  process.off('unhandledRejection', note);
});

const command = fc.constantFrom(
  'EHLO me\r\n',
  'HELO me\r\n',
  'MAIL FROM:<bob@example.com>\r\n',
  'MAIL FROM:<> SMTPUTF8 BODY=8BITMIME\r\n',
  'RCPT TO:<ada@example.org>\r\n',
  'RCPT TO:<unknown@example.org>\r\n',
  'RCPT TO:<bug@example.org>\r\n',
  'DATA\r\n',
  'Subject: x\r\n\r\nhello\r\n',
  '.\r\n',
  '..\r\n',
  '.\n',
  'BDAT 10\r\n0123456789',
  'BDAT 10\r\n',
  'BDAT 0 LAST\r\n',
  'BDAT 99999999999999999999\r\n',
  'BDAT 5 LAST\r\nab\r\n\r',
  'RSET\r\n',
  'NOOP\r\n',
  'STARTTLS\r\n',
  'XCLIENT ADDR=192.0.2.1 HELO=x\r\n',
  'AUTH PLAIN\r\n',
  `${'x'.repeat(600)}\r\n`,
  'x'.repeat(6000),
  '\r',
  '\n',
  '\0',
  ' ',
);

const piece = fc.oneof(
  { weight: 8, arbitrary: command.map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets)) },
);

test('whatever is said, every session ends, and the next one is served', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(piece, fc.boolean()), { maxLength: 30 }),
      fc.constantFrom('end', 'destroy'),
      async (pieces, way) => {
        const talk = Talk.to(listener.port);
        await talk.reply();
        for (const [octets, pause] of pieces) {
          talk.write(octets);
          if (pause) await new Promise((resolve) => setImmediate(resolve));
        }
        talk[way]();
        if (way === 'end') {
          for (const line of await talk.rest()) expect(line).toMatch(/^\d{3}[ -][\x20-\x7e]*$/);
        }
        talk.destroy();
      },
    ),
    { seed: 10, numRuns: 400 },
  );
  await expect.poll(() => listener.connections).toBe(0);
  expect(crashes).toEqual([]);
  for (const { content } of deps.spool.kept)
    expect(content.toString('latin1')).not.toMatch(/(?<!\r)\n|\r(?!\n)|\0/);
  const talk = Talk.to(listener.port);
  expect(await talk.reply()).toMatch(/^220/);
  talk.destroy();
}, 30_000);

test('a client that reads no replies is not answered without end', async () => {
  const talk = Talk.to(listener.port);
  await talk.reply();
  talk.socket.pause();
  const block = Buffer.from('NOOP\r\n'.repeat(10_000));
  let taken = 0;
  for (let i = 0; i < 400; i++) {
    if (!talk.socket.write(block)) {
      const drained = await Promise.race([
        new Promise((resolve) => talk.socket.once('drain', () => resolve(true))),
        new Promise((resolve) => setTimeout(() => resolve(false), 300)),
      ]);
      if (drained === false) break;
    }
    taken += block.length;
  }
  expect(taken).toBeLessThan(block.length * 400);
  talk.destroy();
  await expect.poll(() => listener.connections).toBe(0);
});
