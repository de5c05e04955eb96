/**
 * directory/stage - what a source says, written aside while it is being read.
 *
 * Readers see none of it: directory/apply brings it into the snapshot in one
 * transaction when the read is whole. Each batch is a statement of its own, so
 * no transaction stays open while somebody else's server takes its time. A
 * change that is told twice replaces its first telling.
 */
import type { Queryable } from '../ports/database.ts';
import type { SourceChange } from '../ports/directory.ts';
import { type StagedRow, stagedRow } from './entry.ts';

/** Entries per statement. A batch is cut earlier when it holds this many members, addresses and names. */
const bounds = { entries: 1000, keys: 20_000 } as const;

export interface Staged {
  readonly rows: number;
  readonly cursor: string;
}

/** Reads `changes` to its end into the stage of `source`. The source's generator is closed if this throws. */
export async function stage(
  database: Queryable,
  source: string,
  changes: AsyncGenerator<SourceChange, string>,
  signal: AbortSignal,
  progress: (rows: number) => void,
): Promise<Staged> {
  await emptyStage(database, source);
  let batch = new Map<string, StagedRow | undefined>();
  let keys = 0;
  let rows = 0;
  const flush = async (): Promise<void> => {
    await writeBatch(database, source, batch);
    rows += batch.size;
    batch = new Map();
    keys = 0;
    progress(rows);
  };
  try {
    for (;;) {
      const next = await changes.next();
      signal.throwIfAborted();
      if (next.done) {
        if (batch.size > 0) await flush();
        return { rows, cursor: next.value };
      }
      const change = next.value;
      if (change.change === 'delete') batch.set(change.id, undefined);
      else {
        const row = stagedRow(source, change.entry);
        keys += row.keys.length + row.members.length;
        batch.set(row.id, row);
      }
      if (batch.size >= bounds.entries || keys >= bounds.keys) await flush();
    }
  } finally {
    await changes.return('');
  }
}

async function writeBatch(
  database: Queryable,
  source: string,
  batch: ReadonlyMap<string, StagedRow | undefined>,
): Promise<void> {
  const rows = [...batch].map(([id, row]) => row ?? { id });
  await database.query(
    `insert into directory_stage (source, id, digest, place, kind, home, target, facts, keys, roles, members, owners, problems)
     select $1, id, digest, place, kind, home, target, facts, keys, roles, members, owners, problems
     from json_to_recordset($2::json) as row(id text, digest uuid, place text, kind text, home text, target text,
       facts jsonb, keys text[], roles "char"[], members text[], owners text[], problems jsonb)
     on conflict (source, id) do update set digest = excluded.digest, place = excluded.place, kind = excluded.kind,
       home = excluded.home, target = excluded.target, facts = excluded.facts, keys = excluded.keys,
       roles = excluded.roles, members = excluded.members, owners = excluded.owners, problems = excluded.problems`,
    [source, storable(rows)],
  );
}

/** JSON that PostgreSQL takes: its text has neither U+0000 nor half a surrogate pair. */
function storable(value: unknown): string {
  const text = JSON.stringify(value);
  if (!/\\u(?:0000|d[89a-f])/i.test(text)) return text;
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'string' ? part.toWellFormed().replaceAll('\0', '') : part,
  );
}

/** In batches: what a crash left of a large read is not gone within one statement's time. */
async function empty(database: Queryable, text: string, source: string): Promise<void> {
  for (;;) {
    const [row] = await database.query<{ gone: number }>(text, [source]);
    if (row!.gone === 0) return;
  }
}

const emptyText = (table: string): string => `with gone as (
  delete from ${table} where ctid = any(array(select ctid from ${table} where source = $1 limit 50000)) returning 1)
  select count(*) as gone from gone`;
const emptyStageText = emptyText('directory_stage');
const emptySeenText = emptyText('directory_seen');

export const emptyStage = (database: Queryable, source: string): Promise<void> =>
  empty(database, emptyStageText, source);

export const emptySeen = (database: Queryable, source: string): Promise<void> =>
  empty(database, emptySeenText, source);

/** Ids that the source still has, for finding what it no longer has. */
export async function stageIds(
  database: Queryable,
  source: string,
  ids: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<number> {
  await emptySeen(database, source);
  let batch: string[] = [];
  let count = 0;
  const flush = async (): Promise<void> => {
    await database.query(
      'insert into directory_seen (source, id) select $1, unnest($2::text[]) on conflict do nothing',
      [source, batch],
    );
    count += batch.length;
    batch = [];
  };
  for await (const id of ids) {
    signal.throwIfAborted();
    batch.push(id);
    if (batch.length >= 5000) await flush();
  }
  if (batch.length > 0) await flush();
  return count;
}
