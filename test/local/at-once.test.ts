/**
 * LMTP straight into the mailboxes: a listener of src/receive over src/local.
 */
import { afterEach, expect, test } from 'vitest';
import { openAtOnce } from '../../src/local/at-once.ts';
import { openLocal } from '../../src/local/deliver-here.ts';
import { MailError, replyFor } from '../../src/mail/condition.ts';
import type { Copy, Decision } from '../../src/mail/route.ts';
import { OverQuota, StoreAway, StoreFull } from '../../src/ports/messages.ts';
import type { Question, Routing } from '../../src/ports/routing.ts';
import { type Listener, startListener } from '../../src/receive/listener.ts';
import { type Changes, FakeSpool, FakeTrace, fakes, listenerOptions } from '../receive/fakes.ts';
import { Talk } from '../receive/talk.ts';
import { World } from './fakes.ts';

const open: (Listener | Talk)[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) {
    if (one instanceof Talk) one.destroy();
    else await one.close();
  }
});

const because = ['directory: home is local'];

const copy = (question: Question, site: string, more: Partial<Copy> = {}): Copy => ({
  recipient: question.recipient,
  nextHop: { kind: 'site', site },
  addHeaders: [],
  // As route has it for every copy: what only our own servers may say (header firewall).
  removeHeaders: ['x-ms-exchange-organization-*', 'x-inside'],
  purpose: 'delivery',
  ...more,
});

/** `cloud…` lives elsewhere, `both…` gets two copies, `marked…` has a header field added, `unknown…` is refused, `late…` after DATA. */
function decide(question: Question): Decision {
  const { local } = question.recipient;
  if (local.startsWith('unknown') || (local.startsWith('late') && question.headers !== undefined))
    return { verdict: 'refuse', reply: replyFor('never', 'unknownMailbox'), because };
  if (local.startsWith('hold')) return { verdict: 'hold', reason: 'legal', because };
  const here = copy(question, 'local', local.startsWith('marked') ? { addHeaders: ['X-A: b'] } : {});
  const copies = local.startsWith('cloud')
    ? [copy(question, 'cloud')]
    : local.startsWith('both')
      ? [here, copy(question, 'cloud', { purpose: 'dual' })]
      : [here];
  return { verdict: 'deliver', copies, because };
}

const routing: Routing = {
  headerNames: [],
  route: async (question) => decide(question),
  routeAll: async (questions) => questions.map(decide),
};

interface Scene {
  readonly world: World;
  readonly spool: FakeSpool;
  readonly trace: FakeTrace;
  readonly talk: Talk;
}

async function lmtp(world: World, changes: Changes = {}): Promise<Scene> {
  const spool = new FakeSpool();
  const trace = new FakeTrace();
  const options = { ...world.options(), spool, trace };
  const isHere = (hop: { kind: string; site?: string }) => hop.kind === 'site' && hop.site === 'local';
  const local = openAtOnce({ ...options, local: openLocal(options), isHere });
  const listener = await startListener(listenerOptions({ protocol: 'lmtp', deliver: 'local', ...changes }), {
    ...fakes(),
    spool,
    trace,
    routing,
    local,
  });
  const talk = Talk.to(listener.port);
  open.push(listener, talk);
  await talk.reply();
  await talk.say('LHLO me');
  return { world, spool, trace, talk };
}

async function send(talk: Talk, recipients: readonly string[], content = 'Subject: x\r\n\r\nHello.\r\n') {
  await talk.say('MAIL FROM:<eve@example.net>');
  const rcpt: string[] = [];
  for (const one of recipients) rcpt.push(await talk.say(`RCPT TO:${one.includes('<') ? one : `<${one}>`}`));
  expect(await talk.say('DATA')).toMatch(/^354/);
  talk.write(`${content}.\r\n`);
  const replies: string[] = [];
  for (const reply of rcpt) if (reply.startsWith('250')) replies.push(await talk.reply());
  return { rcpt, replies };
}

const company = (): World => {
  const world = new World();
  world.entry('ad/1', ['ada@example.org', 'lovelace@example.org']);
  world.entry('ad/2', ['bob@example.org']);
  world.entry('ad/3', ['late@example.org']);
  return world;
};

test('a message is in the mailbox when 250 is said, with our Received field and Return-Path', async () => {
  const { talk, world, spool } = await lmtp(company());
  const { replies } = await send(talk, ['ada@example.org']);
  expect(replies).toEqual(['250 2.0.0 Ok: delivered as Q00000000001']);
  expect(world.contents('INBOX')[0]).toMatch(
    /^Return-Path: <eve@example\.net>\r\nReceived: from me[\s\S]*with LMTP id Q00000000001[\s\S]*\r\nSubject: x\r\n\r\nHello\.\r\n$/,
  );
  expect(spool.kept).toEqual([]);
});

test('each recipient has a reply of his own, in the order of RCPT, a repeated one too', async () => {
  const world = company();
  world.account('ada@example.org', { entryId: 'ad/1' });
  world.script(world.accounts[0] as never, 'require "ereject"; ereject "Not to me";');
  const { talk, trace } = await lmtp(world);
  const { rcpt, replies } = await send(talk, [
    'ada@example.org',
    'unknown@example.org',
    'bob@example.org',
    'ada@example.org',
    'late@example.org',
    'cloud@example.org',
  ]);
  expect(rcpt.map((reply) => reply.slice(0, 9))).toEqual([
    '250 2.1.5',
    '550 5.1.1',
    ...Array.from({ length: 4 }, () => '250 2.1.5'),
  ]);
  expect(replies).toEqual([
    '550 5.7.1 Not to me',
    '250 2.0.0 Ok: delivered as Q00000000001',
    '550 5.7.1 Not to me',
    '550 5.1.1 Mailbox unknown',
    '250 2.0.0 Ok: queued as Q00000000001',
  ]);
  expect(trace.rows.map(({ event, recipient }) => `${event} ${recipient ?? ''}`)).toEqual([
    'refused unknown@example.org',
    'accepted ',
    'decided ada@example.org',
    'refused ada@example.org',
    'delivered bob@example.org',
  ]);
});

test('whoever is not here, is held, has a second copy or a changed header goes into the spool', async () => {
  const { talk, world, spool } = await lmtp(company());
  const content = `Subject: x\r\n\r\n${'line\r\n'.repeat(10_000)}`;
  const to = ['cloud@example.org', 'hold@example.org', 'both@example.org', 'marked@example.org'];
  const { replies } = await send(talk, [...to, 'ada@example.org'], content);
  expect(replies).toEqual([
    ...to.map(() => '250 2.0.0 Ok: queued as Q00000000001'),
    '250 2.0.0 Ok: delivered as Q00000000001',
  ]);
  expect(spool.kept[0]?.envelope.recipients.map(({ address }) => address.text)).toEqual(to);
  expect(spool.kept[0]?.content.toString()).toBe(content);
  expect(spool.kept[0]?.facts.size).toBe(content.length);
  expect(world.contents('INBOX')[0]).toContain(content);
});

test('a recipient who is owed a report of success goes by the queue, which makes it', async () => {
  const { talk, spool } = await lmtp(company());
  await send(talk, ['<ada@example.org> NOTIFY=SUCCESS']);
  expect(spool.kept).toHaveLength(1);
});

test('a disabled account is refused at RCPT', async () => {
  const world = company();
  world.account('ada@example.org', { entryId: 'ad/1', disabled: true });
  const { talk } = await lmtp(world);
  await talk.say('MAIL FROM:<eve@example.net>');
  expect(await talk.say('RCPT TO:<ada@example.org>')).toBe('550 5.2.1 Mailbox disabled');
  expect(await talk.say('RCPT TO:<nobody@example.org>')).toBe('550 5.1.1 Mailbox unknown');
});

test.each([
  ['append', new OverQuota(), '452 4.2.2 Mailbox full'],
  ['append', new StoreAway(), '451 4.3.0 Mail system trouble'],
  ['stage', new StoreFull(), '452 4.3.1 Mail system full'],
  ['stage', new StoreAway(), '451 4.3.0 Mail system trouble'],
])('trouble at %s (%s) is said after DATA, and the session goes on', async (step, error, reply) => {
  const { talk, world } = await lmtp(company());
  world.trouble.set(step, error);
  expect((await send(talk, ['ada@example.org'])).replies).toEqual([reply]);
  world.trouble.clear();
  expect((await send(talk, ['ada@example.org'])).replies[0]).toMatch(/^250/);
  expect(world.counts).toBe('INBOX: 1');
});

test('a spool that is full concerns those only who need it', async () => {
  const { talk, spool, world } = await lmtp(company());
  spool.trouble = new MailError('later', 'systemFull');
  const { replies } = await send(talk, ['cloud@example.org', 'ada@example.org']);
  expect(replies).toEqual(['452 4.3.1 Mail system full', '250 2.0.0 Ok: delivered as Q00000000001']);
  expect(world.counts).toBe('INBOX: 1');
});

test('a message that is refused for its content is in no mailbox, and refused for each', async () => {
  const { talk, world } = await lmtp(company(), { limits: { messageSize: 1000 } });
  const { replies } = await send(talk, ['ada@example.org', 'bob@example.org'], `\r\n${'x\r\n'.repeat(900)}`);
  expect(replies.map((reply) => reply.slice(0, 9))).toEqual(['552 5.3.4', '552 5.3.4']);
  expect(world.bodies).toEqual([]);
});

test('a client that goes away in the middle leaves nothing behind', async () => {
  const { talk, world } = await lmtp(company());
  await talk.say('MAIL FROM:<eve@example.net>');
  await talk.say('RCPT TO:<ada@example.org>');
  await talk.say('DATA');
  talk.write('Subject: x\r\n\r\nhalf a mess');
  await new Promise((resolve) => setTimeout(resolve, 30));
  talk.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(world.bodies).toEqual([]);
  expect(world.counts).toBe('');
});

test('by BDAT too', async () => {
  const { talk, world } = await lmtp(company());
  await talk.say('MAIL FROM:<eve@example.net>');
  await talk.say('RCPT TO:<ada@example.org>');
  await talk.say('RCPT TO:<bob@example.org>');
  talk.write('BDAT 14 LAST\r\nSubject: x\r\n\r\n');
  expect([await talk.reply(), await talk.reply()].map((reply) => reply.slice(0, 9))).toEqual([
    '250 2.0.0',
    '250 2.0.0',
  ]);
  expect(world.counts).toBe('1/INBOX: 1, 2/INBOX: 1');
});

test('what a script sends on goes by the spool', async () => {
  const world = company();
  world.account('ada@example.org', { entryId: 'ad/1' });
  world.script(world.accounts[0] as never, 'redirect "ada@example.com";');
  const { talk, spool } = await lmtp(world);
  expect((await send(talk, ['ada@example.org'])).replies[0]).toMatch(/^250/);
  expect(spool.kept[0]?.envelope.recipients.map(({ address }) => address.text)).toEqual(['ada@example.com']);
});

test('without `deliver: local` all goes into the spool', async () => {
  const { talk, world, spool } = await lmtp(company(), { deliver: 'spool' });
  expect((await send(talk, ['ada@example.org'])).replies).toEqual(['250 2.0.0 Ok: queued as Q00000000001']);
  expect(spool.kept).toHaveLength(1);
  expect(world.bodies).toEqual([]);
});

test.each([
  ['X-Inside: yes\r\nSubject: x\r\n\r\nHello.\r\n'],
  ['Subject: x\r\nX-MS-Exchange-Organization-SCL : -1\r\n\r\nHello.\r\n'],
])(
  'a message with fields that are not to come in goes by the queue, which takes them out: %j',
  async (content) => {
    const { talk, world, spool } = await lmtp(company());
    const { replies } = await send(talk, ['ada@example.org'], content);
    expect(replies).toEqual(['250 2.0.0 Ok: queued as Q00000000001']);
    expect(world.contents('INBOX')).toEqual([]);
    expect(spool.kept).toHaveLength(1);
  },
);

test('such words in the body are no header field', async () => {
  const { talk, world } = await lmtp(company());
  const { replies } = await send(talk, ['ada@example.org'], 'Subject: x\r\n\r\nX-Inside: yes\r\n');
  expect(replies).toEqual(['250 2.0.0 Ok: delivered as Q00000000001']);
  expect(world.contents('INBOX')).toHaveLength(1);
});
