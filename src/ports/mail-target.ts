/**
 * ports/mail-target - the mail of one account that can be written: the other side of a mirror, or of an import.
 * Implemented by src/store and by connectors; each passes test/contract/mail-target.ts.
 *
 * What is written stays written: whoever calls keeps a journal of intents, and finds after a crash, by `find`, what
 * had been done.
 */
import type { SpecialUse } from '../mail/mailbox.ts';
import type { MessageName, SourceMailbox } from './mail-source.ts';

export interface NewMessage {
  readonly flags: readonly string[];
  readonly internalDate: Date;
  readonly uidl?: string;
  readonly content: AsyncIterable<Uint8Array>;
}

export interface MailTarget {
  mailboxes(signal: AbortSignal): AsyncIterable<SourceMailbox>;
  /** The mailbox of this path, made with its parents when missing. Throws NameNotPossible. */
  mailbox(
    path: readonly string[],
    options: { readonly specialUse?: SpecialUse },
    signal: AbortSignal,
  ): Promise<SourceMailbox>;
  /** Durable when it resolves. Throws TargetFull, MessageNotPossible. */
  append(mailbox: SourceMailbox, message: NewMessage, signal: AbortSignal): Promise<MessageName>;
  /** False: it is not there. */
  setFlags(
    mailbox: SourceMailbox,
    name: MessageName,
    flags: readonly string[],
    signal: AbortSignal,
  ): Promise<boolean>;
  /** False: it was not there. */
  remove(mailbox: SourceMailbox, name: MessageName, signal: AbortSignal): Promise<boolean>;
  /** Messages in it with this Message-ID (angle brackets included). */
  find(mailbox: SourceMailbox, messageId: string, signal: AbortSignal): Promise<readonly MessageName[]>;
  close(): Promise<void>;
}

/** The place cannot have a mailbox of this name. */
export class NameNotPossible extends Error {
  override readonly name = 'NameNotPossible';
}
/** The account's quota there. */
export class TargetFull extends Error {
  override readonly name = 'TargetFull';
}
/** The place refuses this message for good: too big, broken. */
export class MessageNotPossible extends Error {
  override readonly name = 'MessageNotPossible';
}
