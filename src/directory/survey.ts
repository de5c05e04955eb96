/**
 * directory/survey - what only the whole snapshot shows: addresses that several
 * entries claim, members that name nobody, groups that hold themselves.
 *
 * Done after each refresh that changed something; what was found before is replaced.
 */
import type { Database, Queryable } from '../ports/database.ts';
import type { DirectoryProblem } from '../ports/directory.ts';
import { preferred } from './precedence.ts';

/** Findings of one kind that are kept. */
const most = 1000;

/** Rounds of pruning: deeper nesting than this is reported as a loop. */
const deepest = 100;

export interface SurveyOptions {
  readonly sources: readonly string[];
  readonly precedence: readonly string[];
}

export function survey(database: Database, options: SurveyOptions): Promise<number> {
  return database.transaction(async (tx) => {
    // Over the whole snapshot, and nobody waits for it.
    await tx.query(`set local statement_timeout = '10min'`);
    const findings = [
      ...(await ambiguous(tx, options)),
      ...(await unknownMembers(tx, options.sources)),
      ...(await loops(tx, options.sources)),
    ];
    await tx.query('delete from directory_problem where entry is null');
    await tx.query(
      `insert into directory_problem (source, place, kind, what)
       select source, place, kind, what from json_to_recordset($1::json) as f(source text, place text, kind text, what text)`,
      [
        JSON.stringify(
          findings.map(({ source, where, kind, text }) => ({ source, place: where, kind, what: text })),
        ),
      ],
    );
    return findings.length;
  });
}

interface Claim {
  readonly key: string;
  readonly source: string;
  readonly place: string;
}

async function ambiguous(
  tx: Queryable,
  { sources, precedence }: SurveyOptions,
): Promise<readonly DirectoryProblem[]> {
  const claims = await tx.query<Claim>(
    `select a.key, e.source, e.place
     from (select key from directory_address where role <> 'n' group by key having count(*) > 1 limit ${most}) twice
       join directory_address a on a.key = twice.key and a.role <> 'n'
       join directory_entry e on e.n = a.entry
     where e.source = any($1::text[])
     order by a.key, e.source, e.place limit ${10 * most}`,
    [sources],
  );
  return [...Map.groupBy(claims, (claim) => claim.key)].flatMap(([key, all]) => {
    if (preferred(all, (claim) => claim.source, precedence).length < 2) return [];
    const places = all.slice(0, 5).map((claim) => `${claim.source}: ${claim.place}`);
    const text = `${printKey(key)} is claimed by ${all.length} entries: ${places.join(' | ')}`;
    return [...Map.groupBy(all, (claim) => claim.source)].map(([source, [first]]) => ({
      source,
      where: first!.place,
      kind: 'ambiguous' as const,
      text,
    }));
  });
}

/** Only of groups that can be written to: Active Directory is full of others that name outsiders. */
async function unknownMembers(tx: Queryable, sources: readonly string[]): Promise<DirectoryProblem[]> {
  const rows = await tx.query<{ source: string; place: string; ref: string; role: string }>(
    `select g.source, g.place, m.ref, m.role from directory_member m join directory_entry g on g.n = m.grp
     where strpos(m.ref, E'\\t') > 0 and g.source = any($1::text[])
       and not exists (select from directory_address a where a.key = m.ref)
       and exists (select from directory_address own where own.entry = g.n and own.role <> 'n')
     limit ${most}`,
    [sources],
  );
  return rows.map(({ source, place, ref, role }) => ({
    source,
    where: place,
    kind: 'unknown member',
    text: `its ${role === 'o' ? 'owner' : 'member'} ${ref.slice(ref.indexOf('\t') + 1)} is no entry of this directory`,
  }));
}

/**
 * Groups on a loop: of the edges from group to group, those that lead to a group without groups, or come from a group
 * in no group, are taken away until none is left to take. What remains is on a loop, or on a way between two.
 */
async function loops(tx: Queryable, sources: readonly string[]): Promise<DirectoryProblem[]> {
  await tx.query('delete from directory_edge');
  await tx.query(
    `insert into directory_edge (source, grp, member)
     select distinct g.source, m.grp, a.entry from directory_member m
       join directory_address a on a.key = m.ref
       join directory_entry inner_group on inner_group.n = a.entry and inner_group.kind = 'group'
       join directory_entry g on g.n = m.grp
     where m.role = 'm' and g.source = any($1::text[])`,
    [sources],
  );
  for (let round = 0; round < deepest; round += 1) {
    const gone = await tx.query(
      `delete from directory_edge d where not exists (select from directory_edge x where x.grp = d.member)
         or not exists (select from directory_edge x where x.member = d.grp) returning 1 as one`,
    );
    if (gone.length === 0) break;
  }
  const rows = await tx.query<{ source: string; place: string; inner: string }>(
    `select d.source, g.place, left(string_agg(i.place, ' | ' order by i.place), 1000) as inner
     from directory_edge d join directory_entry g on g.n = d.grp join directory_entry i on i.n = d.member
     group by d.source, g.place limit ${most}`,
  );
  await tx.query('delete from directory_edge');
  return rows.map(({ source, place, inner }) => ({
    source,
    where: place,
    kind: 'group loop',
    text: `this group is, by way of ${inner}, a member of itself`,
  }));
}

/** Keys that are no addresses have tabs in them (entry.ts). */
const printKey = (key: string): string => key.trim().replaceAll('\t', ':');
