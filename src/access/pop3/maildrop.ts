/**
 * access/pop3/maildrop - INBOX as one POP3 session sees it: numbered, measured and named at sign-in, and unchanged
 * until the end whatever others do (RFC 1939 §3, §5, without the lock: IMAP sessions go on meanwhile).
 *
 * What IMAP clients have flagged \Deleted is in it for as long as nobody expunges it.
 *
 * What was deleted is marked here and nowhere else until QUIT (RFC 1939 §6). A message that somebody else has expunged
 * stays in the list; its content can be had for as long as the store keeps it.
 *
 * Kept: three numbers for each message, and the unique ids that came from another server. That is 32 octets of memory
 * for a message, and some 100 where its id is such a one (measured with a million messages, Node 24).
 */
import type { Account, BodyId, MailboxId, MessageRow } from '../../mail/mailbox.ts';
import { type Uid, type UidRange, UidSet } from '../../mail/uid-set.ts';
import { isUniqueId, uniqueId } from '../../protocol/pop3/respond.ts';
import type { Pop3Deps } from './options.ts';

export interface DropMessage {
  readonly uid: Uid;
  /** Octets. */
  readonly size: number;
  readonly body: BodyId;
}

export class NoInbox extends Error {
  override readonly name = 'NoInbox';
}

export class Maildrop {
  readonly mailbox: MailboxId;
  readonly #uidValidity: number;
  readonly #uids: Uid[] = [];
  readonly #sizes: number[] = [];
  readonly #bodies: BodyId[] = [];
  /** By message number. */
  readonly #foreignIds = new Map<number, string>();
  readonly #deleted = new Set<number>();
  readonly #retrieved = new Set<number>();
  #size = 0;
  #deletedSize = 0;

  /** Throws NoInbox, and what the ports throw. */
  static async open(
    { mailboxes, reading }: Pick<Pop3Deps, 'mailboxes' | 'reading'>,
    account: Account,
    signal: AbortSignal,
  ): Promise<Maildrop> {
    const inbox = await mailboxes.get(account.id, 'INBOX');
    if (inbox === undefined) throw new NoInbox(`account ${account.name} has no INBOX`);
    const { uidValidity, uidNext } = inbox.status;
    const maildrop = new Maildrop(inbox.id, uidValidity);
    if (uidNext <= 1) return maildrop;
    const all = [{ first: 1, last: uidNext - 1 }];
    const taken = new Set<string>();
    for await (const rows of reading.rows(inbox.id, all, {}, signal))
      for (const row of rows) maildrop.#add(row, taken);
    return maildrop;
  }

  private constructor(mailbox: MailboxId, uidValidity: number) {
    this.mailbox = mailbox;
    this.#uidValidity = uidValidity;
  }

  /**
   * An id from another server is kept if RFC 1939 permits it, no other message here has it (a copy of one that was
   * moved here has), and it does not look like one of ours.
   */
  #add({ uid, size, body, uidl }: MessageRow, taken: Set<string>): void {
    this.#uids.push(uid);
    this.#sizes.push(size);
    this.#bodies.push(body);
    this.#size += size;
    const isFit = uidl !== undefined && isUniqueId(uidl) && !uidl.startsWith(`${this.#uidValidity}.`);
    if (!isFit || taken.has(uidl)) return;
    taken.add(uidl);
    this.#foreignIds.set(this.#uids.length, uidl);
  }

  /** Those not marked as deleted, and their octets. */
  get total(): { readonly messages: number; readonly octets: number } {
    return { messages: this.#uids.length - this.#deleted.size, octets: this.#size - this.#deletedSize };
  }

  get marked(): number {
    return this.#deleted.size;
  }

  get retrieved(): number {
    return this.#retrieved.size;
  }

  /** undefined: no such message, or it is marked as deleted. */
  message(number: number): DropMessage | undefined {
    const uid = this.#uids[number - 1];
    const size = this.#sizes[number - 1];
    const body = this.#bodies[number - 1];
    if (uid === undefined || size === undefined || body === undefined || this.#deleted.has(number))
      return undefined;
    return { uid, size, body };
  }

  /** Numbers of those not marked as deleted. */
  *numbers(): IterableIterator<number> {
    for (let number = 1; number <= this.#uids.length; number++) if (!this.#deleted.has(number)) yield number;
  }

  /** The same for ever, in whatever session (RFC 1939 §7, UIDL). */
  uniqueId(number: number): string {
    return this.#foreignIds.get(number) ?? uniqueId(this.#uidValidity, this.#uids[number - 1] ?? 0);
  }

  /** Whether it was there to be marked. */
  mark(number: number): boolean {
    const message = this.message(number);
    if (message === undefined) return false;
    this.#deleted.add(number);
    this.#deletedSize += message.size;
    return true;
  }

  unmarkAll(): void {
    this.#deleted.clear();
    this.#deletedSize = 0;
  }

  /** It was sent as a whole. */
  noteRetrieved(number: number): void {
    this.#retrieved.add(number);
  }

  get toExpunge(): readonly UidRange[] {
    return this.#ranges(this.#deleted);
  }

  /** Sent, and to stay. */
  get toMarkSeen(): readonly UidRange[] {
    return this.#ranges([...this.#retrieved].filter((number) => !this.#deleted.has(number)));
  }

  #ranges(numbers: Iterable<number>): readonly UidRange[] {
    const uids = new UidSet();
    for (const number of [...numbers].sort((a, b) => a - b)) uids.add(this.#uids[number - 1] ?? 0);
    return [...uids.ranges()];
  }
}
