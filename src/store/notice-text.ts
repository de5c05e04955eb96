/**
 * store/notice-text - what changed, gathered, and as the payload of a notice.
 *
 * `SENDER m1.2.30 t1.2 t1`: in mailbox 2 of account 1 messages changed up to MODSEQ 30; its place in the tree changed;
 * something of the account changed. `SENDER *`: too much to tell, everything may have changed.
 */
import type { AccountId, MailboxId, ModSeq } from '../mail/mailbox.ts';

/** PostgreSQL takes less than 8,000 octets. */
export const longestNotice = 7_000;
/** Kept while the database is slow or away; beyond, everything is said to have changed. */
const mostGathered = 20_000;

export interface Change {
  readonly account: AccountId;
  /** Absent: the tree as a whole. */
  readonly mailbox?: MailboxId;
  /** Absent: the tree. */
  readonly modSeq?: ModSeq;
}

/** Changes put together: one of a mailbox's messages says what all before it said. */
export class Gathered {
  readonly #changes = new Map<string, Change>();
  #all = false;

  add(change: Change): void {
    if (this.#all) return;
    const key = `${change.modSeq === undefined ? 't' : 'm'}${change.account}.${change.mailbox ?? ''}`;
    const before = this.#changes.get(key);
    if ((before?.modSeq ?? 0) <= (change.modSeq ?? 0)) this.#changes.set(key, change);
    if (this.#changes.size > mostGathered) this.addAll();
  }

  addAll(): void {
    this.#changes.clear();
    this.#all = true;
  }

  get empty(): boolean {
    return !this.#all && this.#changes.size === 0;
  }

  takeAll(): Omit<Notice, 'sender'> {
    const taken = { all: this.#all, changes: [...this.#changes.values()] };
    this.#changes.clear();
    this.#all = false;
    return taken;
  }

  /** As much as fits one notice, taken out. */
  take(sender: string): string {
    if (this.#all) {
      this.#all = false;
      return `${sender} *`;
    }
    let text = sender;
    for (const [key, change] of this.#changes) {
      const item = print(change);
      if (text.length + 1 + item.length > longestNotice) break;
      text += ` ${item}`;
      this.#changes.delete(key);
    }
    return text;
  }

  /** What a notice that was not sent said. */
  giveBack(text: string): void {
    const notice = parseNotice(text);
    if (notice.all) this.addAll();
    for (const change of notice.changes) this.add(change);
  }
}

const print = ({ account, mailbox, modSeq }: Change): string =>
  modSeq === undefined
    ? `t${account}${mailbox === undefined ? '' : `.${mailbox}`}`
    : `m${account}.${mailbox ?? ''}.${modSeq}`;

export interface Notice {
  readonly sender: string;
  readonly all: boolean;
  readonly changes: readonly Change[];
}

const item = /^(?:m(\d+)\.(\d+)\.(\d+)|t(\d+)(?:\.(\d+))?)$/;

/** What is not understood, of a newer version perhaps, is taken for `*`. */
export function parseNotice(text: string): Notice {
  const [sender = '', ...items] = text.split(' ');
  const changes: Change[] = [];
  let all = false;
  for (const one of items) {
    const [match, account, mailbox, modSeq, owner, folder] = item.exec(one) ?? [];
    if (match === undefined) all = true;
    else if (account !== undefined)
      changes.push({ account: Number(account), mailbox: Number(mailbox), modSeq: Number(modSeq) });
    else
      changes.push({
        account: Number(owner),
        ...(folder === undefined ? {} : { mailbox: Number(folder) }),
      });
  }
  return { sender, all, changes };
}
