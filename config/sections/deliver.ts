/**
 * config/sections/deliver - `delivery`: how mail goes out; `dns`: who is asked for names.
 *
 * The parsed values fit DeliveryOptions (src/deliver/options.ts) and, but for the servers, DnsOptions
 * (connectors/dns/resolver.ts). Sites are in `sites`.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { domainName, duration, durationBetween, ipAddress, port } from '../units.ts';

const timeLimits = z
  .strictObject({
    connect: duration.prefault('30s').describe('For a connection to one address.'),
    greeting: duration.prefault('5m').describe('For the greeting. RFC 5321 section 4.5.3.2 asks for 5m.'),
    ehlo: duration.prefault('5m').describe('For the answer to EHLO, LHLO, HELO or STARTTLS.'),
    tls: duration.prefault('1m').describe('For the TLS handshake.'),
    auth: duration.prefault('2m').describe('For each answer during AUTH.'),
    mail: duration
      .prefault('5m')
      .describe('For the answer to MAIL, and, where commands are sent together, for each next answer.'),
    rcpt: duration.prefault('5m').describe('For the answer to RCPT.'),
    dataStart: duration.prefault('2m').describe('For the answer to DATA.'),
    dataBlock: duration.prefault('3m').describe('For each 64 KB of content to be taken.'),
    dataEnd: duration
      .prefault('10m')
      .describe('For the answer to the end of the content. A shorter time makes duplicates likelier.'),
    quit: duration.prefault('3s').describe('For the answer to QUIT.'),
    attempt: duration
      .prefault('30m')
      .describe(
        'For one delivery attempt, with all hosts it tries. The message stays in the queue afterwards.',
      ),
  })
  .prefault({})
  .describe('How long we wait for other servers.');

const keep = z
  .strictObject({
    idle: durationBetween('1ms', '1h')
      .prefault('5s')
      .describe('How long an idle connection is kept for the next message.'),
    messages: z.int().min(1).default(100).describe('Messages over one connection.'),
    age: duration.prefault('5m').describe('How old a connection may become.'),
  })
  .prefault({})
  .describe('Connections kept open between messages.');

const mx = z
  .strictObject({
    tls: z
      .enum(['none', 'opportunistic', 'require', 'verify'])
      .default('opportunistic')
      .describe(
        'none: never TLS. opportunistic: where it is offered and works. require: TLS or no delivery. verify: and with a valid certificate for the host.',
      ),
    port: port.default(25).describe('The port of mail exchangers.'),
    assume8bit: z
      .boolean()
      .default(false)
      .describe('Send 8-bit content also to servers that do not announce 8BITMIME.'),
    allowPrivate: z
      .boolean()
      .default(false)
      .describe(
        'Follow MX records that lead to loopback or private addresses. Needed where an internal DNS holds your own domains.',
      ),
    requireTlsByPlainDns: z
      .boolean()
      .default(false)
      .describe(
        'Deliver messages that ask for REQUIRETLS by MX records that nobody has proved. RFC 8689 asks for DNSSEC or MTA-STS; without them such messages go back to their senders (5.7.30).',
      ),
    ownNames: z
      .array(domainName)
      .default([])
      .describe(
        'Other names under which this installation is a mail exchanger; mail is never sent to them, as that would be a loop.',
      ),
  })
  .prefault({})
  .describe('Delivery to the Internet, by MX records.');

export const deliverySection = z
  .strictObject({
    addresses: z
      .enum(['ipv4First', 'ipv6First', 'ipv4Only', 'ipv6Only'])
      .default('ipv4First')
      .describe('Which addresses of a host are used, and in which order.'),
    sourceIpv4: ipAddress.exactOptional().describe('Local IPv4 address of our connections.'),
    sourceIpv6: ipAddress.exactOptional().describe('Local IPv6 address of our connections.'),
    maxConnections: z.int().min(1).default(1000).describe('Connections open at once, to all destinations.'),
    maxHosts: z.int().min(1).default(5).describe('Addresses that one delivery attempt connects to.'),
    maxRecipients: z
      .int()
      .min(1)
      .default(100)
      .describe('Recipients in one transaction; more go in a next one over the same connection.'),
    avoidFor: duration
      .prefault('1m')
      .describe('For how long an address that did not answer is tried after all others.'),
    keep,
    mx,
    timeLimits,
  })
  .prefault({})
  .describe('How mail goes out to other servers.');

const serverText =
  'expected the IP address of a name server, with or without port, such as 192.0.2.53 or [2001:db8::53]:5353';

function isServer(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([0-9.]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const good = plain === undefined ? isIP(bracketed ?? '') === 6 : isIP(plain) === 4;
  return good && (port === undefined || (Number(port) >= 1 && Number(port) <= 65535));
}

export const dnsSection = z
  .strictObject({
    servers: z
      .array(z.string({ error: serverText }).refine(isServer, serverText))
      .default([])
      .describe('Recursive name servers. Those of /etc/resolv.conf when empty.'),
    timeout: durationBetween('10ms', '1m').prefault('3s').describe('How long one server has to answer.'),
    attempts: z.int().min(1).max(10).default(2).describe('How often each server is asked.'),
    mixCase: z
      .boolean()
      .default(false)
      .describe(
        'Ask in random letter case, and demand it back: harder to forge, but some servers change the case.',
      ),
    cacheSize: z.int().min(1).default(20_000).describe('Answers kept in memory.'),
    minTtl: duration.prefault('5s').describe('Answers are kept at least this long, whatever their TTL says.'),
    maxTtl: duration.prefault('1d').describe('Answers are kept at most this long.'),
    maxNegativeTtl: duration.prefault('15m').describe('The same for names and records that do not exist.'),
  })
  .prefault({})
  .describe('Name servers, and how long their answers are kept.');
