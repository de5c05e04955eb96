/**
 * directory/apply - brings what was staged into the snapshot, in one transaction.
 *
 * Readers see the old snapshot until the commit. Entries whose digest is the
 * same are not written. The transaction works through the stage in bounded
 * batches, so that every statement stays short and a stop is heard between them.
 *
 * A read that has lost a suspicious share of the entries (a filter mistyped, a
 * server half restored, a truncated file) is refused: SuspiciousLoss, and the old
 * snapshot stays.
 */
import type { Database, Queryable } from '../ports/database.ts';
import { emptySeen, emptyStage } from './stage.ts';

export interface LossLimit {
  /** Part of the known entries, 0 to 1. */
  readonly share: number;
  /** Fewer lost entries than this are never suspicious. */
  readonly atLeast: number;
}

export class SuspiciousLoss extends Error {
  override readonly name = 'SuspiciousLoss';
  readonly lost: number;
  readonly of: number;
  constructor(source: string, lost: number, of: number) {
    super(
      `${source}: ${lost} of ${of} entries are gone at once; the old snapshot is kept. If this is meant, ask for a full refresh with "accept loss"`,
    );
    this.lost = lost;
    this.of = of;
  }
}

export interface Applied {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

export interface ApplyOptions {
  readonly source: string;
  /** full: what is not staged is gone. changes: only what is staged as deleted, or absent from directory_seen when `byIds`. */
  readonly mode: 'full' | 'changes';
  readonly byIds: boolean;
  readonly loss: LossLimit | undefined;
  readonly cursor: string;
  readonly now: Date;
  /** Where notices of the change go. */
  readonly channel: string;
}

/** Large, and each batch sorted by key, so that the leaves of large indexes are met a few times only. */
const batchRows = 50_000;

export function apply(database: Database, options: ApplyOptions, signal: AbortSignal): Promise<Applied> {
  return database.transaction(async (tx) => {
    const { source } = options;
    // Finding what is gone goes over all entries at once.
    await tx.query(`set local statement_timeout = '10min'`);
    if (options.byIds) await tx.query(unseenText, [source]);
    const victims = victimsOf(options);
    await refuseSuspiciousLoss(tx, options, victims);
    let deleted = 0;
    for (const victim of victims) deleted += await remove(tx, source, victim);
    let inserted = 0;
    let updated = 0;
    const [range] = await tx.query<{ first: number; last: number }>(
      'select coalesce(min(seq), 0) as first, coalesce(max(seq), -1) as last from directory_stage where source = $1',
      [source],
    );
    for (let from = range!.first - 1; from < range!.last; from += batchRows) {
      signal.throwIfAborted();
      const step = await applyRange(tx, source, from, from + batchRows);
      inserted += step.inserted;
      updated += step.updated;
    }
    await settle(tx, options, inserted - deleted);
    if (inserted + updated + deleted > 0)
      await tx.query('select pg_notify($1, $2)', [options.channel, source]);
    return { inserted, updated, deleted };
  });
}

type Victims = 'not staged' | 'staged as deleted' | 'not seen';

function victimsOf({ mode, byIds }: ApplyOptions): readonly Victims[] {
  if (mode === 'full') return ['not staged'];
  return byIds ? ['staged as deleted', 'not seen'] : ['staged as deleted'];
}

/** Told as changed, and gone when the ids were read afterwards. */
const unseenText = `update directory_stage s set digest = null where s.source = $1
  and not exists (select from directory_seen d where d.source = $1 and d.id = s.id)`;

/** Entries by n. */
const victimText: Record<Victims, string> = {
  'not staged': `select e.n from directory_entry e where e.source = $1
    and not exists (select from directory_stage s where s.source = $1 and s.id = e.id)`,
  'staged as deleted': `select e.n from directory_stage s join directory_entry e on e.id = s.id and e.source = $1
    where s.source = $1 and s.digest is null`,
  'not seen': `select e.n from directory_entry e where e.source = $1
    and not exists (select from directory_seen s where s.source = $1 and s.id = e.id)
    and not exists (select from directory_stage s where s.source = $1 and s.id = e.id)`,
};

async function refuseSuspiciousLoss(
  tx: Queryable,
  { source, loss }: ApplyOptions,
  victims: readonly Victims[],
): Promise<void> {
  if (!loss) return;
  let lost = 0;
  for (const victim of victims) {
    const [row] = await tx.query<{ lost: number }>(`select count(*) as lost from (${victimText[victim]}) v`, [
      source,
    ]);
    lost += row!.lost;
  }
  if (lost <= loss.atLeast) return;
  const [row] = await tx.query<{ entries: number }>(
    'select count(*) as entries from directory_entry where source = $1',
    [source],
  );
  if (lost > row!.entries * loss.share) throw new SuspiciousLoss(source, lost, row!.entries);
}

/** Deletes in batches; the number of entries deleted. */
async function remove(tx: Queryable, source: string, victim: Victims): Promise<number> {
  for (let total = 0; ; ) {
    const [row] = await tx.query<{ gone: number }>(
      `with gone as (
         delete from directory_entry where n in (${victimText[victim]} limit 20000)
         returning n),
       addresses as (delete from directory_address a using gone where a.entry = gone.n),
       members as (delete from directory_member m using gone where m.grp = gone.n),
       problems as (delete from directory_problem p using gone where p.entry = gone.n)
       select count(*) as gone from gone`,
      [source],
    );
    total += row!.gone;
    if (row!.gone < 20_000) return total;
  }
}

async function applyRange(
  tx: Queryable,
  source: string,
  from: number,
  to: number,
): Promise<{ inserted: number; updated: number }> {
  const span = [source, from, to];
  const updated = await tx.query<{ n: number }>(
    `with changed as (
       update directory_entry e set source = s.source, place = s.place, kind = s.kind, home = s.home, target = s.target,
         digest = s.digest, facts = s.facts
       from directory_stage s
       where s.source = $1 and s.seq > $2 and s.seq <= $3 and e.id = s.id and e.digest <> s.digest
       returning e.n),
     addresses as (delete from directory_address a using changed where a.entry = changed.n),
     members as (delete from directory_member m using changed where m.grp = changed.n),
     problems as (delete from directory_problem p using changed where p.entry = changed.n)
     select n from changed`,
    span,
  );
  const inserted = await tx.query<{ n: number }>(
    `insert into directory_entry (source, id, place, kind, home, target, digest, facts)
     select s.source, s.id, s.place, s.kind, s.home, s.target, s.digest, s.facts
     from directory_stage s
     where s.source = $1 and s.seq > $2 and s.seq <= $3 and s.digest is not null
       and not exists (select from directory_entry e where e.id = s.id)
     order by s.id
     returning n`,
    span,
  );
  if (updated.length + inserted.length > 0) {
    await writeKeys(tx, [...span, [...updated, ...inserted].map((row) => row.n)]);
  }
  return { inserted: inserted.length, updated: updated.length };
}

/** Addresses, names, members, owners and problems of the entries `$4`, which have none at this point. */
async function writeKeys(tx: Queryable, values: readonly unknown[]): Promise<void> {
  const from = `from directory_stage s join directory_entry e on e.id = s.id and e.n = any($4::int8[])`;
  const where = 'where s.source = $1 and s.seq > $2 and s.seq <= $3';
  await tx.query(
    `insert into directory_address (key, entry, role)
     select k.key, e.n, k.role ${from} cross join lateral unnest(s.keys, s.roles) as k(key, role) ${where}
     order by k.key`,
    values,
  );
  await tx.query(
    `insert into directory_member (grp, role, ref)
     select e.n, m.role, m.ref ${from} cross join lateral (
       select 'm'::"char", unnest(s.members) union all select 'o'::"char", unnest(s.owners)) as m(role, ref)
     ${where} and e.kind = 'group'
     order by m.ref`,
    values,
  );
  await tx.query(
    `insert into directory_problem (source, entry, place, kind, what)
     select $1, e.n, p.value->>0, p.value->>1, p.value->>2
     ${from} cross join lateral jsonb_array_elements(s.problems) p ${where} and s.problems <> '[]'`,
    values,
  );
}

async function settle(tx: Queryable, options: ApplyOptions, grown: number): Promise<void> {
  const { source, mode, byIds, cursor, now } = options;
  await tx.query(
    `insert into directory_source as d (source, cursor, good_at, full_at, deletions_at, tried_at, trouble, entries)
     values ($1, $2, $3, $3, $3, $3, null, $6)
     on conflict (source) do update set cursor = $2, good_at = $3, tried_at = $3, trouble = null, entries = d.entries + $6,
       full_at = case when $4 then $3 else d.full_at end,
       deletions_at = case when $4 or $5 then $3 else d.deletions_at end`,
    [source, cursor, now, mode === 'full', byIds, grown],
  );
  await emptyStage(tx, source);
  await emptySeen(tx, source);
}
