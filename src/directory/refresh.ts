/**
 * directory/refresh - one refresh of one source: read, stage, apply.
 *
 *   cursor? -> changes --------------------> stage -> ids due? -> apply
 *        \-> CursorExpired, or full asked -> everything -> stage -> apply
 */
import type { Database } from '../ports/database.ts';
import {
  CursorExpired,
  type DirectorySource,
  type SourceChange,
  type SourceCursor,
  type SourceEntry,
} from '../ports/directory.ts';
import type { Log } from '../ports/log.ts';
import { type Applied, apply, type LossLimit } from './apply.ts';
import { changedChannel } from './pg-directory.ts';
import { stage, stageIds } from './stage.ts';

export interface RefreshContext {
  readonly database: Database;
  readonly log: Log;
  readonly now: () => Date;
  readonly refuseLoss: LossLimit;
  /** Milliseconds between two looks for deletions, where the source has to be asked for all its ids. */
  readonly deletionsEvery: number;
  /** Milliseconds between two full reads. */
  readonly fullEvery: number;
}

export interface RefreshWish {
  readonly full?: boolean;
  /** A large loss is meant. */
  readonly acceptLoss?: boolean;
}

export interface Refreshed extends Applied {
  readonly mode: 'full' | 'changes';
  readonly read: number;
}

interface Known {
  readonly cursor: string | null;
  readonly full_at: Date | null;
  readonly deletions_at: Date | null;
}

export async function refresh(
  context: RefreshContext,
  source: DirectorySource,
  wish: RefreshWish,
  signal: AbortSignal,
): Promise<Refreshed> {
  const [known] = await context.database.query<Known>(
    'select cursor, full_at, deletions_at from directory_source where source = $1',
    [source.name],
  );
  const cursor = known?.cursor ?? undefined;
  if (cursor === undefined || wish.full || isDue(known?.full_at, context.fullEvery, context.now())) {
    return readEverything(context, source, wish, signal);
  }
  try {
    return await readChanges(context, source, wish, { cursor, known }, signal);
  } catch (error) {
    if (!(error instanceof CursorExpired)) throw error;
    context.log.info({ source: source.name, why: error.message }, 'directory is read from the beginning');
    return readEverything(context, source, wish, signal);
  }
}

const isDue = (last: Date | null | undefined, every: number, now: Date): boolean =>
  !last || now.getTime() - last.getTime() >= every;

async function readEverything(
  context: RefreshContext,
  source: DirectorySource,
  wish: RefreshWish,
  signal: AbortSignal,
): Promise<Refreshed> {
  const staged = await stage(
    context.database,
    source.name,
    asChanges(source.everything(signal)),
    signal,
    progressTo(context.log, source.name),
  );
  // The planner has to know that the stage is not empty.
  if (staged.rows > 10_000) await context.database.query('analyze directory_stage');
  const applied = await applyStaged(context, source, wish, { ...staged, mode: 'full', byIds: false }, signal);
  if (applied.inserted + applied.updated > 10_000) {
    for (const table of ['entry', 'address', 'member']) {
      await context.database.query(`analyze directory_${table}`);
    }
  }
  return { mode: 'full', read: staged.rows, ...applied };
}

async function readChanges(
  context: RefreshContext,
  source: DirectorySource,
  wish: RefreshWish,
  { cursor, known }: { readonly cursor: string; readonly known: Known | undefined },
  signal: AbortSignal,
): Promise<Refreshed> {
  const staged = await stage(
    context.database,
    source.name,
    source.changes(cursor, signal),
    signal,
    progressTo(context.log, source.name),
  );
  // Asked only now: a source may have found out by which way it sees deletions.
  const ids = isDue(known?.deletions_at, context.deletionsEvery, context.now()) ? source.ids : undefined;
  if (ids) await stageIds(context.database, source.name, ids(signal), signal);
  const plan = { ...staged, mode: 'changes' as const, byIds: ids !== undefined };
  const applied = await applyStaged(context, source, wish, plan, signal);
  return { mode: 'changes', read: staged.rows, ...applied };
}

function applyStaged(
  { database, now, refuseLoss }: RefreshContext,
  source: DirectorySource,
  wish: RefreshWish,
  plan: { readonly mode: 'full' | 'changes'; readonly byIds: boolean; readonly cursor: string },
  signal: AbortSignal,
): Promise<Applied> {
  return apply(
    database,
    {
      source: source.name,
      mode: plan.mode,
      byIds: plan.byIds,
      cursor: plan.cursor,
      loss: wish.acceptLoss ? undefined : refuseLoss,
      now: now(),
      channel: changedChannel,
    },
    signal,
  );
}

async function* asChanges(
  entries: AsyncGenerator<SourceEntry, SourceCursor>,
): AsyncGenerator<SourceChange, SourceCursor> {
  try {
    for (;;) {
      const next = await entries.next();
      if (next.done) return next.value;
      yield { change: 'upsert', entry: next.value };
    }
  } finally {
    await entries.return('');
  }
}

/** A line for each tenth thousand: a first read of a large directory takes minutes. */
function progressTo(log: Log, source: string): (rows: number) => void {
  let told = 0;
  return (rows) => {
    if (rows - told < 10_000) return;
    told = rows;
    log.info({ source, entries: rows }, 'directory is being read');
  };
}
