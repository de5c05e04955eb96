/**
 * The whole way on PostgreSQL: SMTP or LMTP in, the spool, the local agent, the owner's script, the mailbox of the store;
 * and what scripts send back into the spool.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openAtOnce } from '../../src/local/at-once.ts';
import { type Local, openLocal } from '../../src/local/deliver-here.ts';
import type { LocalOptions } from '../../src/local/options.ts';
import type { Account } from '../../src/mail/mailbox.ts';
import type { NextHop } from '../../src/mail/route.ts';
import type { Lookup } from '../../src/ports/directory.ts';
import { silentLog } from '../../src/ports/log.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import { type Listener, startListener } from '../../src/receive/listener.ts';
import { openMessages } from '../../src/store/open-messages.ts';
import { openTree, type Tree } from '../../src/store/tree.ts';
import { type FreshDatabase, freshDatabase } from '../fixture/database.ts';
import { Bench, copyTo, deliverTo, until } from '../queue/fakes.ts';
import { fakes, listenerOptions } from '../receive/fakes.ts';
import { Talk } from '../receive/talk.ts';
import { MemoryBlobs } from '../store/memory-blobs.ts';
import { usualPolicy } from './fakes.ts';

const never = new AbortController().signal;
const isHere = (hop: NextHop): boolean => hop.kind === 'site' && hop.site === 'local';

let fresh: FreshDatabase;
let bench: Bench;
let tree: Tree;
let messages: ReturnType<typeof openMessages>;
let local: Local;
let options: LocalOptions;
let policy = usualPolicy;
let listener: Listener;
let talk: Talk;
let lmtp = false;

async function begin(protocol: 'smtp' | 'lmtp'): Promise<void> {
  lmtp = protocol === 'lmtp';
  fresh = await freshDatabase();
  const { database } = fresh;
  const now = () => bench.now();
  bench = new Bench(database);
  const changed = { messages() {}, tree() {} };
  tree = openTree({ database, changed, now });
  messages = openMessages({
    database,
    blobs: new MemoryBlobs(now),
    changed,
    now,
    log: silentLog,
  });
  policy = { ...usualPolicy, localSource: undefined };
  options = {
    ...tree,
    writing: messages,
    reading: messages,
    directory: { lookup: async (wanted) => wanted.map((): Lookup => ({ found: 'nobody' })) },
    spool: bench.spool,
    trace: bench.trace,
    policy: () => policy,
    log: silentLog,
    metrics: noMetrics,
    now,
    random: Math.random,
  };
  local = openLocal(options);
  bench.routing.decide = ({ recipient }) =>
    deliverTo(
      copyTo(
        recipient,
        recipient.domain === 'example.org' ? { nextHop: { kind: 'site', site: 'local' } } : {},
      ),
    );
  bench.work({}, { agent: (hop) => (isHere(hop) ? local : bench.peer) });
  listener = await startListener(
    listenerOptions({ protocol, deliver: protocol === 'lmtp' ? 'local' : 'spool' }),
    {
      ...fakes(),
      spool: bench.spool,
      trace: bench.trace,
      routing: bench.routing,
      local: openAtOnce({ ...options, local, isHere }),
    },
  );
  talk = Talk.to(listener.port);
  await talk.reply();
  await talk.say(protocol === 'lmtp' ? 'LHLO me' : 'EHLO me');
}

beforeEach(() => {
  policy = usualPolicy;
});

afterEach(async () => {
  talk.destroy();
  await listener.close();
  await bench.close();
  await local.close(never);
  await messages.close();
  await fresh.drop();
});

async function send(to: readonly string[], content: string): Promise<string[]> {
  await talk.say('MAIL FROM:<eve@example.net>');
  for (const one of to) expect(await talk.say(`RCPT TO:<${one}>`)).toMatch(/^250/);
  await talk.say('DATA');
  talk.write(`${content}.\r\n`);
  const replies: string[] = [];
  for (let n = 0; n < (lmtp ? to.length : 1); n++) replies.push(await talk.reply());
  return replies;
}

async function contents(account: Account, name = 'INBOX'): Promise<string[]> {
  const folder = await tree.mailboxes.get(account.id, name);
  if (folder === undefined) return [];
  const found: string[] = [];
  for await (const rows of messages.rows(folder.id, [{ first: 1, last: 1_000_000 }], {}, never)) {
    for (const { body } of rows) {
      const chunks = await Array.fromAsync(messages.content(body, never));
      found.push(Buffer.concat(chunks).toString('utf8'));
    }
  }
  return found;
}

const mail = (subject: string, body = 'Hello.'): string =>
  `From: Eve <eve@example.net>\r\nTo: ada@example.org\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@example.net>\r\n\r\n${body}\r\n`;

test('by SMTP: a message is in the mailbox as it came, with our trace fields on top', async () => {
  await begin('smtp');
  const ada = await tree.accounts.create({ name: 'ada@example.org' });
  const content = mail('one', 'Grüße\r\n'.repeat(30_000));
  expect((await send(['ada@example.org'], content))[0]).toMatch(/^250/);
  await bench.empty();
  const [got = ''] = await contents(ada);
  expect(got.startsWith('Return-Path: <eve@example.net>\r\nReceived: from me ')).toBe(true);
  expect(got.endsWith(content)).toBe(true);
}, 60_000);

test('by SMTP: scripts file, answer and send on, and a stranger’s mail comes back as a report', async () => {
  await begin('smtp');
  const ada = await tree.accounts.create({ name: 'ada@example.org' });
  const bob = await tree.accounts.create({ name: 'bob@example.org' });
  await tree.scripts.put(
    ada.id,
    'main',
    'require ["fileinto", "mailbox", "vacation", "imap4flags", "copy"]; redirect :copy "ada@elsewhere.test"; vacation "Away."; fileinto :create :flags "\\\\Seen" "Lists/A";',
  );
  await tree.scripts.activate(ada.id, 'main');
  await tree.scripts.put(bob.id, 'main', 'require "ereject"; ereject "No, thank you";');
  await tree.scripts.activate(bob.id, 'main');
  await send(['ada@example.org', 'bob@example.org', 'nobody@example.org'], mail('two'));
  await bench.empty();
  expect(await contents(ada)).toEqual([]);
  expect(await contents(ada, 'Lists/A')).toHaveLength(1);
  expect(await contents(bob)).toEqual([]);
  const [redirect] = bench.peer.to('ada@elsewhere.test');
  expect(redirect?.transaction.sender?.text).toBe('eve@example.net');
  expect(redirect?.content.toString()).toContain(mail('two'));
  expect(redirect?.content.toString()).not.toContain('Return-Path');
  const answers = bench.peer.to('eve@example.net').map(({ content }) => content.toString());
  expect(answers.filter((text) => text.includes('auto-replied (vacation)'))).toHaveLength(1);
  const report = answers.filter((text) => text.includes('multipart/report')).join();
  expect(report).toContain('No, thank you');
  expect(report).toContain('5.1.1');
}, 60_000);

test('by SMTP: mail for a full mailbox waits, and comes when there is room', async () => {
  await begin('smtp');
  const ada = await tree.accounts.create({ name: 'ada@example.org', quota: { messages: 1 } });
  await send(['ada@example.org'], mail('first'));
  await bench.empty();
  await send(['ada@example.org'], mail('second'));
  await send(['ada@example.org'], mail('third'));
  await bench.settled();
  const before = (await contents(ada)).length;
  expect(before).toBeLessThan(3);
  await tree.accounts.change(ada.id, { quota: {} });
  bench.pass(6 * 60_000);
  await bench.empty();
  expect((await contents(ada)).map((text) => /Subject: (\w+)/.exec(text)?.[1]).toSorted()).toEqual([
    'first',
    'second',
    'third',
  ]);
}, 60_000);

test('by LMTP: many at once, each with a reply, and the same message to both is one body', async () => {
  await begin('lmtp');
  const ada = await tree.accounts.create({ name: 'ada@example.org' });
  const bob = await tree.accounts.create({ name: 'bob@example.org' });
  const replies = await send(['ada@example.org', 'bob@example.org'], mail('three'));
  expect(replies.map((reply) => reply.slice(0, 9))).toEqual(['250 2.0.0', '250 2.0.0']);
  expect(await contents(ada)).toEqual(await contents(bob));
  const [row] = await fresh.database.query<{ count: number }>('select count(*) as count from body', []);
  expect(row?.count).toBe(1);
  expect(await bench.count('message')).toBe(0);
}, 60_000);

test('delivered again after the queue forgot, a message is not there twice, in the inbox or elsewhere', async () => {
  await begin('lmtp');
  const ada = await tree.accounts.create({ name: 'ada@example.org' });
  await tree.scripts.put(
    ada.id,
    'main',
    'require ["fileinto", "mailbox", "editheader", "duplicate"]; if duplicate { fileinto :create "Twice"; stop; } addheader "X-A" "b"; fileinto :create "A"; keep;',
  );
  await tree.scripts.activate(ada.id, 'main');
  const task = {
    queueId: 'Q1',
    transaction: { sender: null, body: '7bit', smtputf8: false, requireTls: false },
    recipients: [{ address: { text: 'ada@example.org', local: 'ada', domain: 'example.org' } }],
    nextHop: { kind: 'site', site: 'local' },
    size: 100,
    eightBit: false,
    utf8Header: false,
    async *content() {
      yield Buffer.from(`Received: by us with ESMTP id Q1\r\n${mail('four')}`);
    },
  } as const;
  for (let n = 0; n < 3; n++) {
    // Each time another process, so to speak.
    const [status] = await openLocal(options).deliver(task, never);
    expect(status?.outcome).toBe('delivered');
  }
  expect(await contents(ada)).toHaveLength(1);
  expect(await contents(ada, 'A')).toHaveLength(1);
  expect(await contents(ada, 'Twice')).toEqual([]);
  const [other] = await openLocal(options).deliver({ ...task, queueId: 'Q2' }, never);
  expect(other?.outcome).toBe('delivered');
  await until(async () => (await contents(ada, 'Twice')).length === 1, 'a duplicate with another queue id');
}, 60_000);
