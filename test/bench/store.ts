/**
 * bench/store - stage and append, as a delivery does, through a real PostgreSQL with durable settings. Says messages a
 * second and what they cost in processor time.
 *
 *   node test/bench/store.ts [--messages=10000] [--sessions=20] [--mailboxes=100] [--size=10240] [--alone] [--same]
 *
 * --alone: each append has a commit of its own. --same: all stage the same octets.
 */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { silentLog } from '../../src/ports/log.ts';
import { openDatabase } from '../../src/state/database.ts';
import { startPrivateServer } from '../../src/state/private-server.ts';
import { runSteps } from '../../src/state/steps.ts';
import { type Messages, openMessages } from '../../src/store/open-messages.ts';
import { MemoryBlobs } from '../store/memory-blobs.ts';
import { letter, newAccount, newMailbox } from '../store/messages-setting.ts';

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    sessions: { type: 'string', default: '20' },
    mailboxes: { type: 'string', default: '100' },
    size: { type: 'string', default: '10240' },
    alone: { type: 'boolean', default: false },
    same: { type: 'boolean', default: false },
  },
});
const messages = Number(options.messages);
const sessions = Number(options.sessions);
const never = new AbortController().signal;

const folder = mkdtempSync(join(tmpdir(), 'bench-store-'));
chmodSync(folder, 0o711);
const server = await startPrivateServer({ dataDir: folder, log: silentLog });
try {
  const database = await openDatabase({
    url: server.url,
    maxConnections: 24,
    statementTimeoutMs: 30_000,
    connectTimeoutMs: 10_000,
    applicationName: 'bench',
    log: silentLog,
  });
  await runSteps(database, silentLog);
  const store = openMessages({
    database,
    blobs: new MemoryBlobs(() => new Date()),
    limits: options.alone ? { appendsTogether: 1, commitsAtOnce: sessions } : {},
    now: () => new Date(),
    log: silentLog,
  });
  const mailboxes: number[] = [];
  for (let i = 0; i < Number(options.mailboxes); i++)
    mailboxes.push(await newMailbox(database, await newAccount(database), 'INBOX'));
  await round(store, mailboxes, Math.min(1000, messages), 'warm');
  const before = { mine: process.cpuUsage(), postgres: postgresSeconds(server.pid ?? 0) };
  const start = performance.now();
  await round(store, mailboxes, messages, 'run');
  const seconds = (performance.now() - start) / 1000;
  const mine = process.cpuUsage(before.mine);
  const postgres = postgresSeconds(server.pid ?? 0) - before.postgres;
  const each = (cpu: number): number => Math.round((cpu / messages) * 1e6);
  console.log({
    messages,
    sessions,
    shared: !options.alone,
    perSecond: Math.round(messages / seconds),
    microseconds: { store: each((mine.user + mine.system) / 1e6), postgres: each(postgres) },
  });
  await store.close();
  await database.close();
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function round(store: Messages, mailboxes: readonly number[], count: number, name: string) {
  let next = 0;
  const text = 'All work and no play makes Jack a dull boy.\r\n'.repeat(Number(options.size) / 45);
  const session = async (): Promise<void> => {
    while (next < count) {
      const number = next++;
      const octets = letter(
        options.same ? name : `${name} ${number}`,
        [`Message-ID: <${name}.${number}@x>`],
        text,
      );
      async function* content(): AsyncGenerator<Uint8Array> {
        yield octets;
      }
      const { body } = await store.stage(content(), 1e8, never);
      const mailbox = mailboxes[number % mailboxes.length]!;
      await store.append([{ mailbox, body, flags: { system: 0, keywords: [] } }]);
    }
  };
  await Promise.all(Array.from({ length: sessions }, session));
}

/** Processor time of the server's processes so far. */
function postgresSeconds(parent: number): number {
  let ticks = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(name) === parent)
        ticks += Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14]);
      else if (Number(fields[1]) === parent) ticks += Number(fields[11]) + Number(fields[12]);
    } catch {}
  }
  return ticks / 100;
}
