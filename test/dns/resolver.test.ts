/**
 * The stub resolver against a name server of our own: answers, faults, and what is kept for how long.
 */
import { afterEach, expect, test } from 'vitest';
import { type DnsOptions, makeResolver, reverseName } from '../../connectors/dns/resolver.ts';
import { DnsError } from '../../src/ports/resolver.ts';
import { type DnsServer, type Fault, startDnsServer, type Zone } from '../fixture/dns-server.ts';

const servers: DnsServer[] = [];
afterEach(async () => {
  for (const each of servers.splice(0)) await each.close();
});

const zone: Zone = {
  'example.test': [
    { type: 'MX', data: { preference: 20, exchange: 'b.Example.test' } },
    { type: 'MX', data: { preference: 10, exchange: 'a.example.test' } },
    { type: 'TXT', data: ['v=spf1 ', '-all'] },
    { type: 'TXT', data: ['another'] },
  ],
  'a.example.test': [
    { type: 'A', data: '192.0.2.1' },
    { type: 'A', data: '192.0.2.2', ttl: 30 },
    { type: 'AAAA', data: '2001:db8::1' },
  ],
  'four.test': [{ type: 'A', data: '192.0.2.4' }],
  'alias.test': [{ type: 'CNAME', data: 'alias2.test', ttl: 10 }],
  'alias2.test': [{ type: 'CNAME', data: 'a.example.test' }],
  'dangling.test': [{ type: 'CNAME', data: 'nowhere.test' }],
  'loop.test': [{ type: 'CNAME', data: 'loop.test' }],
  'null.test': [{ type: 'MX', data: { preference: 0, exchange: '.' } }],
  'strange.test': [
    { type: 'MX', data: { preference: 0, exchange: 'a\r\nb' } },
    { type: 'MX', data: { preference: 5, exchange: 'a.example.test' } },
  ],
  'useless.test': [
    { type: 'MX', data: { preference: 0, exchange: 'a b' } },
    { type: 'A', data: '192.0.2.9' },
  ],
  'text.test': [{ type: 'TXT', data: ['only text'] }],
  'big.test': Array.from({ length: 60 }, (_, n) => ({
    type: 'MX' as const,
    data: { preference: n, exchange: `mx${n}.big.test` },
  })),
  '1.2.0.192.in-addr.arpa': [{ type: 'PTR', data: 'A.example.test' }],
};
for (let n = 0; n < 20; n++) Object.assign(zone, { [`host${n}.test`]: [{ type: 'A', data: '192.0.2.9' }] });

interface Setup {
  readonly resolver: ReturnType<typeof makeResolver>;
  readonly server: DnsServer;
  readonly pass: (seconds: number) => void;
}

async function setup(
  fault: Fault | ((type: string, count: number) => Fault | undefined) = () => undefined,
  more: Partial<DnsOptions> = {},
): Promise<Setup> {
  let count = 0;
  const server = await startDnsServer(zone, (question) => {
    count += 1;
    return typeof fault === 'string' ? fault : fault(question.type, count);
  });
  servers.push(server);
  let time = 1_800_000_000_000;
  const resolver = makeResolver(
    {
      servers: [{ ip: '127.0.0.1', port: server.port }],
      timeout: 3000,
      attempts: 2,
      mixCase: false,
      cacheSize: 10,
      minTtl: 0,
      maxTtl: 86_400_000,
      maxNegativeTtl: 3_600_000,
      ...more,
    },
    () => new Date(time),
  );
  return {
    resolver,
    server,
    pass: (seconds) => {
      time += seconds * 1000;
    },
  };
}

const { signal } = new AbortController();
const kindOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    return JSON.stringify(await work);
  } catch (error) {
    return error instanceof DnsError ? error.kind : String(error);
  }
};

test('mail exchangers come by preference, in lower case', async () => {
  const { resolver } = await setup();
  expect(await resolver.mx('Example.TEST.', signal)).toEqual([
    { preference: 10, exchange: 'a.example.test' },
    { preference: 20, exchange: 'b.example.test' },
  ]);
});

test('the null MX has an empty name; names that hosts cannot have are left out', async () => {
  const { resolver } = await setup();
  expect(await resolver.mx('null.test', signal)).toEqual([{ preference: 0, exchange: '' }]);
  expect(await resolver.mx('strange.test', signal)).toEqual([{ preference: 5, exchange: 'a.example.test' }]);
});

test('MX records that lead nowhere are no invitation to the domain itself', async () => {
  const { resolver } = await setup();
  expect(await kindOf(resolver.mx('useless.test', signal))).toBe('nxdomain');
});

test('addresses of both kinds, texts joined, names of an address', async () => {
  const { resolver } = await setup();
  expect(await resolver.addresses('a.example.test', signal)).toEqual({
    v4: ['192.0.2.1', '192.0.2.2'],
    v6: ['2001:db8::1'],
  });
  expect(await resolver.addresses('four.test', signal)).toEqual({ v4: ['192.0.2.4'], v6: [] });
  expect(await resolver.txt('example.test', signal)).toEqual(['v=spf1 -all', 'another']);
  expect(await resolver.reverse('192.0.2.1', signal)).toEqual(['a.example.test']);
  expect(await resolver.reverse('192.0.2.77', signal)).toEqual([]);
});

test('IP addresses and localhost are never asked for', async () => {
  const { resolver, server } = await setup();
  expect(await resolver.addresses('192.0.2.7', signal)).toEqual({ v4: ['192.0.2.7'], v6: [] });
  expect(await resolver.addresses('2001:db8::7', signal)).toEqual({ v4: [], v6: ['2001:db8::7'] });
  expect(await resolver.addresses('localhost', signal)).toEqual({ v4: ['127.0.0.1'], v6: ['::1'] });
  expect(server.asked).toEqual([]);
});

test('a name without such records is empty, a name that does not exist is an error', async () => {
  const { resolver } = await setup();
  expect(await resolver.mx('text.test', signal)).toEqual([]);
  expect(await resolver.addresses('text.test', signal)).toEqual({ v4: [], v6: [] });
  expect(await kindOf(resolver.mx('nowhere.test', signal))).toBe('nxdomain');
  expect(await kindOf(resolver.addresses('nowhere.test', signal))).toBe('nxdomain');
  expect(await kindOf(resolver.mx('dangling.test', signal))).toBe('nxdomain');
});

test.each([
  '',
  '.',
  'a..b',
  `${'x'.repeat(64)}.test`,
  `${'x.'.repeat(130)}test`,
  'sp ace.test',
  'bücher.test',
  'a\0b.test',
])('what DNS cannot hold does not exist: %j', async (name) => {
  const { resolver, server } = await setup();
  expect(await kindOf(resolver.mx(name, signal))).toBe('nxdomain');
  expect(server.asked).toEqual([]);
});

test('aliases are followed, within an answer and over several', async () => {
  const whole = await setup();
  expect((await whole.resolver.addresses('alias.test', signal)).v4).toEqual(['192.0.2.1', '192.0.2.2']);
  const apart = await setup('bare alias');
  expect((await apart.resolver.addresses('alias.test', signal)).v4).toEqual(['192.0.2.1', '192.0.2.2']);
  expect(apart.server.asked).toContain('A a.example.test');
});

test.each([undefined, 'bare alias'] as const)('an alias of itself ends (%s)', async (fault) => {
  const { resolver } = await setup(() => fault);
  expect(await kindOf(resolver.mx('loop.test', signal))).toMatch(/away|\[\]/);
});

const answered = JSON.stringify({ v4: ['192.0.2.4'], v6: [] });
const faults: readonly (readonly [fault: Fault, outcome: string])[] = [
  ['servfail', 'away'],
  ['refused', 'away'],
  ['silence', 'away'],
  ['garbage', 'away'],
  ['wrong id', 'away'],
  ['wrong question', 'away'],
  ['truncate, no tcp', 'away'],
  ['truncate', answered],
  ['no edns', answered],
  ['forged first', answered],
];
test.each(faults)('a server with the fault "%s": %s', async (fault, outcome) => {
  const { resolver } = await setup(fault, { timeout: outcome === 'away' ? 150 : 3000 });
  expect(await kindOf(resolver.addresses('four.test', signal))).toBe(outcome);
});

test('an answer too long for UDP comes over TCP', async () => {
  const { resolver, server } = await setup('truncate');
  expect(await resolver.mx('big.test', signal)).toHaveLength(60);
  expect(server.asked).toEqual(['MX big.test', 'tcp MX big.test']);
});

test('a lost packet is asked for again', async () => {
  const { resolver } = await setup((_, count) => (count === 1 ? 'silence' : undefined), {
    timeout: 300,
  });
  expect(await resolver.mx('text.test', signal)).toEqual([]);
});

test('the next server is asked where the first one is away, and is preferred from then on', async () => {
  const good = await startDnsServer(zone);
  const bad = await startDnsServer(zone, () => 'servfail');
  servers.push(good, bad);
  const { resolver } = await setup(undefined, {
    servers: [bad, good].map(({ port }) => ({ ip: '127.0.0.1', port })),
  });
  await resolver.mx('example.test', signal);
  await resolver.mx('text.test', signal);
  expect(bad.asked).toEqual(['MX example.test']);
  expect(good.asked).toEqual(['MX example.test', 'MX text.test']);
});

test('one kind of address is enough when the other cannot be had', async () => {
  const { resolver } = await setup((type) => (type === 'AAAA' ? 'servfail' : undefined));
  expect(await resolver.addresses('a.example.test', signal)).toEqual({
    v4: ['192.0.2.1', '192.0.2.2'],
    v6: [],
  });
  expect(await kindOf(resolver.addresses('text.test', signal))).toBe('away');
});

test('answers are kept for the shortest TTL among them', async () => {
  const { resolver, server, pass } = await setup();
  const ask = () => resolver.addresses('a.example.test', signal);
  await ask();
  pass(29);
  await ask();
  expect(server.asked.filter((each) => each.startsWith('A '))).toHaveLength(1);
  pass(2);
  await ask();
  expect(server.asked.filter((each) => each.startsWith('A '))).toHaveLength(2);
  expect(server.asked.filter((each) => each.startsWith('AAAA '))).toHaveLength(1);
});

test('an alias shortens the life of what it leads to', async () => {
  const { resolver, server, pass } = await setup('bare alias');
  await resolver.addresses('alias.test', signal);
  const before = server.asked.length;
  pass(9);
  await resolver.addresses('alias.test', signal);
  expect(server.asked).toHaveLength(before);
  pass(2);
  await resolver.addresses('alias.test', signal);
  expect(server.asked.length).toBeGreaterThan(before);
});

test('denials are kept as long as the SOA says, and not at all without one', async () => {
  const kept = await setup();
  for (let turn = 0; turn < 2; turn++) await kindOf(kept.resolver.mx('nowhere.test', signal));
  expect(kept.server.asked).toHaveLength(1);
  kept.pass(61);
  await kindOf(kept.resolver.mx('nowhere.test', signal));
  expect(kept.server.asked).toHaveLength(2);
  const unkept = await setup('no soa');
  for (let turn = 0; turn < 2; turn++) await kindOf(unkept.resolver.mx('nowhere.test', signal));
  expect(unkept.server.asked).toHaveLength(2);
});

test('the cache is bounded, and forgets what was used least recently', async () => {
  const { resolver, server } = await setup(undefined, { cacheSize: 4 });
  for (let n = 0; n < 5; n++) {
    await resolver.mx(`host${n}.test`, signal);
    await resolver.mx('host0.test', signal);
  }
  expect(server.asked.filter((each) => each === 'MX host0.test')).toHaveLength(1);
  await resolver.mx('host1.test', signal);
  expect(server.asked.filter((each) => each === 'MX host1.test')).toHaveLength(2);
});

test('TTLs are held within the configured bounds', async () => {
  const { resolver, server, pass } = await setup(undefined, { minTtl: 60_000, maxTtl: 120_000 });
  await resolver.addresses('a.example.test', signal);
  pass(59);
  await resolver.addresses('a.example.test', signal);
  expect(server.asked).toHaveLength(2);
  pass(62);
  await resolver.addresses('a.example.test', signal);
  expect(server.asked).toHaveLength(4);
});

test('equal questions at the same time are asked once, and each may be given up alone', async () => {
  const { resolver, server } = await setup((_, count) => (count === 1 ? 'silence' : undefined), {
    timeout: 300,
  });
  const impatient = new AbortController();
  const first = kindOf(resolver.mx('example.test', impatient.signal));
  const second = resolver.mx('example.test', signal);
  impatient.abort(new Error('no time'));
  expect(await first).toBe('Error: no time');
  expect(await second).toHaveLength(2);
  expect(server.asked).toHaveLength(2);
});

test('given up by everybody, a question is asked no more, and can be asked anew', async () => {
  const { resolver, server } = await setup((_, count) => (count === 1 ? 'silence' : undefined), {
    timeout: 300,
  });
  const impatient = new AbortController();
  const first = kindOf(resolver.mx('example.test', impatient.signal));
  await new Promise((resolve) => setTimeout(resolve, 20));
  impatient.abort(new Error('no time'));
  expect(await first).toBe('Error: no time');
  expect(await resolver.mx('example.test', signal)).toHaveLength(2);
  expect(server.asked).toHaveLength(2);
});

test('a signal that has aborted already is obeyed', async () => {
  const { resolver } = await setup();
  await expect(resolver.addresses('example.test', AbortSignal.abort(new Error('over')))).rejects.toThrow(
    'over',
  );
});

test('letters in random case are asked for where it is wished', async () => {
  const { resolver, server } = await setup(undefined, { mixCase: true, cacheSize: 100 });
  for (let n = 0; n < 20; n++)
    expect((await resolver.addresses(`host${n}.test`, signal)).v4).toEqual(['192.0.2.9']);
  expect(server.asked.some((each) => /[A-Z]/.test(each.split(' ')[1] ?? ''))).toBe(true);
});

test.each([
  ['192.0.2.1', '1.2.0.192.in-addr.arpa'],
  ['2001:db8::1', '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'],
  ['::', `${'0.'.repeat(32)}ip6.arpa`],
  ['1:2:3:4:5:6:7:8', '8.0.0.0.7.0.0.0.6.0.0.0.5.0.0.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.ip6.arpa'],
  ['::ffff:192.0.2.1', '1.0.2.0.0.0.0.c.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa'],
])('%s is looked up backwards as %s', (ip, name) => {
  expect(reverseName(ip)).toBe(name);
});
