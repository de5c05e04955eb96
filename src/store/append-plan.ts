/**
 * store/append-plan - which UID, MODSEQ and keywords each appended message gets, and which groups cannot be appended.
 *
 * A group is what one caller appends: all of it or nothing. Pure: what it decides on was read under the locks.
 */
import type { AccountId, BodyId, MailboxId, ModSeq, Usage } from '../mail/mailbox.ts';
import type { Uid } from '../mail/uid-set.ts';
import { type Append, type Appended, BodyGone } from '../ports/messages.ts';
import { Keywords } from './keywords.ts';
import { type Locked, theLocked } from './lock.ts';
import type { Quotas } from './quota.ts';

/** A reader that asks for changes gets whole MODSEQs: so many messages share one at most. */
export const mostPerModSeq = 1000;

export interface Group {
  readonly messages: readonly Append[];
  readonly grace: boolean;
}

export interface BodyFacts {
  /** Octets. */
  readonly size: number;
  /** In hexadecimal. */
  readonly thread: string;
}

export interface Ground {
  readonly locked: ReadonlyMap<MailboxId, Locked>;
  /** Those that are there. */
  readonly bodies: ReadonlyMap<BodyId, BodyFacts>;
  /** Octets of the messages that are to be replaced and are there; see replaceKey. */
  readonly replaced: ReadonlyMap<string, number>;
  readonly quotas: Quotas;
  readonly now: Date;
  readonly mostKeywords: number;
}

export const replaceKey = (mailbox: MailboxId, uid: Uid): string => `${mailbox} ${uid}`;

/** A row of mailbox_message, by the names of the columns. */
export interface NewRow {
  readonly mailbox: MailboxId;
  readonly uid: Uid;
  readonly mod_seq: ModSeq;
  readonly system: number;
  readonly keywords: readonly string[] | undefined;
  readonly internal_date: Date;
  readonly body: BodyId;
  readonly size: number;
  /** The thread, in hexadecimal. */
  readonly root: string | undefined;
  readonly uidl: string | undefined;
}

export interface AppendPlan {
  readonly rows: readonly NewRow[];
  /** For each group what it gets, or why not. */
  readonly results: readonly (readonly Appended[] | Error)[];
  /** Messages that go in the same commit. */
  readonly replaces: ReadonlyMap<MailboxId, readonly Uid[]>;
  /** Lists of keywords that grew. */
  readonly keywords: ReadonlyMap<MailboxId, readonly string[]>;
}

export function planAppends(groups: readonly Group[], ground: Ground): AppendPlan {
  const rows: NewRow[] = [];
  const replaces = new Map<MailboxId, Uid[]>();
  const counters = new Map<MailboxId, Counter>();
  const results = groups.map((group) => {
    try {
      judge(group, ground);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
    return group.messages.map((message): Appended => {
      const mailbox = theLocked(ground.locked, message.mailbox);
      const counter = counterOf(counters, mailbox, ground.mostKeywords);
      const { replaces: old } = message;
      if (old !== undefined && ground.replaced.has(replaceKey(old.mailbox, old.uid)))
        replaces.set(old.mailbox, [...(replaces.get(old.mailbox) ?? []), old.uid]);
      const row = rowOf(message, counter, ground);
      rows.push(row);
      return {
        mailbox: mailbox.id,
        uidValidity: mailbox.uidValidity,
        uid: row.uid,
        modSeq: row.mod_seq,
      };
    });
  });
  const keywords = new Map<MailboxId, readonly string[]>();
  for (const [mailbox, counter] of counters) {
    const grown = counter.keywords.grown();
    if (grown !== undefined) keywords.set(mailbox, grown);
  }
  return { rows, results, replaces, keywords };
}

/** Throws when the group cannot be appended; its octets count from then on otherwise. */
function judge({ messages, grace }: Group, { locked, bodies, replaced, quotas }: Ground): void {
  const more = new Map<AccountId, { storage: number; messages: number }>();
  const count = (mailbox: Locked, octets: number, by: 1 | -1): void => {
    const usage = more.get(mailbox.account) ?? { storage: 0, messages: 0 };
    more.set(mailbox.account, { storage: usage.storage + by * octets, messages: usage.messages + by });
  };
  for (const { mailbox, body, replaces } of messages) {
    const size = bodies.get(body)?.size;
    const target = theLocked(locked, mailbox);
    if (size === undefined)
      throw new BodyGone(`body ${body} was staged too long ago and is swept; stage the message again`);
    count(target, size, 1);
    const old = replaces && replaced.get(replaceKey(replaces.mailbox, replaces.uid));
    const from = replaces && locked.get(replaces.mailbox);
    if (old !== undefined && from !== undefined) count(from, old, -1);
  }
  quotas.add(more satisfies ReadonlyMap<AccountId, Usage>, grace);
}

interface Counter {
  uid: Uid;
  readonly firstModSeq: ModSeq;
  given: number;
  readonly keywords: Keywords;
}

function counterOf(counters: Map<MailboxId, Counter>, mailbox: Locked, most: number): Counter {
  let counter = counters.get(mailbox.id);
  if (counter === undefined) {
    const keywords = new Keywords(mailbox.keywords, most);
    counter = { uid: mailbox.uidNext, firstModSeq: mailbox.modSeq + 1, given: 0, keywords };
    counters.set(mailbox.id, counter);
  }
  return counter;
}

function rowOf(message: Append, counter: Counter, { bodies, now }: Ground): NewRow {
  const keywords = counter.keywords.take(message.flags.keywords);
  const body = bodies.get(message.body);
  const row: NewRow = {
    mailbox: message.mailbox,
    uid: counter.uid,
    mod_seq: counter.firstModSeq + Math.floor(counter.given / mostPerModSeq),
    system: message.flags.system & 31,
    keywords: keywords.length > 0 ? keywords : undefined,
    internal_date: wholeSecond(message.internalDate ?? now),
    body: message.body,
    size: body?.size ?? 0,
    root: body?.thread,
    uidl: message.uidl !== undefined && uidl.test(message.uidl) ? message.uidl : undefined,
  };
  counter.uid += 1;
  counter.given += 1;
  return row;
}

/** RFC 1939 §7 permits 70 characters; others made longer ones. What is none is as good as absent. */
const uidl = /^[\x21-\x7e]{1,200}$/;

/** Rounded down, as PostgreSQL would round to the nearest: no message comes from the future. */
export const wholeSecond = (date: Date): Date => new Date(Math.floor(date.getTime() / 1000) * 1000);
