/**
 * local/fakes - a store, a directory and a spool in memory, that can be killed between any two steps: what was done
 * stays, what comes after is not done, as when the process dies.
 */
import { createHash } from 'node:crypto';
import type { LocalOptions, LocalPolicy } from '../../src/local/options.ts';
import { type Address, addressKey, parseAddress, withoutDetail } from '../../src/mail/address.ts';
import type { Recipient } from '../../src/mail/envelope.ts';
import {
  type Account,
  type Flags,
  flagNames,
  type MailFolder,
  type MessageRow,
} from '../../src/mail/mailbox.ts';
import type { UidRange } from '../../src/mail/uid-set.ts';
import type { DeliveryTask } from '../../src/ports/delivery-agent.ts';
import type { DirectoryEntry, Lookup } from '../../src/ports/directory.ts';
import { silentLog } from '../../src/ports/log.ts';
import { MailboxTrouble } from '../../src/ports/mailboxes.ts';
import { type Append, type Appended, MessageTooBig, type Staged } from '../../src/ports/messages.ts';
import { noMetrics } from '../../src/ports/metrics.ts';
import type { Incoming } from '../../src/ports/spool.ts';
import { usualVacation } from '../../src/sieve/compose/vacation.ts';
import { defaultLimits } from '../../src/sieve/limits.ts';

export class Killed extends Error {
  override readonly name = 'Killed';
}

export interface Sent {
  readonly from: string;
  readonly to: readonly string[];
  readonly notify: readonly (readonly string[] | undefined)[];
  readonly requireTls: boolean;
  readonly trace: string;
  readonly content: string;
}

interface Row {
  readonly uid: number;
  readonly body: number;
  readonly flags: Flags;
}

interface Folder extends Omit<MailFolder, 'status'> {
  readonly rows: Row[];
}

const start = new Date('2026-11-29T08:00:00Z');

export const usualPolicy: LocalPolicy = {
  hostname: 'mail.example.org',
  localSource: 'here',
  detailSeparator: '+',
  detailFolder: 'never',
  overQuota: 'later',
  disabled: 'refuse',
  redirectSender: 'sender',
  createFolders: false,
  maxHops: 50,
  messageLimit: 10_000_000,
  headerLimit: 65_536,
  memoryLimit: 16_384,
  bodyLimit: 1_000_000,
  bodiesAtOnce: 2,
  recipientsAtOnce: 4,
  before: [],
  after: [],
  compiledLimit: 10,
  sieve: defaultLimits,
  vacation: usualVacation,
};

export class World {
  readonly accounts: Account[] = [];
  readonly folders: Folder[] = [];
  readonly bodies: Buffer[] = [];
  readonly entries: DirectoryEntry[] = [];
  readonly scriptTexts = new Map<string, { content: string; active: boolean }>();
  readonly remembered = new Map<string, Date>();
  readonly sent: Sent[] = [];
  readonly steps: string[] = [];
  readonly logged: string[] = [];
  policy: LocalPolicy = usualPolicy;
  now = start;
  /** Thrown by the step of this name. */
  trouble = new Map<string, Error>();
  /** Dies at this step, before or after it is done. */
  killAt: { readonly step: number; readonly done: boolean } | undefined;
  #dead = false;
  #ids = 0;

  /** A new process over what was kept. */
  restart(): void {
    this.killAt = undefined;
    this.#dead = false;
    this.steps.length = 0;
  }

  account(name: string, more: Partial<Account> = {}): Account {
    const account: Account = {
      id: this.accounts.length + 1,
      name,
      disabled: false,
      quota: {},
      usage: { storage: 0, messages: 0 },
      createdAt: start,
      ...more,
    };
    this.accounts.push(account);
    this.folder(account.id, 'INBOX');
    return account;
  }

  folder(account: number, name: string, more: Partial<Folder> = {}): Folder {
    const id = this.folders.length + 1;
    const folder = { id, account, name, selectable: true, objectId: `F${id}`, rows: [], ...more };
    this.folders.push(folder);
    return folder;
  }

  entry(id: string, addresses: readonly string[], more: Partial<DirectoryEntry> = {}): DirectoryEntry {
    const parsed = addresses.map(address);
    const [primary] = parsed;
    const entry: DirectoryEntry = {
      id,
      source: 'ad',
      where: id,
      kind: 'user',
      addresses: parsed,
      x500: [],
      home: 'local',
      hiddenFromAddressLists: false,
      disabled: false,
      attributes: {},
      ...(primary ? { primary } : {}),
      ...more,
    };
    this.entries.push(entry);
    return entry;
  }

  script(account: Account, content: string, name = 'main', active = true): void {
    this.scriptTexts.set(`${account.id} ${name}`, { content, active });
  }

  /** `INBOX: 2, Junk: 1`, of mailboxes that are not empty. */
  get counts(): string {
    return this.folders
      .filter(({ rows }) => rows.length > 0)
      .map(
        ({ name, account, rows }) =>
          `${this.accounts.length > 1 ? `${account}/` : ''}${name}: ${rows.length}`,
      )
      .join(', ');
  }

  contents(name: string, account = 1): string[] {
    const folder = this.folders.find((one) => one.name === name && one.account === account);
    return (folder?.rows ?? []).map(({ body }) => this.bodies[body - 1]?.toString('utf8') ?? '');
  }

  flags(name: string, account = 1): string[][] {
    const folder = this.folders.find((one) => one.name === name && one.account === account);
    return (folder?.rows ?? []).map(({ flags }) => flagNames(flags));
  }

  async #step<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    if (this.#dead) throw new Killed(`dead before ${name}`);
    const at = this.steps.push(name) - 1;
    const kills = this.killAt?.step === at;
    if (kills && this.killAt?.done === false) {
      this.#dead = true;
      throw new Killed(`killed before ${name}`);
    }
    const trouble = this.trouble.get(name);
    if (trouble !== undefined) throw trouble;
    const result = await work();
    if (kills) {
      this.#dead = true;
      throw new Killed(`killed after ${name}`);
    }
    return result;
  }

  options(): LocalOptions {
    const step = this.#step.bind(this);
    const note = (facts: object, text: string): void => {
      this.logged.push(
        text + JSON.stringify(facts, (_, value) => (value instanceof Error ? String(value) : value)),
      );
    };
    return {
      accounts: {
        byId: (id) => step('account', () => this.accounts.find((one) => one.id === id)),
        byName: (name) => step('account', () => this.accounts.find((one) => one.name === name)),
        byEntry: (id) => step('account', () => this.accounts.find((one) => one.entryId === id)),
        forEntry: (entryId, name) =>
          step('forEntry', () => {
            const at = this.accounts.findIndex((one) => one.entryId === entryId);
            const known = this.accounts[at];
            if (known === undefined) return this.account(name, { entryId });
            this.accounts[at] = { ...known, name };
            return this.accounts[at];
          }),
      },
      mailboxes: {
        list: (account) =>
          step('list', () => this.folders.filter((one) => one.account === account).map(mailFolder)),
        get: (account, name) => step('get', () => this.#named(account, name)),
        create: (account, name, options) =>
          step('create', () => {
            if (this.#named(account, name)) throw new MailboxTrouble('exists', 'it is there');
            if (name.includes('*')) throw new MailboxTrouble('badName', 'bad name');
            return mailFolder(
              this.folder(account, name, options?.specialUse ? { specialUse: options.specialUse } : {}),
            );
          }),
      },
      writing: {
        stage: (content, limit) => step('stage', () => this.#stage(content, limit)),
        append: (appends) => step('append', () => this.#append(appends)),
      },
      reading: {
        content: (body, _signal, range) => this.#content(body, range),
        rows: (mailbox, uids) => this.#rows(mailbox, uids),
      },
      scripts: {
        active: (id) =>
          step('active', () => {
            for (const [key, { content, active }] of this.scriptTexts)
              if (active && key.startsWith(`${id} `)) return { name: key.slice(`${id} `.length), content };
            return undefined;
          }),
        get: (id, name) => step('script', () => this.scriptTexts.get(`${id} ${name}`)?.content),
      },
      memory: {
        has: (account, key, now) => step('has', () => this.#has(account, key, now)),
        remember: (account, key, until) =>
          step('remember', () => void this.remembered.set(`${account} ${key}`, until)),
        claim: (account, key, now, until) =>
          step('claim', () => {
            if (this.#has(account, key, now)) return false;
            this.remembered.set(`${account} ${key}`, until);
            return true;
          }),
      },
      directory: {
        lookup: (addresses) => step('lookup', () => addresses.map((one) => this.#lookup(one))),
      },
      spool: {
        newId: () => `L${String(++this.#ids).padStart(11, '0')}`,
        accept: (incoming) => step('accept', () => this.#accept(incoming)),
      },
      policy: () => this.policy,
      log: { ...silentLog, warn: note, error: note },
      metrics: noMetrics,
      now: () => this.now,
      random: () => 0.5,
    };
  }

  #named(account: number, name: string): MailFolder | undefined {
    const folder = this.folders.find((one) => one.account === account && one.name === name);
    return folder && mailFolder(folder);
  }

  async #stage(content: AsyncIterable<Uint8Array>, limit: number): Promise<Staged> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(Buffer.from(chunk));
    const octets = Buffer.concat(chunks);
    if (octets.length > limit) throw new MessageTooBig('too big');
    const hash = (body: Buffer) => createHash('sha256').update(body).digest('hex');
    const known = this.bodies.findIndex((body) => hash(body) === hash(octets));
    if (known >= 0) return { body: known + 1, size: octets.length, isNew: false };
    return { body: this.bodies.push(octets), size: octets.length, isNew: true };
  }

  #append(appends: readonly Append[]): readonly Appended[] {
    return appends.map(({ mailbox, body, flags }) => {
      const folder = this.folders[mailbox - 1] as Folder;
      const uid = folder.rows.length + 1;
      folder.rows.push({ uid, body, flags });
      return { mailbox, uid, uidValidity: 1, modSeq: 1 };
    });
  }

  async *#content(body: number, range?: { start: number; end?: number }): AsyncGenerator<Uint8Array> {
    await this.#step('content', () => {});
    yield (this.bodies[body - 1] as Buffer).subarray(range?.start ?? 0, range?.end);
  }

  async *#rows(mailbox: number, uids: readonly UidRange[]): AsyncGenerator<readonly MessageRow[]> {
    await this.#step('rows', () => {});
    const rows = this.folders[mailbox - 1]?.rows ?? [];
    yield rows
      .filter(({ uid }) => uids.some(({ first, last }) => uid >= first && uid <= last))
      .map((row) => ({
        ...row,
        modSeq: 1,
        internalDate: start,
        savedDate: start,
        size: 1,
        emailId: 'E',
        threadId: 'T',
      }));
  }

  #has(account: number, key: string, now: Date): boolean {
    const until = this.remembered.get(`${account} ${key}`);
    return until !== undefined && until > now;
  }

  #lookup(wanted: Address): Lookup {
    const of = (one: Address | undefined) =>
      this.entries.filter(({ addresses }) =>
        addresses.some((two) => one && addressKey(two) === addressKey(one)),
      );
    for (const by of ['exact', 'detail'] as const) {
      const entries = of(by === 'exact' ? wanted : withoutDetail(wanted));
      const [entry] = entries;
      if (entries.length > 1) return { found: 'ambiguous', entries };
      if (entry) return { found: 'one', entry, by };
    }
    return { found: 'nobody' };
  }

  async #accept(incoming: Incoming): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of incoming.content) chunks.push(Buffer.from(chunk));
    await incoming.finish();
    const { sender, recipients, requireTls } = incoming.envelope;
    this.sent.push({
      from: sender?.text ?? '',
      to: recipients.map((one) => one.address.text),
      notify: recipients.map((one) => one.notify),
      requireTls,
      trace: Buffer.from(incoming.trace).toString('utf8'),
      content: Buffer.concat(chunks).toString('utf8'),
    });
  }
}

const mailFolder = ({ rows, ...folder }: Folder): MailFolder => ({
  ...folder,
  status: {
    uidValidity: 1,
    uidNext: rows.length + 1,
    highestModSeq: 1,
    messages: rows.length,
    unseen: 0,
    deleted: 0,
    size: 0,
    deletedSize: 0,
    recentFrom: 1,
  },
});

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

export const mail = (...lines: readonly string[]): string =>
  ['From: Eve <eve@example.net>', 'To: ada@example.org', 'Message-ID: <1@example.net>', ...lines, ''].join(
    '\r\n',
  );

export interface TaskParts {
  readonly queueId?: string;
  readonly from?: string;
  readonly to?: readonly (string | Recipient)[];
  readonly content?: string;
  readonly requireTls?: boolean;
}

export function task(parts: TaskParts = {}): DeliveryTask {
  const { from = 'eve@example.net', to = ['ada@example.org'] } = parts;
  const octets = Buffer.from(parts.content ?? mail('Subject: hello', '', 'Hello.'));
  return {
    queueId: parts.queueId ?? 'Q1',
    transaction: {
      sender: from === '' ? null : address(from),
      body: '8bitmime',
      smtputf8: false,
      requireTls: parts.requireTls ?? false,
    },
    recipients: to.map((one) => (typeof one === 'string' ? { address: address(one) } : one)),
    nextHop: { kind: 'site', site: 'local' },
    size: octets.length,
    eightBit: false,
    utf8Header: false,
    async *content() {
      for (let at = 0; at < octets.length; at += 1000) yield octets.subarray(at, at + 1000);
    },
  };
}

export const never = new AbortController().signal;
