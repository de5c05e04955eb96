/**
 * What was acknowledged is there, byte for byte, whoever is killed: the process that writes, or the database.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/ports/database.ts';
import { silentLog } from '../../src/ports/log.ts';
import { openDatabase } from '../../src/state/database.ts';
import { openFileBlobs } from '../../src/state/file-blobs.ts';
import { type PrivateServer, startPrivateServer } from '../../src/state/private-server.ts';
import { runSteps } from '../../src/state/steps.ts';
import { type Messages, openMessages } from '../../src/store/open-messages.ts';
import { doomedKeys, doomedLimits, messageNamed } from './doomed-writer.ts';
import { allRows, contradictions, newAccount, newMailbox, read } from './messages-setting.ts';

let folder: string;
let server: PrivateServer;
let database: Database;
let messages: Messages;
let boxes: number[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'store-survive-'));
  chmodSync(folder, 0o711);
  server = await startPrivateServer({ dataDir: folder, log: silentLog });
  database = await openDatabase({
    url: server.url,
    maxConnections: 4,
    statementTimeoutMs: 30_000,
    connectTimeoutMs: 10_000,
    applicationName: 'test',
    log: silentLog,
  });
  await runSteps(database, silentLog);
  const now = (): Date => new Date();
  const blobs = await openFileBlobs({ folder: join(folder, 'blobs'), now, log: silentLog });
  messages = openMessages({
    ...{ database, blobs, now, log: silentLog },
    ...{ compress: true, keys: doomedKeys, limits: doomedLimits },
  });
  const account = await newAccount(database);
  boxes = [];
  for (let i = 0; i < 5; i++) boxes.push(await newMailbox(database, account));
});
afterAll(async () => {
  await database?.close();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Of each round, before anybody is killed. */
const leastPromised = 10;

interface Promised {
  readonly mailbox: number;
  readonly uid: number;
  readonly name: string;
}

/** Writes until killed; what it said before. */
async function doomed(round: number, killed: (child: ChildProcess) => Promise<void>): Promise<Promised[]> {
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, 'doomed-writer.ts'),
      server.url,
      join(folder, 'blobs'),
      `${round}`,
      ...boxes.map(String),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  const ready = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.split('\n').length > leastPromised + 1) ready.resolve();
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('close', (_, signal) => resolve(signal)),
  );
  await Promise.race([ready.promise, ended]);
  await killed(child);
  child.kill('SIGKILL');
  // It ended by us, not by an error of its own.
  expect(await ended).toBe('SIGKILL');
  const lines = said.slice(0, said.lastIndexOf('\n') + 1).split('\n');
  return lines.flatMap((line) => {
    const [mailbox, uid, name] = line.split(' ');
    return name === undefined ? [] : [{ mailbox: Number(mailbox), uid: Number(uid), name }];
  });
}

async function whenBack(): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    try {
      await database.query('select 1', []);
      return;
    } catch {
      await sleep(100);
    }
  }
  throw new Error('the database did not come back');
}

/** What the mailboxes hold now against what was promised so far. */
async function check(promised: readonly Promised[], alreadyRead: Set<string>): Promise<void> {
  expect(await contradictions(database)).toEqual([]);
  const names = new Map<string, number>();
  for (const mailbox of boxes.slice(0, -2)) {
    const rows = new Map((await allRows(messages, mailbox)).map((row) => [row.uid, row]));
    for (const { uid, name } of promised.filter((one) => one.mailbox === mailbox)) {
      const row = rows.get(uid);
      expect(row, `${name} was promised as UID ${uid} of ${mailbox}`).toBeDefined();
      names.set(name, (names.get(name) ?? 0) + 1);
      if (alreadyRead.has(name)) continue;
      expect((await read(messages, row!.body)).equals(messageNamed(name)), name).toBe(true);
      alreadyRead.add(name);
    }
  }
  expect([...names.values()].every((times) => times === 1)).toBe(true);
  for (const session of Map.groupBy(
    promised,
    ({ mailbox, name }) => `${mailbox} ${name.replace(/\.\d+$/, '')}`,
  ).values()) {
    const uids = session.map(({ uid }) => uid);
    expect(uids).toEqual(uids.toSorted((a, b) => a - b));
  }
}

test('nothing that was acknowledged is lost, whoever is killed', { timeout: 240_000 }, async () => {
  const promised: Promised[] = [];
  const alreadyRead = new Set<string>();
  const soon = (): Promise<unknown> => sleep(300 + Math.random() * 1200);
  for (const [round, who] of ['writer', 'database', 'writer', 'server', 'database', 'writer'].entries()) {
    promised.push(
      ...(await doomed(round, async () => {
        await soon();
        if (who === 'writer') return;
        // SIGQUIT: no last words on the disk. SIGKILL: nothing at all.
        process.kill(server.pid!, who === 'server' ? 'SIGKILL' : 'SIGQUIT');
        await whenBack();
        await soon();
      })),
    );
    await whenBack();
    // Statements of the killed end with their connections.
    await sleep(200);
    await check(promised, alreadyRead);
  }
  expect(promised.length).toBeGreaterThanOrEqual(6 * leastPromised);
});
