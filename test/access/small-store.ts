/**
 * A store in memory, as much of it as POP3 and ManageSieve ask for: accounts, an INBOX each, and Sieve scripts.
 */
import {
  type Account,
  type AccountId,
  type BodyId,
  type Flags,
  flagNames,
  type MailboxId,
  type MailFolder,
  type MessageRow,
  noFlags,
} from '../../src/mail/mailbox.ts';
import type { Uid, UidRange } from '../../src/mail/uid-set.ts';
import { BodyGone, type FlagChange } from '../../src/ports/messages.ts';
import { type Script, type Scripts, ScriptTrouble } from '../../src/ports/scripts.ts';

interface Kept {
  readonly uid: Uid;
  readonly content: Buffer;
  readonly uidl?: string;
  flags: Flags;
}

const date = new Date('2026-11-29T00:00:00Z');
/** Octets of one piece of content. */
const piece = 7_000;

export class SmallStore {
  readonly #accounts = new Map<string, Account>();
  readonly #inboxes = new Map<AccountId, Kept[]>();
  readonly #contents = new Map<BodyId, Buffer>();
  #lastUid = 0;
  /** Thrown by the named method. */
  readonly troubles = new Map<'get' | 'rows' | 'content' | 'expunge' | 'flag', Error>();
  /** Contents end in a BodyGone after so many octets. */
  cutAfter: number | undefined;
  /** Of contents, so far. */
  octetsGiven = 0;
  uidValidity = 1_700_000_000;

  constructor(...names: readonly string[]) {
    for (const name of names) {
      const id = this.#accounts.size + 1;
      const usage = { storage: 0, messages: 0 };
      this.#accounts.set(name, { id, name, disabled: false, quota: {}, usage, createdAt: date });
      this.#inboxes.set(id, []);
    }
  }

  account(name: string): Account | undefined {
    return this.#accounts.get(name);
  }

  disable(name: string): void {
    const account = this.#accounts.get(name);
    if (account !== undefined) this.#accounts.set(name, { ...account, disabled: true });
  }

  deliver(name: string, content: string | Buffer, uidl?: string): Uid {
    this.#lastUid += 1;
    const kept = { uid: this.#lastUid, content: Buffer.from(content), flags: noFlags };
    this.#inbox(name).push(uidl === undefined ? kept : { ...kept, uidl });
    this.#contents.set(this.#lastUid, kept.content);
    return this.#lastUid;
  }

  /** As an IMAP session would. */
  remove(name: string, uid: Uid): void {
    const inbox = this.#inbox(name);
    inbox.splice(0, inbox.length, ...inbox.filter((one) => one.uid !== uid));
  }

  /** UIDs and flags. */
  inbox(name: string): readonly string[] {
    return this.#inbox(name).map(({ uid, flags }) => [uid, ...flagNames(flags)].join(' '));
  }

  contents(name: string): readonly Buffer[] {
    return this.#inbox(name).map(({ content }) => content);
  }

  #inbox(name: string): Kept[] {
    return this.#of(this.#accounts.get(name)?.id ?? 0);
  }

  #of(account: AccountId): Kept[] {
    const inbox = this.#inboxes.get(account);
    if (inbox === undefined) throw new Error('no such account');
    return inbox;
  }

  #fail(method: 'get' | 'rows' | 'content' | 'expunge' | 'flag'): void {
    const trouble = this.troubles.get(method);
    if (trouble !== undefined) throw trouble;
  }

  // ---- ports

  /** The INBOX has the account's number. */
  async get(account: AccountId, name: string): Promise<MailFolder | undefined> {
    this.#fail('get');
    if (name !== 'INBOX') return undefined;
    const status = {
      uidValidity: this.uidValidity,
      uidNext: this.#lastUid + 1,
      highestModSeq: 1,
      messages: this.#of(account).length,
      unseen: 0,
      deleted: 0,
      size: 0,
      deletedSize: 0,
      recentFrom: 1,
    };
    return { id: account, account, name, selectable: true, objectId: `M${account}`, status };
  }

  async *rows(mailbox: MailboxId, uids: readonly UidRange[]): AsyncIterable<readonly MessageRow[]> {
    this.#fail('rows');
    const wanted = this.#of(mailbox).filter(({ uid }) => isIn(uid, uids));
    for (let from = 0; from < wanted.length; from += 2)
      yield wanted.slice(from, from + 2).map(({ uid, content, uidl, flags }) => ({
        uid,
        modSeq: 1,
        flags,
        internalDate: date,
        savedDate: date,
        size: content.length,
        emailId: `E${uid}`,
        threadId: `T${uid}`,
        body: uid,
        ...(uidl === undefined ? {} : { uidl }),
      }));
  }

  async *content(body: BodyId): AsyncIterable<Uint8Array> {
    this.#fail('content');
    const content = this.#contents.get(body);
    if (content === undefined) throw new BodyGone('no such body');
    const end = this.cutAfter ?? content.length;
    for (let from = 0; from < end; from += piece) {
      const given = content.subarray(from, Math.min(end, from + piece));
      this.octetsGiven += given.length;
      yield given;
    }
    if (this.cutAfter !== undefined) throw new BodyGone('cut');
  }

  async expunge(mailbox: MailboxId, uids: readonly UidRange[] = []) {
    this.#fail('expunge');
    const inbox = this.#of(mailbox);
    const left = inbox.filter(({ uid }) => !isIn(uid, uids));
    inbox.splice(0, inbox.length, ...left);
    return { gone: uids, modSeq: 2 };
  }

  async flag(mailbox: MailboxId, uids: readonly UidRange[], change: FlagChange) {
    this.#fail('flag');
    for (const one of this.#of(mailbox).filter(({ uid }) => isIn(uid, uids)))
      one.flags = { ...one.flags, system: one.flags.system | change.flags.system };
    return { changed: [], modified: [] };
  }
}

const isIn = (uid: Uid, ranges: readonly UidRange[]): boolean =>
  ranges.some(({ first, last }) => first <= uid && uid <= last);

export interface ScriptBounds {
  readonly size: number;
  readonly count: number;
  readonly total: number;
}

export class SmallScripts implements Scripts {
  readonly #scripts = new Map<string, string>();
  readonly #bounds: ScriptBounds;
  #active: string | undefined;

  constructor(bounds: ScriptBounds = { size: 2_000, count: 5, total: 5_000 }) {
    this.#bounds = bounds;
  }

  async list(account: AccountId): Promise<readonly Script[]> {
    return [...this.#of(account)].map(([name, content]) => ({
      name,
      active: this.#key(account, name) === this.#active,
      size: Buffer.byteLength(content),
    }));
  }

  async get(account: AccountId, name: string): Promise<string | undefined> {
    return this.#scripts.get(this.#key(account, name));
  }

  async active(account: AccountId) {
    const found = [...this.#of(account)].find(([name]) => this.#key(account, name) === this.#active);
    return found && { name: found[0], content: found[1] };
  }

  async put(account: AccountId, name: string, content: string): Promise<void> {
    if ((await this.room(account, name, Buffer.byteLength(content))) !== 'room')
      throw new ScriptTrouble('quota', 'no room');
    this.#scripts.set(this.#key(account, name), content);
  }

  async activate(account: AccountId, name: string | undefined): Promise<void> {
    if (name !== undefined) this.#need(account, name);
    this.#active = name === undefined ? undefined : this.#key(account, name);
  }

  async remove(account: AccountId, name: string): Promise<void> {
    this.#need(account, name);
    if (this.#active === this.#key(account, name)) throw new ScriptTrouble('active', 'it is active');
    this.#scripts.delete(this.#key(account, name));
  }

  async rename(account: AccountId, from: string, to: string): Promise<void> {
    const content = this.#need(account, from);
    if (this.#scripts.has(this.#key(account, to))) throw new ScriptTrouble('exists', 'there is one');
    this.#scripts.delete(this.#key(account, from));
    this.#scripts.set(this.#key(account, to), content);
    if (this.#active === this.#key(account, from)) this.#active = this.#key(account, to);
  }

  async room(account: AccountId, name: string, size: number) {
    if (size > this.#bounds.size) return 'tooBig';
    const others = [...this.#of(account)].filter(([other]) => other !== name);
    if (others.length >= this.#bounds.count) return 'tooMany';
    const total = others.reduce((sum, [, content]) => sum + Buffer.byteLength(content), size);
    return total > this.#bounds.total ? 'quota' : 'room';
  }

  #key(account: AccountId, name: string): string {
    return `${account} ${name}`;
  }

  *#of(account: AccountId): Iterable<[string, string]> {
    for (const [key, content] of this.#scripts)
      if (key.startsWith(`${account} `)) yield [key.slice(`${account} `.length), content];
  }

  #need(account: AccountId, name: string): string {
    const content = this.#scripts.get(this.#key(account, name));
    if (content === undefined) throw new ScriptTrouble('missing', 'there is none');
    return content;
  }
}
