import { connect } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Resolver } from '../../src/ports/resolver.ts';
import { bindListener, type Listener, startListener } from '../../src/receive/listener.ts';
import { type Changes, type Fakes, fakes, listenerOptions } from './fakes.ts';
import { Talk } from './talk.ts';

const open: { close?: () => unknown; destroy?: () => void }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await (one.close?.() ?? one.destroy?.());
});

async function start(changes: Changes = {}, deps: Fakes = fakes()): Promise<Listener> {
  const listener = await startListener(listenerOptions(changes), deps);
  open.push(listener);
  return listener;
}

function dial(port: number, localAddress?: string): Talk {
  const talk = Talk.to(port, localAddress);
  open.push(talk);
  return talk;
}

async function greeted(port: number, localAddress?: string): Promise<Talk> {
  const talk = dial(port, localAddress);
  expect(await talk.reply()).toMatch(/^220 /);
  await talk.say('HELO me');
  return talk;
}

const begin = async (talk: Talk, rcpt = 'ada@example.org') => {
  await talk.say('MAIL FROM:<bob@example.com>');
  return talk.say(`RCPT TO:<${rcpt}>`);
};

describe('a listener', () => {
  test('binds first and serves later; who came meanwhile is served', async () => {
    const bound = await bindListener(listenerOptions());
    const talk = dial(bound.port);
    await new Promise((resolve) => talk.socket.once('connect', resolve));
    const listener = bound.serve(fakes());
    open.push(listener);
    expect(await talk.reply()).toMatch(/^220 /);
    expect(listener.port).toBe(bound.port);
  });

  test('gives the address back without ever having served', async () => {
    const bound = await bindListener(listenerOptions());
    await bound.close();
    const again = await bindListener({ ...listenerOptions(), port: bound.port });
    await again.close();
  });

  test('shares its address with other processes where asked to', async () => {
    const first = await start({ reusePort: true });
    const second = await start({ reusePort: true, port: first.port });
    await greeted(second.port);
  });

  test('says which address cannot be bound', async () => {
    const { port } = await start();
    await expect(startListener({ ...listenerOptions(), port }, fakes())).rejects.toThrow(
      new RegExp(`listener test: cannot bind 127\\.0\\.0\\.1 port ${port}`),
    );
  });

  test('says which network is none', async () => {
    await expect(start({ relay: { networks: ['10.0.0.0/33'], certificateNames: [] } })).rejects.toThrow(
      '"10.0.0.0/33"',
    );
  });

  test('takes new limits live, and refuses to move', async () => {
    const listener = await start({ limits: { messageSize: 1000 } });
    const talk = await greeted(listener.port);
    expect(await talk.say('MAIL FROM:<bob@example.com> SIZE=2000')).toMatch(/^552 /);
    listener.reload(listenerOptions({ limits: { messageSize: 3000 } }));
    expect(await talk.say('MAIL FROM:<bob@example.com> SIZE=2000')).toMatch(/^250 /);
    expect(() => listener.reload(listenerOptions({ port: 1 }))).toThrow(/port needs a restart/);
  });
});

describe('too many', () => {
  test('connections at once', async () => {
    const { port } = await start({ limits: { connections: 2 } });
    const first = await greeted(port);
    await greeted(port);
    expect(await dial(port).rest()).toEqual(['421 4.7.0 Too many connections']);
    await first.say('QUIT');
    await first.closed();
    first.destroy();
    await expect.poll(async () => (await dial(port).reply()).slice(0, 3)).toBe('220');
  });

  test('connections of one network, but not of those that may relay', async () => {
    const { port } = await start({
      limits: { connectionsPerNetwork: 1 },
      relay: { networks: ['127.0.0.3'], certificateNames: [] },
    });
    await greeted(port);
    expect(await dial(port).reply()).toMatch(/^421 4\.7\.0/);
    await greeted(port, '127.0.0.2');
    await greeted(port, '127.0.0.3');
    await greeted(port, '127.0.0.3');
  });

  test('connections in a minute, and they pass with it', async () => {
    let now = 0;
    const { port } = await start(
      { limits: { connectionsPerMinute: 2 } },
      fakes({ now: () => new Date(now) }),
    );
    for (const code of ['220', '220', '421']) expect((await dial(port).reply()).slice(0, 3)).toBe(code);
    now += 60_000;
    expect(await dial(port).reply()).toMatch(/^220/);
  });

  test('connections in a minute, where the clock was set back', async () => {
    let now = 3_600_000;
    const { port } = await start(
      { limits: { connectionsPerMinute: 1 } },
      fakes({ now: () => new Date(now) }),
    );
    for (const code of ['220', '421']) expect((await dial(port).reply()).slice(0, 3)).toBe(code);
    now = 0;
    for (const code of ['220', '421']) expect((await dial(port).reply()).slice(0, 3)).toBe(code);
    now += 60_000;
    expect(await dial(port).reply()).toMatch(/^220/);
  });

  test('messages in a minute and in one connection', async () => {
    const { port } = await start({ limits: { messagesPerMinute: 3, messagesPerConnection: 2 } });
    const send = async (talk: Talk) => {
      const mail = await talk.say('MAIL FROM:<bob@example.com>');
      if (!mail.startsWith('250')) return mail;
      await talk.say('RCPT TO:<ada@example.org>');
      await talk.say('DATA');
      return talk.say('.');
    };
    const one = await greeted(port);
    expect(await send(one)).toMatch(/^250/);
    expect(await send(one)).toMatch(/^250/);
    expect(await send(one)).toMatch(/^421 4\.7\.1 Enough messages/);
    const two = await greeted(port);
    expect(await send(two)).toMatch(/^250/);
    expect(await send(two)).toMatch(/^450 4\.7\.1/);
  });

  test('seconds for a command: a client that trickles octets goes too', async () => {
    let now = Date.now();
    const { port } = await start({ limits: { commandTime: 5000 } }, fakes({ now: () => new Date(now) }));
    const talk = await greeted(port);
    const trickle = setInterval(() => talk.write('N'), 50);
    now += 6000;
    expect(await talk.reply()).toBe('421 4.4.2 Time-out');
    clearInterval(trickle);
  });

  test('seconds for a message, and octets that come too slowly', async () => {
    let now = Date.now();
    const deps = fakes({ now: () => new Date(now) });
    const { port } = await start(
      { limits: { dataTime: 100_000, dataRate: 10, commandTime: 3_600_000 } },
      deps,
    );
    for (const [later, write] of [
      [61_000, 'a'],
      [101_000, 'a'.repeat(5000)],
    ] as const) {
      const talk = await greeted(port);
      await begin(talk);
      await talk.say('DATA');
      talk.write(write);
      await new Promise((resolve) => setTimeout(resolve, 50));
      now += later;
      expect(await talk.reply()).toBe('421 4.4.2 Message came too slowly');
    }
    expect(deps.spool.kept).toEqual([]);
  });

  test('seconds for an answer about a recipient', async () => {
    let now = Date.now();
    const deps = fakes({ now: () => new Date(now) });
    const { port } = await start({ limits: { lookupTime: 1000 } }, deps);
    const talk = await greeted(port);
    await talk.say('MAIL FROM:<bob@example.com>');
    deps.routing.pause = new Promise(() => {});
    talk.write('RCPT TO:<ada@example.org>\r\n');
    await expect.poll(() => deps.routing.questions.length).toBe(1);
    now += 2000;
    expect(await talk.reply()).toBe('451 4.3.0 No answer in time, try again later');
    deps.routing.pause = undefined;
    expect(await talk.say('RCPT TO:<ada@example.org>')).toMatch(/^250/);
  });
});

describe('an impatient client', () => {
  test('waits for nothing: the greeting comes at once', async () => {
    const { port } = await start();
    const waits = vi.spyOn(globalThis, 'setTimeout');
    await dial(port).reply();
    expect(waits.mock.calls.filter(([, delay]) => delay === 100)).toEqual([]);
    waits.mockRestore();
  });

  test.each([
    ['refuse', /^554 5\.5\.1 You talk before the greeting$/],
    ['accept', /^220 /],
  ] as const)('that talks before the greeting: %s', async (earlyTalkers, reply) => {
    const { port } = await start({ greeting: { text: 'hello there', delay: 150, earlyTalkers } });
    const talk = dial(port).write('EHLO me\r\n');
    expect(await talk.reply()).toMatch(reply);
    expect(await dial(port).reply()).toBe('220 mx.example.org ESMTP hello there');
  });
});

describe('behind a load balancer', () => {
  const changes: Changes = { proxyProtocol: { networks: ['127.0.0.1'] } };

  test('the client is who the header says', async () => {
    const deps = fakes();
    const { port } = await start(changes, deps);
    const talk = dial(port).write('PROXY TCP4 192.0.2.7 203.0.113.9 12345 25\r\nHELO me\r\n');
    expect(await talk.reply()).toMatch(/^220/);
    expect(await talk.reply()).toMatch(/^250/);
    await begin(talk);
    expect(deps.routing.questions[0]?.client.ip).toBe('192.0.2.7');
  });

  test('version 2 does, in pieces too', async () => {
    const deps = fakes();
    const { port } = await start(changes, deps);
    const talk = dial(port);
    const header = Buffer.from(
      '0d0a0d0a000d0a515549540a2121002420010db800000000000000000000000120010db800000000000000000000000230390019',
      'hex',
    );
    for (const octet of header) {
      talk.write(Buffer.from([octet]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await talk.reply()).toMatch(/^220/);
    await talk.say('HELO me');
    await begin(talk);
    expect(deps.routing.questions[0]?.client.ip).toBe('2001:db8::1');
  });

  test('without a header there is no greeting, from elsewhere no header is read', async () => {
    const { port } = await start(changes);
    expect(await dial(port).write('EHLO me\r\n').rest()).toEqual([]);
    const talk = await greeted(port, '127.0.0.2');
    expect(await talk.say('PROXY TCP4 192.0.2.7 203.0.113.9 12345 25')).toMatch(/^500/);
  });
});

describe('the client’s name', () => {
  const resolver = (addresses: () => Promise<{ v4: string[]; v6: string[] }>): Resolver => ({
    mx: async () => [],
    txt: async () => [],
    reverse: async () => ['Bad Name', 'Out.Example.com.'],
    addresses,
  });

  test.each([
    ['points back', async () => ({ v4: ['127.0.0.1'], v6: [] }), 'out.example.com'],
    ['points elsewhere', async () => ({ v4: ['192.0.2.1'], v6: [] }), undefined],
    ['never comes', () => new Promise<never>(() => {}), undefined],
  ] as const)('that %s', async (_what, addresses, name) => {
    const deps = fakes({ resolver: resolver(addresses as () => Promise<{ v4: string[]; v6: string[] }>) });
    const { port } = await start({ reverseName: 200 }, deps);
    const talk = await greeted(port);
    await begin(talk);
    expect(deps.routing.questions[0]?.client.name).toBe(name);
  });
});

describe('draining', () => {
  test('idle sessions end with 421, a transaction under way ends well, nobody new is let in', async () => {
    const deps = fakes();
    const listener = await start({}, deps);
    const [idle, busy] = await Promise.all([greeted(listener.port), greeted(listener.port)]);
    await begin(busy);
    await busy.say('DATA');
    const drained = listener.drain(AbortSignal.timeout(5000));
    expect(await idle.rest()).toEqual(['421 4.3.2 Service shutting down']);
    await expect(
      new Promise((resolve, reject) =>
        connect(listener.port, '127.0.0.1', () => resolve('in')).on('error', reject),
      ),
    ).rejects.toThrow('ECONNREFUSED');
    expect(await busy.say('.')).toMatch(/^250 2\.0\.0/);
    expect(await busy.rest()).toEqual(['421 4.3.2 Service shutting down']);
    busy.destroy();
    idle.destroy();
    await drained;
    expect(deps.spool.kept).toHaveLength(1);
  });

  test('is over in time, whatever clients do', async () => {
    const listener = await start();
    const talk = await greeted(listener.port);
    await begin(talk);
    await listener.drain(AbortSignal.timeout(100));
    await talk.closed();
    expect(listener.connections).toBe(0);
  });
});
