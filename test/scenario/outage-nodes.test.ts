/**
 * scenario/outage-nodes - what nodes share goes away and comes back while mail flows: the database, the object
 * storage, the other node.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/ports/log.ts';
import { type PrivateServer, startPrivateServer } from '../../src/state/private-server.ts';
import { type Gateway, startGateway } from '../fixture/gateway.ts';
import { type Capture, startCapture } from '../peers/capture.ts';
import { until } from '../peers/command.ts';
import { freePort } from '../peers/postfix.ts';
import { credentials, startS3, type TestS3 } from '../state/s3-server.ts';
import type { Kill } from '../torture/ledger.ts';
import {
  ada,
  answeredOnly,
  balanced,
  bob,
  config,
  directoryRead,
  flow,
  large,
  mixed,
  promises,
  refusals,
  slowness,
  staffFolder,
  stopAll,
} from './outage-ground.ts';
import type { Mail, MailOptions } from './outage-mail.ts';
import { type SlowServer, startSlowServer } from './outage-silence.ts';

afterEach(stopAll);

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
    // What is sent to the dead node fails at once, so the rest of the 2,000 is soon used up; the other one goes on taking mail.
    const after = Math.max(...kills.map(({ at }) => at));
    expect(mail.promised(after).length).toBeGreaterThan(100);
    await balanced(nodes[0]!, [mail], captures(), kills);
  });
});
