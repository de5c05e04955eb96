/**
 * scenario/outage - what the whole server stands on goes away and comes back while mail flows: disk, database, object
 * storage, another node, destinations.
 *
 * Senders are told 452 or 451 in bounded time, never 250 for what is not safe; the server recovers by itself; what was
 * promised comes, once.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/ports/log.ts';
import { type PrivateServer, privateServerUrl, startPrivateServer } from '../../src/state/private-server.ts';
import { type Gateway, type GatewayOptions, listener, startGateway } from '../fixture/gateway.ts';
import { type Capture, startCapture } from '../peers/capture.ts';
import { until } from '../peers/command.ts';
import { findProgram, whyMissing } from '../peers/packages.ts';
import { freePort } from '../peers/postfix.ts';
import { unrun } from '../peers/unrun.ts';
import { credentials, startS3, type TestS3 } from '../state/s3-server.ts';
import { open } from '../state/server-process.ts';
import type { Kill } from '../torture/ledger.ts';
import { type Disk, smallDisk } from './outage-disk.ts';
import { account, type Mail, type MailOptions, type Place, startMail, tally } from './outage-mail.ts';
import { listenForNotices, type NotifyListener } from './outage-notify.ts';
import {
  type SilentServer,
  type SlowServer,
  silences,
  startSilentServer,
  startSlowServer,
} from './outage-silence.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) unrun('outages of disks', 'only root may mount small file systems');

const ada = 'ada@example.org';
const bob = 'bob@example.org';
const people = `address,kind,home
${ada},user,one
${bob},user,two
`;

/** How long the slow peer thinks about a message, milliseconds. */
const slowness = 3_000;

const large = 200_000;
/** Every fourth is too large for a row of the database. */
const mixed = (number: number) => (number % 4 === 0 ? large : 3_000);

interface Parts {
  readonly folder: string;
  readonly port: number;
  readonly one: Capture;
  readonly two: Capture;
  readonly slow: SlowServer;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly sites?: Readonly<Record<string, unknown>>;
  readonly domains?: readonly object[];
}

const config = (parts: Parts): GatewayOptions['config'] => ({
  listeners: [listener('mx', parts.port)],
  directory: {
    sources: [{ name: 'staff', kind: 'csv', file: join(parts.folder, 'staff.csv') }],
    refreshEvery: '1s',
  },
  domains: [
    { name: 'example.org', type: 'authoritative' },
    { name: 'slow.test', type: 'internalRelay', site: 'slow' },
    ...(parts.domains ?? []),
  ],
  sites: {
    one: { nextHops: [{ host: '127.0.0.1', port: parts.one.port }], tls: 'none' },
    two: { nextHops: [{ host: '127.0.0.1', port: parts.two.port }], tls: 'none' },
    slow: { nextHops: [{ host: '127.0.0.1', port: parts.slow.port }], tls: 'none' },
    ...parts.sites,
  },
  queue: { concurrency: { downFirst: '1s', downMax: '1s' }, retry: ['1s'] },
  shutdownGrace: '5s',
  ...parts.more,
});

function staffFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-outage-'));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'staff.csv'), people);
  return folder;
}

const metric = async (gateway: Gateway, name: string): Promise<number | undefined> => {
  const signal = AbortSignal.timeout(5_000);
  const answer = await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`, { signal });
  const line = (await answer.text()).split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length));
};

const directoryRead = (gateway: Gateway) =>
  until(
    'the directory to be read',
    async () => (await metric(gateway, 'isthmus_directory_entries{source="staff"}').catch(() => 0)) === 2,
  );

/** Every promise is kept, once; a kill may explain a second copy. */
async function balanced(
  gateway: Gateway,
  mails: readonly Mail[],
  places: readonly Place[],
  kills: readonly Kill[] = [],
): Promise<void> {
  const empty = async () => (await metric(gateway, 'isthmus_queue_messages').catch(() => undefined)) === 0;
  let books = account(mails, places, kills);
  const kept = async () => {
    books = account(mails, places, kills);
    return books.lost.length === 0 && (await empty());
  };
  await until('every promise to be kept and the queue to be empty', kept, 60_000, 100).catch(() => {});
  books = account(mails, places, kills);
  const story = `${mails.map(tally).join('\n')}\n${JSON.stringify(books, undefined, 1).slice(0, 3_000)}\n${gateway.tail()}`;
  process.stderr.write(
    `${expect.getState().currentTestName}: ${mails.map(tally).join(' / ')}; duplicates ${books.duplicates}, unpromised ${books.unpromised}\n`,
  );
  expect(await empty(), story).toBe(true);
  expect(books.promises, story).toBeGreaterThan(0);
  expect(books.lost, story).toEqual([]);
  expect(books.unexplained, story).toEqual([]);
  expect(books.strangers, story).toEqual([]);
}

/** Only these answers, besides 250. A connection that breaks is none. */
function answeredOnly(mail: Mail, codes: readonly number[]): void {
  const others = mail.refused().filter(({ code }) => !codes.includes(code));
  expect(others.slice(0, 5), tally(mail)).toEqual([]);
}

const refusals = (mail: Mail, count: number, within = 30_000) => {
  const from = Date.now();
  return until(`${count} refusals`, () => mail.refused(from).length >= count, within);
};
const promises = (mail: Mail, count: number, within = 60_000) => {
  const from = Date.now();
  return until(`${count} promises`, () => mail.promised(from).length >= count, within);
};

const flowing: Mail[] = [];
afterEach(async () => {
  await Promise.all(flowing.splice(0).map((mail) => mail.stop()));
});

function flow(options: MailOptions): Mail {
  const mail = startMail(options);
  flowing.push(mail);
  return mail;
}

describe('a node with a database of its own', { timeout: 120_000 }, () => {
  let folder = '';
  let disk: Disk | undefined;
  let bodies: Disk | undefined;
  let one: Capture;
  let two: Capture;
  let gateway: Gateway;
  let port = 0;
  let notices: NotifyListener;
  let withoutNotices: string | undefined;
  let silent: SilentServer[] = [];
  let slow: SlowServer;
  let dataFolder = '';

  const send = (label: string, more: Partial<MailOptions> = {}): Mail => {
    const mail = flow({ ports: [port], label, sessions: 6, rate: 60, to: [ada, bob], ...more });
    sent.push(mail);
    return mail;
  };
  const sent: Mail[] = [];
  const captures = () => [one, two];
  const said = (text: string) => gateway.lines().filter(({ msg }) => msg === text).length;
  const database = () => gateway.victims().filter(({ kind }) => kind.startsWith('database'));

  beforeAll(async () => {
    folder = staffFolder();
    if (isRoot) {
      disk = smallDisk(300);
      bodies = smallDisk(64);
    }
    dataFolder = join(disk?.folder ?? folder, 'data');
    const absent = await whyMissing(['python3', 'systemd']);
    withoutNotices = absent.size === 0 ? undefined : [...absent].map((each) => each.join(': ')).join('; ');
    notices = await listenForNotices(folder, withoutNotices ? undefined : findProgram('python3'));
    silent = await Promise.all(silences.map(startSilentServer));
    [one, two, slow, port] = await Promise.all([
      startCapture(),
      startCapture(),
      startSlowServer(slowness),
      freePort(),
    ]);
    gateway = await startGateway({
      env: { NOTIFY_SOCKET: notices.path },
      config: config({
        folder,
        port,
        one,
        two,
        slow,
        sites: Object.fromEntries(
          silences.map((name, index) => [
            `silent-${name.toLowerCase()}`,
            { nextHops: [{ host: '127.0.0.1', port: silent[index]?.port }], tls: 'none' },
          ]),
        ),
        domains: silences.map((name) => ({
          name: `${name.toLowerCase()}.silent.test`,
          type: 'internalRelay',
          site: `silent-${name.toLowerCase()}`,
        })),
        more: {
          data: dataFolder,
          blobs: { kind: 'files', folder: join(bodies?.folder ?? folder, 'blobs') },
          database: {
            statementTimeout: '4s',
            connectTimeout: '4s',
            private: { sharedBuffers: '32MB', maxWalSize: '128MB' },
          },
        },
      }),
    });
    await directoryRead(gateway);
  });
  afterAll(async () => {
    await gateway?.remove();
    await Promise.all([one, two, slow, ...silent].map((each) => each?.close()));
    notices?.close();
    disk?.remove();
    bodies?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  afterEach(() => {
    bodies?.writable();
    for (const each of [disk, bodies]) each?.free();
  });

  test.runIf(isRoot)('the disk of the database is full: 452 or 451, and it recovers by itself', async () => {
    const mail = send('full', { rate: 100, size: () => 40_000 });
    await promises(mail, 20);
    disk?.fill(100_000);
    await refusals(mail, 20);
    disk?.free();
    await promises(mail, 20);
    await mail.stop();
    answeredOnly(mail, [451, 452]);
    expect(
      mail.refused().some(({ code }) => code === 452),
      tally(mail),
    ).toBe(true);
    await balanced(gateway, [mail], captures());
  });

  test.runIf(isRoot)(
    'no space for the log of the database, which ends itself: 451, and back again',
    async () => {
      const mail = send('panic');
      await promises(mail, 20);
      const restartsBefore = said('PostgreSQL ended unexpectedly; starting it again');
      disk?.fill();
      await refusals(mail, 1);
      const operator = await open(privateServerUrl(dataFolder));
      // Somebody writes a lot: what was laid out for the log in advance is used up.
      const hog = "select pg_logical_emit_message(false, 'hog', repeat('x', 20000000)), pg_switch_wal()";
      await until(
        'PostgreSQL to end',
        async () => {
          await operator.query(hog).catch(() => {});
          disk?.fill();
          return said('PostgreSQL ended unexpectedly; starting it again') > restartsBefore;
        },
        30_000,
      );
      await operator.close();
      await refusals(mail, 20);
      disk?.free();
      await promises(mail, 20);
      await mail.stop();
      answeredOnly(mail, [451, 452]);
      expect(gateway.lines().some(({ said: words }) => String(words).startsWith('PANIC'))).toBe(true);
      await balanced(gateway, [mail], captures());
    },
  );

  test.runIf(isRoot)('the disk of large bodies is full, then read-only: 452 for them alone', async () => {
    const mail = send('bodies', { size: mixed });
    await promises(mail, 20);
    const known = Date.now();
    for (const [hurt, heal] of [
      [() => bodies?.fill(50_000), () => bodies?.free()],
      [() => bodies?.readOnly(), () => bodies?.writable()],
    ] as const) {
      await hurt();
      await sleep(200);
      const from = Date.now();
      await refusals(mail, 5);
      await promises(mail, 10);
      const during = mail.promised(from + 300).filter(({ size }) => size === large);
      expect(during).toEqual([]);
      await heal();
      const again = Date.now();
      await until('a large one to be taken', () => mail.promised(again).some(({ size }) => size === large));
    }
    await mail.stop();
    answeredOnly(mail, [451, 452]);
    const small = mail.refused(known).filter(({ size }) => size !== large);
    expect(small).toEqual([]);
    await balanced(gateway, [mail], captures());
  });

  test('kill -9 of the database: it is started again, sessions live on', async () => {
    const mail = send('killed');
    await promises(mail, 30);
    for (let round = 0; round < 2; round += 1) {
      const postmaster = database().find(({ kind }) => kind === 'database');
      process.kill(postmaster?.pid ?? 0, 'SIGKILL');
      await until('another database', () =>
        database().some(({ kind, pid }) => kind === 'database' && pid !== postmaster?.pid),
      );
      await promises(mail, 30);
    }
    await mail.stop();
    answeredOnly(mail, [451]);
    await balanced(gateway, [mail], captures());
  });

  test('the database hangs for 22 s: 451 in bounded time, no session hangs, nothing is lost or doubled', async () => {
    const mail = send('hung', { sessions: 20 });
    await promises(mail, 30);
    const pondered = send('thought', { rate: 0, total: 5, to: ['someone@slow.test'] });
    await pondered.done;
    const stopped = database();
    for (const { pid } of stopped) process.kill(pid, 'SIGSTOP');
    const from = Date.now();
    try {
      const [health, command] = await Promise.all([
        fetch(`http://127.0.0.1:${gateway.adminPort}/healthz`, { signal: AbortSignal.timeout(20_000) }),
        gateway.isthmus('queue', 'summary'),
      ]);
      expect(health.status).toBe(503);
      expect(await health.text()).toContain('does not answer');
      expect(command.code, command.stderr).toBe(75);
      await sleep(from + 22_000 - Date.now());
    } finally {
      for (const { pid } of database()) process.kill(pid, 'SIGCONT');
    }
    const until22 = Date.now();
    expect(mail.refused(from).length, tally(mail)).toBeGreaterThan(20);
    expect(mail.promised(from + 500).filter(({ at }) => at < until22)).toEqual([]);
    await promises(mail, 30);
    await mail.stop();
    answeredOnly(mail, [451]);
    // Statement and connection have 4 s each, and so has the answer's slack.
    expect(Math.max(...mail.attempts.map(({ tookMs }) => tookMs)), tally(mail)).toBeLessThan(20_000);
    await balanced(gateway, [mail, pondered], [...captures(), slow]);
  });

  test('destinations that hang at each point of the conversation keep no other mail waiting', async () => {
    const before = one.taken.length + two.taken.length;
    const stuck = silences.map((name) =>
      send(`stuck-${name}`, {
        sessions: 1,
        rate: 0,
        total: name === 'content' ? 2 : 20,
        size: () => (name === 'content' ? 12_000_000 : 2_000),
        to: [`someone@${name.toLowerCase()}.silent.test`],
      }),
    );
    await Promise.all(stuck.map(({ done }) => done));
    for (const mail of stuck) expect(mail.refused(), tally(mail)).toEqual([]);
    await until('all of them to hang', () => silent.every((server) => server.caught() > 0));
    const mail = send('others', { rate: 0, total: 100 });
    await mail.done;
    await until('other mail to pass', () => one.taken.length + two.taken.length >= before + 100, 15_000);
    expect(mail.promised()).toHaveLength(100);

    // The silent ones end, and a server that talks takes their place.
    const ports = silent.map((server) => server.port);
    await Promise.all(silent.map((server) => server.close()));
    const talking = await Promise.all(ports.map((each) => startCapture({ port: each, keepContent: false })));
    try {
      await balanced(gateway, [...stuck, mail], [...captures(), ...talking]);
    } finally {
      await Promise.all(talking.map((capture) => capture.close()));
    }
  });

  test('no role ended because something was away, and each promise was counted once', async () => {
    expect(gateway.lines().filter(({ msg }) => msg.includes('role ended unexpectedly'))).toEqual([]);
    const promised = sent.reduce((sum, mail) => sum + mail.promised().length, 0);
    expect(await metric(gateway, 'isthmus_messages_accepted_total{listener="mx"}')).toBe(promised);
  });

  test('systemd is told when it is ready and when it stops', async ({ skip }) => {
    if (withoutNotices !== undefined) {
      unrun('systemd notify', withoutNotices);
      skip(withoutNotices);
    }
    // systemd-notify itself adds the process that it speaks for, and barriers.
    const told = () => notices.heard.filter((text) => !text.startsWith('BARRIER'));
    expect(told()).toEqual([expect.stringMatching(/(^|\s)READY=1$/)]);
    await gateway.stop();
    expect(told().slice(1)).toEqual([expect.stringMatching(/(^|\s)STOPPING=1$/)]);
  });
});

describe('two nodes on one database and one object storage', { timeout: 120_000 }, () => {
  let folder = '';
  let databaseFolder = '';
  let one: Capture;
  let two: Capture;
  let slow: SlowServer;
  let s3: TestS3;
  let server: PrivateServer;
  const nodes: Gateway[] = [];
  const ports: number[] = [];

  const send = (label: string, more: Partial<MailOptions> = {}): Mail =>
    flow({ ports, label, sessions: 6, rate: 60, to: [ada, bob], size: mixed, ...more });
  const captures = () => [one, two];
  const startServer = () => startPrivateServer({ dataDir: databaseFolder, log: silentLog });

  beforeAll(async () => {
    folder = staffFolder();
    databaseFolder = join(folder, 'database');
    [one, two, slow, s3, server] = await Promise.all([
      startCapture(),
      startCapture(),
      startSlowServer(slowness),
      startS3(),
      startServer(),
    ]);
    const node = async (name: string) => {
      const port = await freePort();
      ports.push(port);
      const more = {
        hostname: `${name}.gateway.test`,
        // In the south mail goes the long way: receive writes it down, queue claims it.
        run: { deliverAtOnce: name === 'north' },
        database: { url: server.url, statementTimeout: '5s', connectTimeout: '5s' },
        blobs: { kind: 's3', endpoint: s3.endpoint, bucket: s3.bucket, requestTimeout: '1s', ...credentials },
      };
      nodes.push(await startGateway({ config: config({ folder, port, one, two, slow, more }) }));
    };
    await node('north');
    await node('south');
    await directoryRead(nodes[0]!);
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.remove()));
    await server?.stop();
    await Promise.all([one, two, slow, s3].map((each) => each?.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  test('the database is restarted while mail flows, and while peers think about what they were sent', async () => {
    const mail = send('restarted');
    await promises(mail, 30);
    const pondered = send('pondered', { rate: 0, total: 12, to: ['someone@slow.test'], size: () => 3_000 });
    await pondered.done;
    await until('all of it to be sent', () => slow.taken.length >= 10);
    const from = Date.now();
    await server.stop();
    await refusals(mail, 10);
    // A role that has to start meanwhile is started until it can.
    const receive = nodes[1]?.victims().find(({ kind }) => kind === 'receive');
    process.kill(receive?.pid ?? 0, 'SIGKILL');
    // Until peers have answered, and nobody could write it down.
    await sleep(from + slowness + 500 - Date.now());
    server = await startServer();
    const again = Date.now();
    const back = (port: number | undefined) =>
      mail.promised(again).filter((attempt) => attempt.port === port).length >= 10;
    await until('both nodes to take mail again', () => ports.every(back), 60_000);
    await mail.stop();
    answeredOnly(mail, [0, 451]);
    expect(mail.refused().filter((attempt) => attempt.code === 0 && attempt.port === ports[0])).toEqual([]);
    await balanced(nodes[0]!, [mail, pondered], [...captures(), slow]);
  });

  test('kill -9 of the database just after deliveries were claimed: none is made twice', async () => {
    const before = slow.taken.length;
    const mail = send('claimed', {
      ports: ports.slice(1),
      rate: 0,
      total: 5,
      to: ['someone@slow.test'],
      size: () => 3_000,
    });
    await until('some to be sent', () => slow.taken.length > before, 20_000, 5);
    process.kill(server.pid ?? 0, 'SIGKILL');
    await mail.done;
    await balanced(nodes[0]!, [mail], [slow]);
  });

  test('the object storage is away: 451 for large mail, small mail passes, and it comes back', async () => {
    const mail = send('storage');
    await promises(mail, 20);
    let calls = 0;
    s3.interfere = (_req, res) => {
      calls += 1;
      // By turns it cuts the connection, refuses, and says nothing at all.
      if (calls % 3 === 0) res.destroy();
      else if (calls % 3 === 1) res.writeHead(503).end('<Error><Code>SlowDown</Code></Error>');
      return true;
    };
    const from = Date.now();
    await refusals(mail, 5);
    await promises(mail, 20);
    const during = mail.promised(from + 300).filter(({ size }) => size === large);
    expect(during).toEqual([]);
    s3.interfere = () => false;
    const again = Date.now();
    await until('a large one to be taken', () => mail.promised(again).some(({ size }) => size === large));
    await mail.stop();
    answeredOnly(mail, [451]);
    expect(mail.refused().filter(({ size }) => size !== large)).toEqual([]);
    await balanced(nodes[0]!, [mail], captures());
  });

  test('2,000 messages, one node killed in the middle and left dead: the other delivers everything', async () => {
    const mail = send('dead', {
      rate: 0,
      total: 2_000,
      sessions: 8,
      size: (n) => (n % 20 === 0 ? large : 3_000),
    });
    await until('half of them', () => mail.attempts.length >= 1_000, 60_000);
    const kills: Kill[] = (nodes[1]?.victims() ?? []).map(({ kind, pid }) => {
      process.kill(pid, 'SIGKILL');
      return { at: Date.now(), kind, pid };
    });
    expect(kills.length).toBeGreaterThanOrEqual(4);
    await mail.done;
    answeredOnly(mail, [0]);
    expect(mail.promised().length).toBeGreaterThan(1_500);
    await balanced(nodes[0]!, [mail], captures(), kills);
  });
});
