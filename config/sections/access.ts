/**
 * config/sections/access - `access`: where people read the mail that is hosted here, by IMAP and POP3, and keep their
 * Sieve scripts.
 */
import { z } from 'zod';
import { durationBetween, ipAddress, name, network, port, size, sizeBetween } from '../units.ts';
import { orNone, tls } from './receive.ts';

const limits = z
  .strictObject({
    connections: orNone('Connections at once on this listener.', 20_000),
    connectionsPerNetwork: orNone('Connections at once from one IPv4 address or IPv6 /64.', 500),
    connectionsPerMinute: orNone('New connections in a minute from one network.', 1000),
    connectionsPerAccount: orNone('Sessions at once of one account.', 100),
    errors: orNone('Commands that are not understood, before the connection is ended.', 20),
    commandLine: sizeBetween('1KB', '1MB')
      .prefault('64KB')
      .describe('Length of one command with its literals, messages not counted.'),
    beforeLogin: durationBetween('5s', '10m')
      .prefault('1m')
      .describe('Longest silence of a client that has not said yet who it is.'),
    idle: durationBetween('1m', '24h')
      .prefault('30m')
      .describe('Longest silence afterwards. IMAP asks for 30 minutes at least, POP3 for 10.'),
  })
  .prefault({})
  .describe('Bounds for clients.');

const listener = z
  .strictObject({
    name: name.default('imap').describe('Told to logs and metrics.'),
    address: ipAddress.default('0.0.0.0').describe('IP address to bind; "::" is all of IPv6 and IPv4.'),
    port: port
      .default(993)
      .describe('TCP port. IMAP 143, within TLS 993; POP3 110, within TLS 995; ManageSieve 4190.'),
    protocol: z
      .enum(['imap', 'pop3', 'managesieve'])
      .default('imap')
      .describe('imap and pop3 read mail, managesieve keeps Sieve scripts.'),
    tls,
    proxyProtocol: z
      .strictObject({
        networks: z
          .array(network)
          .default([])
          .describe('Load balancers: from there every connection must begin with a PROXY header.'),
      })
      .prefault({})
      .describe('The PROXY protocol, versions 1 and 2.'),
    limits,
  })
  .describe('One address where people come for their mail.');

export const accessSection = z
  .strictObject({
    listeners: z
      .array(listener)
      .default([])
      .describe('Where people come for their mail. None: nobody can. Names and addresses differ.'),
    messageSize: size.prefault('50MB').describe('Size of one message that a client stores.'),
    othersPrefix: z
      .string()
      .min(1)
      .max(50)
      .regex(/^[^/%*\p{Cc}]+$/u, 'expected a name without "/", "%" and "*"')
      .default('Other Users')
      .describe('Under this name people see the mailboxes of others that they may.'),
    compress: z.boolean().default(true).describe('COMPRESS=DEFLATE is offered by IMAP.'),
    messageLimit: orNone(
      'Messages that one command of IMAP deals with (MESSAGELIMIT): the newest, and the client is told. Not below 1000, or clients suffer.',
      0,
    ),
  })
  .prefault({})
  .describe('Reading mail that is hosted here.');
