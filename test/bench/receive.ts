/**
 * How fast mail comes in: a listener with a spool that keeps nothing, in a process of its own; the clients in this one.
 * `node test/bench/receive.ts`. The figures of the server's CPU are what one core can do.
 */
import { fork } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { argv } from 'node:process';
import type { Incoming } from '../../src/ports/spool.ts';
import { startListener } from '../../src/receive/listener.ts';
import { fakes, listenerOptions } from '../receive/fakes.ts';

const sessions = 20;
const messagesEach = 1000;
const lone = 1000;
const body = `${'x'.repeat(70)}\r\n`.repeat(142);
const content = `From: <ada@example.com>\r\nTo: <bob@example.org>\r\nSubject: bench\r\nMessage-ID: <1@example.com>\r\n\r\n${body}.\r\n`;
const message = `MAIL FROM:<ada@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n${content}`;

if (argv[2] === 'serve') await serve();
else await measure();

async function serve(): Promise<void> {
  const deps = fakes();
  let octets = 0;
  const spool = {
    newId: () => deps.spool.newId(),
    async accept(incoming: Incoming): Promise<void> {
      for await (const chunk of incoming.content) octets += chunk.length;
      await incoming.finish();
    },
  };
  const routing = {
    headerNames: [],
    route: async () => ({ verdict: 'deliver', copies: [], because: [] }) as const,
    routeAll: async (questions: readonly unknown[]) =>
      questions.map(() => ({ verdict: 'deliver', copies: [], because: [] }) as const),
  };
  const listener = await startListener(listenerOptions({ limits: { connections: 2000 } }), {
    ...deps,
    spool,
    routing,
  });
  let before = process.cpuUsage();
  process.on('message', (word) => {
    if (word === 'stop') return void listener.close().then(() => process.exit(0));
    const used = process.cpuUsage(before);
    before = process.cpuUsage();
    process.send?.({ cpu: (used.user + used.system) / 1e6, rss: process.memoryUsage().rss, octets });
  });
  process.send?.({ port: listener.port });
}

interface Answer {
  readonly port: number;
  readonly cpu: number;
  readonly rss: number;
}

async function measure(): Promise<void> {
  const server = fork(import.meta.filename, ['serve'], { execArgv: process.execArgv });
  const next = () =>
    new Promise<Answer>((resolve) => server.once('message', (word) => resolve(word as Answer)));
  const { port } = await next();
  const report = async (what: string, count: number, work: () => Promise<unknown>) => {
    server.send('cpu');
    await next();
    const began = performance.now();
    await work();
    const seconds = (performance.now() - began) / 1000;
    server.send('cpu');
    const { cpu, rss } = await next();
    console.log(
      `${what}: ${Math.round(count / seconds)} msg/s on the clock, ${Math.round(count / cpu)} msg/s of server CPU, RSS ${Math.round(rss / 2 ** 20)} MB`,
    );
  };
  const kept = () => Promise.all(Array.from({ length: sessions }, () => session(port, messagesEach)));
  await report('warm-up', sessions * messagesEach, kept);
  await report(`${sessions} kept sessions, 10 KB, pipelined`, sessions * messagesEach, kept);
  await report(`${lone} connections of one message`, lone, () =>
    Promise.all(Array.from({ length: lone }, () => session(port, 1))),
  );
  await report(`${lone} connections of one message, 50 at once`, lone, async () => {
    let left = lone;
    const worker = async () => {
      while (left-- > 0) await session(port, 1);
    };
    await Promise.all(Array.from({ length: 50 }, worker));
  });
  server.send('stop');
}

/** Envelope and content in one write each; the next message when the one before was answered. */
function session(port: number, count: number): Promise<void> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  socket.setEncoding('latin1');
  let left = count;
  let text = '';
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => (left === 0 ? resolve() : reject(new Error('closed early'))));
    socket.write('EHLO bench.example\r\n');
    socket.on('data', (chunk) => {
      text += chunk;
      const lines = text.split('\r\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        if (/^[45]/.test(line)) return reject(new Error(line));
        if (line.startsWith('250 CHUNKING')) socket.write(message);
        else if (line.includes('queued as')) {
          left--;
          socket.write(left > 0 ? message : 'QUIT\r\n');
        }
      }
    });
  });
}
