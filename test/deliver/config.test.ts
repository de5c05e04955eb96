/** What the configuration parses to is what the rooms take. */
import { expect, test } from 'vitest';
import { deliverySection, dnsSection } from '../../config/sections/deliver.ts';
import type { DnsOptions } from '../../connectors/dns/resolver.ts';
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
});
