/**
 * config/sections/store - `store`: the mailboxes that are hosted here, their bounds, and how bodies are kept.
 */
import { z } from 'zod';
import { duration, durationBetween, readableFile, size, sizeBetween } from '../units.ts';

/** A whole number with limits, both permitted. */
const countBetween = (least: number, most: number) => {
  const text = `expected a whole number from ${least} to ${most}`;
  return z.int({ error: text }).min(least, text).max(most, text);
};

const folder = z
  .strictObject({
    name: z
      .string()
      .max(255)
      .regex(
        /^(?![Ii][Nn][Bb][Oo][Xx]$)[^/%*\x00-\x1f\x7f]+(\/[^/%*\x00-\x1f\x7f]+)*$/,
        'expected the name of a mailbox other than INBOX, levels parted by "/", without "%" and "*"',
      )
      .describe('Name; "/" parts levels.'),
    use: z
      .enum(['Archive', 'Drafts', 'Important', 'Junk', 'Sent', 'Trash'])
      .exactOptional()
      .describe('What mail clients use it for (SPECIAL-USE).'),
  })
  .describe('One mailbox.');

const usedOnce = (folders: readonly { readonly name: string; readonly use?: string }[]): boolean => {
  const uses = folders.flatMap(({ use }) => use ?? []);
  return (
    new Set(uses).size === uses.length && new Set(folders.map(({ name }) => name)).size === folders.length
  );
};

const newcomers = z
  .array(folder)
  .max(100)
  .refine(usedOnce, 'two of these mailboxes have the same name or the same use')
  .default([
    { name: 'Archive', use: 'Archive' },
    { name: 'Drafts', use: 'Drafts' },
    { name: 'Junk', use: 'Junk' },
    { name: 'Sent', use: 'Sent' },
    { name: 'Trash', use: 'Trash' },
  ])
  .describe(
    'Mailboxes that a new account has besides INBOX, all subscribed. Accounts that there are do not change.',
  );

const quota = z
  .strictObject({
    storage: size
      .exactOptional()
      .describe('Octets of all messages of an account, each copy counted. Without it: no limit.'),
    messages: z.int().min(1).exactOptional().describe('Messages of an account. Without it: no limit.'),
    grace: countBetween(0, 100)
      .default(10)
      .describe(
        'Percent by which a delivery, but nothing else, may exceed the quota, so that one large message does not stop all.',
      ),
  })
  .prefault({})
  .describe('Of new accounts for which nothing else is said; see also: isthmus account quota.');

const limits = z
  .strictObject({
    mailboxes: countBetween(10, 100_000).default(10_000).describe('Mailboxes of one account.'),
    levels: countBetween(1, 100).default(30).describe('Levels in the name of a mailbox.'),
    subscriptions: countBetween(10, 100_000).default(20_000).describe('Subscriptions of one account.'),
    rights: countBetween(1, 10_000).default(1_000).describe('Entries in the list of rights of one mailbox.'),
    shared: countBetween(1, 100_000)
      .default(10_000)
      .describe('Mailboxes of others that one account is shown.'),
    keywords: countBetween(10, 10_000).default(200).describe('Different keywords in one mailbox.'),
    annotations: countBetween(0, 10_000)
      .default(100)
      .describe('Annotations (METADATA) of one mailbox: shared ones, and those of each account.'),
    annotationSize: sizeBetween('1KB', '1MB').prefault('64KB').describe('Size of one annotation.'),
    scripts: countBetween(1, 1_000).default(50).describe('Sieve scripts of one account.'),
    scriptSize: sizeBetween('1KB', '10MB').prefault('1MB').describe('Size of one Sieve script.'),
    scriptsSize: sizeBetween('1KB', '100MB').prefault('4MB').describe('Size of all scripts of one account.'),
    remembered: countBetween(100, 1_000_000)
      .default(10_000)
      .describe(
        'Messages and correspondents that the scripts of one account remember, for duplicate and vacation.',
      ),
  })
  .prefault({})
  .describe('Bounds of accounts and mailboxes.');

const key = z
  .strictObject({
    number: countBetween(1, 32_767).describe('Kept with each body. Never give a number to another key.'),
    file: readableFile.describe(
      'File with 32 random octets in hexadecimal or base64, such as openssl rand -hex 32 prints.',
    ),
  })
  .describe('One key of AES-256-GCM.');

const encryptionKeys = z
  .array(key)
  .max(100)
  .refine(
    (keys) => new Set(keys.map(({ number }) => number)).size === keys.length,
    'two keys have the same number',
  )
  .default([])
  .describe(
    'New bodies are encrypted by the last of these; the others open what they encrypted. None: bodies are kept in the clear. What is in the database beside them (subjects, previews) is never encrypted. Whoever loses a key loses the mail.',
  );

const index = z
  .strictObject({
    when: z
      .enum(['unlessEncrypted', 'always', 'never'])
      .default('unlessEncrypted')
      .describe(
        'The index of texts would tell what encrypted bodies say. Without it each search reads the messages.',
      ),
    attachments: z
      .boolean()
      .default(true)
      .describe('Text of common kinds of attachment (PDF, office documents) is searched too.'),
    textPerMessage: sizeBetween('1KB', '64MB')
      .prefault('16MB')
      .describe('Text of one message that is searched; what is beyond is not found.'),
    searchReads: sizeBetween('1MB', '1TB')
      .prefault('4GB')
      .describe('Messages that one search may read where the index does not help; beyond, it is refused.'),
  })
  .prefault({})
  .describe('The index for searching in texts, made after delivery in the background.');

export const storeSection = z
  .strictObject({
    newcomers,
    quota,
    limits,
    keepExpunged: duration
      .prefault('14d')
      .describe('How long an operator can restore what people have deleted: isthmus account restore.'),
    sweepEvery: durationBetween('1m', '1d')
      .prefault('1h')
      .describe('How often what is not kept any longer is removed.'),
    inlineLimit: sizeBetween('0B', '1MB')
      .prefault('64KB')
      .describe('Bodies up to this size are kept in their database row, larger ones as blobs.'),
    compress: z.boolean().default(true).describe('New bodies are compressed (zstd) where that saves space.'),
    encryptionKeys,
    index,
  })
  .prefault({})
  .describe('Mailboxes hosted here: site "local".');
