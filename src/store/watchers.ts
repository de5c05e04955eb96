/**
 * store/watchers - who in this process waits for changes of which mailbox or account.
 *
 * A watcher costs an entry of a map. What one of them throws is logged and does not keep others from hearing. When all
 * may have missed something they are woken in portions, as each will ask the database.
 */
import type { AccountId, MailboxId, ModSeq } from '../mail/mailbox.ts';
import type { Log } from '../ports/log.ts';
import type { Watch } from '../ports/watch.ts';
import type { Change } from './notice-text.ts';

type MailboxHeard = Parameters<Watch['mailbox']>[1];
type AccountHeard = Parameters<Watch['account']>[1];

/** Woken at once when all are to be; the next so many milliseconds later. */
const portion = 250;
const apart = 25;

interface Watched<Heard> {
  readonly heard: Set<{ readonly call: Heard }>;
  /** What the last look at the database saw, or a notice told. */
  known: string | undefined;
}

export class Watchers implements Watch {
  readonly #mailboxes = new Map<MailboxId, Watched<MailboxHeard>>();
  readonly #accounts = new Map<AccountId, Watched<AccountHeard>>();
  readonly #log: Log;
  #waking: NodeJS.Timeout | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  mailbox(mailbox: MailboxId, heard: MailboxHeard): Disposable {
    return join(this.#mailboxes, mailbox, heard);
  }

  account(account: AccountId, heard: AccountHeard): Disposable {
    return join(this.#accounts, account, heard);
  }

  tell({ account, mailbox, modSeq }: Change): void {
    if (mailbox !== undefined && modSeq !== undefined) this.#tellMailbox(mailbox, modSeq);
    this.#tellAccount(account, modSeq === undefined ? 'tree' : 'messages', mailbox);
  }

  /** What a look at the database saw; told when it differs from the last look or is the first. */
  sawMailbox(mailbox: MailboxId, modSeq: ModSeq | undefined): void {
    const watched = this.#mailboxes.get(mailbox);
    if (watched === undefined || watched.known === String(modSeq)) return;
    watched.known = String(modSeq);
    this.#call(watched, (heard) => heard(modSeq));
  }

  sawAccount(account: AccountId, what: string): void {
    const watched = this.#accounts.get(account);
    if (watched === undefined || watched.known === what) return;
    watched.known = what;
    this.#tellAccount(account, 'tree', undefined);
    this.#tellAccount(account, 'messages', undefined);
  }

  watched(): { readonly mailboxes: MailboxId[]; readonly accounts: AccountId[] } {
    return { mailboxes: [...this.#mailboxes.keys()], accounts: [...this.#accounts.keys()] };
  }

  /** Notices may have been missed. Asked for again while under way, it starts anew. */
  wakeAll(): void {
    clearTimeout(this.#waking);
    const sleepers = [
      ...[...this.#mailboxes.keys()].map((id) => () => this.#tellMailbox(id, undefined)),
      ...[...this.#accounts.keys()].map((id) => () => {
        this.#tellAccount(id, 'tree', undefined);
        this.#tellAccount(id, 'messages', undefined);
      }),
    ];
    this.#wake(sleepers, 0);
  }

  close(): void {
    clearTimeout(this.#waking);
    this.#mailboxes.clear();
    this.#accounts.clear();
  }

  #wake(sleepers: readonly (() => void)[], from: number): void {
    const to = from + portion;
    for (const wake of sleepers.slice(from, to)) wake();
    if (to < sleepers.length) this.#waking = setTimeout(() => this.#wake(sleepers, to), apart);
  }

  #tellMailbox(mailbox: MailboxId, modSeq: ModSeq | undefined): void {
    const watched = this.#mailboxes.get(mailbox);
    if (watched === undefined) return;
    if (modSeq !== undefined) watched.known = String(modSeq);
    this.#call(watched, (heard) => heard(modSeq));
  }

  #tellAccount(account: AccountId, what: 'tree' | 'messages', mailbox: MailboxId | undefined): void {
    const watched = this.#accounts.get(account);
    if (watched) this.#call(watched, (heard) => heard(what, mailbox));
  }

  #call<Heard>(watched: Watched<Heard>, tell: (heard: Heard) => void): void {
    for (const { call } of [...watched.heard]) {
      try {
        tell(call);
      } catch (error) {
        this.#log.error({ error: String(error) }, 'a session failed when it was told of a change');
      }
    }
  }
}

function join<Heard>(all: Map<number, Watched<Heard>>, id: number, call: Heard): Disposable {
  let watched = all.get(id);
  if (watched === undefined) {
    watched = { heard: new Set(), known: undefined };
    all.set(id, watched);
  }
  const place = watched;
  // An object of its own: the same function may watch twice.
  const entry = { call };
  place.heard.add(entry);
  return {
    [Symbol.dispose]: () => {
      place.heard.delete(entry);
      if (place.heard.size === 0 && all.get(id) === place) all.delete(id);
    },
  };
}
