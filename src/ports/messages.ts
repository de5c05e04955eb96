/**
 * ports/messages - the messages of hosted mailboxes. Implemented by src/store.
 *
 * A message is staged first (its octets are then where they stay, everything about it computed), then appended: any
 * number at once, into any mailboxes, in one commit. Every method that changes resolves when the change is on disk.
 * Nothing here judges rights. UIDs that are not there are passed over, as IMAP wishes.
 */
import type { BodyId, Flags, MailboxId, MailboxStatus, MessageRow, ModSeq } from '../mail/mailbox.ts';
import type { Uid, UidRange, UidSet } from '../mail/uid-set.ts';

/** Octets kept, not in any mailbox yet. Swept by the store some hours later if never appended. */
export interface Staged {
  readonly body: BodyId;
  /** Octets. */
  readonly size: number;
  /** Nobody staged these octets before, so they are in no mailbox: who delivers need not look whether it did already. Absent: not known. */
  readonly isNew?: boolean;
}

export interface Staging {
  /**
   * CRLF lines are not checked nor made: what comes is kept. When `content` throws or `signal` aborts nothing is kept.
   * Throws MessageTooBig beyond `limit` octets, StoreFull, StoreAway.
   */
  stage(content: AsyncIterable<Uint8Array>, limit: number, signal: AbortSignal): Promise<Staged>;
}

export interface Append {
  readonly mailbox: MailboxId;
  readonly body: BodyId;
  readonly flags: Flags;
  /** Absent: now. */
  readonly internalDate?: Date;
  /** Of another server, for POP3 clients of a migrated account. */
  readonly uidl?: string;
  /** Gone in the same commit (REPLACE, RFC 8508); when it is not there any more, the message is appended all the same. */
  readonly replaces?: { readonly mailbox: MailboxId; readonly uid: Uid };
}

export interface Appended {
  readonly mailbox: MailboxId;
  readonly uidValidity: number;
  readonly uid: Uid;
  readonly modSeq: ModSeq;
}

/** Source and target UIDs in the same order (COPYUID, RFC 9051 §7.1). */
export interface Copied {
  readonly uidValidity: number;
  readonly from: readonly UidRange[];
  readonly to: readonly UidRange[];
}

export interface FlagChange {
  readonly how: 'set' | 'add' | 'remove';
  readonly flags: Flags;
  /** `set` leaves \Deleted or \Seen alone when the rights do not allow it: bits of flagBits, and whether keywords may change. */
  readonly keep?: { readonly system: number; readonly keywords: boolean };
}

export interface Writing extends Staging {
  /**
   * All or nothing. Throws OverQuota (nothing of any account is then changed), MailboxGone, StoreFull, StoreAway; and
   * BodyGone when a body was staged so long ago that it is swept: stage it again.
   * `grace`: a delivery may exceed the quota by what the configuration allows.
   */
  append(messages: readonly Append[], options?: { readonly grace?: boolean }): Promise<readonly Appended[]>;
  /** All or nothing. Undefined when no message was there. Throws as append; keywords in excess are left out. */
  copy(from: MailboxId, uids: readonly UidRange[], to: MailboxId): Promise<Copied | undefined>;
  /** Copied and expunged in one commit (RFC 6851); within one account no quota is asked. */
  move(from: MailboxId, uids: readonly UidRange[], to: MailboxId): Promise<Copied | undefined>;
  /**
   * Those with a MODSEQ above `unchangedSince` are left alone and named in `modified` (RFC 7162 §3.1.3).
   * A message that has the flags already keeps its MODSEQ and is not in `changed`.
   * `changed` has a row for each: whoever names very many does it in portions.
   */
  flag(
    mailbox: MailboxId,
    uids: readonly UidRange[],
    change: FlagChange,
    options?: { readonly unchangedSince?: ModSeq },
  ): Promise<{
    readonly changed: readonly Pick<MessageRow, 'uid' | 'modSeq' | 'flags'>[];
    readonly modified: readonly UidRange[];
  }>;
  /** Those with \Deleted, among `uids` if given; `anyway`: those in `uids`, \Deleted or not. Answers what is gone. */
  expunge(
    mailbox: MailboxId,
    uids?: readonly UidRange[],
    options?: { readonly anyway?: boolean },
  ): Promise<{ readonly gone: readonly UidRange[]; readonly modSeq: ModSeq }>;
}

export interface Snapshot {
  readonly status: MailboxStatus;
  readonly uids: UidSet;
  /** Lowest UID without \Seen. */
  readonly firstUnseen?: Uid;
  /** Keywords in use, as spelt; at most the bound of keywords per mailbox. */
  readonly keywords: readonly string[];
  /** Further keywords may be made. */
  readonly mayAddKeywords: boolean;
}

export interface Reading {
  /**
   * As of one instant. `takeRecent`: this session takes all that is \Recent; the status tells from where.
   * Throws MailboxGone.
   */
  snapshot(mailbox: MailboxId, options?: { readonly takeRecent?: boolean }): Promise<Snapshot>;
  /**
   * What became \Recent since the last taking, for one of those who ask at once: it is theirs and nobody else's.
   * Undefined: nothing did. The range may reach beyond what the caller knows of.
   */
  takeRecent(mailbox: MailboxId): Promise<UidRange | undefined>;
  /**
   * What happened after `since`, as of one instant: rows added or changed (by MODSEQ, without structure), UIDs gone.
   * `forgotten`: it lies further back than is kept; then `gone` is everything below uidNext that is not in the mailbox.
   */
  changes(
    mailbox: MailboxId,
    since: ModSeq,
  ): Promise<{
    readonly status: MailboxStatus;
    readonly gone: readonly UidRange[];
    readonly rows: readonly MessageRow[];
    readonly forgotten: boolean;
    /** `rows` were cut off at a bound: ask again from the last row's MODSEQ. `gone` is whole. */
    readonly more: boolean;
  }>;
  /** In order of UIDs, some hundred at a time. */
  rows(
    mailbox: MailboxId,
    uids: readonly UidRange[],
    want: {
      readonly structure?: boolean;
      readonly preview?: boolean;
      /** Only those changed after (RFC 7162 §3.1.4.1). */
      readonly changedSince?: ModSeq;
    },
    signal: AbortSignal,
  ): AsyncIterable<readonly MessageRow[]>;
  /** Octets of the message from `start` to before `end`. Throws BodyGone. */
  content(
    body: BodyId,
    signal: AbortSignal,
    range?: { readonly start: number; readonly end?: number },
  ): AsyncIterable<Uint8Array>;
}

export class MessageTooBig extends Error {
  override readonly name = 'MessageTooBig';
}
export class OverQuota extends Error {
  override readonly name = 'OverQuota';
}
export class MailboxGone extends Error {
  override readonly name = 'MailboxGone';
}
/** Should never be seen: fsck finds it. */
export class BodyGone extends Error {
  override readonly name = 'BodyGone';
}
/** Disk or database are full; reading works. */
export class StoreFull extends Error {
  override readonly name = 'StoreFull';
}
/** Cannot be reached; the same call may succeed later. */
export class StoreAway extends Error {
  override readonly name = 'StoreAway';
}
