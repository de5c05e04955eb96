/**
 * config/sections/receive - `listeners`: where mail comes in. Each listener parses to src/receive's ListenerOptions
 * but for `hostname` and `ownNames`, which are the installation's.
 */
import { z } from 'zod';
import {
  certificatePair,
  domainName,
  duration,
  durationBetween,
  ipAddress,
  name,
  network,
  port,
  readableFile,
  size,
  sizeBetween,
} from '../units.ts';

export const orNone = (what: string, value: number) =>
  z
    .int({ error: 'expected a whole number, 0 for no limit' })
    .min(0, 'expected a whole number, 0 for no limit')
    .default(value)
    .describe(`${what} 0 for no limit.`);

const greeting = z
  .strictObject({
    text: z
      .string()
      .max(200)
      .regex(/^[\x20-\x7e]*$/, 'expected printable ASCII')
      .default('')
      .describe('Words behind our name in the greeting.'),
    delay: durationBetween('0ms', '1m')
      .prefault('0s')
      .describe('Wait before the greeting. Programs that send spam often do not wait for it.'),
    earlyTalkers: z
      .enum(['refuse', 'accept'])
      .default('accept')
      .describe('What happens to clients that talk during the delay.'),
  })
  .prefault({})
  .describe('The greeting.');

const certificate = certificatePair
  .extend({
    names: z
      .array(z.string().min(1))
      .default([])
      .describe('Server names it is shown for. Without them: those in the certificate.'),
  })
  .meta({ certificatePair: true });

export const tls = z
  .strictObject({
    mode: z
      .enum(['none', 'optional', 'required', 'implicit'])
      .default('none')
      .describe(
        'none: no STARTTLS. optional: offered. required: no mail without it. implicit: TLS from the first octet, as on port 465.',
      ),
    certificates: z
      .array(certificate)
      .default([])
      .describe(
        'Certificates by server name. The first is for clients that ask for no name or for an unknown one.',
      ),
    minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('Oldest version of TLS.'),
    ciphers: z
      .string()
      .min(1)
      .exactOptional()
      .describe('OpenSSL cipher list. Without it: the default of Node.'),
    clientCertificates: z
      .enum(['ignore', 'request', 'require'])
      .default('ignore')
      .describe(
        'request: asked for, and used to recognise sites when it verifies. require: no connection without one that verifies.',
      ),
    authorities: readableFile
      .exactOptional()
      .describe('PEM file of the authorities for client certificates. Without it: the public ones.'),
  })
  .prefault({})
  .describe('TLS towards clients.');

const limits = z
  .strictObject({
    connections: orNone('Connections at once on this listener.', 2000),
    connectionsPerNetwork: orNone(
      'Connections at once from one IPv4 address or IPv6 /64. Sites and relay clients are not counted.',
      50,
    ),
    connectionsPerMinute: orNone(
      'New connections in a minute from one network. Sites and relay clients are not counted.',
      300,
    ),
    messagesPerMinute: orNone(
      'Messages in a minute from one network. Sites and relay clients are not counted.',
      0,
    ),
    messagesPerConnection: orNone('Messages over one connection.', 1000),
    recipients: z
      .int()
      .min(100)
      .max(100_000)
      .default(1000)
      .describe('Recipients of one message; RFC 5321 asks for 100 at least.'),
    refusedRecipients: orNone(
      'Refused recipients in one connection, before it is ended. Sites and relay clients are not counted.',
      30,
    ),
    errors: orNone('Refused commands in one connection, before it is ended.', 20),
    commandLine: sizeBetween('512B', '64KB')
      .prefault('12KB')
      .describe(
        'Length of one command line. RFC 4954 asks for 12KB for AUTH; the others need less than 2KB.',
      ),
    messageSize: size.prefault('50MB').describe('Size of one message. 0B for no limit.'),
    headerSize: sizeBetween('4KB', '4MB').prefault('256KB').describe('Size of the header section.'),
    headerFields: orNone('Fields in the header section.', 1000),
    hops: z
      .int()
      .min(10)
      .max(1000)
      .default(50)
      .describe('Received fields at most; with more, a message is in a loop.'),
    ownHops: z
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe('How often one message may pass here; with more, it is in a loop.'),
    commandTime: durationBetween('1s', '1h')
      .prefault('5m')
      .describe('For a whole command to come, and for each silence within a message.'),
    dataTime: duration.prefault('2h').describe('For one message to come.'),
    dataRate: z
      .int()
      .min(0)
      .default(50)
      .describe('Octets in a second a message must bring, on the average after its first minute.'),
    lookupTime: durationBetween('1s', '5m').prefault('30s').describe('For the answer about one recipient.'),
  })
  .prefault({})
  .describe('Bounds for clients.');

const networks = z.array(network).default([]);

const listener = z
  .strictObject({
    name: name.default('mx').describe('Told to rules, logs and metrics.'),
    address: ipAddress.default('0.0.0.0').describe('IP address to bind; "::" is all of IPv6 and IPv4.'),
    port: port.default(25).describe('TCP port. 25 for MX, 587 for submission, 24 for LMTP.'),
    protocol: z
      .enum(['smtp', 'submission', 'lmtp'])
      .default('smtp')
      .describe('smtp: anyone. submission: our own people, after AUTH. lmtp: a mail system in front of us.'),
    deliver: z
      .enum(['spool', 'local'])
      .default('spool')
      .describe(
        'spool: 250 is said when the queue has the message. local: recipients in the store here have it in their mailbox, filtered by their script, when 250 is said, one reply each. Only with lmtp.',
      ),
    postmasterDomain: domainName
      .exactOptional()
      .describe('Domain of "postmaster" without one. Without it: the hostname.'),
    greeting,
    tls,
    relay: z
      .strictObject({
        networks: networks.describe('Networks whose clients may relay.'),
        certificateNames: z
          .array(z.string().min(1))
          .default([])
          .describe('Names in verified client certificates whose clients may relay.'),
      })
      .prefault({})
      .describe('Who may send to domains that are not ours.'),
    proxyProtocol: z
      .strictObject({
        networks: networks.describe(
          'Load balancers: from there every connection must begin with a PROXY header.',
        ),
      })
      .prefault({})
      .describe('The PROXY protocol, versions 1 and 2.'),
    xclient: z
      .strictObject({ networks: networks.describe('Filters and proxies that may speak for other clients.') })
      .prefault({})
      .describe('The XCLIENT command, as Postfix has it.'),
    content: z
      .strictObject({
        lineEndings: z
          .enum(['refuse', 'normalise'])
          .default('refuse')
          .describe(
            'Bare CR or LF. normalise: bare LF becomes CRLF, bare CR a space, which breaks signatures. Neither ever ends a message.',
          ),
        nul: z.enum(['refuse', 'accept']).default('refuse').describe('NUL octets in a message.'),
      })
      .prefault({})
      .describe('What messages may be made of.'),
    from: z
      .enum(['check', 'ignore'])
      .default('check')
      .describe(
        'Of submission. check: the From and Sender fields must be addresses that the account may send as, like the envelope. ignore: any.',
      ),
    reverseName: durationBetween('0ms', '30s')
      .prefault('1s')
      .describe('Longest wait for the name of a client from DNS. 0s asks for none.'),
    limits,
  })
  .refine(({ protocol, deliver }) => deliver === 'spool' || protocol === 'lmtp', {
    error: 'expected spool, since only LMTP has a reply for each recipient',
    path: ['deliver'],
  })
  .describe('One address where mail comes in.');

export const listeners = z
  .array(listener)
  .default([])
  .describe('Where mail comes in: MX, submission, LMTP. Names and addresses differ from each other.');
