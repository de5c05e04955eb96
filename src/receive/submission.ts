/**
 * receive/submission - what is asked of our own people's mail, and done for it (RFC 6409 §6.1, §8).
 *
 * Whoever signed in sends as himself, or as somebody who lets him: that goes for the envelope, and for the From and
 * Sender fields that people see. What a message must have and lacks, Date and Message-ID, is put on top of it.
 */
import { type Address, parseAddress } from '../mail/address.ts';
import { MailError } from '../mail/condition.ts';
import type { HeaderFields } from '../mail/content.ts';
import type { Address as HeaderAddress, Mailbox } from '../mail/structure.ts';
import type { Senders } from '../ports/senders.ts';
import { parseAddressList } from '../protocol/mime/address-list.ts';
import { printDate } from '../protocol/smtp/received.ts';

/** Fields that are looked at. */
export const submissionFields = ['from', 'sender', 'date', 'message-id'] as const;

/** More authors than this is no message of a person. */
const mostAuthors = 20;
const longestList = 16_384;

/** Of MAIL FROM. The null reverse-path is for reports, which mail programs send too (RFC 8098 §3). */
export async function checkSender(
  senders: Senders,
  account: string,
  sender: Address | null,
  signal: AbortSignal,
): Promise<void> {
  if (sender !== null) await permit(senders, account, sender, signal);
}

/** Of the header section. */
export async function checkAuthors(
  senders: Senders,
  account: string,
  fields: HeaderFields,
  signal: AbortSignal,
): Promise<void> {
  const from = fields.get('from') ?? [];
  if (from.length !== 1) {
    const text = from.length === 0 ? 'The message has no From field' : 'The message has two From fields';
    throw new MailError('never', 'badContent', { text });
  }
  if ((fields.get('sender') ?? []).length > 1) {
    throw new MailError('never', 'badContent', { text: 'The message has two Sender fields' });
  }
  for (const value of [...from, ...(fields.get('sender') ?? [])]) {
    for (const author of authorsOf(value)) await permit(senders, account, author, signal);
  }
}

/** What the message lacks, as whole fields; and its Message-ID, if that is ours. */
export function lackingFields(
  fields: HeaderFields,
  made: { readonly id: string; readonly date: Date; readonly hostname: string },
): { readonly fields: string; readonly messageId?: string } | undefined {
  const date = fields.has('date') ? '' : `Date: ${printDate(made.date)}\r\n`;
  if (fields.has('message-id')) return date === '' ? undefined : { fields: date };
  const messageId = `<${made.id}@${made.hostname}>`;
  return { fields: `Message-ID: ${messageId}\r\n${date}`, messageId };
}

function authorsOf(value: string): readonly Address[] {
  if (value.length > longestList) throw unreadable();
  const parsed = parseAddressList(value, { octets: longestList, items: mostAuthors + 1 }) ?? [];
  const mailboxes = parsed.flatMap((one: HeaderAddress): readonly Mailbox[] =>
    'group' in one ? one.members : [one],
  );
  if (mailboxes.length === 0 || mailboxes.length > mostAuthors) throw unreadable();
  return mailboxes.map(({ mailbox, host }) => {
    const address = parseAddress(`${mailbox}@${host}`);
    if (address === undefined) throw unreadable();
    return address;
  });
}

const unreadable = () =>
  new MailError('never', 'badContent', { text: 'From or Sender of the message cannot be read' });

async function permit(
  senders: Senders,
  account: string,
  address: Address,
  signal: AbortSignal,
): Promise<void> {
  const way = await senders.mayUse(account, address, signal);
  if (way === undefined) {
    throw new MailError('never', 'refused', {
      text: 'Sender address not owned by the account that signed in',
      facts: { account, address: address.text },
    });
  }
}
