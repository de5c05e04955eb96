/**
 * ports/mailboxes - the tree of mailboxes of hosted accounts, who may do what in them, and what is noted about them.
 * Implemented by src/store. Nothing here judges rights: who calls has asked `Rights` before.
 */
import type { AccountId, MailboxId, MailFolder, RightsSet, SpecialUse } from '../mail/mailbox.ts';

export interface Mailboxes {
  /** All of one account, parents before children, `INBOX` first. */
  list(account: AccountId): Promise<readonly MailFolder[]>;
  get(account: AccountId, name: string): Promise<MailFolder | undefined>;
  byId(id: MailboxId): Promise<MailFolder | undefined>;
  /** Makes missing parents too (RFC 9051 §6.3.4). Throws MailboxTrouble: exists, badName, tooMany, useTaken. */
  create(
    account: AccountId,
    name: string,
    options?: { readonly specialUse?: SpecialUse },
  ): Promise<MailFolder>;
  /**
   * Its children stay, and then so does its name, not selectable (RFC 9051 §6.3.5). Its messages go where expunged ones go.
   * Throws MailboxTrouble: missing, inbox, hasChildren (a name that was not selectable already).
   */
  remove(id: MailboxId): Promise<void>;
  /**
   * Children go along; UIDVALIDITY, UIDs and the MAILBOXID stay. Renaming INBOX moves its messages into a new mailbox
   * (RFC 9051 §6.3.6). Throws MailboxTrouble: missing, exists, badName, intoItself.
   */
  rename(id: MailboxId, name: string): Promise<void>;
  setSpecialUse(id: MailboxId, use: SpecialUse | undefined): Promise<void>;
}

/** Names a person subscribed to: mailboxes need not exist (RFC 9051 §6.3.7). Names as that person sees them. */
export interface Subscriptions {
  list(account: AccountId): Promise<readonly string[]>;
  set(account: AccountId, name: string, subscribed: boolean): Promise<void>;
}

/** RFC 4314. The identifier is an account's name, `anyone`, or `-` before either for negative rights. */
export interface Rights {
  /** Effective rights; the owner has all. '' when it must not even be known. */
  of(id: MailboxId, account: AccountId): Promise<RightsSet>;
  /** All entries, the owner's own first. */
  entries(id: MailboxId): Promise<ReadonlyMap<string, RightsSet>>;
  /** '' removes the entry. Throws MailboxTrouble unknownIdentifier. */
  set(id: MailboxId, identifier: string, rights: RightsSet): Promise<void>;
  /** Mailboxes of other accounts in which this one has the right `l`, with the owner's name. */
  shared(
    account: AccountId,
  ): Promise<readonly { readonly owner: string; readonly mailbox: MailFolder; readonly rights: RightsSet }[]>;
}

/**
 * RFC 5464. Entries in lower case: `/private/…`, `/shared/…`. `of` is a mailbox, or an account for the server's own.
 * Private entries are per account.
 */
export interface Annotations {
  /** All entries of it that `account` sees, by name. Values are octet strings (latin1). */
  of(of: MailboxId | 'server', account: AccountId): Promise<ReadonlyMap<string, string>>;
  /** undefined removes. Throws MailboxTrouble: tooMany, tooBig. */
  set(
    of: MailboxId | 'server',
    account: AccountId,
    entries: ReadonlyMap<string, string | undefined>,
  ): Promise<void>;
}

export type MailboxFault =
  | 'exists'
  | 'missing'
  | 'inbox'
  | 'hasChildren'
  | 'badName'
  | 'intoItself'
  | 'tooMany'
  | 'tooBig'
  | 'useTaken'
  | 'unknownIdentifier';

export class MailboxTrouble extends Error {
  override readonly name = 'MailboxTrouble';
  readonly fault: MailboxFault;
  /** `message` is fit for the account's owner. */
  constructor(fault: MailboxFault, message: string) {
    super(message);
    this.fault = fault;
  }
}
