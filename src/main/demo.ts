/**
 * main/demo - `isthmus demo`: the real server between pretend sites, a dozen messages, and a table of who went where.
 *
 * Everything is made in a temporary folder and on loopback, and is gone afterwards. With `once` it ends by itself, and
 * well only when every copy arrived where it belongs and nothing else did.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { deliverySection } from '../../config/sections/deliver.ts';
import { listeners } from '../../config/sections/receive.ts';
import type { Services } from '../admin/services.ts';
import { makeSmtpAgent } from '../deliver/agent.ts';
import { configFile, hosted, type Ports, staff } from '../demo/company.ts';
import { arrivedHere } from '../demo/hosted.ts';
import { type Arrival, type PretendSite, startPretendSite } from '../demo/pretend-site.ts';
import { messageId, messageOf, type Sample, samples } from '../demo/samples.ts';
import { printOutcomes } from '../demo/table.ts';
import { judge, type Said } from '../demo/verdict.ts';
import { parseAddress } from '../mail/address.ts';
import { printReply } from '../mail/reply.ts';
import { silentLog } from '../ports/log.ts';
import { noMetrics } from '../ports/metrics.ts';
import type { Resolver } from '../ports/resolver.ts';
import { now, random } from './base.ts';
import { openServices } from './services.ts';

export interface DemoOptions {
  readonly once?: boolean;
  readonly json?: boolean;
}

/** The first start makes a database of its own, which takes some seconds. */
const readyWithin = 180_000;
const settledWithin = 60_000;
const preferred = { mx: 2525, admin: 8025, imap: 1143, pop3: 1110, sieve: 4190 } as const;

/** The exit code. Whatever ends it (Ctrl-C, a closed terminal or pipe), nothing is left behind. */
export async function runDemo(options: DemoOptions, program: string): Promise<number> {
  const ending = listenToEndings();
  const say = (text: string) => void (options.json ? process.stderr : process.stdout).write(`${text}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-demo-'));
  // Whom the server becomes when root starts it must get through.
  chmodSync(folder, 0o755);
  const stage: Stage = { folder, config: join(folder, 'isthmus.yaml'), arrivals: [], sites: [], say };
  try {
    const code = await Promise.race([play(options, program, stage, ending), ending]);
    return code ?? interruptedCode;
  } finally {
    stage.over = true;
    await stopServer(stage.server);
    await Promise.all(stage.sites.map((site) => site.close()));
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Stage {
  readonly folder: string;
  readonly config: string;
  readonly arrivals: Arrival[];
  readonly sites: PretendSite[];
  readonly say: (text: string) => void;
  server?: ChildProcess;
  /** Nothing new is to be started. */
  over?: boolean;
}

const interruptedCode = 130;

function listenToEndings(): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => resolve());
    for (const output of [process.stdout, process.stderr]) output.on('error', () => resolve());
  });
}

async function play(
  options: DemoOptions,
  program: string,
  stage: Stage,
  ending: Promise<void>,
): Promise<number> {
  const { folder, config, arrivals, sites, say } = stage;
  for (const name of ['onprem', 'cloud', 'internet']) sites.push(await pretend(name, arrivals));
  const ports = await choosePorts(sites);
  writeFileSync(join(folder, 'staff.csv'), staff);
  writeFileSync(config, configFile(ports, folder));
  say(`Starting everything in ${folder}: a private PostgreSQL, three pretend sites, the gateway …`);
  if (stage.over) return interruptedCode;
  stage.server = startServer(program, config);
  await untilReady(stage.server);
  const services = await openServices(config);
  try {
    await untilDirectory(services);
    const { passwords } = await services.hosted();
    await passwords.set(hosted.address, hosted.password, 'demo');
    say(`Sending ${samples.length} messages …\n`);
    const said = await sendSamples(ports.mx);
    await untilSettled(services);
    arrivals.push(...(await arrivedHere(await services.hosted(), AbortSignal.timeout(settledWithin))));
    const result = await judge(said, arrivals, services, AbortSignal.timeout(settledWithin));
    say(printOutcomes(result.outcomes, process.stdout.columns));
    say(summaryLine(result.summary));
    if (options.json) process.stdout.write(`${JSON.stringify(result.summary)}\n`);
    if (!options.once) {
      say(howToTalk(config, ports));
      await ending;
    }
    return result.summary.lost === 0 && result.summary.unexpected === 0 ? 0 : 1;
  } finally {
    await services.close();
  }
}

async function pretend(name: string, arrivals: Arrival[]): Promise<PretendSite> {
  const [options] = listeners.parse([{ name, address: '127.0.0.1', reverseName: '0s' }]);
  if (options === undefined) throw new Error('one listener is asked for');
  return startPretendSite(
    name,
    { ...options, port: 0, hostname: `${name}.example.org`, tls: { ...options.tls, certificates: [] } },
    arrivals,
  );
}

async function choosePorts(sites: readonly PretendSite[]): Promise<Ports> {
  const portOf = (name: string) => sites.find((site) => site.name === name)?.port ?? 0;
  return {
    mx: await freePort(preferred.mx),
    admin: await freePort(preferred.admin),
    imap: await freePort(preferred.imap),
    pop3: await freePort(preferred.pop3),
    sieve: await freePort(preferred.sieve),
    onprem: portOf('onprem'),
    cloud: portOf('cloud'),
    internet: portOf('internet'),
  };
}

/** `wanted` if nobody has it, else one that is free now. */
function freePort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error) => (wanted === 0 ? reject(error) : resolve(freePort(0))));
    probe.listen(wanted, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : wanted));
    });
  });
}

function startServer(program: string, config: string): ChildProcess {
  return spawn(process.execPath, [program, 'serve', '--config', config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Its log goes on being read, so that it never waits for us; only trouble is shown. */
function untilReady(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const tooSlow = setTimeout(() => reject(new Error('the server was not ready in time')), readyWithin);
    const done = (error?: Error) => {
      clearTimeout(tooSlow);
      if (error === undefined) resolve();
      else reject(error);
    };
    server.once('exit', (code) => done(new Error(`the server ended with ${code}`)));
    if (server.stdout === null) return done(new Error('the server has no output'));
    createInterface({ input: server.stdout }).on('line', (line) => {
      const { level, msg } = parseLine(line);
      if (msg === 'ready') done();
      if (level === 'error') process.stderr.write(`${line}\n`);
    });
  });
}

function parseLine(line: string): { level?: string; msg?: string } {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}

async function untilDirectory(services: Services): Promise<void> {
  const limit = AbortSignal.timeout(settledWithin);
  for (;;) {
    const sources = await services.directory.health(limit);
    if (sources.every(({ goodAt }) => goodAt !== undefined)) return;
    await sleep(100, undefined, { signal: limit });
  }
}

/** Until nothing is left but what is held. */
async function untilSettled(services: Services): Promise<void> {
  const limit = AbortSignal.timeout(settledWithin);
  for (;;) {
    const { byStatus } = await services.queue.counts(limit);
    if (byStatus.due + byStatus.active + byStatus.deferred === 0) return;
    await sleep(100, undefined, { signal: limit });
  }
}

/** Every name is this machine: the demo asks no name server. */
const loopback: Resolver = {
  mx: async () => [],
  addresses: async () => ({ v4: ['127.0.0.1'], v6: [] }),
  reverse: async () => [],
  txt: async () => [],
};

async function sendSamples(port: number): Promise<readonly Said[]> {
  const agent = makeSmtpAgent({
    resolver: loopback,
    sites: () => new Map([['gateway', { nextHops: [{ host: '127.0.0.1', port }], tls: 'none' as const }]]),
    hostname: 'client.example.org',
    delivery: deliverySection.parse({}),
    log: silentLog,
    metrics: noMetrics,
    now,
    random,
  });
  const said: Said[] = [];
  for (const [index, sample] of samples.entries()) said.push(...(await sendOne(agent, sample, index)));
  await agent.close(AbortSignal.timeout(5_000));
  return said;
}

async function sendOne(
  agent: ReturnType<typeof makeSmtpAgent>,
  sample: Sample,
  index: number,
): Promise<readonly Said[]> {
  const content = messageOf(sample, index, now());
  const recipients = Object.keys(sample.to).map((text) => ({ address: mustParse(text) }));
  const statuses = await agent.deliver(
    {
      queueId: `sample-${index + 1}`,
      transaction: { sender: mustParse(sample.from), body: '8bitmime', smtputf8: false, requireTls: false },
      recipients,
      nextHop: { kind: 'site', site: 'gateway' },
      size: content.length,
      eightBit: content.some((octet) => octet > 127),
      utf8Header: false,
      content: async function* () {
        yield content;
      },
    },
    AbortSignal.timeout(settledWithin),
  );
  return recipients.map(({ address }, position) => {
    const reply = statuses[position]?.reply ?? { code: 0, lines: ['no answer'] };
    return {
      sample,
      index,
      messageId: messageId(index),
      recipient: address.text,
      code: reply.code,
      reply: printReply(reply),
    };
  });
}

function mustParse(text: string): NonNullable<ReturnType<typeof parseAddress>> {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`the demo has a bad address: ${text}`);
  return address;
}

const summaryLine = (summary: object): string =>
  `\n${Object.entries(summary)
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(', ')}\n`;

const howToTalk = (config: string, ports: Ports): string =>
  [
    'It stays up. Talk to it, from another terminal:',
    `  swaks --server 127.0.0.1:${ports.mx} --from you@elsewhere.example --to team@example.org`,
    `  export ISTHMUS_CONFIG=${config}`,
    '  npm run isthmus -- trace --recipient team@example.org',
    '  npm run isthmus -- route explain bob@example.org',
    '  npm run isthmus -- queue list',
    '  npm run isthmus -- directory status',
    `  curl http://127.0.0.1:${ports.admin}/healthz`,
    `And open the mailbox that is hosted here with any mail program, as ${hosted.address}, "${hosted.password}":`,
    `  curl --user '${hosted.address}:${hosted.password}' 'imap://127.0.0.1:${ports.imap}/INBOX;MAILINDEX=1'`,
    `  IMAP port ${ports.imap}, POP3 port ${ports.pop3}, ManageSieve port ${ports.sieve}, none with TLS`,
    'Ctrl-C ends it and removes everything.',
  ].join('\n');

async function stopServer(server: ChildProcess | undefined): Promise<void> {
  if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  server.kill('SIGTERM');
  const killer = setTimeout(() => server.kill('SIGKILL'), 60_000);
  await ended;
  clearTimeout(killer);
}
