/**
 * directory/find - the questions asked of the snapshot, each one statement for many addresses.
 *
 * Only entries of the sources that are configured now are seen: what a source
 * left behind that has since been taken out of the configuration counts for nothing.
 */
import type { Queryable } from '../ports/database.ts';
import type { DirectoryEntry } from '../ports/directory.ts';
import { type EntryRow, entryColumns, entryOf, type GroupRules } from './entry.ts';

/** One entry that has a key; `target` when it only has it as its targetAddress. */
export interface Candidate {
  readonly n: number;
  readonly entry: DirectoryEntry;
  readonly by: 'address' | 'target';
  readonly override?: string;
}

interface CandidateRow extends EntryRow {
  readonly key: string;
  readonly by: 'address' | 'target';
  readonly override: string | null;
}

/** More claimants than this of one address are not told apart: it is ambiguous in any case. */
const claimants = 10;

/** Who has each of `keys`, by key; a key that nobody has is absent. */
export async function findByKeys(
  database: Queryable,
  keys: readonly string[],
  sources: readonly string[],
): Promise<ReadonlyMap<string, readonly Candidate[]>> {
  const rows = await database.query<CandidateRow>(
    `select c.key, c.by, ${entryColumns}, o.site as override
     from unnest($1::text[]) as k(key)
     cross join lateral (
       (select a.key, 'address' as by, a.entry from directory_address a
        where a.key = k.key and a.role <> 'n' limit ${claimants})
       union all
       (select t.target, 'target', t.n from directory_entry t where t.target = k.key limit ${claimants})) c
     join directory_entry e on e.n = c.entry
     left join home_override o on o.entry_id = e.id
     where e.source = any($2::text[])
     order by e.id`,
    [keys, sources],
  );
  const entries = new Map<number, DirectoryEntry>();
  const found = new Map<string, Candidate[]>();
  for (const row of rows) {
    const entry = entries.get(row.n) ?? entryOf(row);
    entries.set(row.n, entry);
    const candidate = {
      n: row.n,
      entry,
      by: row.by,
      ...(row.override !== null && { override: row.override }),
    };
    const known = found.get(row.key);
    if (known) known.push(candidate);
    else found.set(row.key, [candidate]);
  }
  return found;
}

/** Ids and address keys of all groups that hold each of `entries` (by n), nested ones too; loops are cut. */
export async function groupsOf(
  database: Queryable,
  entries: readonly number[],
  sources: readonly string[],
): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const rows = await database.query<{ root: number; id: string; keys: readonly string[] }>(
    `with recursive up(root, grp) as (
       select a.entry, m.grp from directory_address a
         join directory_member m on m.ref = a.key and m.role = 'm'
       where a.entry = any($1::int8[])
       union
       select up.root, m.grp from up
         join directory_address a on a.entry = up.grp
         join directory_member m on m.ref = a.key and m.role = 'm')
     select up.root, g.id, array(
       select a.key from directory_address a where a.entry = g.n and a.role <> 'n') as keys
     from up join directory_entry g on g.n = up.grp
     where g.source = any($2::text[])`,
    [entries, sources],
  );
  const groups = new Map<number, Set<string>>(entries.map((n) => [n, new Set<string>()]));
  for (const { root, id, keys } of rows) {
    const names = groups.get(root);
    names?.add(id);
    for (const key of keys) names?.add(key);
  }
  return groups;
}

export async function findById(
  database: Queryable,
  id: string,
  sources: readonly string[],
): Promise<DirectoryEntry | undefined> {
  const [row] = await database.query<EntryRow>(
    `select ${entryColumns} from directory_entry e where e.id = $1 and e.source = any($2::text[])`,
    [id, sources],
  );
  return row && entryOf(row);
}

/** A member as it was written, with the entry that has that name, if one does. */
export interface MemberRow {
  readonly ref: string;
  readonly id: string | null;
  readonly kind: string | null;
  readonly place: string | null;
  /** Text of the address its copies go to. */
  readonly address: string | null;
  /** Only of groups. */
  readonly rules: GroupRules | null;
  /** How many entries have that name or address. */
  readonly claimants: number;
}

/** For Database.rows: `$1` is the group's id, `$2` the configured sources. A member is told once, the newest entry of its name. */
export const membersText = `
  select distinct on (m.ref) m.ref, e.id, e.kind, e.place, coalesce(e.facts->>'primary', e.facts->>'target') as address,
    e.facts->'group' as rules, count(e.n) over (partition by m.ref) as claimants
  from directory_entry g
    join directory_member m on m.grp = g.n and m.role = 'm'
    left join (directory_address a join directory_entry e on e.n = a.entry and e.source = any($2::text[])) on a.key = m.ref
  where g.id = $1
  order by m.ref, e.n desc nulls last`;
