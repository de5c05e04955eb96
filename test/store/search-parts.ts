/** What the tests of searching share: a database, mailboxes in it, and messages put in by SQL as an append leaves them. */
import { createHash } from 'node:crypto';
import type { BodyId, MailboxId } from '../../src/mail/mailbox.ts';
import type { SearchKey } from '../../src/mail/search.ts';
import type { Database } from '../../src/ports/database.ts';
import { silentLog } from '../../src/ports/log.ts';
import { BodyGone, type Reading } from '../../src/ports/messages.ts';
import type { Search } from '../../src/ports/search.ts';
import { writeStructure } from '../../src/protocol/mime/stored-structure.ts';
import { openSearch } from '../../src/store/search.ts';
import type { SearchOptions } from '../../src/store/search-options.ts';
import { makeTexts } from '../../src/store/text-make.ts';
import type { TextMaker } from '../../src/store/text-read.ts';
import { freshDatabase } from '../fixture/database.ts';
import { scan } from '../fixture/structure.ts';

export const now = new Date('2026-11-29T12:00:00Z');

export interface Put {
  readonly uid: number;
  readonly modSeq?: number;
  readonly system?: number;
  readonly keywords?: readonly string[];
  readonly internalDate?: Date;
  readonly savedDate?: Date;
  /** The message, one character per octet. */
  readonly raw: string;
  readonly sentAt?: Date;
  /** YYYY-MM-DD */
  readonly sentOn?: string;
  readonly thread?: Buffer;
  readonly size?: number;
  /** Sort keys by column. */
  readonly sort?: Readonly<Record<string, string>>;
}

export interface Library extends AsyncDisposable {
  readonly database: Database;
  readonly search: Search;
  readonly content: Pick<Reading, 'content'>;
  readonly options: SearchOptions;
  /** Bodies read so far. */
  readonly reads: BodyId[];
  /** Bodies whose octets are not there. */
  readonly gone: Set<BodyId>;
  mailbox(name?: string): Promise<MailboxId>;
  put(mailbox: MailboxId, messages: readonly Put[]): Promise<BodyId[]>;
  uids(mailbox: MailboxId, key: SearchKey): Promise<number[]>;
}

export async function library(options: Partial<SearchOptions> = {}): Promise<Library> {
  const { database, drop } = await freshDatabase();
  const reads: BodyId[] = [];
  const gone = new Set<BodyId>();
  const content = { content: contentOf(database, reads, gone) };
  const all: SearchOptions = {
    database,
    messages: content,
    texts: { maker: atOnce, keep: true },
    limits: { readOctets: 100_000_000 },
    now: () => now,
    log: silentLog,
    ...options,
  };
  const search = openSearch(all);
  const [account] = await database.query<{ id: number }>(
    `insert into account (name, created_at) values ('ada@example.org', now()) returning id`,
  );
  let made = 0;
  return {
    database,
    search,
    content,
    options: all,
    reads,
    gone,
    async mailbox(name = `box ${++made}`) {
      const [row] = await database.query<{ id: number }>(
        `insert into mailbox (account, name, object_id, created_at) values ($1, $2, 'F' || gen_random_uuid(), now())
         returning id`,
        [account!.id, name],
      );
      return row!.id;
    },
    put: (mailbox, messages) => put(database, mailbox, messages),
    uids: async (mailbox, key) => [...(await search.find(mailbox, key, new AbortController().signal)).uids],
    [Symbol.asyncDispose]: drop,
  };
}

/** Without a thread. */
export const atOnce: TextMaker = { make: makeTexts };

const contentOf = (database: Database, reads: BodyId[], gone: ReadonlySet<BodyId>): Reading['content'] =>
  async function* (body, signal, range) {
    signal.throwIfAborted();
    reads.push(body);
    if (gone.has(body)) throw new BodyGone(`body ${body} is gone`);
    const [row] = await database.query<{ content: Buffer }>('select content from body where id = $1', [body]);
    if (row === undefined) throw new BodyGone(`body ${body} is gone`);
    const wanted = row.content.subarray(range?.start ?? 0, range?.end);
    // In pieces that cut lines and characters.
    for (let at = 0; at < wanted.length; at += 1000) yield wanted.subarray(at, at + 1000);
  };

async function put(database: Database, mailbox: MailboxId, messages: readonly Put[]): Promise<BodyId[]> {
  const bodies: BodyId[] = [];
  for (const message of messages) {
    const octets = Buffer.from(message.raw, 'latin1');
    const sort = Object.entries(message.sort ?? {});
    const [body] = await database.query<{ id: number }>(
      `insert into body (hash, size, content, structure, thread, sent_at, sent_on, staged_at
         ${sort.map(([name]) => `, ${name}`).join('')})
       values ($1, $2, $3, $4, $5, $6, $7, now()${sort.map((_, at) => `, $${8 + at}`).join('')})
       on conflict (hash) do update set staged_at = now() returning id`,
      [
        createHash('sha256')
          .update(octets)
          .update(JSON.stringify(message.sort ?? {}))
          .digest(),
        octets.length,
        octets,
        writeStructure(scan(message.raw)),
        message.thread ?? Buffer.of(0),
        message.sentAt,
        message.sentOn,
        ...sort.map(([, text]) => text),
      ],
    );
    bodies.push(body!.id);
    await database.query(
      `insert into mailbox_message (mailbox, uid, mod_seq, system, keywords, internal_date, saved_date, body, size)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        mailbox,
        message.uid,
        message.modSeq ?? 1,
        message.system ?? 0,
        message.keywords?.length ? message.keywords : undefined,
        message.internalDate ?? now,
        message.savedDate ?? now,
        body!.id,
        message.size ?? octets.length,
      ],
    );
  }
  return bodies;
}
