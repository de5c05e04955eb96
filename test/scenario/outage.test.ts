/**
 * scenario/outage - what a node stands on goes away and comes back while mail flows: its disks, its database, its
 * destinations. outage-nodes.test.ts does the same to what nodes share.
 *
 * Senders are told 452 or 451 in bounded time, never 250 for what is not safe; the server recovers by itself; what was
 * promised comes, once.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { privateServerUrl } from '../../src/state/private-server.ts';
import { type Gateway, startGateway } from '../fixture/gateway.ts';
import { type Capture, startCapture } from '../peers/capture.ts';
import { until } from '../peers/command.ts';
import { findProgram, whyMissing } from '../peers/packages.ts';
import { freePort } from '../peers/postfix.ts';
import { unrun } from '../peers/unrun.ts';
import { open } from '../state/server-process.ts';
import { type Disk, smallDisk } from './outage-disk.ts';
import {
  ada,
  answeredOnly,
  balanced,
  bob,
  config,
  directoryRead,
  flow,
  large,
  metric,
  mixed,
  promises,
  refusals,
  slowness,
  staffFolder,
  stopAll,
} from './outage-ground.ts';
import { type Mail, type MailOptions, tally } from './outage-mail.ts';
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

const absent = await whyMissing(['python3', 'systemd']);
const withoutNotices = absent.size === 0 ? undefined : [...absent].map((each) => each.join(': ')).join('; ');

afterEach(stopAll);

describe('a node with a database of its own', { timeout: 120_000 }, () => {
  let folder = '';
  let disk: Disk | undefined;
  let bodies: Disk | undefined;
  let one: Capture;
  let two: Capture;
  let gateway: Gateway;
  let port = 0;
  let notices: NotifyListener;
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
