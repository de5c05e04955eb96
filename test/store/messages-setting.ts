/**
 * store/messages-setting - a message store on a fresh database, with accounts and mailboxes made by plain rows.
 */
import type { AccountId, MailboxId, MessageRow, Quota } from '../../src/mail/mailbox.ts';
import type { UidRange } from '../../src/mail/uid-set.ts';
import type { Database } from '../../src/ports/database.ts';
import { silentLog } from '../../src/ports/log.ts';
import type { Append, Staged } from '../../src/ports/messages.ts';
import { type Messages, type MessagesOptions, openMessages } from '../../src/store/open-messages.ts';
import { freshDatabase } from '../fixture/database.ts';
import { MemoryBlobs } from './memory-blobs.ts';

export const never = new AbortController().signal;
export const everything: readonly UidRange[] = [{ first: 1, last: 4_294_967_295 }];
export const noon = new Date('2026-11-29T12:00:00.700Z');

export interface Setting extends AsyncDisposable {
  readonly database: Database;
  readonly url: string;
  readonly blobs: MemoryBlobs;
  readonly messages: Messages;
  /** Mailboxes that were told of. */
  readonly heard: { mailbox: MailboxId; modSeq: number }[];
  now: Date;
  /** Another store on the same database. */
  open(options?: Partial<MessagesOptions>): Messages;
}

export async function openSetting(options: Partial<MessagesOptions> = {}): Promise<Setting> {
  const { database, url, drop } = await freshDatabase();
  const blobs = new MemoryBlobs(() => setting.now);
  const heard: { mailbox: MailboxId; modSeq: number }[] = [];
  const open = (more: Partial<MessagesOptions> = {}): Messages =>
    openMessages({
      database,
      blobs,
      now: () => setting.now,
      log: silentLog,
      changed: {
        messages: (_, mailbox, modSeq) => void heard.push({ mailbox, modSeq }),
        tree: () => undefined,
      },
      ...options,
      ...more,
    });
  const setting: Setting = {
    database,
    url,
    blobs,
    messages: undefined as unknown as Messages,
    heard,
    now: noon,
    open,
    async [Symbol.asyncDispose]() {
      await setting.messages.close();
      await drop();
    },
  };
  Object.assign(setting, { messages: open() });
  return setting;
}

let count = 0;

export async function newAccount(database: Database, quota: Quota = {}): Promise<AccountId> {
  count += 1;
  const [row] = await database.query<{ id: number }>(
    'insert into account (name, quota_storage, quota_messages, created_at) values ($1, $2, $3, now()) returning id',
    [`person${count}@example.org`, quota.storage, quota.messages],
  );
  return row!.id;
}

export async function newMailbox(
  database: Database,
  account: AccountId,
  name = `Box ${++count}`,
): Promise<MailboxId> {
  const [row] = await database.query<{ id: number }>(
    'insert into mailbox (account, name, object_id, created_at) values ($1, $2, gen_random_uuid()::text, now()) returning id',
    [account, name],
  );
  return row!.id;
}

export async function* pieces(octets: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size);
}

export const letter = (subject: string, more: readonly string[] = [], text = 'Hello.'): Buffer =>
  Buffer.from(
    [
      'From: Ada <ada@example.org>',
      'To: Bob <bob@example.org>',
      `Subject: ${subject}`,
      'Date: Mon, 23 Nov 2026 10:00:00 +0100',
      ...more,
      '',
      text,
      '',
    ].join('\r\n'),
  );

export const stage = (messages: Messages, octets: Uint8Array): Promise<Staged> =>
  messages.stage(pieces(octets), 100_000_000, never);

/** Staged and appended without flags, unless told otherwise. */
export async function put(
  messages: Messages,
  mailbox: MailboxId,
  octets: Uint8Array = letter('hello'),
  more: Partial<Append> = {},
) {
  const { body } = await stage(messages, octets);
  const [appended] = await messages.append([{ mailbox, body, flags: { system: 0, keywords: [] }, ...more }]);
  return { ...appended!, body };
}

export async function allRows(
  messages: Messages,
  mailbox: MailboxId,
  uids = everything,
  want: Parameters<Messages['rows']>[2] = {},
): Promise<MessageRow[]> {
  const batches = await Array.fromAsync(messages.rows(mailbox, uids, want, never));
  return batches.flat();
}

export const read = async (
  messages: Messages,
  body: number,
  range?: { start: number; end?: number },
): Promise<Buffer> => Buffer.concat(await Array.fromAsync(messages.content(body, never, range)));

/** What the store counts and draws, against what its rows say. Empty: all is well. */
export async function contradictions(database: Database): Promise<unknown[]> {
  return database.query(
    `with counted as (
       select b.id, count(m.uid) as messages, count(m.uid) filter (where m.system & 1 = 0) as unseen,
         count(m.uid) filter (where m.system & 8 <> 0) as deleted, coalesce(sum(m.size), 0)::int8 as size,
         coalesce(sum(m.size) filter (where m.system & 8 <> 0), 0)::int8 as deleted_size,
         coalesce(max(m.uid), 0) as last, coalesce(max(m.mod_seq), 0) as mod_seq
       from mailbox b left join mailbox_message m on m.mailbox = b.id group by b.id
     ), drawn as (
       select p.mailbox, p.page::int8 * 1024 + n as uid
       from uid_page p, generate_series(0, 1023) n where get_bit(p.bits, n) = 1
     )
     select 'totals' as what, b.id as mailbox, c.id as uid from mailbox b join counted c using (id)
     where (b.messages, b.unseen, b.deleted, b.size, b.deleted_size)
       <> (c.messages, c.unseen, c.deleted, c.size, c.deleted_size)
       or b.uid_next <= c.last or b.mod_seq < c.mod_seq
     union all
     select 'not drawn', mailbox, uid from (select mailbox, uid from mailbox_message except select mailbox, uid from drawn) x
     union all
     select 'drawn', mailbox, uid from (select mailbox, uid from drawn except select mailbox, uid from mailbox_message) x
     union all
     select 'empty page', mailbox, page from uid_page where bits = decode(repeat('00', 128), 'hex')
     union all
     select 'twice', m.mailbox, m.uid from mailbox_message m join expunged e on e.mailbox = m.mailbox and e.uid = m.uid
     union all
     select 'keyword', m.mailbox, m.uid from mailbox_message m join mailbox b on b.id = m.mailbox
     where not m.keywords <@ b.keywords or m.keywords = '{}'`,
  );
}
