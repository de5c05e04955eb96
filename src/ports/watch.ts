/**
 * ports/watch - hearing of changes in hosted mailboxes, from every node, within a second. Implemented by src/store.
 *
 * A notice says that something may have changed, never what: who hears it asks (ports/messages, `changes`). Notices of
 * one mailbox are put together; one may come too often, none is lost for good, as the store looks again by itself.
 */
import type { AccountId, MailboxId, ModSeq } from '../mail/mailbox.ts';

export interface Watch {
  /** `heard` is called without waiting, soon after a commit here or elsewhere. */
  mailbox(mailbox: MailboxId, heard: (latest: ModSeq | undefined) => void): Disposable;
  /** Mailboxes were made, removed, renamed, or their rights, subscriptions or annotations changed, or any of its mailboxes' messages. */
  account(
    account: AccountId,
    heard: (what: 'tree' | 'messages', mailbox: MailboxId | undefined) => void,
  ): Disposable;
}
