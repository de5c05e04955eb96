/**
 * directory/forget - what sources left behind that are no longer configured.
 *
 * Nobody sees it any more, since lookups name the sources they mean; it goes after
 * a week, so that a configuration that was wrong for a day costs no snapshot.
 */
import type { Database } from '../ports/database.ts';

const keep = 7 * 86_400_000;

export async function forgetOthers(database: Database, names: readonly string[], now: Date): Promise<void> {
  const rows = await database.query<{ source: string }>(
    'select source from directory_source where source <> all($1::text[]) and coalesce(good_at, tried_at) < $2',
    [names, new Date(now.getTime() - keep)],
  );
  if (rows.length === 0) return;
  const old = [rows.map((row) => row.source)];
  await database.transaction(async (tx) => {
    await tx.query(`set local statement_timeout = '10min'`);
    await tx.query('delete from directory_problem where source = any($1::text[])', old);
    await tx.query(
      'delete from directory_address a using directory_entry e where e.n = a.entry and e.source = any($1::text[])',
      old,
    );
    await tx.query(
      'delete from directory_member m using directory_entry e where e.n = m.grp and e.source = any($1::text[])',
      old,
    );
    await tx.query('delete from directory_entry where source = any($1::text[])', old);
    await tx.query('delete from directory_source where source = any($1::text[])', old);
  });
}
