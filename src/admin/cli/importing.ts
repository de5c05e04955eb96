/**
 * admin/cli/importing - messages out of files into the mailboxes of one account, many in one commit.
 *
 * What a mailbox has already, octet for octet, is passed over: an import that was broken off is simply run again.
 */
import { createHash } from 'node:crypto';
import { type Account, type BodyId, flagsOf, type MailboxId } from '../../mail/mailbox.ts';
import type { FiledMessage } from '../../ports/mail-files.ts';
import { MailboxTrouble } from '../../ports/mailboxes.ts';
import type { Append } from '../../ports/messages.ts';
import type { Hosted } from '../services.ts';
import { MailboxMaker } from './mailbox-maker.ts';

export interface ImportLine {
  readonly mailbox: string;
  added: number;
  /** Octets of those. */
  size: number;
  there: number;
  failed: number;
}

export interface ImportWish {
  readonly dryRun: boolean;
  readonly maxSize: number;
  readonly signal: AbortSignal;
}

interface Look {
  readonly message: FiledMessage;
  readonly hash: Buffer;
  /** Octets. */
  readonly size: number;
  readonly there: boolean;
  readonly body?: BodyId;
}

/** Messages in one commit; some more where they come several at once. */
const portion = 100;
const mostTroubles = 1_000;

export class Importing {
  readonly #hosted: Hosted;
  readonly #account: Account;
  readonly #wish: ImportWish;
  readonly #maker: MailboxMaker;
  readonly #lines = new Map<string, ImportLine>();
  /** undefined: it will be new, in a dry run; false: the name cannot be had. */
  readonly #ids = new Map<string, MailboxId | undefined | false>();
  #waiting: Append[] = [];
  /** Of what waits, or was seen in a dry run: a mailbox and a hash each. */
  readonly #seen = new Set<string>();
  /** The first of them. */
  readonly troubles: { readonly where: string; readonly why: string }[] = [];
  failed = 0;

  constructor(hosted: Hosted, account: Account, wish: ImportWish) {
    this.#hosted = hosted;
    this.#account = account;
    this.#wish = wish;
    this.#maker = new MailboxMaker(hosted, account);
  }

  get lines(): readonly ImportLine[] {
    return [...this.#lines.values()];
  }

  /** Made also when no message goes there. */
  async mailbox(name: string): Promise<void> {
    if (this.#lines.has(name)) return;
    this.#lines.set(name, { mailbox: name, added: 0, size: 0, there: 0, failed: 0 });
    try {
      this.#ids.set(name, await this.#idOf(name));
    } catch (thrown) {
      if (!(thrown instanceof MailboxTrouble)) throw thrown;
      this.#ids.set(name, false);
      this.#fail(name, thrown.message);
    }
  }

  async #idOf(name: string): Promise<MailboxId | undefined> {
    if (!this.#wish.dryRun) return this.#maker.idOf(name);
    return (await this.#hosted.mailboxes.get(this.#account.id, name))?.id;
  }

  /** After mailbox(). In order; looked at together, as most of the time is waiting. */
  async messages(name: string, messages: readonly FiledMessage[]): Promise<void> {
    const line = this.#lines.get(name);
    const id = this.#ids.get(name);
    if (line === undefined) throw new Error(`mailbox ${name} was not announced`);
    if (id === false) line.failed += messages.length;
    else {
      const looks = await Promise.all(messages.map((message) => this.#look(id, message)));
      for (const look of looks) this.#take(line, id, look);
    }
    if (this.#waiting.length >= portion) await this.flush();
  }

  /** Staged where it is new. */
  async #look(id: MailboxId | undefined, message: FiledMessage): Promise<Look> {
    const { hash, size } = await this.#measure(message);
    const there = id !== undefined && (await this.#hosted.held.has(id, hash));
    const { dryRun, maxSize, signal } = this.#wish;
    const look = { message, hash, size, there };
    if (there || size > maxSize || dryRun) return look;
    const staged = await this.#hosted.messages.stage(message.content(signal), maxSize, signal);
    return { ...look, body: staged.body };
  }

  #take(line: ImportLine, mailbox: MailboxId | undefined, { message, hash, size, there, body }: Look): void {
    const key = `${line.mailbox}\0${hash.toString('base64')}`;
    if (there || this.#seen.has(key)) {
      line.there += 1;
    } else if (size > this.#wish.maxSize) {
      line.failed += 1;
      this.#fail(message.where, `it has ${size} octets, more than --max-size`);
    } else {
      line.added += 1;
      line.size += size;
      this.#seen.add(key);
      if (mailbox === undefined || body === undefined) return;
      const { internalDate, uidl } = message;
      this.#waiting.push({
        mailbox,
        body,
        flags: flagsOf(message.flags),
        ...(internalDate === undefined ? {} : { internalDate }),
        ...(uidl === undefined ? {} : { uidl }),
      });
    }
  }

  async #measure({ content }: FiledMessage): Promise<{ readonly hash: Buffer; readonly size: number }> {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of content(this.#wish.signal)) {
      hash.update(chunk);
      size += chunk.length;
    }
    return { hash: hash.digest(), size };
  }

  async flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length > 0) await this.#hosted.messages.append(waiting);
    if (!this.#wish.dryRun) this.#seen.clear();
  }

  #fail(where: string, why: string): void {
    this.failed += 1;
    if (this.troubles.length < mostTroubles) this.troubles.push({ where, why });
  }
}
