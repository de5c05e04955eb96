/**
 * bench/imap - `npm run bench:imap`: a mailbox of real messages read, searched and flagged; Isthmus and Debian's Dovecot
 * in the same run on the same disk, with the same client.
 *
 * The SpamAssassin corpus is delivered by LMTP to both. Each step is done by turns on either, several times; the median
 * of what a step takes is printed, and the ratio: how many times faster Isthmus is.
 *
 *   --messages N   in the mailbox (3000)      --rounds N   of each step (7)
 *   --idlers N     sessions that wait when one message comes (200)
 *   --sessions N   instead: sessions of Isthmus that idle, and the memory they take
 *   --json         one JSON line at the end
 */
import { parseArgs } from 'node:util';
import { listener, startGateway } from '../fixture/gateway.ts';
import { spamAssassin } from '../fixture/messages.ts';
import { familyOf, memoryOf } from '../fixture/system.ts';
import { dovecotPackages, startDovecot } from '../peers/dovecot.ts';
import { needPackages } from '../peers/packages.ts';
import { freePort } from '../peers/postfix.ts';
import { Talk } from '../receive/talk.ts';
import { ImapClient } from './imap-client.ts';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '3000' },
    rounds: { type: 'string', default: '7' },
    idlers: { type: 'string', default: '200' },
    sessions: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const messages = Number(values.messages);
const rounds = Number(values.rounds);
const idlers = Number(values.idlers);

const progress = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

const who = 'person1@bench.test';
const password = 'any password, long';

interface Server {
  readonly name: 'isthmus' | 'dovecot';
  readonly lmtp: number;
  readonly imap: number;
  readonly pid: () => number | undefined;
  remove(): Promise<void>;
}

/** Bare line ends are not let in by LMTP. */
const some = (count: number): Buffer[] =>
  spamAssassin()
    .filter(({ bare, content }) => !bare && !content.includes(0))
    .take(count)
    .map(({ content }) => content)
    .toArray();

async function isthmus(): Promise<Server> {
  const [lmtp, imap] = [await freePort(), await freePort()];
  const unlimited = { connectionsPerNetwork: 0, connectionsPerMinute: 0 };
  const gateway = await startGateway({
    config: {
      log: { level: 'info', format: 'json' },
      domains: [{ name: 'bench.test' }],
      sites: { local: { nextHops: [{ protocol: 'local' }] } },
      homes: { default: 'local' },
      directory: { sources: [{ kind: 'accounts', name: 'here', home: 'local' }] },
      listeners: [listener('lmtp', lmtp, { protocol: 'lmtp', deliver: 'local', limits: unlimited })],
      access: {
        listeners: [
          {
            ...{ name: 'imap', protocol: 'imap', address: '127.0.0.1', port: imap },
            limits: { ...unlimited, connectionsPerAccount: 0, connections: 0 },
          },
        ],
      },
      auth: { withoutTls: ['127.0.0.0/8'], throttle: { networkAtOnce: 5_000, atOnce: 5_000 } },
    },
  });
  for (const args of [
    ['account', 'create', who],
    ['directory', 'refresh'],
  ] as const) {
    const ended = await gateway.isthmus(...args);
    if (ended.code !== 0) throw new Error(ended.stderr);
  }
  await gateway.isthmusWith(['account', 'password', who], `${password}\n`);
  return { name: 'isthmus', lmtp, imap, pid: () => gateway.pid, remove: () => gateway.remove() };
}

async function dovecot(): Promise<Server> {
  const server = await startDovecot({ format: 'maildir', processes: 2_000 });
  return {
    name: 'dovecot',
    lmtp: server.lmtpPort,
    imap: server.imapPort,
    pid: () => server.pid,
    remove: () => server.remove(),
  };
}

/** One session; the time of all that is asked is the peer's business here (bench:lmtp measures it). */
async function deliver(server: Server, contents: Iterable<Buffer>): Promise<void> {
  const talk = Talk.to(server.lmtp);
  await talk.reply();
  await talk.say('LHLO bench.test');
  for (const content of contents) {
    await talk.say('MAIL FROM:<bench@source.test>');
    await talk.say(`RCPT TO:<${who}>`);
    await talk.say('DATA');
    talk.write(Buffer.from(content.toString('latin1').replace(/^\./gm, '..'), 'latin1'));
    const reply = await talk.say('.');
    if (!reply.startsWith('250')) throw new Error(`${server.name}: ${reply}`);
  }
  talk.destroy();
}

async function signedIn(server: Server): Promise<ImapClient> {
  const client = await ImapClient.open(server.imap);
  await client.run(`LOGIN ${who} "${password}"`);
  return client;
}

type Step = readonly [what: string, work: (client: ImapClient, round: number) => Promise<number>];

/** Other messages in each round, as long as there are enough. */
function portion(round: number, count: number): string {
  const first = 1 + ((round * count) % Math.max(1, messages - count));
  return `${first}:${Math.min(messages, first + count - 1)}`;
}

const steps: readonly Step[] = [
  ['SELECT', (client) => client.run('SELECT INBOX')],
  ['FETCH 1:* (FLAGS UID)', (client) => client.run('FETCH 1:* (FLAGS UID)')],
  ['FETCH 1:* ENVELOPE', (client) => client.run('FETCH 1:* (UID RFC822.SIZE ENVELOPE)')],
  ['FETCH 1:* BODYSTRUCTURE', (client) => client.run('FETCH 1:* BODYSTRUCTURE')],
  [
    'FETCH 50 headers for a list',
    (client, round) =>
      client.run(`FETCH ${portion(round, 50)} (UID FLAGS BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)])`),
  ],
  ['FETCH 200 whole messages', (client, round) => client.run(`FETCH ${portion(round, 200)} BODY.PEEK[]`)],
  ['SEARCH UNSEEN', (client) => client.run('SEARCH UNSEEN')],
  [
    'SEARCH SUBJECT',
    (client, round) => client.run(`SEARCH SUBJECT "${['linux', 'free', 'spam', 'perl'][round % 4]}"`),
  ],
  [
    'SEARCH TEXT',
    (client, round) => client.run(`SEARCH TEXT "${['mortgage', 'kernel', 'viagra', 'razor'][round % 4]}"`),
  ],
  [
    'STORE 500 flags',
    (client, round) =>
      client.run(`STORE 1:${Math.min(500, messages)} ${round % 2 === 0 ? '+' : '-'}FLAGS.SILENT (\\Flagged)`),
  ],
];

async function waited(server: Server): Promise<number> {
  const all = await Promise.all(Array.from({ length: idlers }, () => signedIn(server)));
  for (const client of all) {
    await client.run('SELECT INBOX');
    await client.begin('IDLE');
  }
  const heard = Promise.all(all.map((client) => client.until(/\* \d+ EXISTS\r\n/)));
  const began = performance.now();
  await deliver(server, [Buffer.from('Subject: now\r\n\r\nx\r\n')]);
  await heard;
  const took = performance.now() - began;
  for (const client of all) client.close();
  return took;
}

const median = (all: readonly number[]): number =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;

async function measured(server: Server, [, work]: Step, client: ImapClient, round: number): Promise<number> {
  try {
    return await work(client, round);
  } catch (error) {
    throw new Error(`${server.name}: ${(error as Error).message}`, { cause: error });
  }
}

async function compare(): Promise<void> {
  if (!(await needPackages(dovecotPackages))) {
    progress('bench:imap needs the Debian packages dovecot-*; they are not here');
    process.exit(1);
  }
  const servers: Server[] = [];
  try {
    servers.push(await dovecot(), await isthmus());
    const contents = some(messages);
    for (const server of servers) {
      progress(`${server.name}: ${contents.length} messages come`);
      await deliver(server, contents);
    }
    // The index of texts is made in the background; Dovecot's caches fill as they are used.
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    progress('clients sign in');
    const clients = await Promise.all(servers.map(signedIn));
    const figures: Record<string, Record<string, number>> = {};
    for (const step of steps) {
      progress(`  ${step[0]}`);
      const times = servers.map((): number[] => []);
      for (let round = 0; round <= rounds; round++) {
        for (const [at, server] of servers.entries()) {
          const took = await measured(server, step, clients[at] as ImapClient, round);
          // The first warms up what either keeps.
          if (round > 0) times[at]?.push(took);
        }
      }
      print(step[0], servers, times, figures);
    }
    for (const client of clients) client.close();
    const times = servers.map((): number[] => []);
    for (let round = 0; round < 3; round++) {
      for (const [at, server] of servers.entries()) times[at]?.push(await waited(server));
    }
    print(`IDLE, ${idlers} hear of one message`, servers, times, figures);
    if (values.json) process.stdout.write(`${JSON.stringify({ messages: contents.length, figures })}\n`);
  } finally {
    for (const server of servers) await server.remove();
  }
}

function print(
  what: string,
  servers: readonly Server[],
  times: readonly (readonly number[])[],
  figures: Record<string, Record<string, number>>,
): void {
  const medians = Object.fromEntries(servers.map(({ name }, at) => [name, median(times[at] ?? [])]));
  const ratio = (medians.dovecot ?? 0) / (medians.isthmus ?? 1);
  figures[what] = { ...medians, ratio };
  const shown = servers.map(({ name }) => `${name} ${(medians[name] ?? 0).toFixed(1).padStart(8)} ms`);
  process.stdout.write(`${what.padEnd(34)} ${shown.join('  ')}  ratio ${ratio.toFixed(2)}\n`);
}

/** Memory of the process that serves IMAP, before and with so many idle sessions. */
async function idle(count: number): Promise<void> {
  const server = await isthmus();
  const accessMemory = (): number =>
    memoryOf(familyOf(server.pid()).filter(({ kind }) => kind !== 'postgres'));
  try {
    await deliver(server, some(100));
    const warm = await signedIn(server);
    await warm.run('SELECT INBOX');
    const before = accessMemory();
    const clients: ImapClient[] = [];
    for (let at = 0; at < count; at += 20) {
      const few = await Promise.all(Array.from({ length: Math.min(20, count - at) }, () => signedIn(server)));
      for (const client of few) {
        await client.run('SELECT INBOX');
        await client.begin('IDLE');
      }
      clients.push(...few);
      if (clients.length % 1_000 === 0) progress(`${clients.length} sessions`);
    }
    const heard = Promise.all(clients.map((client) => client.until(/\* \d+ EXISTS\r\n/)));
    const began = performance.now();
    await deliver(server, [Buffer.from('Subject: now\r\n\r\nx\r\n')]);
    await heard;
    const took = performance.now() - began;
    const each = (accessMemory() - before) / count;
    process.stdout.write(
      `${count} idle sessions: ${(each / 1024).toFixed(1)} KB each; all hear of one message in ${Math.round(took)} ms\n`,
    );
    for (const client of clients) client.close();
  } finally {
    await server.remove();
  }
}

if (values.sessions === undefined) await compare();
else await idle(Number(values.sessions));
process.exit(0);
