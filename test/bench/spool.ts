/**
 * bench/spool - accept, claim, deliver to a next hop that takes everything at once, settle, with trace; through a real
 * PostgreSQL with durable settings. Says messages a second and what they cost in processor time.
 *
 *   node test/bench/spool.ts [--messages=20000] [--sessions=20] [--size=10240] [--apart]
 *
 * --apart: the worker is a process of its own, as under the supervisor; else it shares a process with the spool.
 */
import { fork } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseAddress } from '../../src/mail/address.ts';
import type { DeliveryAgent } from '../../src/ports/delivery-agent.ts';
import { silentLog } from '../../src/ports/log.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import type { Incoming } from '../../src/ports/spool.ts';
import { openSpool } from '../../src/queue/spool.ts';
import { startWorker, type Worker } from '../../src/queue/worker.ts';
import { openDatabase } from '../../src/state/database.ts';
import { startPrivateServer } from '../../src/state/private-server.ts';
import { runSteps } from '../../src/state/steps.ts';
import { FakeRouting, limits, MemoryBlobs, policy, received } from '../queue/fakes.ts';

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '20000' },
    sessions: { type: 'string', default: '20' },
    size: { type: 'string', default: '10240' },
    apart: { type: 'boolean', default: false },
    worker: { type: 'string' },
  },
});
const messages = Number(options.messages);
const sessions = Number(options.sessions);

const open = (url: string) =>
  openDatabase({
    url,
    maxConnections: 8,
    statementTimeoutMs: 30_000,
    connectTimeoutMs: 10_000,
    applicationName: 'bench',
    log: silentLog,
  });

const common = (database: Awaited<ReturnType<typeof open>>) => ({
  database,
  blobs: new MemoryBlobs(),
  hostname: 'gate.example',
  log: silentLog,
  metrics: noMetrics,
  now: () => new Date(),
  random: Math.random,
});

/** Reads the content, as sending it would. */
const agent: DeliveryAgent = {
  async deliver(task, signal) {
    for await (const _chunk of task.content(signal));
    return task.recipients.map(() => ({
      outcome: 'delivered' as const,
      reply: { code: 250, enhanced: '2.0.0', lines: ['taken'] },
      peer: { host: 'peer.example', ip: '192.0.2.25', port: 25 },
    }));
  },
  async close() {},
};

const work = (database: Awaited<ReturnType<typeof open>>): Worker =>
  startWorker({
    ...common(database),
    routing: new FakeRouting(),
    directory: { async *members() {} },
    agent: () => agent,
    policy,
  });

if (options.worker === undefined) await main();
else await workApart(options.worker);

/** The child of --apart. */
async function workApart(url: string): Promise<void> {
  const database = await open(url);
  const worker = work(database);
  process.once('message', async () => {
    process.send?.(process.cpuUsage());
    await worker.close(AbortSignal.timeout(5_000));
    await database.close();
    process.exit(0);
  });
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-spool-'));
  chmodSync(folder, 0o711);
  const server = await startPrivateServer({ dataDir: folder, log: silentLog });
  try {
    const database = await open(server.url);
    await runSteps(database, silentLog);
    const child = options.apart
      ? fork(import.meta.filename, [`--worker=${server.url}`], { execPath: process.execPath })
      : undefined;
    const worker = child ? undefined : work(database);
    const spool = openSpool({ ...common(database), limits, ...(worker ? { worker } : {}) });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await round(spool, Math.min(2_000, messages), () => emptied(database));
    const before = { mine: process.cpuUsage(), postgres: postgresSeconds(server.pid ?? 0) };
    const start = performance.now();
    const accepted = await round(spool, messages, () => emptied(database));
    const seconds = (performance.now() - start) / 1000;
    const mine = process.cpuUsage(before.mine);
    const postgres = postgresSeconds(server.pid ?? 0) - before.postgres;
    const theirs = child ? await stopped(child) : undefined;
    const perMessage = (cpu: number): number => Math.round((cpu / messages) * 1e6);
    console.log({
      messages,
      sessions,
      acceptedPerSecond: Math.round(messages / accepted),
      settledPerSecond: Math.round(messages / seconds),
      microseconds: {
        spool: perMessage((mine.user + mine.system) / 1e6),
        ...(theirs ? { worker: perMessage((theirs.user + theirs.system) / 1e6) } : {}),
        postgres: perMessage(postgres),
      },
    });
    await worker?.close(AbortSignal.timeout(5_000));
    await spool.close();
    await database.close();
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function stopped(child: ReturnType<typeof fork>): Promise<NodeJS.CpuUsage> {
  const usage = new Promise<NodeJS.CpuUsage>((resolve) =>
    child.once('message', (message) => resolve(message as NodeJS.CpuUsage)),
  );
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.send('stop');
  const answer = await usage;
  await exited;
  return answer;
}

/** Seconds until all was accepted; returns when all is settled. */
async function round(
  spool: ReturnType<typeof openSpool>,
  count: number,
  settled: () => Promise<void>,
): Promise<number> {
  const start = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: sessions }, async () => {
      while (next < count) {
        next += 1;
        await spool.accept(letter(spool.newId(), next), AbortSignal.timeout(60_000));
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  await settled();
  return seconds;
}

async function emptied(database: Awaited<ReturnType<typeof open>>): Promise<void> {
  for (;;) {
    const [row] = await database.query<{ left: boolean }>('select exists (select from message) as left', []);
    if (!row?.left) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function letter(id: string, number: number): Incoming {
  const size = Number(options.size);
  const body = Buffer.alloc(size, `line ${number} of text that is like any other line of text in a mail\r\n`);
  const sender = parseAddress(`user${number % 1000}@example.org`) ?? null;
  const recipient = parseAddress(`user${number % 5000}@example.net`);
  if (!recipient) throw new Error('no address');
  return {
    id,
    envelope: {
      sender,
      body: '8bitmime',
      smtputf8: false,
      requireTls: false,
      recipients: [{ address: recipient }],
    },
    client: { listener: 'mx', protocol: 'smtp', ip: '192.0.2.1', helo: 'client.example', mayRelay: true },
    receivedAt: new Date(),
    trace: Buffer.from(received),
    content: (async function* () {
      yield body;
    })(),
    finish: async () => ({
      facts: {
        size,
        eightBit: false,
        utf8Header: false,
        longestLine: 70,
        hops: 1,
        ownHops: 0,
        sitesSeen: [],
        messageId: `<${number}.${id}@client.example>`,
      },
    }),
  };
}

/** User and system time of the server and all its processes, those that have ended included. */
function postgresSeconds(pid: number): number {
  const ticks = (of: number): { parent: number; own: number; ended: number } => {
    const text = readFileSync(`/proc/${of}/stat`, 'utf8');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    return {
      parent: fields[1] ?? 0,
      own: (fields[11] ?? 0) + (fields[12] ?? 0),
      ended: (fields[13] ?? 0) + (fields[14] ?? 0),
    };
  };
  let total = 0;
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const used = ticks(Number(name));
      if (Number(name) === pid) total += used.own + used.ended;
      else if (used.parent === pid) total += used.own;
    } catch {
      // It ended meanwhile.
    }
  }
  return total / 100;
}
