/**
 * config/sections/local - `local`: how mail for mailboxes here is delivered, and what people's Sieve scripts may do.
 */
import { z } from 'zod';
import { durationBetween, readableFile, sizeBetween } from '../units.ts';

const whole = (least: number, most: number) => {
  const text = `expected a whole number from ${least} to ${most}`;
  return z.int({ error: text }).min(least, text).max(most, text);
};

const scripts = (when: string) =>
  z
    .array(readableFile)
    .max(20)
    .default([])
    .describe(`Sieve scripts that run for everybody, in this order, ${when} the owner's.`);

const sieve = z
  .strictObject({
    before: scripts('before'),
    after: scripts('after'),
    global: z
      .array(readableFile)
      .max(100)
      .default([])
      .describe('Scripts that others may include as :global, each by the name of its file without ".sieve".'),
    actions: whole(1, 1_000).default(32).describe('Actions of one script for one message.'),
    redirects: whole(0, 100).default(4).describe('Messages sent on by one script for one message; 0: never.'),
    notifications: whole(0, 100).default(10).describe('Notices sent by one script for one message.'),
    textSize: sizeBetween('64KB', '64MB').prefault('4MB').describe('Text of one body that a test reads.'),
    redirectSender: z
      .enum(['sender', 'recipient'])
      .default('sender')
      .describe("Envelope sender of what is sent on: the message's, or the one whose script sends it on."),
    createFolders: z
      .boolean()
      .default(false)
      .describe('Mailboxes into which scripts file without :create are made; else that mail goes to INBOX.'),
    vacation: z
      .strictObject({
        least: durationBetween('1m', '30d').prefault('1d').describe('Shortest time between two answers.'),
        usual: durationBetween('1m', '365d').prefault('7d').describe('Where the script does not say.'),
        most: durationBetween('1m', '365d').prefault('30d').describe('Longest.'),
      })
      .prefault({})
      .describe('Time until the same person is answered again.'),
  })
  .prefault({})
  .describe('Sieve scripts.');

export const localSection = z
  .strictObject({
    overQuota: z
      .enum(['later', 'never'])
      .default('later')
      .describe('Mail for a mailbox that is full. later: 452, it is tried again. never: 552, it goes back.'),
    disabled: z
      .enum(['deliver', 'later', 'refuse'])
      .default('deliver')
      .describe('Mail for accounts that are disabled.'),
    detailFolder: z
      .enum(['never', 'existing', 'create'])
      .default('existing')
      .describe(
        'Mail for ada+lists that no script has filed goes into the mailbox "lists": never, where there is one, or always.',
      ),
    recipientsAtOnce: whole(1, 100)
      .default(8)
      .describe('Recipients of one message that are worked on at once.'),
    sieve,
  })
  .prefault({})
  .describe('Delivery into mailboxes here.');
