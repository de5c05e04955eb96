/**
 * directory/health - how good the snapshot of each source is, for operators.
 */
import type { Queryable } from '../ports/database.ts';
import type { DirectoryProblem, SourceHealth } from '../ports/directory.ts';

interface HealthRow {
  readonly source: string;
  readonly entries: number | null;
  readonly good_at: Date | null;
  readonly trouble: string | null;
}

interface ProblemRow {
  readonly source: string;
  readonly place: string;
  readonly kind: DirectoryProblem['kind'];
  readonly what: string;
}

/** A source that was never read is too old from the start. */
export async function healthOf(
  database: Queryable,
  { sources, allowAge }: { readonly sources: readonly string[]; readonly allowAge: number },
  now: Date,
): Promise<readonly SourceHealth[]> {
  const rows = await database.query<HealthRow>(
    `select k.source, d.entries, d.good_at, d.trouble
     from unnest($1::text[]) with ordinality as k(source, place) left join directory_source d on d.source = k.source
     order by k.place`,
    [sources],
  );
  const problems = await database.query<ProblemRow>(
    `select p.source, p.place, p.kind, p.what from unnest($1::text[]) as k(source) cross join lateral (
       select * from directory_problem q where q.source = k.source
       order by q.entry is not null, q.kind, q.place limit 100) p`,
    [sources],
  );
  return rows.map((row) => ({
    source: row.source,
    entries: row.entries ?? 0,
    ...(row.good_at !== null && { goodAt: row.good_at }),
    tooOld: row.good_at === null || now.getTime() - row.good_at.getTime() > allowAge,
    ...(row.trouble !== null && { trouble: row.trouble }),
    problems: problems
      .filter((problem) => problem.source === row.source)
      .map(({ source, place, kind, what }) => ({ source, where: place, kind, text: what })),
  }));
}
