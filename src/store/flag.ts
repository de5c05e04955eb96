/**
 * store/flag - flags and keywords of messages, changed together; who has them already keeps its MODSEQ.
 */
import { flagBits, type MailboxId, type MessageRow, type ModSeq } from '../mail/mailbox.ts';
import type { UidRange } from '../mail/uid-set.ts';
import type { Database, Queryable } from '../ports/database.ts';
import type { FlagChange } from '../ports/messages.ts';
import { mostPerModSeq } from './append-plan.ts';
import { Keywords } from './keywords.ts';
import { type Locked, lockMailbox } from './lock.ts';
import { inPieces, islands, selected } from './selection.ts';
import { bounds, normalised, upTo } from './uid-ranges.ts';
import type { Touched, WriteOptions } from './write-options.ts';

export type Flagged = Pick<MessageRow, 'uid' | 'modSeq' | 'flags'>;

export interface FlagResult {
  readonly changed: readonly Flagged[];
  readonly modified: readonly UidRange[];
  readonly touched: readonly Touched[];
}

const allBits = Object.values(flagBits).reduce((sum, bit) => sum | bit, 0);

export async function flag(
  database: Database,
  mailbox: MailboxId,
  uids: readonly UidRange[],
  change: FlagChange,
  unchangedSince: ModSeq | undefined,
  { limits }: WriteOptions,
): Promise<FlagResult> {
  const ranges = normalised(uids);
  return database.transaction(async (tx) => {
    const [locked, modified] = await Promise.all([
      lockMailbox(tx, mailbox),
      modifiedSince(tx, mailbox, ranges, unchangedSince),
    ]);
    const there = upTo(ranges, locked.uidNext - 1);
    const changed = await write(tx, locked, there, change, unchangedSince, limits.keywords);
    const modSeq = changed.at(-1)?.modSeq ?? 0;
    const touched = changed.length > 0 ? [{ account: locked.account, mailbox, modSeq }] : [];
    return { changed, modified, touched };
  });
}

async function modifiedSince(
  tx: Queryable,
  mailbox: MailboxId,
  ranges: readonly UidRange[],
  since: ModSeq | undefined,
): Promise<readonly UidRange[]> {
  if (since === undefined) return [];
  return tx.query<{ first: number; last: number }>(
    islands(`(select s.uid from ${selected('uid', 'mod_seq > $4')} s) m`),
    [mailbox, ...bounds(ranges), since],
  );
}

/** $8: the keywords named. Lists are kept in the order in which their keywords came; as sets they are compared. */
const keywordsAfter = {
  keep: 'keywords',
  set: `case when keywords @> $8 and keywords <@ $8 then keywords else nullif($8, '{}') end`,
  add: `nullif(keywords || array(select k from unnest($8) k where k <> all (coalesce(keywords, '{}'))), '{}')`,
  remove: `nullif(array(select k from unnest(keywords) k where k <> all ($8)), '{}')`,
} as const;

const statement = (keywords: string): string => `
  with wanted as (
    select s.*, (s.system & $6::int2) | $7::int2 as new_system, ${keywords.replaceAll('$8', '$8::text[]')} as new_keywords
    from ${selected('ctid as place, uid, system, keywords, size', '($4::int8 is null or mod_seq <= $4)')} s
  ), fresh as materialized (
    select place, uid, system, size, new_system, new_keywords,
      $5::int8 + (row_number() over (order by uid) - 1) / ${mostPerModSeq} as mod_seq
    from wanted where new_system <> system or new_keywords is distinct from keywords
  ), rows as (
    update mailbox_message m set system = f.new_system, keywords = f.new_keywords, mod_seq = f.mod_seq
    from fresh f where m.ctid = f.place
  ), box as (
    update mailbox m set mod_seq = t.mod_seq, unseen = m.unseen + t.unseen, deleted = m.deleted + t.deleted,
      deleted_size = m.deleted_size + t.deleted_size
    from (
      select max(mod_seq) as mod_seq, sum((system & 1) - (new_system & 1))::int8 as unseen,
        sum(((new_system & 8) - (system & 8)) / 8)::int8 as deleted,
        sum(((new_system & 8) - (system & 8)) / 8 * size)::int8 as deleted_size
      from fresh
    ) t where m.id = $1 and t.mod_seq is not null
  )
  select uid, new_system as system, new_keywords as keywords, mod_seq from fresh order by uid`;

const statements = {
  keep: statement(`(case when $8::text[] is null then keywords else keywords end)`),
  set: statement(keywordsAfter.set),
  add: statement(keywordsAfter.add),
  remove: statement(keywordsAfter.remove),
} as const;

async function write(
  tx: Queryable,
  locked: Locked,
  ranges: readonly UidRange[],
  { how, flags, keep }: FlagChange,
  unchangedSince: ModSeq | undefined,
  mostKeywords: number,
): Promise<Flagged[]> {
  const spelling = new Keywords(locked.keywords, mostKeywords);
  const keywords = how === 'remove' ? spelling.known(flags.keywords) : spelling.take(flags.keywords);
  const kept = how === 'set' ? (keep?.system ?? 0) : how === 'add' ? allBits : allBits & ~flags.system;
  const given = how === 'remove' ? 0 : flags.system & allBits & ~(how === 'set' ? kept : 0);
  const sameKeywords = how === 'set' ? keep?.keywords === true : keywords.length === 0;
  const changed: Flagged[] = [];
  let { modSeq } = locked;
  for (const piece of await inPieces(tx, locked.id, ranges)) {
    const rows = await tx.query<Row>(statements[sameKeywords ? 'keep' : how], [
      locked.id,
      ...bounds(piece),
      unchangedSince,
      modSeq + 1,
      kept,
      given,
      keywords,
    ]);
    for (const row of rows) changed.push(flagged(row));
    modSeq += Math.ceil(rows.length / mostPerModSeq);
  }
  const grown = sameKeywords ? undefined : spelling.grown();
  if (grown !== undefined && changed.length > 0)
    await tx.query('update mailbox set keywords = $2 where id = $1', [locked.id, grown]);
  return changed;
}

interface Row {
  readonly uid: number;
  readonly system: number;
  readonly keywords: string[] | null;
  readonly mod_seq: number;
}

const flagged = (row: Row): Flagged => ({
  uid: row.uid,
  modSeq: row.mod_seq,
  flags: { system: row.system, keywords: row.keywords ?? [] },
});
