/**
 * admin/cli/mailbox-maker - mailboxes of one account by name, made when they are first needed.
 */
import type { Account, AccountId, MailboxId, SpecialUse } from '../../mail/mailbox.ts';
import { MailboxTrouble } from '../../ports/mailboxes.ts';
import type { Hosted } from '../services.ts';
import { Refused } from './hosted.ts';

export class MailboxMaker {
  readonly #hosted: Pick<Hosted, 'mailboxes' | 'subscriptions'>;
  readonly #account: Account | undefined;
  readonly #ids = new Map<string, MailboxId>();

  constructor(hosted: Pick<Hosted, 'mailboxes' | 'subscriptions'>, account: Account | undefined) {
    this.#hosted = hosted;
    this.#account = account;
  }

  /** What it makes is subscribed, so that people see it. A use that another mailbox has stays there. */
  async idOf(name: string, specialUse?: SpecialUse): Promise<MailboxId> {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    if (this.#account === undefined) throw new Refused('there is no account to put it into');
    const id = await this.#made(this.#account.id, name, specialUse);
    this.#ids.set(name, id);
    return id;
  }

  async #made(id: AccountId, name: string, specialUse: SpecialUse | undefined): Promise<MailboxId> {
    const { mailboxes, subscriptions } = this.#hosted;
    const there = await mailboxes.get(id, name);
    if (there?.selectable) return there.id;
    try {
      const made = await mailboxes.create(id, name, specialUse === undefined ? {} : { specialUse });
      await subscriptions.set(id, made.name, true);
      return made.id;
    } catch (thrown) {
      if (specialUse === undefined || !(thrown instanceof MailboxTrouble) || thrown.fault !== 'useTaken')
        throw thrown;
      return this.#made(id, name, undefined);
    }
  }
}
