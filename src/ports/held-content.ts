/**
 * ports/held-content - is a message of exactly these octets in a mailbox? Implemented by src/store.
 */
import type { MailboxId } from '../mail/mailbox.ts';

export interface HeldContent {
  /** `sha256` of the message as it would be stored. */
  has(mailbox: MailboxId, sha256: Uint8Array): Promise<boolean>;
}
