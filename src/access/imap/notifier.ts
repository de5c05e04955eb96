/**
 * access/imap/notifier - what one session asked to be told of by NOTIFY (RFC 5465), beyond the selected mailbox: new and
 * changed messages as STATUS, names and subscriptions as LIST, notes as METADATA.
 *
 * A notice says where to look; what is told is how that differs from what was told last. Where nobody can look any more,
 * it says NOTIFICATIONOVERFLOW and is silent from then on (§5.8).
 */
import type { AccountId, MailboxId } from '../../mail/mailbox.ts';
import type { FetchWish } from '../../protocol/imap/request/fetch.ts';
import type { NotifyGroup } from '../../protocol/imap/request/notify.ts';
import { statement } from '../../protocol/imap/respond/status.ts';
import { type Entry, listing } from './listing.ts';
import { choice } from './mailbox-choice.ts';
import { changedNotes, digestOf } from './notes-changed.ts';
import { asRefusal } from './refusal.ts';
import type { Session } from './session.ts';
import type { User } from './state.ts';
import { type Events, tellAccess, tellStatus, wantsMessages } from './tell-mailbox.ts';
import { tellTree } from './tree-changes.ts';

/** How the selected mailbox is told of. */
export interface Selected {
  /** Expunges wait for a command that may tell them (§6.1.2). */
  readonly isDelayed: boolean;
  readonly tellsFlags: boolean;
  /** Of new messages. */
  readonly items: readonly FetchWish[];
}

/** A mailbox as the client was told of it last. */
export interface Told {
  readonly entry: Entry;
  readonly events: Events;
  /** Notes by their digests, where they are watched. */
  readonly notes: ReadonlyMap<string, string> | undefined;
}

interface Group {
  readonly isMeant: (entry: Entry) => boolean;
  readonly events: Events;
}

/** Watched by one session. */
const mailboxesAtMost = 10_000;
/** Each is held against each mailbox. */
const groupsAtMost = 100;
/** Milliseconds between two looks. */
const pauseTime = 200;
/** Looked at one by one; of more, all together. */
const fewMailboxes = 4;
const noEvents: Events = new Set();

export class Notifier implements Disposable {
  /** Undefined: nothing is told of it, but in answer to commands. */
  readonly selected: Selected | undefined;
  /** Who waits. */
  onnews: (() => void) | undefined;
  readonly #session: Session;
  readonly #user: User;
  readonly #groups: readonly Group[];
  readonly #watches = new Map<AccountId, Disposable>();
  #told = new Map<MailboxId, Told>();
  /** Names, of mailboxes that are there and others. */
  readonly #subscribed = new Set<string>();
  #serverNotes: ReadonlyMap<string, string> | undefined;
  #isOver = false;
  /** Until it ends nothing more is told: a mailbox where much happens is told of now and then. */
  #pause: NodeJS.Timeout | undefined;
  /** Messages of these have changed. */
  readonly #stale = new Set<MailboxId>();
  /** Names, rights, subscriptions or notes may have; notes of these. */
  #isTreeStale = false;
  readonly #withNotes = new Set<MailboxId | 'all'>();

  constructor(session: Session, user: User, groups: readonly NotifyGroup[]) {
    this.#session = session;
    this.#user = user;
    this.selected = selectedOf(groups);
    this.#groups = groups
      .filter(({ filter }) => filter.which !== 'selected' && filter.which !== 'selected-delayed')
      .map(({ filter, events }) => ({
        isMeant: choice(filter, user),
        events: new Set(events.map(({ event }) => event)),
      }));
  }

  get isMute(): boolean {
    return this.selected === undefined;
  }

  get hasNews(): boolean {
    return this.#pause === undefined && this.#isStale;
  }

  get #isStale(): boolean {
    return this.#isTreeStale || this.#stale.size > 0;
  }

  /** False: it would be too much. `status`: how all that is watched stands is told at once. */
  async begin(status: boolean): Promise<boolean> {
    if (this.#groups.length === 0) return true;
    if (this.#groups.length > groupsAtMost) return false;
    this.#watch(this.#user.account);
    const told = await this.#look(new Map(), new Set(['all']));
    if (told.size > mailboxesAtMost) return false;
    this.#told = told;
    if (this.#wants('ServerMetadataChange'))
      this.#serverNotes = await digestOf(this.#session, this.#user, undefined);
    for (const { entry, events } of told.values()) {
      tellAccess(this.#session, undefined, entry, events);
      if (status) tellStatus(this.#session, undefined, entry, events);
      await this.#session.room();
    }
    return true;
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#pause);
    this.#isTreeStale = false;
    this.#stale.clear();
    for (const watch of this.#watches.values()) watch[Symbol.dispose]();
    this.#watches.clear();
  }

  /** All that has changed since. */
  async tell(): Promise<void> {
    if (!this.hasNews) return;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      if (this.#isStale) this.onnews?.();
    }, pauseTime);
    try {
      if (this.#isTreeStale || !(await this.#tellMessages())) await this.#tellTree();
    } catch (thrown) {
      if (this.#session.signal.aborted) throw thrown;
      if (asRefusal(thrown).isBug) this.#session.connection.log.error({ err: thrown }, 'notifying failed');
      this.#giveUp();
    }
  }

  #giveUp(): void {
    this[Symbol.dispose]();
    const said = { text: 'Nothing more is told', code: { code: 'NOTIFICATIONOVERFLOW' } } as const;
    this.#session.say(statement('OK', said, this.#session.dialect));
    this.#session.notify(new Notifier(this.#session, this.#user, []));
  }

  /** False: it is more than that. */
  async #tellMessages(): Promise<boolean> {
    if (this.#stale.size > fewMailboxes) return false;
    for (const id of [...this.#stale]) {
      this.#stale.delete(id);
      const told = this.#told.get(id);
      if (told === undefined) continue;
      const was = told.entry;
      const folder = await this.#session.deps.mailboxes.byId(id);
      if (folder === undefined || folder.name !== was.folder?.name) return false;
      const entry = { ...was, folder };
      this.#told.set(id, { ...told, entry });
      tellStatus(this.#session, was, entry, told.events);
    }
    return true;
  }

  async #tellTree(): Promise<void> {
    const session = this.#session;
    const withNotes = new Set(this.#withNotes);
    this.#withNotes.clear();
    this.#isTreeStale = false;
    this.#stale.clear();
    const before = this.#told;
    const now = await this.#look(before, withNotes);
    this.#told = now;
    tellTree(session, before, now, this.#subscribed);
    for (const [id, { entry, events, notes }] of now) {
      const was = before.get(id);
      tellStatus(session, was?.entry ?? entry, entry, events);
      if (notes !== undefined) changedNotes(session, entry.name, was?.notes, notes);
      await session.room();
    }
    if (this.#serverNotes === undefined || !withNotes.has('all')) return;
    const notes = await digestOf(session, this.#user, undefined);
    changedNotes(session, '', this.#serverNotes, notes);
    this.#serverNotes = notes;
  }

  /** How all that are watched stand. Names that are mere levels are not. */
  async #look(
    before: ReadonlyMap<MailboxId, Told>,
    withNotes: ReadonlySet<MailboxId | 'all'>,
  ): Promise<Map<MailboxId, Told>> {
    const now = new Map<MailboxId, Told>();
    this.#subscribed.clear();
    for (const entry of await listing(this.#session, this.#user, { subscriptions: true })) {
      const { folder } = entry;
      if (entry.isSubscribed) this.#subscribed.add(entry.name);
      if (folder === undefined) continue;
      const events = this.#eventsOf(entry);
      if (events.size === 0) continue;
      this.#watch(folder.account);
      const was = before.get(folder.id)?.notes;
      const mayHaveNotes = was === undefined || withNotes.has('all') || withNotes.has(folder.id);
      const notes = !events.has('MailboxMetadataChange')
        ? undefined
        : mayHaveNotes
          ? await digestOf(this.#session, this.#user, folder)
          : was;
      now.set(folder.id, { entry, events, notes });
    }
    return now;
  }

  /** Several groups may mean it: all that they ask for is told (RFC 5465 §6). */
  #eventsOf(entry: Entry): Events {
    const [first, ...more] = this.#groups.filter(({ isMeant }) => isMeant(entry));
    if (more.length === 0) return first?.events ?? noEvents;
    return new Set([...(first?.events ?? []), ...more.flatMap(({ events }) => [...events])]);
  }

  #wants(event: string): boolean {
    return this.#groups.some(({ events }) => events.has(event));
  }

  #watch(account: AccountId): void {
    if (this.#isOver || this.#watches.has(account)) return;
    const watch = this.#session.deps.watch.account(account, (what, mailbox) => this.#heard(what, mailbox));
    this.#watches.set(account, watch);
  }

  #heard(what: 'tree' | 'messages', mailbox: MailboxId | undefined): void {
    if (what === 'messages' && mailbox !== undefined) {
      if (!this.#wantsMessagesOf(mailbox)) return;
      this.#stale.add(mailbox);
    } else {
      if (what === 'tree') this.#withNotes.add(mailbox ?? 'all');
      this.#isTreeStale = true;
    }
    if (this.hasNews) this.onnews?.();
  }

  #wantsMessagesOf(mailbox: MailboxId): boolean {
    const { state } = this.#session;
    if (state.kind === 'selected' && state.view.mailbox === mailbox) return false;
    return wantsMessages(this.#told.get(mailbox)?.events ?? noEvents);
  }
}

function selectedOf(groups: readonly NotifyGroup[]): Selected | undefined {
  const group = groups.find(
    ({ filter }) => filter.which === 'selected' || filter.which === 'selected-delayed',
  );
  // Whoever asks for one event hears of messages that come and go: numbers are right only then.
  if (group === undefined || group.events.length === 0) return undefined;
  const fresh = group.events.find(({ event }) => event === 'MessageNew');
  return {
    isDelayed: group.filter.which === 'selected-delayed',
    tellsFlags: group.events.some(({ event }) => event === 'FlagChange'),
    items: fresh?.items ?? [],
  };
}
