/**
 * store/describe - what is kept beside a body so that nobody has to read it again: thread, dates, keys to sort by.
 *
 * From the structure and the beginning of the message, which holds the header. Pure; bounded by what the structure is.
 * Texts are cut, and never hold NUL or half characters: PostgreSQL takes neither.
 */
import { createHash } from 'node:crypto';
import type { Address, Mailbox, MessageStructure } from '../mail/structure.ts';
import { HeaderReader } from '../protocol/mime/header.ts';

export interface Description {
  /** Of the root of its references: equal in all messages of a thread. */
  readonly thread: Buffer;
  readonly messageId?: string;
  readonly references: readonly string[];
  readonly sentAt?: Date;
  readonly preview?: string;
  readonly sortSubject: string;
  readonly sortFrom: string;
  readonly sortTo: string;
  readonly sortCc: string;
  readonly displayFrom: string;
  readonly displayTo: string;
}

const mostReferences = 100;
const longestId = 998;
const longestKey = 1000;
const threadOctets = 16;

/** `hash` is the body's, for messages that name no other. */
export function describe(structure: MessageStructure, beginning: Buffer, hash: Buffer): Description {
  const { summary } = structure;
  const messageId = messageIds(summary.messageId)[0];
  const references = referencesOf(structure, beginning);
  const sentAt = summary.date === undefined ? undefined : parseDate(summary.date);
  return {
    thread: threadOf(references[0] ?? messageId, hash),
    ...(messageId === undefined ? {} : { messageId }),
    references,
    ...(sentAt === undefined ? {} : { sentAt }),
    sortSubject: key(summary.subject ?? ''),
    sortFrom: key(firstOf(summary.from)?.mailbox ?? ''),
    sortTo: key(firstOf(summary.to)?.mailbox ?? ''),
    sortCc: key(firstOf(summary.cc)?.mailbox ?? ''),
    displayFrom: key(displayed(firstOf(summary.from))),
    displayTo: key(displayed(firstOf(summary.to))),
  };
}

function threadOf(root: string | undefined, hash: Buffer): Buffer {
  const name = root === undefined ? hash : Buffer.from(root, 'utf8');
  return createHash('sha256').update(name).digest().subarray(0, threadOctets);
}

/** References, else the first id of In-Reply-To (RFC 5256 §3, REFERENCES step 1). */
function referencesOf({ summary, root }: MessageStructure, beginning: Buffer): string[] {
  const allowance = { octets: 64 * 1024, items: 1 };
  const reader = new HeaderReader(new Set(['references']), allowance);
  const end = Math.min(root.header.end, beginning.length);
  for (let from = 0; from < end; ) {
    const lf = beginning.indexOf(0x0a, from);
    const stop = lf < 0 || lf >= end ? end : lf;
    const cr = stop > from && beginning[stop - 1] === 0x0d ? 1 : 0;
    reader.line(beginning, from, stop - cr);
    from = stop + 1;
  }
  const named = messageIds(reader.finish().get('references')?.join(' '));
  if (named.length === 0) return messageIds(summary.inReplyTo).slice(0, 1);
  // The root says which thread it is; of the others the nearest tell most.
  return named.length <= mostReferences ? named : [named[0]!, ...named.slice(1 - mostReferences)];
}

/** With angle brackets; white space within is none of theirs. */
function messageIds(value: string | undefined): string[] {
  const found = (value ?? '').match(/<[^<>]{1,2000}>/g) ?? [];
  return found.map((id) => stored(id.replace(/\s+/g, ''))).filter((id) => id.length <= longestId);
}

const firstOf = (list: readonly Address[] | undefined): Mailbox | undefined => {
  const first = list?.[0];
  return first === undefined || !('group' in first) ? first : first.members[0];
};

const displayed = (mailbox: Mailbox | undefined): string =>
  mailbox === undefined ? '' : (mailbox.name ?? `${mailbox.mailbox}@${mailbox.host}`);

/** Octet strings as text: UTF-8 where it is, each octet a character where it is not. */
function stored(octets: string): string {
  const text = /^[\x01-\x7f]*$/.test(octets) ? octets : Buffer.from(octets, 'latin1').toString('utf8');
  return (text.includes('\ufffd') ? octets : text).replaceAll('\0', '').toWellFormed();
}

const key = (octets: string): string => stored(octets).toUpperCase().slice(0, longestKey).toWellFormed();

/** RFC 5322 §3.3, with what senders make of it; undefined where it is no date. */
function parseDate(value: string): Date | undefined {
  const time = Date.parse(value.replace(/\([^()]*\)/g, ' '));
  return Number.isNaN(time) ? undefined : new Date(time);
}
