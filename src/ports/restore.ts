/**
 * ports/restore - what was expunged and is still kept, for the operator to put back. Implemented by src/store.
 */
import type { AccountId, BodyId, Flags } from '../mail/mailbox.ts';

export interface RestoreFilter {
  /** An account's, or those of accounts of this name that were removed. */
  readonly of: { readonly account: AccountId } | { readonly removed: string };
  /** As it was called then. */
  readonly mailbox?: string;
  /** Expunged then or later. */
  readonly since?: Date;
}

export interface Restorable {
  readonly body: BodyId;
  /** Where it was last, before the trash if it went that way. */
  readonly mailbox: string;
  /** Without \Deleted. */
  readonly flags: Flags;
  readonly internalDate: Date;
  readonly expungedAt: Date;
  /** Octets. */
  readonly size: number;
  readonly uidl?: string;
}

export interface Restore {
  /** Each message once; none of which `into` has a copy in any mailbox: what was moved is not gone. */
  find(filter: RestoreFilter, into: AccountId | undefined, signal: AbortSignal): AsyncIterable<Restorable>;
}
