/**
 * store/copy - messages from one mailbox into another: rows only, the bodies stay where they are.
 *
 * COPY and MOVE of any number happen in the database; what is answered are ranges.
 */
import type { MailboxId, ModSeq } from '../mail/mailbox.ts';
import type { UidRange } from '../mail/uid-set.ts';
import type { Database, Queryable } from '../ports/database.ts';
import type { Copied } from '../ports/messages.ts';
import { mostPerModSeq, wholeSecond } from './append-plan.ts';
import { expungeIn } from './expunge.ts';
import { insertNew } from './insert-new.ts';
import { Keywords } from './keywords.ts';
import { type Locked, lockMailboxes, theLocked } from './lock.ts';
import { Quotas } from './quota.ts';
import { inPieces, islands, selected } from './selection.ts';
import { bounds, normalised, upTo } from './uid-ranges.ts';
import type { Touched, WriteOptions } from './write-options.ts';

export interface CopyResult {
  readonly copied?: Copied;
  readonly touched: readonly Touched[];
}

export async function copy(
  database: Database,
  from: MailboxId,
  uids: readonly UidRange[],
  to: MailboxId,
  options: WriteOptions & { readonly move: boolean },
): Promise<CopyResult> {
  const wanted = normalised(uids);
  return database.transaction(async (tx) => {
    const [locked, measured, quotas] = await Promise.all([
      lockMailboxes(tx, [from, to]),
      measure(tx, from, wanted),
      Quotas.read(tx, [to], options.limits.quotaGrace),
    ]);
    const source = theLocked(locked, from);
    const target = theLocked(locked, to);
    if (measured.messages === 0) return { touched: [] };
    if (!(options.move && source.account === target.account))
      quotas.add(new Map([[target.account, measured]]), false);
    // What is copied within one mailbox has UIDs beyond these.
    const ranges = upTo(wanted, source.uidNext - 1);
    const now = options.now();
    const { copied, modSeq } = await write(tx, source, target, ranges, options, now);
    const touched: Touched[] = [{ account: target.account, mailbox: to, modSeq }];
    if (options.move) {
      const gone = await expungeIn(tx, source, { uids: ranges, anyway: true }, now);
      touched.push({ account: source.account, mailbox: from, modSeq: gone.modSeq });
    }
    return { copied, touched };
  });
}

interface Measured {
  readonly messages: number;
  readonly storage: number;
}

async function measure(tx: Queryable, from: MailboxId, ranges: readonly UidRange[]): Promise<Measured> {
  const [row] = await tx.query<Measured>(
    `select count(*) as messages, coalesce(sum(s.size), 0)::int8 as storage from ${selected('size')} s`,
    [from, ...bounds(ranges)],
  );
  return row ?? { messages: 0, storage: 0 };
}

const insert = `
  with source as materialized (
    select s.*, row_number() over (order by s.uid) - 1 as place from ${selected('*')} s
  ), new as materialized (
    select $4::int8 as mailbox, $5::int8 + place as uid, $6::int8 + place / ${mostPerModSeq} as mod_seq, system,
      case when keywords is null then null else (
        select nullif(array_agg(t.spelt), '{}') from unnest($7::text[], $8::text[]) as t (there, spelt)
        where t.there = any(source.keywords)
      ) end as keywords,
      internal_date, body, size, thread, case when $10::bool then uidl end as uidl
    from source
  ), ${insertNew('$9')}
  ${islands('source')}`;

async function write(
  tx: Queryable,
  source: Locked,
  target: Locked,
  ranges: readonly UidRange[],
  { limits, move }: WriteOptions & { readonly move: boolean },
  now: Date,
): Promise<{ readonly copied: Copied; readonly modSeq: ModSeq }> {
  const there = await keywordsOf(tx, source, ranges);
  const keywords = new Keywords(target.keywords, limits.keywords);
  const spelt = there.flatMap((keyword) =>
    keywords.take([keyword]).map((known) => [keyword, known] as const),
  );
  const from: UidRange[] = [];
  let { uidNext, modSeq } = target;
  for (const piece of await inPieces(tx, source.id, ranges)) {
    const rows = await tx.query<{ first: number; last: number }>(insert, [
      source.id,
      ...bounds(piece),
      target.id,
      uidNext,
      modSeq + 1,
      spelt.map(([one]) => one),
      spelt.map(([, known]) => known),
      wholeSecond(now),
      move,
    ]);
    const count = rows.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    for (const { first, last } of rows) from.push({ first, last });
    uidNext += count;
    modSeq += Math.ceil(count / mostPerModSeq);
  }
  const grown = keywords.grown();
  if (grown !== undefined)
    await tx.query('update mailbox set keywords = $2 where id = $1', [target.id, grown]);
  const to = [{ first: target.uidNext, last: uidNext - 1 }];
  return { copied: { uidValidity: target.uidValidity, from: normalised(from), to }, modSeq };
}

/** In use by the messages that are copied. */
async function keywordsOf(tx: Queryable, source: Locked, ranges: readonly UidRange[]): Promise<string[]> {
  if (source.keywords.length === 0) return [];
  const rows = await tx.query<{ keyword: string }>(
    `select distinct k.keyword
     from ${selected('keywords', 'keywords is not null')} s, unnest(s.keywords) as k (keyword)`,
    [source.id, ...bounds(ranges)],
  );
  return rows.map(({ keyword }) => keyword);
}
