/**
 * test/bench/deliver - messages a second into Postfix's smtp-sink, over 20 connections, side by side with Postfix's
 * own load generator, smtp-source, in the same run. 10 KB messages, one recipient each.
 *
 *   node test/bench/deliver.ts [messages]
 *
 * The sink takes a core of its own; what is compared is the sender. CPU time is the sender's alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { makeSmtpAgent } from '../../src/deliver/agent.ts';
import type { Site } from '../../src/deliver/options.ts';
import { silentLog } from '../../src/ports/log.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import { delivery, names, taskOf } from '../deliver/parts.ts';

const count = Number(process.argv[2] ?? 20_000);
const lanes = 20;
const size = 10 * 1024;

const port = await freePort();
const sink = spawn('smtp-sink', ['-u', 'postfix', `127.0.0.1:${port}`, '1000'], { stdio: 'inherit' });
await ready(port);
try {
  await ours(2000);
  const rounds: { readonly theirs: Figures; readonly ours: Figures }[] = [];
  for (let round = 0; round < 3; round++)
    rounds.push({ theirs: await source(count), ours: await ours(count) });
  const best = (name: 'theirs' | 'ours'): Figures =>
    rounds.map((round) => round[name]).sort((a, b) => b.perSecond - a.perSecond)[0] ?? {
      perSecond: 0,
      cpu: 0,
    };
  print('smtp-source', best('theirs'));
  print('isthmus', best('ours'));
  process.stdout.write(`ratio ${(best('ours').perSecond / best('theirs').perSecond).toFixed(2)}\n`);
} finally {
  sink.kill();
}

interface Figures {
  readonly perSecond: number;
  /** Microseconds of the sender's CPU for a message. */
  readonly cpu: number;
}

function print(name: string, { perSecond, cpu }: Figures): void {
  process.stdout.write(
    `${name.padEnd(12)} ${Math.round(perSecond)} messages/s, ${Math.round(cpu)} µs CPU each\n`,
  );
}

/** Postfix's generator: -d keeps connections, as we do. */
async function source(messages: number): Promise<Figures> {
  const began = performance.now();
  const args = ['-d', '-s', String(lanes), '-l', String(size), '-m', String(messages)];
  const child = spawn(
    'bash',
    ['-c', `time -p smtp-source ${args.join(' ')} -f a@example.org -t b@example.org 127.0.0.1:${port}`],
    {
      stdio: ['ignore', 'inherit', 'pipe'],
    },
  );
  let times = '';
  child.stderr.on('data', (chunk: Buffer) => {
    times += chunk.toString();
  });
  await ended(child);
  const seconds = (performance.now() - began) / 1000;
  const cpu = [...times.matchAll(/^(?:user|sys) ([\d.]+)$/gm)].reduce(
    (sum, match) => sum + Number(match[1]),
    0,
  );
  return { perSecond: messages / seconds, cpu: (cpu * 1e6) / messages };
}

async function ours(messages: number): Promise<Figures> {
  const site: Site = { tls: 'none', nextHops: [{ host: '127.0.0.1', port }] };
  const sites = new Map([['peer', site]]);
  const agent = makeSmtpAgent({
    resolver: names({}),
    sites: () => sites,
    hostname: 'bench.test',
    delivery: {
      ...delivery,
      keep: { idle: 60_000, messages: 1_000_000, age: 600_000 },
      timeLimits: { ...delivery.timeLimits, dataEnd: 60_000, mail: 60_000 },
    },
    log: silentLog,
    metrics: noMetrics,
    now: () => new Date(),
    random: Math.random,
  });
  const line = `${'x'.repeat(70)}\r\n`;
  // As the spool gives it: our Received field, then the body.
  const trace = Buffer.from(
    `Received: from a by b with ESMTP id 1;\r\n\tWed, 25 Nov 2026 00:00:00 +0000\r\n`,
  );
  const body = Buffer.from(`Subject: bench\r\n\r\n${line.repeat(Math.floor((size - 18) / line.length))}`);
  const task = taskOf({ content: [trace, body] });
  const never = new AbortController().signal;
  const began = performance.now();
  const cpuBefore = process.cpuUsage();
  let left = messages;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const [status] = await agent.deliver(task, never);
      if (status?.outcome !== 'delivered') throw new Error(`not delivered: ${JSON.stringify(status)}`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  await agent.close(AbortSignal.timeout(5000));
  return { perSecond: messages / seconds, cpu: (user + system) / messages };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function ready(where: number): Promise<void> {
  const { connect } = await import('node:net');
  for (let left = 100; left > 0; left--) {
    const up = await new Promise<boolean>((resolve) => {
      const socket = connect(where, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('smtp-sink does not start; is Debian package postfix installed?');
}

async function ended(child: ChildProcess): Promise<void> {
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`smtp-source ended with ${code}`);
}
