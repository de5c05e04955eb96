/**
 * state/steps - brings the schema up to date: runs the files `steps/NNNN-name.sql` that this database has not seen,
 * in order of number, each in a transaction of its own together with its row in `schema_step`.
 *
 * Forward only. Many processes may start at once: one works, the others wait for it. A database that a newer Isthmus
 * has written is refused, and so is one whose steps are not those that we have.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, HeldLock } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';

export interface Step {
  readonly number: number;
  readonly name: string;
  readonly sha256: string;
  readonly sql: string;
}

/** The database and this program do not belong together; the message says what to do. */
export class SchemaMismatch extends Error {
  override readonly name = 'SchemaMismatch';
}

const lock = { group: 0x1574, id: 2 } as const;
/** Longest wait for another process that is at it, milliseconds. */
const waitWithin = 900_000;
const lookEvery = 200;
const tellEvery = 10_000;

/** Ours lie beside this file, in the sources and in a build. */
const ourFolder = join(import.meta.dirname, 'steps');

/**
 * `database` should be opened with a statement time limit that suits changes of big tables.
 * Numbers of the newest step before and after; 0 stands for an empty database.
 */
export async function runSteps(
  database: Database,
  log: Log,
  folder = ourFolder,
): Promise<{ readonly from: number; readonly to: number }> {
  const steps = readSteps(folder);
  await using held = await waitForLock(database, log);
  await database.query(
    `create table if not exists schema_step (
       number integer primary key,
       name text not null,
       sha256 text not null,
       run_at timestamptz not null default now()
     )`,
  );
  const done = await database.query<{ number: number; name: string; sha256: string }>(
    'select number, name, sha256 from schema_step order by number',
  );
  const due = stepsDue(steps, done);
  for (const step of due) {
    held.lost.throwIfAborted();
    const startedAt = Date.now();
    await runStep(database, step);
    log.info({ step: step.name, tookMs: Date.now() - startedAt }, 'schema step done');
  }
  return { from: done.at(-1)?.number ?? 0, to: due.at(-1)?.number ?? done.at(-1)?.number ?? 0 };
}

async function runStep(database: Database, step: Step): Promise<void> {
  try {
    await database.transaction(async (tx) => {
      await tx.query(step.sql);
      await tx.query('insert into schema_step (number, name, sha256) values ($1, $2, $3)', [
        step.number,
        step.name,
        step.sha256,
      ]);
    });
  } catch (error) {
    if (error instanceof Error) error.message = `schema step ${step.name}: ${error.message}`;
    throw error;
  }
}

export function readSteps(folder: string): readonly Step[] {
  const steps = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(file)?.[1]);
      if (!(number > 0)) throw new Error(`${join(folder, file)} is not named like 0001-what-it-does.sql`);
      const sql = readFileSync(join(folder, file), 'utf8');
      return { number, name: file.slice(0, -4), sha256: createHash('sha256').update(sql).digest('hex'), sql };
    });
  for (const [index, step] of steps.entries())
    if (steps[index + 1]?.number === step.number)
      throw new Error(`two schema steps have one number: ${step.name} and ${steps[index + 1]?.name}`);
  return steps;
}

/** Pure: which steps are to be run, or why the database is refused. */
export function stepsDue(
  known: readonly Step[],
  done: readonly { readonly number: number; readonly name: string; readonly sha256: string }[],
): readonly Step[] {
  const newest = done.at(-1);
  for (const row of done) {
    const step = known.find(({ number }) => number === row.number);
    if (!step && row.number > (known.at(-1)?.number ?? 0))
      throw new SchemaMismatch(
        `This database was written by a newer Isthmus: step ${newest?.number} (${newest?.name}), while this one knows ` +
          `${known.at(-1)?.number ?? 0}. Start the newer version, or restore a copy from before its first start.`,
      );
    if (!step)
      throw new SchemaMismatch(
        `This database has step ${row.number} (${row.name}), which this version does not know.`,
      );
    if (step.sha256 !== row.sha256)
      throw new SchemaMismatch(
        `Step ${row.number} (${step.name}) is not the one that this database has run (${row.name}, ` +
          `sha256 ${row.sha256.slice(0, 12)}…): the file was edited afterwards. Put it back, and write a new step instead.`,
      );
  }
  const due = known.filter(({ number }) => !done.some((row) => row.number === number));
  const late = due.find(({ number }) => newest !== undefined && number < newest.number);
  if (late)
    throw new SchemaMismatch(
      `Step ${late.number} (${late.name}) was added below step ${newest?.number}, which this database has run: give it a higher number.`,
    );
  return due;
}

async function waitForLock(database: Database, log: Log): Promise<HeldLock> {
  const startedAt = Date.now();
  for (let told = startedAt; ; ) {
    const held = await database.tryLock(lock.group, lock.id);
    if (held) return held;
    const now = Date.now();
    if (now - startedAt > waitWithin)
      throw new Error('another process is changing the schema for more than 15 minutes: look at its log');
    if (now - told > tellEvery) {
      told = now;
      log.info({ waitedMs: now - startedAt }, 'waiting for another process that changes the schema');
    }
    await sleep(lookEvery);
  }
}
