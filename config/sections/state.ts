/**
 * config/sections/state - where facts live: the database, and the bodies of messages.
 */
import { z } from 'zod';
import { durationBetween, filePath, secret, sizeBetween } from '../units.ts';

const urlText = 'expected a URL such as postgresql://isthmus@db.example.org/isthmus?sslmode=verify-full';

export const database = z
  .strictObject({
    url: secret
      .regex(/^postgres(ql)?:\/\//, urlText)
      .exactOptional()
      .meta({ secret: true, examples: [`\${file:/etc/isthmus/database-url}`] })
      .describe(
        'PostgreSQL (15 or newer) to use, as postgresql://user:password@host/database?sslmode=verify-full. Without it Isthmus runs a private PostgreSQL of its own in the data folder.',
      ),
    maxConnections: z
      .int({ error: 'expected a whole number from 2 to 100' })
      .min(2, 'expected a whole number from 2 to 100')
      .max(100, 'expected a whole number from 2 to 100')
      .default(10)
      .describe('Connections that each process may open; listening and locks take two more.'),
    statementTimeout: durationBetween('1s', '1h')
      .prefault('30s')
      .describe('A statement that takes longer is cut off, and what wanted it is tried again later.'),
    connectTimeout: durationBetween('100ms', '5m')
      .prefault('10s')
      .describe('Longest wait for a connection; senders are told to come again (451) after it.'),
    private: z
      .strictObject({
        binaries: filePath
          .exactOptional()
          .meta({ examples: ['/usr/lib/postgresql/17/bin'] })
          .describe("Folder with PostgreSQL's programs. Without it the newest that is found, else our own."),
        sharedBuffers: sizeBetween('16MB', '64GB')
          .prefault('256MB')
          .describe('Memory in which the private PostgreSQL keeps pages (shared_buffers).'),
        maxWalSize: sizeBetween('128MB', '1TB')
          .prefault('2GB')
          .describe(
            'Disk space for its log between two checkpoints (max_wal_size); more makes bursts faster and recovery longer.',
          ),
      })
      .prefault({})
      .describe('The private PostgreSQL; nothing here matters when url is set. It runs as run.user.'),
  })
  .prefault({})
  .describe('The one database: queue, directory snapshot, trace.');

const inlineLimit = sizeBetween('0B', '1MB')
  .prefault('64KB')
  .describe('Message bodies up to this size travel inside the database row and need no blob.');

const files = z.strictObject({
  kind: z.literal('files').describe('files: in a folder on this machine, or on one that all nodes mount.'),
  folder: filePath.exactOptional().describe('The folder. Without it: blobs in the data folder.'),
  inlineLimit,
});

const s3 = z.strictObject({
  kind: z.literal('s3').describe('s3: S3-compatible storage, shared by all nodes.'),
  endpoint: z
    .url({ protocol: /^https?$/, error: 'expected a URL such as https://s3.example.org' })
    .meta({ examples: ['https://s3.eu-central-1.amazonaws.com'] })
    .describe('URL of the service, without the bucket.'),
  bucket: z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      'expected a bucket name of 3 to 63 lower-case letters, digits, "-" and "."',
    )
    .describe(
      'It must exist. It needs no versioning, and no expiry rule but one for incomplete multipart uploads.',
    ),
  region: z.string().min(1).default('us-east-1').describe('Region that requests are signed for.'),
  prefix: z
    .string()
    .regex(/^([A-Za-z0-9_-]+\/)*$/, 'expected a prefix of letters, digits, "-" and "_" that ends in "/"')
    .default('')
    .describe('Put before every key, so that several installations can share a bucket.'),
  accessKeyId: secret.describe('Access key id.'),
  secretAccessKey: secret.describe('Secret access key.'),
  insecure: z
    .boolean()
    .default(false)
    .describe(
      'Permits http:// to other machines: message bodies and signatures are then readable on the way.',
    ),
  requestTimeout: durationBetween('1s', '10m')
    .prefault('30s')
    .describe('Longest wait for an answer, and for a stream to go on.'),
  inlineLimit,
});

export const blobs = z
  .discriminatedUnion('kind', [files, s3])
  .prefault({ kind: 'files' })
  .describe('Where bodies of messages are kept that are too big for a database row.');
