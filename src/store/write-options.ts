/**
 * store/write-options - what the statements that change mailboxes need besides the database.
 */
import type { AccountId, MailboxId, ModSeq } from '../mail/mailbox.ts';

export interface StoreLimits {
  /** Octets of a body that stay in its row. */
  readonly inlineLimit: number;
  /** Different keywords in one mailbox. */
  readonly keywords: number;
  /** Share of a quota by which a delivery may exceed it: 0.1 is a tenth. */
  readonly quotaGrace: number;
  /** Callers whose appends share one commit at most. */
  readonly appendsTogether: number;
  /** Commits of appends under way in this process; each takes a database connection. */
  readonly commitsAtOnce: number;
}

export interface WriteOptions {
  readonly limits: StoreLimits;
  readonly now: () => Date;
}

/** A mailbox that was changed, to be told of after the commit. */
export interface Touched {
  readonly account: AccountId;
  readonly mailbox: MailboxId;
  readonly modSeq: ModSeq;
}
