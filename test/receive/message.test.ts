import { afterEach, describe, expect, test } from 'vitest';
import { MailError } from '../../src/mail/condition.ts';
import { DirectoryUnready } from '../../src/ports/directory.ts';
import type { Incoming, Spool } from '../../src/ports/spool.ts';
import { type Listener, startListener } from '../../src/receive/listener.ts';
import { type Changes, fakes, listenerOptions } from './fakes.ts';
import { Talk } from './talk.ts';

const open: (Listener | Talk)[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) {
    if (one instanceof Talk) one.destroy();
    else await one.close();
  }
});

async function inData(deps: Parameters<typeof startListener>[1], changes: Changes = {}): Promise<Talk> {
  const listener = await startListener(listenerOptions(changes), deps);
  const talk = Talk.to(listener.port);
  open.push(listener, talk);
  await talk.reply();
  for (const line of ['EHLO me', 'MAIL FROM:<bob@example.com>', 'RCPT TO:<ada@example.org>'])
    await talk.say(line);
  expect(await talk.say('DATA')).toMatch(/^354/);
  return talk;
}

describe('250 is said', () => {
  test('only when the spool has the message', async () => {
    const deps = fakes();
    const { promise, resolve } = Promise.withResolvers<void>();
    deps.spool.pause = promise;
    const talk = await inData(deps);
    talk.write('a: b\r\n\r\n.\r\n');
    const answer = talk.reply();
    expect(await Promise.race([answer, new Promise((next) => setTimeout(next, 100))])).toBeUndefined();
    resolve();
    expect(await answer).toMatch(/^250 2\.0\.0 Ok: queued as /);
  });

  test.each([
    ['full', new MailError('later', 'systemFull'), '452 4.3.1 Mail system full'],
    ['away', new MailError('later', 'localError'), '451 4.3.0 Mail system trouble'],
    ['broken', new Error('secret'), '451 4.3.0 Mail system trouble'],
  ])('not when the spool is %s, and the session goes on', async (_what, trouble, reply) => {
    const deps = fakes();
    deps.spool.trouble = trouble;
    const talk = await inData(deps);
    expect(await talk.write(`\r\n${'x'.repeat(700_000)}\r\n.\r\n`).reply()).toBe(reply);
    deps.spool.trouble = undefined;
    expect(await talk.say('MAIL FROM:<bob@example.com>')).toMatch(/^250/);
  });

  test('not when the directory is away after DATA', async () => {
    const deps = fakes();
    const talk = await inData(deps);
    deps.routing.routeAll = async () => {
      throw new DirectoryUnready('no snapshot');
    };
    expect(await talk.write('.\r\n').reply()).toBe('451 4.4.3 Directory trouble');
    expect(deps.spool.kept).toEqual([]);
  });
});

test('a client that goes away in the middle leaves nothing behind', async () => {
  const deps = fakes();
  let failed: unknown;
  const spool: Spool = {
    newId: () => 'Q1',
    accept: (incoming, signal) =>
      deps.spool.accept(incoming, signal).catch((error: unknown) => {
        failed = error;
        throw error;
      }),
  };
  for (const way of ['destroy', 'end'] as const) {
    failed = undefined;
    const talk = await inData({ ...deps, spool });
    talk.write('a: b\r\n\r\nhalf a mess');
    await new Promise((resolve) => setTimeout(resolve, 20));
    talk[way]();
    await expect.poll(() => failed).toBeInstanceOf(MailError);
  }
  expect(deps.spool.kept).toEqual([]);
});

test('a slow spool slows the client down, and memory stays bounded', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let octets = 0;
  const spool: Spool = {
    newId: () => 'Q1',
    async accept({ content, finish }: Incoming) {
      await promise;
      for await (const chunk of content) octets += chunk.length;
      await finish();
    },
  };
  const size = 32 * 2 ** 20;
  const talk = await inData({ ...fakes(), spool }, { limits: { messageSize: size * 2 } });
  const line = Buffer.from(`${'x'.repeat(1022)}\r\n`);
  const block = Buffer.concat(Array.from({ length: 1024 }, () => line));
  talk.write('\r\n');
  let sent = 0;
  const writer = (async () => {
    for (; sent < size; sent += block.length) {
      if (!talk.socket.write(block)) await new Promise((next) => talk.socket.once('drain', next));
    }
  })();
  await new Promise((next) => setTimeout(next, 300));
  // What is beyond our 256 KiB sits in the buffers of two kernels' sockets.
  expect(sent).toBeLessThan(size / 2);
  resolve();
  await writer;
  expect(await talk.write('.\r\n').reply()).toMatch(/^250/);
  expect(octets).toBe(size + 2);
});

test('a flood of stuffed dots is content like any other', async () => {
  const deps = fakes();
  const talk = await inData(deps, { limits: { messageSize: 20_000_000 } });
  const wire = Buffer.from(`\r\n${'..\r\n'.repeat(2_000_000)}`);
  talk.write(wire).write('.\r\n');
  expect(await talk.reply()).toMatch(/^250/);
  expect(deps.spool.kept[0]?.facts.size).toBe(6_000_002);
});

test('far beyond the limit nobody waits for the end', async () => {
  const deps = fakes();
  const talk = await inData(deps, { limits: { messageSize: 1000 } });
  const block = `${'x'.repeat(98)}\r\n`.repeat(1000);
  const flood = setInterval(() => talk.write(block), 1);
  expect(await talk.reply()).toMatch(/^552 5\.3\.4/);
  clearInterval(flood);
  await talk.closed();
});

describe('what was kept', () => {
  test('is what came, octet by octet, 8-bit and long lines included', async () => {
    const deps = fakes();
    const talk = await inData(deps);
    const content = Buffer.concat([
      Buffer.from('Subject: x\r\n\r\n'),
      Buffer.from(
        Array.from({ length: 256 }, (_none, octet) => octet).filter((octet) => ![0, 10, 13].includes(octet)),
      ),
      Buffer.from(`\r\n${'y'.repeat(100_000)}\r\n`),
    ]);
    talk.write(content).write('.\r\n');
    expect(await talk.reply()).toMatch(/^250/);
    expect(deps.spool.kept[0]?.content.equals(content)).toBe(true);
    expect(deps.spool.kept[0]?.facts).toMatchObject({
      eightBit: true,
      utf8Header: false,
      longestLine: 100_000,
    });
  });

  test('own hops are counted and sites seen, and one too many is a loop', async () => {
    const deps = fakes();
    const own = 'Received: from x by mx.example.org (Isthmus) with ESMTP id Q1 (site cloud); date\r\n';
    const talk = await inData(deps, { limits: { ownHops: 2 } });
    expect(await talk.write(`${own.repeat(2)}\r\n.\r\n`).reply()).toMatch(/^250/);
    expect(deps.routing.questions.at(-1)).toMatchObject({ sitesSeen: ['cloud', 'cloud'] });
    for (const line of ['MAIL FROM:<bob@example.com>', 'RCPT TO:<ada@example.org>', 'DATA'])
      await talk.say(line);
    expect(await talk.write(`${own.repeat(3)}\r\n.\r\n`).reply()).toBe(
      '554 5.4.6 Mail loop: the message was here too often',
    );
  });

  test('rules get the header fields they ask for, and the size', async () => {
    const deps = fakes();
    const talk = await inData(deps);
    await talk.write('SUBJECT: a\r\n b\r\nFrom: c\r\n\r\n.\r\n').reply();
    const question = deps.routing.questions.at(-1);
    expect([...(question?.headers ?? [])]).toEqual([['subject', ['a b']]]);
    expect(question?.size).toBe(27);
  });
});
