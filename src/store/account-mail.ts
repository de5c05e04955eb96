/**
 * store/account-mail - one account's mailboxes as a mirror names them: by MAILBOXID and path (ports/mail-source).
 */
import type { AccountId, MailboxId, MailFolder } from '../mail/mailbox.ts';
import type { SourceMailbox } from '../ports/mail-source.ts';
import type { Mailboxes } from '../ports/mailboxes.ts';

export const sourceMailbox = (folder: MailFolder): SourceMailbox => ({
  id: folder.objectId,
  path: folder.name.split('/'),
  selectable: folder.selectable,
  ...(folder.specialUse === undefined ? {} : { specialUse: folder.specialUse }),
  messages: folder.status.messages,
});

export class AccountMail {
  readonly #mailboxes: Mailboxes;
  readonly #account: AccountId;
  /** Ids never change, so what was once seen is right or gone. */
  readonly #ids = new Map<string, MailboxId>();

  constructor(mailboxes: Mailboxes, account: AccountId) {
    this.#mailboxes = mailboxes;
    this.#account = account;
  }

  async *all(signal: AbortSignal): AsyncGenerator<SourceMailbox> {
    signal.throwIfAborted();
    for (const folder of await this.#list()) yield sourceMailbox(folder);
  }

  /** undefined: not there any more. */
  async idOf(mailbox: SourceMailbox): Promise<MailboxId | undefined> {
    if (!this.#ids.has(mailbox.id)) await this.#list();
    return this.#ids.get(mailbox.id);
  }

  async #list(): Promise<readonly MailFolder[]> {
    const folders = await this.#mailboxes.list(this.#account);
    for (const { objectId, id } of folders) this.#ids.set(objectId, id);
    return folders;
  }
}
