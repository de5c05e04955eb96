/**
 * store/changed - what the store says to itself after each commit that changed something; store/notices carries it on.
 */
import type { AccountId, MailboxId, ModSeq } from '../mail/mailbox.ts';

/** Called once after the commit. Never throws, never waits. */
export interface Changed {
  messages(account: AccountId, mailbox: MailboxId, modSeq: ModSeq): void;
  /** Names, rights, subscriptions, annotations or the account itself; `mailbox` where one mailbox is meant. */
  tree(account: AccountId, mailbox?: MailboxId): void;
}

/** Nobody listens. */
export const unheard: Changed = { messages: () => undefined, tree: () => undefined };
