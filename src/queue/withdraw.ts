/**
 * queue/withdraw - accepts whose commit is in doubt are taken back.
 *
 * When the database goes away during a commit, nobody knows whether it happened; the client was told 451 and will
 * come again. So the ids are remembered and deleted as soon as the database answers, and once more after the time
 * within which a late commit could still appear. A message that another worker has claimed by then is left to it:
 * that is the duplicate which RFC 1047 describes. Ids are remembered up to a bound, in memory: a process that dies
 * here leaves the same kind of duplicate.
 */
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { QueueId } from '../ports/spool.ts';
import type { NewMessage } from './insert.ts';
import { int4Array, textArray } from './postgres-array.ts';

const bound = 20_000;
const pause = 1_000;
/** Longer than the database lets a statement run. */
const doubt = 90_000;

/** What nobody has touched: not claimed but by ourselves, never tried. Locked, so that it stays so. */
const untouched = `
  select message_id from (
    select message_id, status = 'due' and attempts = 0 and (claimed_by is null or claimed_by = any($2::int4[])) as free
    from recipient where message_id = any($1::text[]) order by message_id, slot for update
  ) as locked group by message_id having bool_and(free)`;

const takeBack = `
  with r as (delete from recipient where message_id = any($1::text[])),
       t as (delete from trace where event = 'accepted' and queue_id = any($1::text[]))
  delete from message where id = any($1::text[])`;

export class Withdrawals {
  readonly #database: Database;
  readonly #log: Log;
  readonly #doubtful = new Map<QueueId, { readonly until: number; readonly claimedBy: number | undefined }>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(database: Database, log: Log) {
    this.#database = database;
    this.#log = log;
  }

  /** Rows that were claimed for the worker of this process are free too: it never heard of them. */
  add(batch: readonly NewMessage[]): void {
    const until = Date.now() + doubt;
    for (const { message, recipients } of batch) {
      if (this.#doubtful.size >= bound) break;
      this.#doubtful.set(message.id, { until, claimedBy: recipients[0]?.claimedBy });
    }
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#closed || this.#timer || this.#doubtful.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#withdraw().finally(() => this.#schedule());
    }, pause);
    this.#timer.unref();
  }

  async #withdraw(): Promise<void> {
    const now = Date.now();
    const doubtful = [...this.#doubtful];
    const ids = textArray(doubtful.map(([id]) => id));
    const claims = int4Array(
      [...new Set(doubtful.map(([, { claimedBy }]) => claimedBy))].filter((id) => id !== undefined),
    );
    try {
      const gone = await this.#database.transaction(async (tx) => {
        const free = await tx.query<{ message_id: QueueId }>(untouched, [ids, claims]);
        if (free.length > 0) await tx.query(takeBack, [textArray(free.map((row) => row.message_id))]);
        return free.length;
      });
      if (gone > 0) this.#log.info({ messages: gone }, 'took back messages whose commit was in doubt');
      for (const [id, { until }] of doubtful) if (until <= now) this.#doubtful.delete(id);
    } catch (error) {
      this.#log.debug({ err: error }, 'cannot take back doubtful messages yet');
    }
  }
}
