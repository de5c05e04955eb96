/**
 * ports/search - finding messages in hosted mailboxes. Implemented by src/store.
 *
 * Text is found as IMAP says: a substring, after decoding and casefolding (RFC 9051 §6.4.4), by an index where there is
 * one and by reading where there is none yet; the answer is the same.
 */
import type { MailboxId, ModSeq } from '../mail/mailbox.ts';
import type { SearchKey, SortCriterion, ThreadRow } from '../mail/search.ts';
import type { Uid, UidRange, UidSet } from '../mail/uid-set.ts';

export interface Search {
  /** Throws SearchTooCostly when more text would have to be read than the configuration allows. `progress`: share done, 0 to 1. */
  find(
    mailbox: MailboxId,
    key: SearchKey,
    signal: AbortSignal,
    progress?: (done: number) => void,
  ): Promise<Found>;
  /** RFC 5256 §3: ties go by UID. In order, thousands at a time. */
  sorted(
    mailbox: MailboxId,
    key: SearchKey,
    by: readonly SortCriterion[],
    signal: AbortSignal,
  ): AsyncIterable<readonly Uid[]>;
  /** In order of UIDs. */
  threadRows(mailbox: MailboxId, key: SearchKey, signal: AbortSignal): AsyncIterable<readonly ThreadRow[]>;
  /** Of these, the ones that match: for live views (RFC 5267), a bounded number. */
  matching(
    mailbox: MailboxId,
    uids: readonly UidRange[],
    key: SearchKey,
    signal: AbortSignal,
  ): Promise<UidSet>;
}

export interface Found {
  readonly uids: UidSet;
  /** Of the messages found; only when the key asks for MODSEQ. */
  readonly highestModSeq?: ModSeq;
}

export class SearchTooCostly extends Error {
  override readonly name = 'SearchTooCostly';
}
