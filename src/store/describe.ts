/**
 * store/describe - what is kept beside a body so that nobody has to read it again: thread, dates, keys to sort by.
 *
 * From the structure and the beginning of the message, which holds the header. Pure; bounded by what the structure is.
 * Texts are cut, and never hold NUL or half characters: PostgreSQL takes neither.
 */
import { createHash } from 'node:crypto';
import type { Address, MessageStructure } from '../mail/structure.ts';
import { baseSubject } from '../protocol/mime/base-subject.ts';
import { parseDateField } from '../protocol/mime/date-field.ts';
import { decodeWords } from '../protocol/mime/encoded-words.ts';
import { fold } from '../protocol/mime/fold.ts';
import { HeaderReader } from '../protocol/mime/header.ts';
import { preview } from './preview.ts';

export interface Description {
  /** Of the root of its references: equal in all messages of a thread. */
  readonly thread: Buffer;
  readonly messageId?: string;
  readonly references: readonly string[];
  readonly sentAt?: Date;
  /** The day that the Date field names, in its own zone. */
  readonly sentOn?: string;
  readonly preview?: string;
  /** The base subject had marks of a reply or a forward around it. */
  readonly isReply: boolean;
  readonly sortSubject: string;
  readonly sortFrom: string;
  readonly sortTo: string;
  readonly sortCc: string;
  readonly displayFrom: string;
  readonly displayTo: string;
}

const mostReferences = 100;
/** Characters of all of them. */
const mostOfReferences = 16_384;
const longestId = 998;
const longestKey = 1000;
/** Octets of a field that are decoded. */
const longestField = 20_000;
const threadOctets = 16;

/** `hash` is the body's, for messages that name no other. */
export function describe(structure: MessageStructure, beginning: Buffer, hash: Buffer): Description {
  const { summary } = structure;
  const messageId = messageIds(summary.messageId)[0];
  const references = referencesOf(structure, beginning);
  const sent = summary.date === undefined ? undefined : parseDateField(summary.date);
  const shown = preview(structure, beginning);
  const subject = baseSubject(decodeWords((summary.subject ?? '').slice(0, longestField)));
  return {
    thread: threadOf(references[0] ?? messageId, hash),
    ...(messageId === undefined ? {} : { messageId }),
    references,
    ...(sent === undefined ? {} : { sentAt: sent.at, sentOn: sent.day }),
    ...(shown === undefined ? {} : { preview: shown }),
    isReply: subject.isReply,
    sortSubject: key(subject.base),
    sortFrom: sortKey(summary.from),
    sortTo: sortKey(summary.to),
    sortCc: sortKey(summary.cc),
    displayFrom: displayKey(summary.from),
    displayTo: displayKey(summary.to),
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
  return kept(named);
}

/** The root says which thread it is; of the others the nearest tell most. */
function kept(ids: readonly string[]): string[] {
  let octets = ids[0]!.length;
  let from = ids.length;
  while (from > 1 && ids.length - from < mostReferences - 1) {
    octets += ids[from - 1]!.length;
    if (octets > mostOfReferences) break;
    from -= 1;
  }
  return [ids[0]!, ...ids.slice(from)];
}

/** With angle brackets; white space within is none of theirs. */
function messageIds(value: string | undefined): string[] {
  const found = (value ?? '').match(/<[^<>]{1,2000}>/g) ?? [];
  return found
    .map((id) => decodeWords(id.replace(/\s+/g, '')).replaceAll('\0', '').toWellFormed())
    .filter((id) => id.length <= longestId);
}

/** The local part of the first address; of a group, its name (RFC 5256 §3, by ENVELOPE's addr-mailbox). */
function sortKey(list: readonly Address[] | undefined): string {
  const first = list?.[0];
  return first === undefined ? '' : key('group' in first ? text(first.group) : text(first.mailbox));
}

/** RFC 5957 §3: the name, else the address. */
function displayKey(list: readonly Address[] | undefined): string {
  const first = list?.[0];
  if (first === undefined) return '';
  if ('group' in first) return key(text(first.group));
  const name = text(first.name ?? '');
  return key(
    name !== '' || first.host === '' ? name || text(first.mailbox) : text(`${first.mailbox}@${first.host}`),
  );
}

const text = (octets: string): string => decodeWords(octets.slice(0, longestField));

/** Folded, cut, and fit for PostgreSQL. */
const key = (decoded: string): string =>
  fold(decoded.slice(0, longestKey).toWellFormed()).replaceAll('\0', '').slice(0, longestKey).toWellFormed();
