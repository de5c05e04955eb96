/**
 * access/imap/view - the selected mailbox as one session sees it: which messages have which numbers, and what is known.
 *
 * What has gone keeps its number until the client is told (RFC 9051 §7.5.1). Holds no message; see access/imap/news for
 * how it is kept up to date.
 */
import type { MailboxId, ModSeq, RightsSet } from '../../mail/mailbox.ts';
import { flagBits, flagNames, systemFlags } from '../../mail/mailbox.ts';
import { type Uid, type UidRange, UidSet } from '../../mail/uid-set.ts';
import type { Snapshot } from '../../ports/messages.ts';
import type { Code } from '../../protocol/imap/respond/status.ts';
import type { Context } from './contexts.ts';
import type { Known } from './names.ts';

/** Of two sessions that share what arrives each has every other message, at worst. */
const recentRangesAtMost = 1000;

export class View {
  readonly mailbox: MailboxId;
  /** As this user calls it. */
  readonly name: string;
  rights: RightsSet;
  /** They may be others by now. */
  areRightsStale = false;
  readonly isReadOnly: boolean;
  readonly uidValidity: number;
  /** As the client numbers them. */
  readonly uids: UidSet;
  /** Gone, and the client is not told yet. */
  readonly gone = new UidSet();
  /** All changes up to here are in `uids` and `gone`, and were told. */
  modSeq: ModSeq;
  /** \Recent here and nowhere else (RFC 3501 §2.3.2); in ascending order. */
  readonly #recent: UidRange[] = [];
  /** `$` (RFC 5182). */
  saved = new UidSet();
  /** Searches that are kept up to date, by the tags of their commands (RFC 5267). */
  readonly contexts = new Map<string, Context>();
  /** Something may have changed since. */
  isStale = false;
  /** Who waits for that: IDLE, and whoever is told unasked. */
  onnews: (() => void) | undefined;
  /** By their lower-case form. */
  readonly #keywords = new Map<string, string>();
  /** What this session changed itself and has told: UID to MODSEQ. */
  readonly #told = new Map<Uid, ModSeq>();
  readonly #watches: Disposable[] = [];
  #mayAddKeywords: boolean;

  constructor(known: Known, snapshot: Snapshot, isReadOnly: boolean) {
    this.mailbox = known.folder.id;
    this.name = known.name;
    this.rights = known.rights;
    this.isReadOnly = isReadOnly;
    const { status, uids, keywords, mayAddKeywords } = snapshot;
    this.uidValidity = status.uidValidity;
    this.uids = uids;
    this.modSeq = status.highestModSeq;
    if (status.recentFrom < status.uidNext)
      this.addRecent({ first: status.recentFrom, last: status.uidNext - 1 });
    this.#mayAddKeywords = mayAddKeywords;
    this.learn(keywords);
  }

  watchedBy(watch: Disposable): void {
    this.#watches.push(watch);
  }

  heard(latest: ModSeq | undefined): void {
    if (latest !== undefined && latest <= this.modSeq) return;
    this.isStale = true;
    this.onnews?.();
  }

  /** Only others' mailboxes have rights that change. */
  heardOfTree(mailbox: MailboxId | undefined): void {
    if (mailbox === undefined || mailbox === this.mailbox) this.areRightsStale = true;
  }

  close(): void {
    for (const watch of this.#watches.splice(0)) watch[Symbol.dispose]();
  }

  /** The highest UID the client knows of, 0 where there is none. */
  get lastUid(): Uid {
    return this.uids.at(this.uids.size) ?? 0;
  }

  /** Says whether some were new. */
  learn(keywords: readonly string[]): boolean {
    const before = this.#keywords.size;
    for (const keyword of keywords) {
      const key = keyword.toLowerCase();
      if (!this.#keywords.has(key)) this.#keywords.set(key, keyword);
    }
    return this.#keywords.size > before;
  }

  get keywords(): readonly string[] {
    return [...this.#keywords.values()];
  }

  get mayAddKeywords(): boolean {
    return this.#mayAddKeywords;
  }

  set mayAddKeywords(may: boolean) {
    this.#mayAddKeywords = may;
  }

  addRecent(range: UidRange): void {
    const before = this.#recent.at(-1);
    if (before !== undefined && before.last + 1 === range.first)
      this.#recent[this.#recent.length - 1] = { first: before.first, last: range.last };
    else this.#recent.push(range);
    if (this.#recent.length > recentRangesAtMost) this.#recent.shift();
  }

  get recent(): readonly UidRange[] {
    return this.#recent;
  }

  isRecent(uid: Uid): boolean {
    return this.#recent.some(({ first, last }) => uid >= first && uid <= last);
  }

  get recentCount(): number {
    return this.#recent.reduce(
      (sum, { first, last }) => sum + this.uids.rank(last) - this.uids.rank(first - 1),
      0,
    );
  }

  /** System flags this session may change (RFC 4314 §4), as bits of flagBits; keywords with them by the right `w`. */
  get changeable(): { readonly system: number; readonly keywords: boolean } {
    if (this.isReadOnly) return { system: 0, keywords: false };
    const others = flagBits['\\Answered'] | flagBits['\\Flagged'] | flagBits['\\Draft'];
    const system =
      (this.rights.includes('s') ? flagBits['\\Seen'] : 0) |
      (this.rights.includes('t') ? flagBits['\\Deleted'] : 0) |
      (this.rights.includes('w') ? others : 0);
    return { system, keywords: this.rights.includes('w') };
  }

  /** FLAGS (RFC 9051 §7.3.5). */
  get flags(): readonly string[] {
    return [...systemFlags, ...this.keywords];
  }

  /** PERMANENTFLAGS (RFC 9051 §7.1). */
  get permanentFlags(): Code {
    const { system, keywords } = this.changeable;
    return {
      code: 'PERMANENTFLAGS',
      flags: flagNames({ system, keywords: keywords ? this.keywords : [] }),
      canCreate: keywords && this.mayAddKeywords,
    };
  }

  /** The client has been told what these flags are at that MODSEQ: it need not be told again. */
  told(uid: Uid, modSeq: ModSeq): void {
    this.#told.set(uid, modSeq);
  }

  hasTold(uid: Uid, modSeq: ModSeq): boolean {
    return this.#told.get(uid) === modSeq;
  }

  /**
   * This session has changed these and tells of it. Where nobody else changed anything in between, nothing is left to
   * be asked for.
   */
  changedHere(rows: readonly { readonly uid: Uid; readonly modSeq: ModSeq }[]): void {
    if (this.contexts.size > 0) this.isStale = true; // what they hold may be another
    const next = this.modSeq + 1;
    if (!this.isStale && rows.every(({ modSeq }) => modSeq === next)) {
      if (rows.length > 0) this.modSeq = next;
    } else for (const { uid, modSeq } of rows) this.#told.set(uid, modSeq);
  }

  forgetTold(): void {
    this.#told.clear();
  }

  /** Gone for the client too, from now on. */
  remove(ranges: Iterable<UidRange>): void {
    for (const { first, last } of ranges) {
      this.uids.deleteRange(first, last);
      this.gone.deleteRange(first, last);
      this.saved.deleteRange(first, last);
    }
  }
}
