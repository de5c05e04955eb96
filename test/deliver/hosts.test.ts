/**
 * Which hosts are asked, in which order, and what is said when there is none.
 */
import { afterEach, expect, test } from 'vitest';
import { makeResolver } from '../../connectors/dns/resolver.ts';
import type { DeliveryOptions, Site, SiteHop } from '../../src/deliver/options.ts';
import { isPrivate } from '../../src/deliver/targets.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import type { Mx, Resolver } from '../../src/ports/resolver.ts';
import { startDnsServer } from '../fixture/dns-server.ts';
import { type Peer, type PeerScript, startPeer } from '../fixture/smtp-peer.ts';
import { agentFor, at, brief, delivery, names, never, taskOf } from './parts.ts';

const peers: Peer[] = [];
const peer = async (script: PeerScript = {}): Promise<Peer> => {
  const started = await startPeer(script);
  peers.push(started);
  return started;
};
afterEach(async () => {
  for (const each of peers.splice(0)) await each.close();
});
const yes = 'delivered 250 2.0.0';

async function byMx(
  resolver: Resolver,
  mx: Partial<DeliveryOptions['mx']>,
  more: {
    readonly random?: () => number;
    readonly domain?: string;
    readonly delivery?: Partial<DeliveryOptions>;
  } = {},
) {
  const options = { ...delivery, ...more.delivery, mx: { ...delivery.mx, ...mx } };
  const agent = agentFor(
    { nextHops: [] },
    { resolver, delivery: options, ...(more.random ? { random: more.random } : {}) },
  );
  const nextHop = { kind: 'mx', domain: more.domain ?? 'example.org' } as const;
  const [status] = await agent.deliver(taskOf({ nextHop }), never);
  await agent.close(AbortSignal.timeout(1000));
  if (!status) throw new Error('no status');
  return {
    said: brief([status])[0],
    host: status.peer?.host,
    text: status.reply.lines.join(' '),
    down: status.destinationDown,
  };
}

/** Hosts by name, all of which are this machine. */
const here = (mx: readonly (readonly [number, string])[]): Resolver =>
  names({
    mx: { 'example.org': mx.map(([preference, exchange]): Mx => ({ preference, exchange })) },
    host: Object.fromEntries(mx.map(([, exchange]) => [exchange, ['127.0.0.1']])),
  });

test('the best mail exchanger is asked first', async () => {
  const { port } = await peer();
  const { said, host } = await byMx(
    here([
      [20, 'b.test'],
      [10, 'a.test'],
      [30, 'c.test'],
    ]),
    { port },
  );
  expect([said, host]).toEqual([yes, 'a.test']);
});

test('chance decides among equals', async () => {
  const { port } = await peer();
  const found = new Set<string | undefined>();
  const equal = here([
    [10, 'a.test'],
    [10, 'b.test'],
  ]);
  for (const draws of [
    [0.1, 0.9],
    [0.9, 0.1],
  ]) {
    const left = [...draws];
    found.add((await byMx(equal, { port }, { random: () => left.shift() ?? 0.5 })).host);
  }
  expect(found).toEqual(new Set(['a.test', 'b.test']));
});

test('without MX the domain is the host', async () => {
  const { port } = await peer();
  const { said, host } = await byMx(names({ host: { 'example.org': ['127.0.0.1'] } }), { port });
  expect([said, host]).toEqual([yes, 'example.org']);
});

test('a mail exchanger that never takes mail fails it, a site that says so keeps it waiting (RFC 7504)', async () => {
  const { port } = await peer({ steps: { greeting: () => '521 5.3.2 never' } });
  expect(await byMx(here([[10, 'a.test']]), { port })).toMatchObject({
    said: 'failed 521 5.3.2',
    down: undefined,
  });
  const counted: unknown[] = [];
  const metrics = { ...noMetrics, count: (...facts: unknown[]) => void counted.push(facts) };
  const agent = agentFor(at(port), { metrics });
  const [status] = await agent.deliver(taskOf(), never);
  await agent.close(AbortSignal.timeout(1000));
  expect(status).toMatchObject({ outcome: 'later', destinationDown: true });
  expect(status?.reply.lines.join()).toContain('521 5.3.2 never');
  expect(counted).toContainEqual(['isthmus_alarms_total', { kind: 'delivery refused' }]);
});

type Lack = readonly [name: string, resolver: Resolver, outcome: string, down?: boolean];
const none: readonly Lack[] = [
  ['a domain that does not exist', names({}), 'failed 550 5.1.2'],
  ['a null MX', names({ mx: { 'example.org': [{ preference: 0, exchange: '' }] } }), 'failed 556 5.1.10'],
  ['DNS away', names({ mx: { 'example.org': 'away' } }), 'later 451 4.4.3', true],
  [
    'an exchanger whose address DNS does not give',
    names({ mx: { 'example.org': [{ preference: 0, exchange: 'a.test' }] }, host: { 'a.test': 'away' } }),
    'later 451 4.4.3',
    true,
  ],
  [
    'an exchanger that does not exist',
    names({ mx: { 'example.org': [{ preference: 0, exchange: 'a.test' }] } }),
    'failed 550 5.1.2',
  ],
  [
    'an exchanger without address',
    names({ mx: { 'example.org': [{ preference: 0, exchange: 'a.test' }] }, host: { 'a.test': [] } }),
    'failed 554 5.4.4',
  ],
  ['no MX and no address', names({ host: { 'example.org': [] } }), 'failed 554 5.4.4'],
  ['only ourselves', here([[10, 'isthmus.test']]), 'failed 554 5.4.6'],
  [
    'ourselves as the best',
    here([
      [10, 'isthmus.test'],
      [20, 'b.test'],
    ]),
    'failed 554 5.4.6',
  ],
  [
    'ourselves among the best',
    here([
      [10, 'isthmus.test'],
      [10, 'b.test'],
    ]),
    'failed 554 5.4.6',
  ],
];
test.each(none.map((row) => ({ row, name: row[0] })))(
  '$name',
  async ({ row: [, resolver, outcome, down] }) => {
    const { port } = await peer();
    const result = await byMx(resolver, { port });
    expect(result.said).toBe(outcome);
    expect(result.down).toBe(down);
  },
);

test('better exchangers than ourselves are asked, worse ones never', async () => {
  const { port } = await peer();
  const list = here([
    [10, 'a.test'],
    [20, 'our.other.name'],
    [30, 'c.test'],
  ]);
  expect((await byMx(list, { port, ownNames: ['Our.Other.Name'] })).host).toBe('a.test');
  const busy = await peer({ steps: { greeting: () => '421 4.3.2 busy' } });
  const { said } = await byMx(list, { port: busy.port, ownNames: ['our.other.name'] });
  expect(said).toBe('later 421 4.3.2');
  expect(busy.connections()).toBe(1);
});

test('one missing exchanger does not fail what another one defers', async () => {
  const busy = await peer({ steps: { greeting: () => '421 4.3.2 busy' } });
  const list = names({
    mx: {
      'example.org': [
        { preference: 1, exchange: 'gone.test' },
        { preference: 2, exchange: 'a.test' },
        { preference: 3, exchange: 'gone.test' },
      ],
    },
    host: { 'a.test': ['127.0.0.1'] },
  });
  expect((await byMx(list, { port: busy.port })).said).toBe('later 421 4.3.2');
});

test('address literals', async () => {
  const { port } = await peer();
  const away = names({});
  expect((await byMx(away, { port }, { domain: '[127.0.0.1]' })).said).toBe(yes);
  expect((await byMx(away, { port }, { domain: '[ipv6:::ffff:127.0.0.1]' })).said).toBe(yes);
  expect((await byMx(away, { port }, { domain: '[300.0.0.1]' })).said).toBe('failed 550 5.1.2');
});

test('MX records of strangers do not lead into our own network', async () => {
  const { port, connections } = await peer();
  const refused = await byMx(here([[10, 'a.test']]), { port, allowPrivate: false });
  expect(refused.said).toBe('failed 554 5.4.4');
  expect((await byMx(names({}), { port, allowPrivate: false }, { domain: '[::1]' })).said).toBe(
    'failed 554 5.4.4',
  );
  expect(connections()).toBe(0);
});

test.each([
  ...[
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.1.1',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
  ].map((ip) => [ip, true] as const),
  ...['::1', '::', 'fe80::1', 'fc00::1', 'fdff::1', 'ff02::1', '::ffff:10.0.0.1', '::ffff:7f00:1'].map(
    (ip) => [ip, true] as const,
  ),
  ...['192.0.2.1', '8.8.8.8', '172.32.0.1', '2001:db8::1', '::ffff:8.8.8.8'].map(
    (ip) => [ip, false] as const,
  ),
])('%s is private: %s', (ip, expected) => {
  expect(isPrivate(ip)).toBe(expected);
});

test('IPv6 and IPv4 come in the order that is wished', async () => {
  const six = await peer({ host: '::1' });
  const both = names({ host: { 'example.org': ['127.0.0.1', '::1'] } });
  const mx = { port: six.port };
  expect((await byMx(both, mx, { delivery: { addresses: 'ipv6First' } })).said).toBe(yes);
  expect((await byMx(both, mx, { delivery: { addresses: 'ipv6Only' } })).said).toBe(yes);
  // Nothing listens on IPv4 there: after the refusal, IPv6 has its turn.
  expect((await byMx(both, mx, { delivery: { addresses: 'ipv4First' } })).said).toBe(yes);
  expect((await byMx(both, mx, { delivery: { addresses: 'ipv4Only' } })).said).toBe('later 451 4.4.1');
  const four = names({ host: { 'example.org': ['127.0.0.1'] } });
  expect((await byMx(four, mx, { delivery: { addresses: 'ipv6Only' } })).said).toBe('failed 554 5.4.4');
});

test('our own address is what the configuration says', async () => {
  const { port } = await peer();
  const resolver = names({ host: { 'example.org': ['127.0.0.1'] } });
  expect((await byMx(resolver, { port }, { delivery: { sourceIpv4: '127.0.0.2' } })).said).toBe(yes);
  const impossible = await byMx(resolver, { port }, { delivery: { sourceIpv4: '192.0.2.1' } });
  expect([impossible.said, impossible.text]).toEqual([
    'later 451 4.4.1',
    expect.stringContaining('EADDRNOTAVAIL'),
  ]);
});

async function bySite(
  nextHops: readonly SiteHop[],
  more: {
    readonly random?: () => number;
    readonly resolver?: Resolver;
    readonly delivery?: Partial<DeliveryOptions>;
    readonly turns?: number;
  } = {},
) {
  const { turns = 1, delivery: options, ...rest } = more;
  const agent = agentFor({ nextHops } as Site, {
    ...rest,
    delivery: { ...delivery, keep: { ...delivery.keep, messages: 1 }, ...options },
  });
  const results = [];
  for (let turn = 0; turn < turns; turn++) {
    const [status] = await agent.deliver(taskOf(), never);
    if (status)
      results.push({ said: brief([status])[0], port: status.peer?.port, down: status.destinationDown });
  }
  await agent.close(AbortSignal.timeout(1000));
  return results;
}

test('a site: by priority, the next one where a host fails before it has answered for the recipients', async () => {
  const good = await peer();
  const failing: readonly PeerScript[] = [
    { steps: { greeting: () => '421 4.3.2 busy' } },
    { steps: { greeting: () => '554 5.7.1 no' } },
    { steps: { greeting: () => '521 5.3.2 never' } },
    { steps: { hello: () => ({ do: 'close' }) } },
    { steps: { mail: () => '452 4.3.1 no room' } },
    { steps: { mail: () => '421 4.3.2 busy' } },
    { steps: { rcpt: () => ({ do: 'reset' }) } },
    { steps: { data: () => ({ do: 'raw', bytes: 'nonsense\r\n' }) } },
    { steps: { end: () => '421 4.3.2 going down' } },
  ];
  for (const script of failing) {
    const bad = await peer(script);
    const hops = [
      { host: '127.0.0.1', port: good.port, priority: 20 },
      { host: '127.0.0.1', port: bad.port, priority: 10 },
    ];
    expect(await bySite(hops)).toEqual([{ said: yes, port: good.port, down: undefined }]);
    expect(bad.connections()).toBe(1);
  }
});

test('what a host has answered is final: the next one is not asked', async () => {
  const other = await peer();
  const answers: readonly PeerScript[] = [
    { steps: { mail: () => '550 5.7.1 no' } },
    { steps: { rcpt: () => '550 5.1.1 no' } },
    { steps: { rcpt: () => '450 4.2.1 later' } },
    { steps: { mail: () => '451 4.7.1 greylisted' } },
    { steps: { end: () => '451 4.3.0 later' } },
    // Nobody knows whether it has the message.
    { steps: { end: () => ({ do: 'close' }) } },
  ];
  for (const script of answers) {
    const first = await peer(script);
    const hops = [first, other].map(({ port }, priority) => ({ host: '127.0.0.1', port, priority }));
    expect((await bySite(hops))[0]?.said).not.toBe(yes);
  }
  expect(other.connections()).toBe(0);
});

test('recipients that a lost host had answered keep their answer, the others go to the next', async () => {
  const first = await peer({
    steps: { rcpt: ({ count }) => (count === 1 ? '550 5.1.1 no' : { do: 'close' }) },
  });
  const second = await peer();
  const hops = [first, second].map(({ port }, priority) => ({ host: '127.0.0.1', port, priority }));
  const agent = agentFor({ nextHops: hops });
  const statuses = await agent.deliver(taskOf({ to: ['a@x.test', 'b@x.test'] }), never);
  await agent.close(AbortSignal.timeout(1000));
  expect(brief(statuses)).toEqual(['failed 550 5.1.1', yes]);
  expect(second.messages[0]?.rcpt).toEqual(['RCPT TO:<b@x.test>']);
});

test('a host that lacks an extension is passed over for one that has it', async () => {
  const old = await peer();
  const modern = await peer({ extensions: ['8BITMIME'] });
  const hops = [old, modern].map(({ port }, priority) => ({ host: '127.0.0.1', port, priority }));
  const agent = agentFor({ nextHops: hops });
  expect(brief(await agent.deliver(taskOf({ eightBit: true }), never))).toEqual([yes]);
  await agent.close(AbortSignal.timeout(1000));
});

test('weight is the share among equals', async () => {
  const [heavy, light] = [await peer(), await peer()];
  const hops = [
    { host: '127.0.0.1', port: heavy.port, weight: 3 },
    { host: '127.0.0.1', port: light.port, weight: 1 },
  ];
  let draw = 0;
  const results = await bySite(hops, { turns: 20, random: () => (draw++ % 20) / 20 });
  expect(results.filter(({ port }) => port === heavy.port)).toHaveLength(15);
});

test('all hosts down: the destination is', async () => {
  const dead = await peer();
  await dead.close();
  expect(await bySite([{ host: '127.0.0.1', port: dead.port }])).toEqual([
    { said: 'later 451 4.4.1', port: undefined, down: true },
  ]);
});

test('an address that did not answer is asked last for a while', async () => {
  const bad = await peer({ steps: { greeting: () => '421 4.3.2 busy' } });
  const good = await peer();
  const hops = [bad, good].map(({ port }, priority) => ({ host: '127.0.0.1', port, priority }));
  await bySite(hops, { turns: 3 });
  expect(bad.connections()).toBe(1);
  expect(good.messages).toHaveLength(3);
});

test('no more addresses than permitted', async () => {
  const bad = await Promise.all(
    [1, 2, 3, 4].map(() => peer({ steps: { greeting: () => '421 4.3.2 busy' } })),
  );
  const hops = bad.map(({ port }) => ({ host: '127.0.0.1', port }));
  await bySite(hops, { delivery: { maxHosts: 3 } });
  expect(bad.reduce((sum, each) => sum + each.connections(), 0)).toBe(3);
});

test('a site by the mail exchangers of a domain', async () => {
  const { port } = await peer();
  expect((await bySite([{ mx: 'example.org', port }], { resolver: here([[10, 'a.test']]) }))[0]?.said).toBe(
    yes,
  );
});

test.each([
  [[{ host: 'gone.test' }], names({})],
  [[{ host: 'empty.test' }], names({ host: { 'empty.test': [] } })],
  [[{ mx: 'gone.test' }], names({})],
  [[{ mx: 'null.test' }], names({ mx: { 'null.test': [{ preference: 0, exchange: '' }] } })],
] as const)('a site that DNS denies waits for the operator: %j', async (hops, resolver) => {
  expect(await bySite(hops, { resolver })).toEqual([
    { said: 'later 451 4.4.4', port: undefined, down: true },
  ]);
});

test('a site that is not configured any more waits for the operator', async () => {
  const agent = agentFor({ nextHops: [] });
  const statuses = await agent.deliver(taskOf({ nextHop: { kind: 'site', site: 'gone' } }), never);
  expect(brief(statuses)).toEqual(['later 451 4.4.4']);
});

test('by answers of a real name server', async () => {
  const { port } = await peer();
  const server = await startDnsServer({
    'example.org': [{ type: 'MX', data: { preference: 10, exchange: 'mx.example.org' } }],
    'mx.example.org': [{ type: 'A', data: '127.0.0.1' }],
  });
  const resolver = makeResolver(
    {
      servers: [{ ip: '127.0.0.1', port: server.port }],
      timeout: 1000,
      attempts: 1,
      mixCase: false,
      cacheSize: 10,
      minTtl: 0,
      maxTtl: 1000,
      maxNegativeTtl: 1000,
    },
    () => new Date(),
  );
  expect(await byMx(resolver, { port })).toMatchObject({ said: yes, host: 'mx.example.org' });
  expect((await byMx(resolver, { port }, { domain: 'gone.test' })).said).toBe('failed 550 5.1.2');
  await server.close();
});
