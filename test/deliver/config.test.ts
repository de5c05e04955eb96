/** What the configuration parses to is what the rooms take. */
import { expect, test } from 'vitest';
import { deliverySection, dnsSection } from '../../config/sections/deliver.ts';
import { routing } from '../../config/sections/routing.ts';
import { parseServer } from '../../connectors/dns/resolv-conf.ts';
import type { DnsOptions } from '../../connectors/dns/resolver.ts';
import { hostsOf, isStatus } from '../../src/deliver/hosts.ts';
import type { DeliveryOptions } from '../../src/deliver/options.ts';

test('an empty section has the time limits that RFC 5321 asks for, and is what the agent takes', () => {
  const options: DeliveryOptions = deliverySection.parse(undefined);
  expect(options.timeLimits.dataEnd).toBe(600_000);
  expect(options.mx).toMatchObject({ tls: 'opportunistic', port: 25, allowPrivate: false });
  const dns: Omit<DnsOptions, 'servers'> = dnsSection.parse(undefined);
  expect(dns.timeout).toBe(3000);
});

test.each([
  [['192.0.2.53', '192.0.2.53:5353', '2001:db8::53', '[2001:db8::53]:53'], true],
  [['ns.example.org'], false],
])('name servers %j', (servers, good) => {
  expect(dnsSection.safeParse({ servers }).success).toBe(good);
  expect(servers.every((server) => parseServer(server) !== undefined)).toBe(good);
});

const never = (): never => {
  throw new Error('nobody asks');
};

test('a next hop without a port leaves it to protocol and TLS: 25, 24 for LMTP, 465 with implicit TLS', async () => {
  const parsed = routing.parse({
    sites: {
      smtp: { nextHops: [{ host: 'mail.example.org' }] },
      lmtp: { nextHops: [{ host: 'mail.example.org', protocol: 'lmtp' }] },
      smtps: { nextHops: [{ host: 'mail.example.org' }], implicitTls: true },
    },
  });
  const around = {
    sites: () => new Map(Object.entries(parsed.sites)),
    resolver: { mx: async () => [], addresses: never, reverse: never, txt: never },
    hostname: 'gateway.example.org',
    delivery: deliverySection.parse(undefined),
    random: () => 0,
  };
  const portOf = async (site: string) => {
    const hosts = await hostsOf({ kind: 'site', site }, around, new AbortController().signal);
    return isStatus(hosts) ? hosts : hosts[0]?.port;
  };
  expect(await portOf('smtp')).toBe(25);
  expect(await portOf('lmtp')).toBe(24);
  expect(await portOf('smtps')).toBe(465);
});

test.each([
  ['mail.example.org:587', 'a port belongs in port'],
  ['mail example', 'a space'],
  ['[192.0.2.1]', 'brackets'],
  ['smtp://mail.example.org', 'a URL'],
])('%s is no host: %s', (host) => {
  expect(routing.safeParse({ sites: { a: { nextHops: [{ host }] } } }).success).toBe(false);
});

test.each(['mail', 'mail.example.org', 'mail_1.example.org', '192.0.2.1', '2001:db8::1', 'müller.example'])(
  '%s is a host',
  (host) => {
    expect(routing.safeParse({ sites: { a: { nextHops: [{ host }] } } }).success).toBe(true);
  },
);

test.each(['999.1.1.1', '1.2.3', '192.0.2.53:0', '192.0.2.53:99999', '2001:db8::g', ':'])(
  '%s is no name server, and is not quietly left out',
  (server) => {
    expect(dnsSection.safeParse({ servers: [server] }).success).toBe(false);
  },
);
