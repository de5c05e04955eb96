/**
 * queue/rows - messages and recipients as the spool's tables keep them, and the way there and back.
 *
 * Tables: src/state/steps/0002-spool.sql. What nobody searches by is in `message.facts`.
 */
import { type Address, addressKey, parseAddress } from '../mail/address.ts';
import type { ContentFacts } from '../mail/content.ts';
import type { Client, Notify, Recipient, Transaction } from '../mail/envelope.ts';
import type { Copy } from '../mail/route.ts';
import { nextHopKey } from '../mail/route.ts';
import type { QueueId } from '../ports/spool.ts';

export interface SpooledMessage {
  readonly id: QueueId;
  readonly transaction: Transaction;
  readonly client: Client;
  readonly facts: ContentFacts;
  readonly receivedAt: Date;
  readonly expiresAt: Date;
  /** Our trace fields, on top of the content. */
  readonly trace: Uint8Array;
  /** The content as received, here or in the blob store. */
  readonly content:
    | { readonly kind: 'inline'; readonly body: Uint8Array }
    | { readonly kind: 'blob'; readonly key: string };
  /** How many recipient rows were made for it when it was loaded. */
  readonly recipients: number;
}

export type Purpose = Copy['purpose'];

export interface SpooledRecipient {
  readonly slot: string;
  readonly recipient: Recipient;
  readonly attempts: number;
  /** Key of the last decision's next hop, '' before the first. */
  readonly nextHop: string;
  readonly purpose: Purpose;
  /** An additional copy, decided once: routing is not asked again. */
  readonly pinned?: Copy;
  /** Its additional copies have rows of their own already. */
  readonly split: boolean;
  /** Where reports go instead of the sender; null: nowhere. */
  readonly reportTo?: Address | null;
  readonly expandedFrom: readonly string[];
  /** A delay was reported. */
  readonly warned: boolean;
  /** An operator wants it back at the sender. */
  readonly bounce?: { readonly by: string; readonly reason?: string };
}

/** A recipient row about to be made. */
export interface NewRecipient {
  readonly slot: string;
  readonly recipient: Recipient;
  readonly dueAt: Date;
  readonly claimedBy?: number;
  readonly purpose?: Purpose;
  readonly pinned?: Copy;
  readonly reportTo?: Address | null;
  readonly expandedFrom?: readonly string[];
  readonly nextHop?: string;
}

export const slotOf = (address: Address): string => addressKey(address);

/**
 * An additional copy has its own slot, so that splitting twice makes no second one. No address has a tab in it: nobody
 * can name a recipient so that another's copy seems to be there already.
 */
export const slotOfCopy = (slot: string, copy: Copy, index: number): string =>
  ['', copy.purpose, nextHopKey(copy.nextHop), index, slot].join('\t');

/** Addresses were parsed when they came in; what the grammar of today would refuse is still carried. */
export function readAddress(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed) return parsed;
  const at = text.lastIndexOf('@');
  return at < 0
    ? { text, local: text, domain: '' }
    : { text, local: text.slice(0, at), domain: text.slice(at + 1).toLowerCase() };
}

export interface MessageRow {
  readonly id: string;
  readonly facts: StoredFacts;
  readonly received_at: Date;
  readonly expires_at: Date;
  readonly sender: string;
  readonly trace: Buffer;
  readonly body: Buffer | null;
  readonly blob: string | null;
  readonly recipients: number;
}

export interface StoredFacts {
  readonly transaction: Omit<Transaction, 'sender'>;
  readonly client: Client;
  readonly content: ContentFacts;
}

export function storeFacts(transaction: Transaction, client: Client, content: ContentFacts): StoredFacts {
  const { sender: _column, ...rest } = transaction;
  return { transaction: rest, client, content };
}

/** An Envelope is a Transaction too; its recipients have rows of their own. */
export function transactionOf(transaction: Transaction): Transaction {
  const { sender, body, smtputf8, requireTls, ret, envid } = transaction;
  return {
    sender,
    body,
    smtputf8,
    requireTls,
    ...(ret === undefined ? {} : { ret }),
    ...(envid === undefined ? {} : { envid }),
  };
}

export function readMessage(row: MessageRow): SpooledMessage {
  return {
    id: row.id,
    transaction: {
      ...row.facts.transaction,
      sender: row.sender === '' ? null : readAddress(row.sender),
    },
    client: row.facts.client,
    facts: row.facts.content,
    receivedAt: row.received_at,
    expiresAt: row.expires_at,
    trace: row.trace,
    content:
      row.blob === null
        ? { kind: 'inline', body: row.body ?? Buffer.alloc(0) }
        : { kind: 'blob', key: row.blob },
    recipients: row.recipients,
  };
}

export interface RecipientRow {
  readonly message_id: string;
  readonly slot: string;
  readonly address: string;
  readonly notify: string | null;
  readonly orcpt: string | null;
  readonly attempts: number;
  readonly next_hop: string;
  readonly purpose: Purpose;
  readonly pinned: Copy | null;
  readonly split: boolean;
  readonly report_to: string | null;
  readonly expanded_from: string[] | null;
  readonly warned: boolean;
  readonly bounce: { by: string; reason?: string } | null;
}

/** The columns of RecipientRow, from table or alias `r`. */
export const recipientColumns = [
  'message_id',
  'slot',
  'address',
  'notify',
  'orcpt',
  'attempts',
  'next_hop',
  'purpose',
  'pinned',
  'split',
  'report_to',
  'expanded_from',
  'warned',
  'bounce',
]
  .map((name) => `r.${name}`)
  .join(', ');

export function readRecipient(row: RecipientRow): SpooledRecipient {
  return {
    slot: row.slot,
    recipient: {
      address: readAddress(row.address),
      ...(row.notify === null ? {} : { notify: row.notify.split(',') as Notify[] }),
      ...(row.orcpt === null ? {} : { orcpt: row.orcpt }),
    },
    attempts: row.attempts,
    nextHop: row.next_hop,
    purpose: row.purpose,
    ...(row.pinned === null ? {} : { pinned: row.pinned }),
    split: row.split,
    ...(row.report_to === null ? {} : { reportTo: row.report_to === '' ? null : readAddress(row.report_to) }),
    expandedFrom: row.expanded_from ?? [],
    warned: row.warned,
    ...(row.bounce === null ? {} : { bounce: row.bounce }),
  };
}

/** What a fresh row says, without the way through the database. */
export function freshRecipient(row: NewRecipient): SpooledRecipient {
  return {
    slot: row.slot,
    recipient: row.recipient,
    attempts: 0,
    nextHop: row.nextHop ?? '',
    purpose: row.purpose ?? 'delivery',
    ...(row.pinned === undefined ? {} : { pinned: row.pinned }),
    split: false,
    ...(row.reportTo === undefined ? {} : { reportTo: row.reportTo }),
    expandedFrom: row.expandedFrom ?? [],
    warned: false,
  };
}

/** Octets of a message that stay in memory while it is in delivery. */
export const memoryOf = (message: SpooledMessage): number =>
  message.trace.length + (message.content.kind === 'inline' ? message.content.body.length : 0);
