/**
 * mail/mailbox - a hosted account, its mailboxes and the rows of its messages, as the rooms speak of them.
 *
 * Numbers of accounts and mailboxes are given once and never again. Names of mailboxes are Unicode with `/` between
 * levels, in Net-Unicode form (NFC); `INBOX` is spelt in capitals. MODSEQ is a number: below 2^53, as one mailbox
 * would need centuries to reach it (RFC 7162 §3.1 permits 2^63).
 */
import type { Uid } from './uid-set.ts';

export type AccountId = number;
export type MailboxId = number;
/** 1 or more; grows with each change in its mailbox (RFC 7162 §3.1.1). */
export type ModSeq = number;

export interface Account {
  readonly id: AccountId;
  /** What it is called at sign-in, in lower case: an address, or a name without `@`. */
  readonly name: string;
  /** The directory entry it belongs to; absent for accounts made here. */
  readonly entryId?: string;
  readonly disabled: boolean;
  readonly quota: Quota;
  readonly usage: Usage;
  readonly createdAt: Date;
}

/** Absent: no limit. */
export interface Quota {
  /** Octets. */
  readonly storage?: number;
  readonly messages?: number;
}

export interface Usage {
  /** Octets, each copy counted. */
  readonly storage: number;
  readonly messages: number;
}

/** RFC 6154 §2; `\Important` is RFC 8457's. `\All` and `\Flagged` are views, which we do not make. */
export const specialUses = ['\\Archive', '\\Drafts', '\\Important', '\\Junk', '\\Sent', '\\Trash'] as const;
export type SpecialUse = (typeof specialUses)[number];

/** One IMAP mailbox: INBOX or a folder. */
export interface MailFolder {
  readonly id: MailboxId;
  readonly account: AccountId;
  readonly name: string;
  /** Can hold messages; a mere level of names cannot (\Noselect). */
  readonly selectable: boolean;
  readonly specialUse?: SpecialUse;
  /** MAILBOXID (RFC 8474 §4): stays when it is renamed. */
  readonly objectId: string;
  readonly status: MailboxStatus;
}

/** What STATUS tells; kept with the mailbox, never counted. */
export interface MailboxStatus {
  readonly uidValidity: number;
  readonly uidNext: Uid;
  readonly highestModSeq: ModSeq;
  readonly messages: number;
  readonly unseen: number;
  /** With \Deleted. */
  readonly deleted: number;
  /** Octets of its messages. */
  readonly size: number;
  /** Octets of those with \Deleted (RFC 9208 §4.1.4, DELETED-STORAGE). */
  readonly deletedSize: number;
  /** UIDs from here on were not seen by any session that selected it to write (\Recent of RFC 3501 §2.3.2). */
  readonly recentFrom: Uid;
}

export const systemFlags = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'] as const;
export type SystemFlag = (typeof systemFlags)[number];

/** Bits of `Flags.system`. */
export const flagBits: Readonly<Record<SystemFlag, number>> = {
  '\\Seen': 1,
  '\\Answered': 2,
  '\\Flagged': 4,
  '\\Deleted': 8,
  '\\Draft': 16,
};

export interface Flags {
  /** Sum of flagBits. */
  readonly system: number;
  /** As first spelt in this mailbox; compared without case. */
  readonly keywords: readonly string[];
}

export const noFlags: Flags = { system: 0, keywords: [] };

/** System flags in any case, keywords as they come; `\Recent` and unknown backslash names are left out. */
export function flagsOf(names: Iterable<string>): Flags {
  let system = 0;
  const keywords = new Map<string, string>();
  for (const name of names) {
    const known = systemFlags.find((flag) => flag.toLowerCase() === name.toLowerCase());
    if (known !== undefined) system |= flagBits[known];
    else if (!name.startsWith('\\'))
      keywords.set(name.toLowerCase(), keywords.get(name.toLowerCase()) ?? name);
  }
  return { system, keywords: [...keywords.values()] };
}

/** System flags first. */
export const flagNames = (flags: Flags): string[] => [
  ...systemFlags.filter((flag) => (flags.system & flagBits[flag]) !== 0),
  ...flags.keywords,
];

/** One message in one mailbox. */
export interface MessageRow {
  readonly uid: Uid;
  readonly modSeq: ModSeq;
  readonly flags: Flags;
  /** Seconds are kept, milliseconds are not. */
  readonly internalDate: Date;
  /** When it came into this mailbox (RFC 8514). */
  readonly savedDate: Date;
  /** Octets. */
  readonly size: number;
  /** EMAILID and THREADID (RFC 8474 §5). */
  readonly emailId: string;
  readonly threadId: string;
  /** Whose content it is: see ports/messages, `content`. */
  readonly body: BodyId;
  /** POP3's unique id, where one was imported from another server. */
  readonly uidl?: string;
  /** mail/structure as text, for protocol/mime/stored-structure; only when asked for. */
  readonly structure?: string;
  /** RFC 8970; only when asked for; absent where there is no text. */
  readonly preview?: string;
}

/** A body kept once, whoever has copies of it. */
export type BodyId = number;

/** The rights of RFC 4314 §2.1, one letter each: `lrswipkxtea`. */
export type RightsSet = string;
export const allRights: RightsSet = 'lrswipkxtea';
