/**
 * What is said for a message, and what of it: parameters, recipients, content.
 */
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { Recipient } from '../../src/mail/envelope.ts';
import { type Peer, type PeerScript, startPeer } from '../fixture/smtp-peer.ts';
import { address, agentFor, at, brief, delivery, never, soon, type TaskWishes, taskOf } from './parts.ts';

const peers: Peer[] = [];
const peer = async (script: PeerScript = {}): Promise<Peer> => {
  const started = await startPeer(script);
  peers.push(started);
  return started;
};
afterEach(async () => {
  for (const each of peers.splice(0)) await each.close();
});

async function send(script: PeerScript, wishes: TaskWishes, site = {}) {
  const started = await peer(script);
  const agent = agentFor(at(started.port, site));
  const statuses = await agent.deliver(taskOf(wishes), never);
  await agent.close(AbortSignal.timeout(1000));
  return { statuses, said: brief(statuses), peer: started };
}
const mailLine = (from: Peer): string | undefined => from.commands.find((line) => line.startsWith('MAIL'));
const rcptLines = (from: Peer): readonly string[] => from.commands.filter((line) => line.startsWith('RCPT'));
const yes = 'delivered 250 2.0.0';

const all = ['PIPELINING', 'SIZE 10240000', '8BITMIME', 'SMTPUTF8', 'DSN'];
const wishes: TaskWishes = {
  to: [
    {
      address: address('ada@example.org'),
      notify: ['success', 'failure'],
      orcpt: 'rfc822;Ada+x=y@example.org',
    },
    { address: address('ben@example.org'), notify: ['never'], orcpt: 'utf-8;bén@example.org' },
  ],
  transaction: { ret: 'hdrs', envid: 'id with space', body: '8bitmime' },
};

test('everything wished for is said to a peer that has it', async () => {
  const { peer: taken, statuses } = await send({ extensions: all }, wishes);
  expect(mailLine(taken)).toBe(
    'MAIL FROM:<sender@example.net> SIZE=26 BODY=8BITMIME RET=HDRS ENVID=id+20with+20space',
  );
  expect(rcptLines(taken)).toEqual([
    'RCPT TO:<ada@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Ada+2Bx+3Dy@example.org',
    'RCPT TO:<ben@example.org> NOTIFY=NEVER ORCPT=utf-8;b\\x{E9}n@example.org',
  ]);
  expect(statuses.map((status) => status.dsnTakenOver)).toEqual([true, true]);
});

test('nothing of it is said to a peer that has it not', async () => {
  const { peer: taken, statuses } = await send({ extensions: [] }, wishes);
  expect(mailLine(taken)).toBe('MAIL FROM:<sender@example.net>');
  expect(rcptLines(taken)).toEqual(['RCPT TO:<ada@example.org>', 'RCPT TO:<ben@example.org>']);
  expect(statuses.map((status) => status.dsnTakenOver)).toEqual([false, false]);
  expect(statuses.some(({ final }) => final)).toBe(false);
});

test('the null reverse-path is said as such', async () => {
  const { peer: taken } = await send({}, { transaction: { sender: null } });
  expect(mailLine(taken)).toBe('MAIL FROM:<>');
});

const utf8Sender = { transaction: { sender: address('jürgen@example.net') } };
const idnSender = { transaction: { sender: address('post@bücher.example') } };
//  extensions                  message                                             site                   outcome, MAIL
type Row = readonly [extensions: string[], wishes: TaskWishes, site: object, outcome: string, mail?: string];
const matrix: readonly Row[] = [
  [['8BITMIME'], { eightBit: true }, {}, yes, 'MAIL FROM:<sender@example.net> BODY=8BITMIME'],
  [[], { eightBit: true }, {}, 'failed 554 5.6.3'],
  [[], { eightBit: true }, { assume8bit: true }, yes, 'MAIL FROM:<sender@example.net>'],
  [['8BITMIME'], { transaction: { body: 'binarymime' } }, {}, 'failed 554 5.6.3'],
  [
    ['8BITMIME', 'SMTPUTF8'],
    { eightBit: true, utf8Header: true },
    {},
    yes,
    'MAIL FROM:<sender@example.net> BODY=8BITMIME SMTPUTF8',
  ],
  [['8BITMIME'], { eightBit: true, utf8Header: true }, {}, 'failed 553 5.6.7'],
  [['8BITMIME'], { eightBit: true, utf8Header: true }, { assume8bit: true }, yes],
  [
    ['8BITMIME'],
    { eightBit: true, utf8Header: true, transaction: { smtputf8: true } },
    { assume8bit: true },
    'failed 553 5.6.7',
  ],
  [['SMTPUTF8'], utf8Sender, {}, yes, 'MAIL FROM:<jürgen@example.net> SMTPUTF8'],
  [[], utf8Sender, {}, 'failed 553 5.6.7'],
  [[], { transaction: { smtputf8: true } }, {}, yes, 'MAIL FROM:<sender@example.net>'],
  [['SMTPUTF8'], { transaction: { smtputf8: true } }, {}, yes, 'MAIL FROM:<sender@example.net> SMTPUTF8'],
  [[], idnSender, {}, yes, 'MAIL FROM:<post@xn--bcher-kva.example>'],
  [['SMTPUTF8'], idnSender, {}, yes, 'MAIL FROM:<post@xn--bcher-kva.example>'],
  [['SIZE 20'], {}, {}, 'failed 552 5.3.4'],
  [['SIZE 0'], {}, {}, yes, 'MAIL FROM:<sender@example.net> SIZE=26'],
  [['SIZE'], {}, {}, yes, 'MAIL FROM:<sender@example.net> SIZE=26'],
];
test.each(matrix.map((row) => ({ row })))('a peer, a message, a site: $row', async ({ row }) => {
  const [extensions, wish, site, outcome, mail] = row;
  const { said, peer: taken } = await send({ extensions }, wish, site);
  expect(said).toEqual([outcome]);
  if (outcome !== yes) expect(mailLine(taken)).toBeUndefined();
  else if (mail) expect(mailLine(taken)).toBe(mail);
});

test.each([[['PIPELINING']], [[]]])(
  'a UTF-8 recipient fails alone at a peer without SMTPUTF8 (%j)',
  async (extensions) => {
    const { said, peer: taken } = await send(
      { extensions },
      { to: ['ada@example.org', 'bén@example.org', 'cleo@bücher.example'] },
    );
    expect(said).toEqual([yes, 'failed 553 5.6.7', yes]);
    expect(rcptLines(taken)).toEqual(['RCPT TO:<ada@example.org>', 'RCPT TO:<cleo@xn--bcher-kva.example>']);
  },
);

test('where no recipient can be said, nothing is said', async () => {
  const { said, peer: taken } = await send({}, { to: ['bén@example.org'] });
  expect(said).toEqual(['failed 553 5.6.7']);
  expect(mailLine(taken)).toBeUndefined();
});

const five = ['a@x.test', 'b@x.test', 'c@x.test', 'd@x.test', 'e@x.test'];

test.each([[['PIPELINING']], [[]]])('each recipient has an answer of their own (%j)', async (extensions) => {
  const replies = [
    '250 2.1.5 ok',
    '550 5.1.1 no',
    '450 4.2.1 busy',
    '450 4.7.1 Greylisted for 60 s',
    '252 2.1.5 will try',
  ];
  const {
    said,
    statuses,
    peer: taken,
  } = await send({ extensions, steps: { rcpt: ({ count }) => replies[count - 1] } }, { to: five });
  expect(said).toEqual([yes, 'failed 550 5.1.1', 'later 450 4.2.1', 'later 450 4.7.1', yes]);
  expect(statuses.map((status) => status.greylisted ?? false)).toEqual([false, false, false, true, false]);
  expect(taken.messages.map((message) => message.rcpt.length)).toEqual([2]);
});

test.each([
  ['452 4.5.3 too many recipients', ['PIPELINING']],
  ['452 4.5.3 too many recipients', []],
  ['452 too many recipients', ['PIPELINING']],
  ['552 5.5.3 too many recipients', ['PIPELINING']],
] as const)(
  'the recipients over the limit of a peer that says %s go in a next transaction (%j)',
  async (reply, extensions) => {
    let here = 0;
    const { said, peer: taken } = await send(
      {
        extensions,
        steps: {
          mail: () => {
            here = 0;
            return undefined;
          },
          rcpt: () => {
            here += 1;
            return here > 2 ? reply : undefined;
          },
        },
      },
      { to: five },
    );
    expect(said).toEqual([yes, yes, yes, yes, yes]);
    expect(taken.messages.map((message) => message.rcpt.length)).toEqual([2, 2, 1]);
    expect(taken.connections()).toBe(1);
  },
);

test('LIMITS RCPTMAX is kept without being told', async () => {
  const { said, peer: taken } = await send(
    { extensions: ['PIPELINING', 'LIMITS MAILMAX=10 RCPTMAX=3'] },
    { to: five },
  );
  expect(said).toEqual([yes, yes, yes, yes, yes]);
  expect(taken.messages.map((message) => message.rcpt.length)).toEqual([3, 2]);
});

test.each([[['PIPELINING']], [[]]])(
  'an LMTP peer answers for each recipient after the message (%j)',
  async (extensions) => {
    const replies = ['250 2.0.0 stored', '452 4.2.2 full', '550 5.7.1 no'];
    const started = await peer({
      lmtp: true,
      extensions,
      steps: {
        rcpt: ({ count }) => (count === 2 ? '550 5.1.1 no' : undefined),
        end: ({ count }) => replies[count - 1],
      },
    });
    const agent = agentFor({ nextHops: [{ host: '127.0.0.1', port: started.port, protocol: 'lmtp' }] });
    const statuses = await agent.deliver(taskOf({ to: five.slice(0, 4) }), never);
    expect(brief(statuses)).toEqual([yes, 'failed 550 5.1.1', 'later 452 4.2.2', 'failed 550 5.7.1']);
    expect(statuses.map(({ final }) => final === true)).toEqual([true, false, false, false]);
    expect(started.commands[0]).toBe('LHLO isthmus.test');
    await agent.close(never);
  },
);

test('an LMTP peer that is lost between its answers leaves those it gave', async () => {
  const started = await peer({
    lmtp: true,
    steps: { end: ({ count }) => (count === 2 ? { do: 'close' } : undefined) },
  });
  const agent = agentFor({ nextHops: [{ host: '127.0.0.1', port: started.port, protocol: 'lmtp' }] });
  const statuses = await agent.deliver(taskOf({ to: five.slice(0, 2) }), never);
  expect(brief(statuses)).toEqual([yes, 'later 451 4.4.2']);
  await agent.close(never);
});

test('a message to recipients who are all refused leaves the connection usable', async () => {
  for (const extensions of [['PIPELINING'], []]) {
    const started = await peer({
      extensions,
      steps: { rcpt: ({ count }) => (count === 1 ? '550 5.1.1 no' : undefined) },
    });
    const agent = agentFor(at(started.port));
    expect(brief(await agent.deliver(taskOf(), never))).toEqual(['failed 550 5.1.1']);
    expect(brief(await agent.deliver(taskOf(), never))).toEqual([yes]);
    expect(started.connections()).toBe(1);
    expect(started.commands.filter((line) => line === 'RSET')).toHaveLength(1);
    await agent.close(never);
  }
});

test('a peer that takes DATA without any recipient gets an empty message, and no harm is done', async () => {
  const started = await peer({
    extensions: ['PIPELINING'],
    steps: {
      rcpt: ({ count }) => (count === 1 ? '550 5.1.1 no' : undefined),
      data: ({ count }) => (count === 1 ? '354 go on, though' : undefined),
      end: ({ count }) => (count === 1 ? '554 5.5.1 no valid recipients' : undefined),
    },
  });
  const agent = agentFor(at(started.port));
  expect(brief(await agent.deliver(taskOf(), never))).toEqual(['failed 550 5.1.1']);
  expect(brief(await agent.deliver(taskOf(), never))).toEqual([yes]);
  expect(started.messages).toHaveLength(1);
  await agent.close(never);
});

test('content comes out as it went in, whatever its dots and however it is cut', async () => {
  const started = await peer({ extensions: ['PIPELINING'] });
  const agent = agentFor(at(started.port));
  const line = fc
    .array(fc.constantFrom('.', '..', 'a', '\u00e9', ' ', '\0', 'From '), { maxLength: 6 })
    .map((parts) => parts.join(''));
  const content = fc
    .tuple(fc.array(line, { maxLength: 12 }), fc.boolean())
    .map(([lines, ended]) => Buffer.from(lines.join('\r\n') + (ended ? '\r\n' : '')));
  await fc.assert(
    fc.asyncProperty(content, fc.array(fc.nat(40), { maxLength: 6 }), async (bytes, cuts) => {
      const before = started.messages.length;
      const statuses = await agent.deliver(taskOf({ content: cut(bytes, cuts) }), never);
      expect(brief(statuses)).toEqual([yes]);
      const got = started.messages[before]?.content.toString('latin1') ?? '';
      const sent = bytes.toString('latin1');
      expect(got).toBe(sent === '' || sent.endsWith('\r\n') ? sent : `${sent}\r\n`);
      started.messages.length = 0;
    }),
    { seed: 5321, numRuns: 200 },
  );
  await agent.close(never);
});

function cut(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const ends = [...new Set([...cuts.filter((end) => end < bytes.length), bytes.length])].sort(
    (a, b) => a - b,
  );
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

test('a message much larger than what fits on the way comes whole', async () => {
  const lines = Buffer.from('.a line with a dot\r\n'.repeat(100));
  const started = await peer({ extensions: ['PIPELINING'] });
  const agent = agentFor(at(started.port), {
    delivery: { ...delivery, timeLimits: { ...delivery.timeLimits, dataEnd: 10_000, dataBlock: 10_000 } },
  });
  const chunks = new Array<Buffer>(1000).fill(lines);
  expect(brief(await agent.deliver(taskOf({ content: chunks }), never))).toEqual([yes]);
  expect(started.messages[0]?.content.equals(Buffer.concat(chunks))).toBe(true);
  await agent.close(never);
});

test.each([
  'a\nb\r\n',
  'a\rb\r\n',
  '\n.\r\nMAIL FROM:<x@y>\r\n',
  'a\r\n.\nb\r\n',
  'a\r\n.\rb\r\n',
  'a\n.\nb\r\n',
  'a\r',
  'a\n',
  '\r\r\n',
])('a bare CR or LF never leaves the house: %j', async (text) => {
  const splits = [[Buffer.from(text)], [...text].map((octet) => Buffer.from(octet))];
  for (const content of splits) {
    const { said, peer: taken } = await send({ extensions: ['PIPELINING'] }, { content });
    expect(said).toEqual(['failed 554 5.6.0']);
    await soon(() => taken.open() === 0);
    expect(taken.messages).toEqual([]);
  }
});

test('content that fails, or is shorter than it said, is never taken for a whole message', async () => {
  const started = await peer({ extensions: ['PIPELINING'] });
  const agent = agentFor(at(started.port));
  const task = taskOf();
  const failing = {
    ...task,
    async *content() {
      yield Buffer.from('half\r\n');
      throw new Error('the disk is gone');
    },
  };
  await expect(agent.deliver(failing, never)).rejects.toThrow('the disk is gone');
  await expect(agent.deliver({ ...task, size: task.size + 1 }, never)).rejects.toThrow(/octets instead of/);
  await agent.close(never);
  expect(started.messages).toEqual([]);
  await soon(() => started.open() === 0);
});

test('what a peer says is fit for logs', async () => {
  const reply = `550 5.1.1 \u001b[31mred\u0007\u2028 ${'x'.repeat(5000)}`;
  const { statuses } = await send({ steps: { rcpt: () => reply } }, {});
  const text = statuses[0]?.reply.lines[0] ?? '';
  expect(text).toMatch(/^ \[31mred +x+$/);
  expect(text.length).toBeLessThanOrEqual(512);
});

test('a peer that answers before the end of data is heard', async () => {
  const content = new Array<Buffer>(400).fill(Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(64)));
  const refusing: PeerScript = {
    extensions: ['PIPELINING'],
    cut: { at: 100_000, step: '552 5.3.4 too big' },
  };
  expect((await send(refusing, { content })).said).toEqual(['failed 552 5.3.4']);
  const lying: PeerScript = {
    extensions: ['PIPELINING'],
    cut: { at: 100_000, step: '250 2.0.0 thanks, enough' },
  };
  expect((await send(lying, { content })).said).toEqual(['later 451 4.4.2']);
});

test.each([0, 1, 100, 65_535, 65_536, 70_000, 200_000])(
  'the connection is lost after %i octets of content',
  async (octets) => {
    const content = new Array<Buffer>(256).fill(Buffer.from(`${'x'.repeat(1022)}\r\n`));
    for (const deed of ['close', 'reset'] as const) {
      const {
        said,
        statuses,
        peer: taken,
      } = await send({ extensions: ['PIPELINING'], cut: { at: octets, step: { do: deed } } }, { content });
      expect(said).toEqual(['later 451 4.4.2']);
      expect(statuses[0]?.destinationDown).toBeUndefined();
      await soon(() => taken.open() === 0);
    }
  },
);

const many: readonly Recipient[] = five.map((text) => ({ address: address(text) }));
test('the peer, its address and its port are in every status it gave', async () => {
  const { statuses, peer: taken } = await send({}, { to: many });
  for (const status of statuses)
    expect(status.peer).toEqual({ host: '127.0.0.1', ip: '127.0.0.1', port: taken.port });
});
