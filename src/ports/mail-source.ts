/**
 * ports/mail-source - the mail of one account that can be read: the near or far side of a mirror, or of an export.
 * Implemented by src/store and by connectors; each passes test/contract/mail-source.ts.
 */
import type { SpecialUse } from '../mail/mailbox.ts';

/** A name of a message within its mailbox, as its place spells it: a UID, or Graph's immutable id. Never used again. */
export type MessageName = string;

export interface SourceMailbox {
  /** Stays when the mailbox is renamed, where the place can tell; else its path, joined. */
  readonly id: string;
  /** Decoded, one level each; the first of INBOX is `INBOX`. */
  readonly path: readonly string[];
  readonly selectable: boolean;
  readonly specialUse?: SpecialUse;
  /** Messages as the place tells, for progress. */
  readonly messages?: number;
}

export interface SourceMessage {
  readonly name: MessageName;
  /** With backslash, then keywords. `\Recent` is never among them. */
  readonly flags: readonly string[];
  readonly internalDate: Date;
  /** Octets, as the place tells: not to be trusted for identity. */
  readonly size?: number;
  /** POP3's unique id there, where it can be learned. */
  readonly uidl?: string;
}

export type SourceChange =
  | { readonly change: 'added' | 'flags'; readonly message: SourceMessage }
  | { readonly change: 'gone'; readonly name: MessageName }
  /** The last: the cursor to keep. */
  | { readonly change: 'done'; readonly cursor: MailCursor };

/** Opaque to whoever keeps it. */
export type MailCursor = string;

export interface MailSource {
  /** Parents before children. */
  mailboxes(signal: AbortSignal): AsyncIterable<SourceMailbox>;
  /**
   * What changed since `cursor`; everything, oldest first, when there is none. May repeat, must not skip.
   * Throws MailCursorExpired when the place has forgotten (another UIDVALIDITY, a token too old).
   */
  changes(
    mailbox: SourceMailbox,
    cursor: MailCursor | undefined,
    signal: AbortSignal,
  ): AsyncIterable<SourceChange>;
  /** The message as it was received: no header added or dropped. Throws MessageGone. */
  content(mailbox: SourceMailbox, name: MessageName, signal: AbortSignal): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export class MailCursorExpired extends Error {
  override readonly name = 'MailCursorExpired';
}
export class MessageGone extends Error {
  override readonly name = 'MessageGone';
}
