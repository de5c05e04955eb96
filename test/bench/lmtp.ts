/**
 * bench/lmtp - `npm run bench:lmtp`: messages into mailboxes by LMTP; Isthmus and Dovecot in the same run on the same
 * disk, with the same client.
 *
 * smtp-source(1) delivers 10 KB messages over kept sessions, spread over some mailboxes; the time is from the first
 * connection to the last 250. Rounds alternate, medians are compared. Both are durable: Dovecot as Debian ships it
 * (Maildir, or sdbox), Isthmus by the commit of its database.
 *
 *   --messages N   of each round (4000)       --rounds N   of each system (3)
 *   --sessions N   kept open (20)             --users N    mailboxes (4)
 *   --size N       octets (10240)             --format F   of Dovecot's mailboxes: maildir (its default there), sdbox
 *   --sieve        with a script for everybody, which files some mail and keeps this
 *   --receive N    processes of Isthmus that take mail in (2)
 *   --only NAME    isthmus or dovecot         --json       one JSON line at the end
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { listener, startGateway } from '../fixture/gateway.ts';
import { familyOf } from '../fixture/system.ts';
import { must } from '../peers/command.ts';
import { dovecotPackages, startDovecot } from '../peers/dovecot.ts';
import { needPackages, program } from '../peers/packages.ts';
import { freePort } from '../peers/postfix.ts';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '4000' },
    rounds: { type: 'string', default: '3' },
    sessions: { type: 'string', default: '20' },
    users: { type: 'string', default: '4' },
    size: { type: 'string', default: '10240' },
    format: { type: 'string', default: 'maildir' },
    receive: { type: 'string', default: '2' },
    sieve: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const [messages, count, sessions, users, size, receive] = (
  ['messages', 'rounds', 'sessions', 'users', 'size', 'receive'] as const
).map((name) => Number(values[name])) as [number, number, number, number, number, number];

const domain = 'bench.test';
const people = Array.from({ length: users }, (_, n) => `person${n + 1}@${domain}`);
const script = `require ["fileinto", "mailbox"];
if header :contains "X-Spam-Flag" "YES" { fileinto :create "Junk"; stop; }
if anyof (header :contains "List-Id" "announce", header :contains "Subject" "[announce]") { fileinto :create "Lists"; stop; }
`;

const progress = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

interface Store {
  readonly name: 'isthmus' | 'dovecot';
  readonly port: number;
  /** Its processes, the database too. */
  pids(): readonly number[];
  /** Messages in all inboxes. */
  held(): Promise<number>;
  remove(): Promise<void>;
}

async function isthmus(): Promise<Store> {
  const port = await freePort();
  const lmtp = listener('lmtp', port, {
    protocol: 'lmtp',
    deliver: 'local',
    limits: { connectionsPerNetwork: 0, connectionsPerMinute: 0 },
  });
  const config = {
    run: { roles: { receive } },
    log: { level: 'warn', format: 'json' },
    domains: [{ name: domain }],
    sites: { local: { nextHops: [{ protocol: 'local' }] } },
    homes: { default: 'local' },
    directory: { sources: [{ kind: 'accounts', name: 'here', home: 'local' }], precedence: ['here'] },
    listeners: [lmtp],
  };
  // Readiness is told at level info.
  const gateway = await startGateway({ config: { ...config, log: { level: 'info', format: 'json' } } });
  if (values.sieve) {
    const file = join(gateway.folder, 'all.sieve');
    writeFileSync(file, script);
    gateway.configure({
      ...config,
      log: { level: 'info', format: 'json' },
      local: { sieve: { before: [file] } },
    });
    await gateway.stop();
    await gateway.start();
  }
  for (const name of people) await gateway.isthmus('account', 'create', name);
  const refreshed = await gateway.isthmus('directory', 'refresh');
  if (refreshed.code !== 0) throw new Error(refreshed.stderr);
  return {
    name: 'isthmus',
    port,
    async held() {
      const accounts = await gateway.json<readonly { usage: { messages: number } }[]>('account', 'list');
      return accounts.reduce((sum, { usage }) => sum + usage.messages, 0);
    },
    pids: () => gateway.victims().map(({ pid }) => pid),
    remove: () => gateway.remove(),
  };
}

async function dovecot(): Promise<Store> {
  const format = values.format === 'sdbox' ? 'sdbox' : 'maildir';
  const server = await startDovecot({ format, ...(values.sieve ? { sieve: script } : {}) });
  const doveadm = program('doveadm');
  return {
    name: 'dovecot',
    port: server.lmtpPort,
    async held() {
      let sum = 0;
      for (const name of people) {
        const args = [
          '-c',
          join(server.folder, 'dovecot.conf'),
          'mailbox',
          'status',
          '-u',
          name,
          'messages',
          'INBOX',
        ];
        sum += Number(/messages=(\d+)/.exec((await must(doveadm, args)).stdout)?.[1] ?? Number.NaN);
      }
      return sum;
    },
    pids: () => familyOf(server.pid).map(({ pid }) => pid),
    remove: () => server.remove(),
  };
}

/** Milliseconds of processor time, of children that ended too. Hundredths of a second are what the kernel counts. */
function processorTime(pids: readonly number[]): number {
  let sum = 0;
  for (const pid of pids) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
      for (const at of [11, 12, 13, 14]) sum += Number(fields[at]) * 10;
    } catch {
      // It has ended meanwhile; its parent has its time.
    }
  }
  return sum;
}

/** Messages a second. */
async function round(store: Store, total: number): Promise<number> {
  const began = performance.now();
  const each = Math.ceil(total / users);
  await Promise.all(
    people.map((name) =>
      must(
        program('smtp-source'),
        [
          ...['-L', '-d', '-s', String(Math.max(1, Math.floor(sessions / users)))],
          ...['-m', String(each), '-l', String(size), '-M', 'source.test'],
          ...['-f', 'bench@source.test', '-t', name, `inet:127.0.0.1:${store.port}`],
        ],
        { within: 600_000 },
      ),
    ),
  );
  return (each * users * 1_000) / (performance.now() - began);
}

const median = (all: readonly number[]): number =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;

if (!(await needPackages(['postfix', ...dovecotPackages]))) {
  progress('bench:lmtp needs Debian packages postfix (smtp-source) and dovecot-*; they are not here');
  process.exit(1);
}
const stores: Store[] = [];
const figures = new Map<string, number[]>();
/** Milliseconds of processor time for a message: says more than the rate where others use the machine too. */
const costs: Record<string, number> = {};
try {
  for (const [name, start] of [
    ['dovecot', dovecot],
    ['isthmus', isthmus],
  ] as const) {
    if (values.only !== undefined && values.only !== name) continue;
    progress(`${name} starts`);
    const store = await start();
    stores.push(store);
    await round(store, Math.max(sessions, Math.floor(messages / 4)));
  }
  const before = await Promise.all(stores.map((store) => store.held()));
  const busy = new Map<string, number>();
  for (let at = 1; at <= count; at += 1) {
    for (const store of stores) {
      const since = processorTime(store.pids());
      const rate = await round(store, messages);
      busy.set(store.name, (busy.get(store.name) ?? 0) + processorTime(store.pids()) - since);
      figures.set(store.name, [...(figures.get(store.name) ?? []), rate]);
      progress(`  round ${at} ${store.name}: ${Math.round(rate)}/s`);
    }
  }
  const expected = Math.ceil(messages / users) * users * count;
  for (const [name, time] of busy) costs[name] = time / expected;
  for (const [at, store] of stores.entries()) {
    const came = (await store.held()) - (before[at] ?? 0);
    if (came !== expected) throw new Error(`${store.name} holds ${came} messages of ${expected}`);
  }
} finally {
  for (const store of stores) await store.remove();
}
const rates = Object.fromEntries([...figures].map(([name, all]) => [name, median(all)]));
process.stdout.write(
  `${size} octets by LMTP, ${sessions} kept sessions, ${users} mailboxes${values.sieve ? ', a script for everybody' : ''}, Dovecot with ${values.format}\n`,
);
for (const [name, rate] of Object.entries(rates))
  process.stdout.write(
    `  ${name.padEnd(8)} ${Math.round(rate)}/s, ${costs[name]?.toFixed(1)} ms of processor time each\n`,
  );
if (rates.isthmus && rates.dovecot)
  process.stdout.write(`  ratio    ${(rates.isthmus / rates.dovecot).toFixed(2)}\n`);
if (values.json)
  process.stdout.write(`${JSON.stringify({ rates, costs, rounds: Object.fromEntries(figures) })}\n`);
