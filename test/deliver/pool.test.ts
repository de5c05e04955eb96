/**
 * Kept connections: when they serve again, when they do not, and what happens when one has died meanwhile.
 */
import { afterEach, expect, test } from 'vitest';
import type { DeliveryOptions, Site } from '../../src/deliver/options.ts';
import type { DeliveryAgent } from '../../src/ports/delivery-agent.ts';
import { type Peer, type PeerScript, startPeer } from '../fixture/smtp-peer.ts';
import { agentFor, at, brief, delivery, never, soon, taskOf } from './parts.ts';

const peers: Peer[] = [];
const agents: DeliveryAgent[] = [];
const peer = async (script: PeerScript = {}): Promise<Peer> => {
  const started = await startPeer({ extensions: ['PIPELINING'], ...script });
  peers.push(started);
  return started;
};
afterEach(async () => {
  for (const each of agents.splice(0)) await each.close(AbortSignal.timeout(1000));
  for (const each of peers.splice(0)) await each.close();
});

let time = 0;
function agent(to: Peer, more: Partial<DeliveryOptions> = {}, parts = {}): DeliveryAgent {
  const made = agentFor(at(to.port), {
    delivery: { ...delivery, ...more },
    now: () => new Date(time),
    ...parts,
  });
  agents.push(made);
  return made;
}
const yes = ['delivered 250 2.0.0'];
const send = async (by: DeliveryAgent): Promise<readonly string[]> =>
  brief(await by.deliver(taskOf(), never));

test('a connection serves message after message', async () => {
  const to = await peer();
  const by = agent(to);
  for (let turn = 0; turn < 5; turn++) expect(await send(by)).toEqual(yes);
  expect(to.connections()).toBe(1);
});

test('messages at the same time have connections of their own', async () => {
  const to = await peer();
  const by = agent(to);
  for (const said of await Promise.all([send(by), send(by), send(by)])) expect(said).toEqual(yes);
  expect(to.connections()).toBe(3);
  await Promise.all([send(by), send(by), send(by)]);
  expect(to.connections()).toBe(3);
});

test('it is left after so many messages, so much time, or so much idleness', async () => {
  const to = await peer();
  const few = agent(to, { keep: { ...delivery.keep, messages: 2 } });
  for (let turn = 0; turn < 4; turn++) await send(few);
  expect(to.connections()).toBe(2);
  const by = agent(to, { keep: { idle: 1000, age: 3000, messages: 100 } });
  for (const step of [0, 900, 1100]) {
    time += step;
    await send(by);
  }
  expect(to.connections()).toBe(4);
  for (const step of [900, 900, 900, 900]) {
    time += step;
    await send(by);
  }
  expect(to.connections()).toBe(5);
});

test('LIMITS MAILMAX is kept', async () => {
  const to = await peer({ extensions: ['LIMITS MAILMAX=2'] });
  const by = agent(to);
  for (let turn = 0; turn < 4; turn++) await send(by);
  expect(to.connections()).toBe(2);
});

test('an idle connection says QUIT in the end', async () => {
  const to = await peer();
  const by = agent(to, { keep: { ...delivery.keep, idle: 20 } });
  await send(by);
  time += 30;
  await soon(() => to.open() === 0);
  expect(to.commands.at(-1)).toBe('QUIT');
});

test('a connection that the peer has closed is replaced silently', async () => {
  const to = await peer();
  const by = agent(to);
  await send(by);
  to.hangUp();
  expect(await send(by)).toEqual(yes);
  expect(to.connections()).toBe(2);
  expect(to.messages).toHaveLength(2);
});

test.each([
  [{ do: 'close' }],
  [{ do: 'reset' }],
  [{ do: 'close', after: '421 4.4.2 idle for too long\r\n' }],
  ['421 4.7.0 too many messages'],
] as const)('one that dies at the next MAIL (%j) is replaced silently', async (step) => {
  const to = await peer({ steps: { mail: ({ count }) => (count === 2 ? step : undefined) } });
  const by = agent(to);
  await send(by);
  expect(await send(by)).toEqual(yes);
  expect(to.connections()).toBe(2);
});

test('a fresh one that dies at MAIL is not replaced', async () => {
  const to = await peer({ steps: { mail: () => ({ do: 'close' }) } });
  expect(await send(agent(to))).toEqual(['later 451 4.4.2']);
  expect(to.connections()).toBe(1);
});

test('one that dies after MAIL was answered is not replaced: the peer has an opinion', async () => {
  const to = await peer({
    extensions: [],
    steps: { rcpt: ({ count }) => (count === 2 ? { do: 'close' } : undefined) },
  });
  const by = agent(to);
  await send(by);
  expect(await send(by)).toEqual(['later 451 4.4.2']);
  expect(to.connections()).toBe(2 - 1);
});

test('what a peer says unasked makes its connection unusable', async () => {
  const to = await peer();
  const by = agent(to);
  await send(by);
  to.blurt('250 2.0.0 surprise\r\n');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await send(by)).toEqual(yes);
  expect(to.connections()).toBe(2);
});

test('changed settings of a site are obeyed at once', async () => {
  const to = await peer({ steps: {} });
  let site: Site = { tls: 'none', nextHops: [{ host: '127.0.0.1', port: to.port }] };
  const by = agent(to, {}, { sites: () => new Map([['peer', site]]) });
  await send(by);
  site = { ...site, assume8bit: true };
  await send(by);
  expect(to.connections()).toBe(2);
});

test('no more connections than permitted, and everybody has a turn', async () => {
  const to = await peer();
  const by = agent(to, { maxConnections: 3 });
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, to.open());
  }, 1);
  const all = await Promise.all(Array.from({ length: 30 }, () => send(by)));
  clearInterval(watch);
  expect(all.flat()).toEqual(new Array(30).fill(yes[0]));
  expect(most).toBeLessThanOrEqual(3);
});

test('an idle connection to one peer makes room for another peer', async () => {
  const one = await peer();
  const two = await peer();
  const sites = new Map<string, Site>([
    ['peer', { tls: 'none', nextHops: [{ host: '127.0.0.1', port: one.port }] }],
    ['other', { tls: 'none', nextHops: [{ host: '127.0.0.1', port: two.port }] }],
  ]);
  const by = agent(one, { maxConnections: 1 }, { sites: () => sites });
  await send(by);
  const other = taskOf({ nextHop: { kind: 'site', site: 'other' } });
  expect(brief(await by.deliver(other, never))).toEqual(yes);
  await soon(() => one.open() === 0);
});

test('closing waits for the busy, and cuts them off when it is told to', async () => {
  const slow = await peer({ steps: { end: () => ({ do: 'hang' }) } });
  const by = agentFor(at(slow.port), {
    delivery: { ...delivery, timeLimits: { ...delivery.timeLimits, dataEnd: 60_000, attempt: 60_000 } },
  });
  const busy = by.deliver(taskOf(), never);
  await soon(() => slow.commands.includes('DATA'));
  const stop = new AbortController();
  const closed = by.close(stop.signal);
  expect(brief(await by.deliver(taskOf(), never))).toEqual(['later 421 4.3.2']);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(slow.open()).toBe(1);
  stop.abort();
  expect(brief(await busy)[0]).toMatch(/^later/);
  await closed;
  await soon(() => slow.open() === 0);
});

const phases = ['greeting', 'hello', 'mail', 'rcpt', 'data'] as const;
test.each(phases)('an abort while waiting at %s leaves no socket', async (phase) => {
  for (const extensions of [['PIPELINING'], []]) {
    const to = await peer({ extensions, steps: { [phase]: () => ({ do: 'hang' }) } });
    const by = agentFor(at(to.port), {
      delivery: { ...delivery, timeLimits: { ...delivery.timeLimits, [phase]: 60_000, dataEnd: 60_000 } },
    });
    const stop = new AbortController();
    const outcome = by.deliver(taskOf(), stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 30);
    await expect(outcome).rejects.toThrow('enough');
    await soon(() => to.open() === 0);
    await by.close(never);
  }
});

test('an abort after the final dot says that the peer may have the message', async () => {
  const to = await peer({ steps: { end: () => ({ do: 'hang' }) } });
  const by = agent(to);
  const stop = new AbortController();
  const outcome = by.deliver(taskOf(), stop.signal);
  await soon(() => to.commands.includes('DATA'));
  setTimeout(() => stop.abort(), 30);
  const [status] = await outcome;
  expect(status?.outcome).toBe('later');
  expect(status?.reply.lines[0]).toMatch(/may come twice/);
});

test('an abort after some recipients have their answer keeps those answers', async () => {
  const to = await peer({
    extensions: ['PIPELINING', 'LIMITS RCPTMAX=1'],
    steps: { mail: ({ count }) => (count === 2 ? { do: 'hang' } : undefined) },
  });
  const by = agent(to);
  const stop = new AbortController();
  const outcome = by.deliver(taskOf({ to: ['a@x.test', 'b@x.test'] }), stop.signal);
  await soon(() => to.messages.length === 1);
  stop.abort(new Error('enough'));
  expect(brief(await outcome)).toEqual(['delivered 250 2.0.0', 'later 421 4.3.2']);
});

test('a signal that has aborted already is obeyed before anything is opened', async () => {
  const to = await peer();
  await expect(agent(to).deliver(taskOf(), AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
  expect(to.connections()).toBe(0);
});

test('an attempt that takes too long ends, with all that it holds', async () => {
  const to = await peer({ steps: { mail: () => ({ do: 'hang' }) } });
  const by = agent(to, { timeLimits: { ...delivery.timeLimits, mail: 60_000, attempt: 50 } });
  expect(await send(by)).toEqual(['later 451 4.4.7']);
  await soon(() => to.open() === 0);
});
