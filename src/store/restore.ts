/**
 * store/restore - an operator brings back what was expunged, as long as it is kept.
 *
 * Messages come back as new ones, with new UIDs, their flags but \Deleted, and their dates; into the mailbox they were in,
 * which is made again where it is gone, or into another. What was moved away lives on elsewhere and is left out; what was
 * restored once is not restored again. No quota is asked.
 */
import type { AccountId, MailboxId, MailFolder } from '../mail/mailbox.ts';
import type { Database, Queryable } from '../ports/database.ts';
import type { Mailboxes } from '../ports/mailboxes.ts';
import { mostPerModSeq, wholeSecond } from './append-plan.ts';
import { insertNew } from './insert-new.ts';
import { Keywords } from './keywords.ts';
import { lockMailbox } from './lock.ts';
import type { Touched, WriteOptions } from './write-options.ts';

export interface RestoreFilter {
  /** Its name when the messages were expunged; default: all. */
  readonly mailbox?: string;
  /** Expunged at or after, and before. */
  readonly since?: Date;
  readonly until?: Date;
}

export interface RestoreInto {
  /** Default: the account it was; needed when that is gone. */
  readonly account?: AccountId;
  /** Default: the name it had. */
  readonly mailbox?: string;
}

/** So far. */
export interface Restored {
  readonly mailbox: string;
  readonly restored: number;
  readonly of: number;
}

export interface RestoreOptions extends WriteOptions {
  readonly database: Database;
  readonly mailboxes: Pick<Mailboxes, 'get' | 'create'>;
  readonly touched: (mailboxes: readonly Touched[]) => void;
}

const together = 1000;

const matching = `account = $1 and not moved and restored_at is null
  and ($2::text is null or mailbox_name = $2)
  and expunged_at >= coalesce($3::timestamptz, '-infinity') and expunged_at < coalesce($4::timestamptz, 'infinity')`;

/** Tells after each commit; what was told is on disk. Stops between two when `signal` aborts; run it again to go on. */
export async function* restore(
  options: RestoreOptions,
  account: AccountId,
  filter: RestoreFilter,
  into: RestoreInto,
  signal: AbortSignal,
): AsyncGenerator<Restored> {
  const which = [account, filter.mailbox, filter.since, filter.until];
  const names = await options.database.query<{ name: string; count: number }>(
    `select mailbox_name as name, count(*) as count from expunged where ${matching} group by 1 order by 1`,
    which,
  );
  const of = names.reduce((sum, { count }) => sum + count, 0);
  let restored = 0;
  for (const { name } of names) {
    signal.throwIfAborted();
    const folder = await folderFor(options.mailboxes, into.account ?? account, into.mailbox ?? name);
    for (;;) {
      signal.throwIfAborted();
      const { count, touched } = await some(options, [account, name, filter.since, filter.until], folder.id);
      if (count === 0) break;
      options.touched(touched);
      restored += count;
      yield { mailbox: folder.name, restored, of };
    }
  }
}

async function folderFor(
  mailboxes: Pick<Mailboxes, 'get' | 'create'>,
  account: AccountId,
  name: string,
): Promise<MailFolder> {
  const there = await mailboxes.get(account, name);
  return there?.selectable === true ? there : mailboxes.create(account, name);
}

const choose = `
  select mailbox, uid from expunged where ${matching}
  order by expunged_at, mailbox, uid limit ${together} for update`;

const insert = `
  with source as materialized (
    select e.*, row_number() over (order by e.mailbox, e.uid) - 1 as place
    from unnest($2::int8[], $3::int8[]) as s (mailbox, uid)
    join expunged e on e.mailbox = s.mailbox and e.uid = s.uid
  ), marked as (
    update expunged e set restored_at = $8 from source s where e.mailbox = s.mailbox and e.uid = s.uid
  ), new as materialized (
    select $1::int8 as mailbox, $4::int8 + place as uid, $5::int8 + place / ${mostPerModSeq} as mod_seq,
      (system & ~8)::int2 as system,
      case when keywords is null then null else (
        select nullif(array_agg(t.spelt), '{}') from unnest($6::text[], $7::text[]) as t (there, spelt)
        where t.there = any(source.keywords)
      ) end as keywords,
      internal_date, body, size, uidl
    from source
  ), ${insertNew('$9')}
  select count(*) as count from source`;

async function some(
  { database, limits, now }: RestoreOptions,
  which: readonly unknown[],
  to: MailboxId,
): Promise<{ readonly count: number; readonly touched: readonly Touched[] }> {
  return database.transaction(async (tx) => {
    const target = await lockMailbox(tx, to);
    const rows = await tx.query<{ mailbox: number; uid: number }>(choose, which);
    if (rows.length === 0) return { count: 0, touched: [] };
    const from = [rows.map(({ mailbox }) => mailbox), rows.map(({ uid }) => uid)] as const;
    const keywords = new Keywords(target.keywords, limits.keywords);
    const spelt = (await keywordsOf(tx, from)).flatMap((keyword) =>
      keywords.take([keyword]).map((known) => [keyword, known] as const),
    );
    const at = now();
    await tx.query(insert, [
      to,
      ...from,
      target.uidNext,
      target.modSeq + 1,
      spelt.map(([one]) => one),
      spelt.map(([, known]) => known),
      at,
      wholeSecond(at),
    ]);
    const grown = keywords.grown();
    if (grown !== undefined) await tx.query('update mailbox set keywords = $2 where id = $1', [to, grown]);
    const modSeq = target.modSeq + Math.ceil(rows.length / mostPerModSeq);
    return { count: rows.length, touched: [{ account: target.account, mailbox: to, modSeq }] };
  });
}

async function keywordsOf(
  tx: Queryable,
  [mailboxes, uids]: readonly [readonly number[], readonly number[]],
): Promise<string[]> {
  const rows = await tx.query<{ keyword: string }>(
    `select distinct k.keyword from unnest($1::int8[], $2::int8[]) as s (mailbox, uid)
     join expunged e on e.mailbox = s.mailbox and e.uid = s.uid, unnest(e.keywords) as k (keyword)`,
    [mailboxes, uids],
  );
  return rows.map(({ keyword }) => keyword);
}
