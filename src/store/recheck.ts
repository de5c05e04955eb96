/**
 * store/recheck - a look at what is watched, now and then: whoever commits may die before the notice goes out.
 *
 * One look every `pause` milliseconds at no more than `batch` mailboxes or accounts, so that its cost is bounded however
 * many there are; nothing is looked at twice within `cycle` milliseconds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../ports/database.ts';
import { DatabaseAway } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { Watchers } from './watchers.ts';

export interface RecheckPace {
  readonly batch: number;
  readonly pause: number;
  readonly cycle: number;
}

export const usualPace: RecheckPace = { batch: 1_000, pause: 1_000, cycle: 20_000 };

/** Until `signal` aborts. */
export async function recheck(
  database: Queryable,
  watchers: Watchers,
  pace: RecheckPace,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const cycle = sleep(pace.cycle, undefined, { signal, ref: false });
      cycle.catch(() => undefined);
      await lookAtAll(database, watchers, pace, signal);
      await cycle;
    } catch (error) {
      if (signal.aborted) return;
      const facts = { error: String(error) };
      if (error instanceof DatabaseAway) log.debug(facts, 'watched mailboxes could not be looked at');
      else log.error(facts, 'watched mailboxes could not be looked at');
      await sleep(pace.cycle, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

async function lookAtAll(
  database: Queryable,
  watchers: Watchers,
  { batch, pause }: RecheckPace,
  signal: AbortSignal,
): Promise<void> {
  const { mailboxes, accounts } = watchers.watched();
  for (const ids of portions(mailboxes, batch)) {
    await lookAtMailboxes(database, watchers, ids);
    await sleep(pause, undefined, { signal, ref: false });
  }
  for (const ids of portions(accounts, batch)) {
    await lookAtAccounts(database, watchers, ids);
    await sleep(pause, undefined, { signal, ref: false });
  }
}

function* portions(ids: readonly number[], size: number): Generator<readonly number[]> {
  for (let at = 0; at < ids.length; at += size) yield ids.slice(at, at + size);
}

async function lookAtMailboxes(
  database: Queryable,
  watchers: Watchers,
  ids: readonly number[],
): Promise<void> {
  const rows = await database.query<{ id: number; mod_seq: number }>(
    'select id, mod_seq from mailbox where id = any($1::bigint[])',
    [ids],
  );
  const seen = new Map(rows.map(({ id, mod_seq }) => [id, mod_seq]));
  for (const id of ids) watchers.sawMailbox(id, seen.get(id));
}

/** Rights, subscriptions and annotations are not looked at: a lost notice of those is made good by the next one. */
async function lookAtAccounts(
  database: Queryable,
  watchers: Watchers,
  ids: readonly number[],
): Promise<void> {
  const rows = await database.query<{ account: number; seen: string }>(
    `select account, concat(sum(hashtextextended(concat(name, selectable, special_use), id)), ' ', sum(mod_seq)) as seen
     from mailbox where account = any($1::bigint[]) group by account`,
    [ids],
  );
  const seen = new Map(rows.map(({ account, seen }) => [account, seen]));
  for (const id of ids) watchers.sawAccount(id, seen.get(id) ?? '');
}
