/**
 * config/sections/serve - the installation itself: its name and folder, its processes, its log, its monitoring port.
 */
import { z } from 'zod';
import { domainName, duration, durationBetween, filePath, ipAddress, port } from '../units.ts';

export const hostname = domainName
  .meta({ examples: ['gateway.example.org'] })
  .describe(
    'Full name of this machine as other mail servers see it: in the greeting, in EHLO, in Received fields. It should resolve to our address and back.',
  );

export const data = filePath
  .default('/var/lib/isthmus')
  .describe(
    'Folder for everything that must survive a restart: the private database, message bodies, the node mark.',
  );

const copies = (least: number, most: number) =>
  z
    .int({ error: `expected a whole number from ${least} to ${most}` })
    .min(least, `expected a whole number from ${least} to ${most}`)
    .max(most, `expected a whole number from ${least} to ${most}`);

export const run = z
  .strictObject({
    user: z
      .string()
      .min(1)
      .exactOptional()
      .meta({ examples: ['isthmus'] })
      .describe(
        'Unprivileged user to become after low ports are bound, when started by root. Without it: isthmus, postgres or nobody, the first that exists.',
      ),
    roles: z
      .strictObject({
        receive: copies(0, 64).default(1).describe('Takes mail in. Copies share the listening sockets.'),
        queue: copies(0, 64).default(1).describe('Delivers, retries and reports.'),
        access: copies(0, 64)
          .default(1)
          .describe('IMAP, POP3 and ManageSieve. Copies share the listening sockets.'),
        admin: copies(0, 1).default(1).describe('Answers the command line and monitoring.'),
      })
      .prefault({})
      .describe('Processes of each role on this node; 0 leaves a role to other nodes.'),
    deliverAtOnce: z
      .boolean()
      .default(true)
      .describe(
        'A process that takes mail in also makes the first attempt to deliver it, without the way through the database. false: only queue processes deliver.',
      ),
    readyWithin: durationBetween('1s', '1h')
      .prefault('2m')
      .describe('A role that is not ready after this long is started again.'),
    backOff: z
      .strictObject({
        first: durationBetween('10ms', '1h').prefault('250ms').describe('Wait before the first restart.'),
        longest: durationBetween('10ms', '1h').prefault('30s').describe('The wait doubles up to this.'),
      })
      .prefault({})
      .describe('How fast a role that ends unexpectedly is started again.'),
  })
  .prefault({})
  .describe('The processes of this node.');

export const log = z
  .strictObject({
    level: z
      .enum(['debug', 'info', 'warn', 'error', 'silent'])
      .default('info')
      .describe('The least important lines that are written.'),
    format: z
      .enum(['json', 'text'])
      .default('json')
      .describe('json: one object a line, for log collectors. text: for people.'),
  })
  .prefault({})
  .describe('Lines on standard output. No message content and no secrets, at any level.');

export const admin = z
  .strictObject({
    address: ipAddress
      .default('127.0.0.1')
      .describe(
        'IP address of /metrics (Prometheus) and /healthz. There is no authentication: keep it inside.',
      ),
    port: port.default(8025).describe('TCP port of the same.'),
  })
  .prefault({})
  .describe('The port for monitoring.');

export const shutdownGrace = duration
  .prefault('20s')
  .describe('How long roles may finish what is under way after SIGTERM, before they are ended.');
