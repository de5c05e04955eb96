/**
 * local/folders - the mailboxes of one account as a delivery finds them: by name, object id or special use, made where
 * the script says so. What cannot be found is the inbox: mail is never lost for want of a mailbox.
 */
import type { AccountId, MailFolder, SpecialUse } from '../mail/mailbox.ts';
import { specialUses } from '../mail/mailbox.ts';
import { type Mailboxes, MailboxTrouble } from '../ports/mailboxes.ts';

export interface Target {
  readonly mailbox: string;
  readonly mailboxId?: string;
  readonly specialUse?: string;
  readonly create: boolean;
}

export interface Found {
  readonly folder: MailFolder;
  /** Why it is not the one that was asked for. */
  readonly instead?: string;
}

/** No mailbox at all, not even the inbox: the account was removed meanwhile. */
export class NoInbox extends Error {
  override readonly name = 'NoInbox';
}

const isInbox = (name: string): boolean => name.toLowerCase() === 'inbox';

/** INBOX in any case, alone and before its children (RFC 9051 §5.1). */
const spelt = (name: string): string => name.replace(/^inbox(?=\/|$)/i, 'INBOX').normalize('NFC');

export class Folders {
  readonly #account: AccountId;
  readonly #mailboxes: Pick<Mailboxes, 'list' | 'get' | 'create'>;
  #all: Promise<readonly MailFolder[]> | undefined;
  #inbox: Promise<MailFolder | undefined> | undefined;

  constructor(account: AccountId, mailboxes: Pick<Mailboxes, 'list' | 'get' | 'create'>) {
    this.#account = account;
    this.#mailboxes = mailboxes;
  }

  /** Mailboxes have changed: ask again. */
  forget(): void {
    this.#all = undefined;
    this.#inbox = undefined;
  }

  /** The inbox will be needed, very likely: it is asked for meanwhile. */
  expectInbox(): void {
    this.#inbox ??= this.#mailboxes.get(this.#account, 'INBOX');
    this.#inbox.catch(() => {});
  }

  async named(name: string): Promise<MailFolder | undefined> {
    return await this.#mailboxes.get(this.#account, spelt(name));
  }

  /** MAILBOXID (RFC 9042). */
  async byObjectId(id: string): Promise<MailFolder | undefined> {
    return (await this.#list()).find(({ objectId, selectable }) => selectable && objectId === id);
  }

  async byUse(use: string): Promise<MailFolder | undefined> {
    const known = useOf(use);
    if (known === undefined) return undefined;
    return (await this.#list()).find(({ specialUse, selectable }) => selectable && specialUse === known);
  }

  /** RFC 8579 §4: some mailbox, or the one of this name. */
  async hasUse(use: string, name: string | undefined): Promise<boolean> {
    const folder = await this.byUse(use);
    return folder !== undefined && (name === undefined || folder.name === spelt(name));
  }

  async inbox(): Promise<MailFolder> {
    this.expectInbox();
    const inbox = await this.#inbox;
    if (inbox === undefined) throw new NoInbox('the account has no INBOX');
    return inbox;
  }

  /** `always`: as if the script had said `:create`. */
  async target(target: Target, always: boolean): Promise<Found> {
    const marked =
      (target.mailboxId && (await this.byObjectId(target.mailboxId))) ||
      (target.specialUse && (await this.byUse(target.specialUse)));
    if (marked) return { folder: marked };
    if (isInbox(target.mailbox)) return { folder: await this.inbox() };
    const named = await this.named(target.mailbox);
    if (named?.selectable) return { folder: named };
    if (!target.create && !always) return { folder: await this.inbox(), instead: 'there is no such mailbox' };
    return await this.#make(target);
  }

  async #make({ mailbox, specialUse }: Target): Promise<Found> {
    const use = specialUse === undefined ? undefined : useOf(specialUse);
    try {
      return { folder: await this.#create(spelt(mailbox), use) };
    } catch (error) {
      if (!(error instanceof MailboxTrouble)) throw error;
      // Another delivery made it in between, or gave its use to another mailbox.
      const there = await this.named(mailbox);
      if (there?.selectable) return { folder: there };
      if (error.fault === 'useTaken') return await this.#make({ mailbox, create: true });
      return { folder: await this.inbox(), instead: error.message };
    } finally {
      this.forget();
    }
  }

  async #create(name: string, specialUse: SpecialUse | undefined): Promise<MailFolder> {
    return await this.#mailboxes.create(this.#account, name, specialUse === undefined ? {} : { specialUse });
  }

  async #list(): Promise<readonly MailFolder[]> {
    this.#all ??= this.#mailboxes.list(this.#account);
    return await this.#all;
  }
}

const useOf = (text: string): SpecialUse | undefined =>
  specialUses.find((use) => use.toLowerCase() === text.toLowerCase());
