/**
 * queue/claims - recipients that are due, claimed for one worker, with their messages.
 *
 * Two kinds of claim, because two things must not starve each other. Fresh recipients (no next hop yet) come in order
 * of time. Those that wait for a known next hop come a few from each: a destination with a hundred thousand messages
 * has one place in that round like any other, and one whose list in memory is full is passed over.
 *
 * Claims are as durable as anything else: a worker that comes back under its id after a crash of the database goes on
 * with what it has in hand, so the database must not have forgotten whose that is.
 */
import type { Database } from '../ports/database.ts';
import { textArray } from './postgres-array.ts';
import {
  type MessageRow,
  type RecipientRow,
  readMessage,
  readRecipient,
  recipientColumns,
  type SpooledMessage,
  type SpooledRecipient,
} from './rows.ts';

export interface Claimed {
  readonly message: SpooledMessage;
  readonly recipients: readonly SpooledRecipient[];
}

const claimFresh = `
  with picked as materialized (
    select message_id, slot from recipient
    where status = 'due' and claimed_by is null and next_hop = '' and due_at <= $2
    order by due_at limit $3 for update skip locked
  )
  update recipient r set claimed_by = $1 from picked p
  where r.message_id = p.message_id and r.slot = p.slot
  returning ${recipientColumns}`;

/** Hops are walked in the order of their names from `$4` on, each by one look into the index. */
const claimWaiting = `
  with recursive hop (next_hop) as (
    (select next_hop from recipient
     where status = 'due' and claimed_by is null and next_hop > $4 order by next_hop limit 1)
    union all
    select (select r.next_hop from recipient r
            where r.status = 'due' and r.claimed_by is null and r.next_hop > hop.next_hop
            order by r.next_hop limit 1)
    from hop where hop.next_hop is not null
  ), walked as materialized (
    select next_hop from hop where next_hop is not null limit $6
  ), picked as materialized (
    select p.message_id, p.slot from walked w cross join lateral (
      select message_id, slot from recipient
      where status = 'due' and claimed_by is null and next_hop = w.next_hop and due_at <= $2
      order by due_at limit $7 for update skip locked
    ) p where w.next_hop <> all($5::text[]) limit $3
  ), claimed as (
    update recipient r set claimed_by = $1 from picked p
    where r.message_id = p.message_id and r.slot = p.slot
    returning ${recipientColumns}
  )
  select claimed.*, (select max(next_hop) from walked) as last_hop, (select count(*) from walked) as hops
  from (select 1) as always left join claimed on true`;

const load = `
  select id, facts, received_at, expires_at, sender, trace, body, blob, recipients
  from message where id = any($1::text[])`;

export interface WaitingRound {
  readonly worker: number;
  readonly now: Date;
  readonly limit: number;
  /** Where the last round ended; '' to begin with the first. */
  readonly after: string;
  /** Next hops that can take no more now. */
  readonly full: readonly string[];
  readonly hops: number;
  readonly perHop: number;
}

export class Claims {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async fresh(worker: number, now: Date, limit: number): Promise<readonly RecipientRow[]> {
    return this.#database.query<RecipientRow>(claimFresh, [worker, now, limit]);
  }

  /** `after` is where the next round goes on; '' when this one reached the end. */
  async waiting(
    round: WaitingRound,
  ): Promise<{ readonly rows: readonly RecipientRow[]; readonly after: string }> {
    const { worker, now, limit, after, full, hops, perHop } = round;
    type Row = RecipientRow & { readonly last_hop: string | null; readonly hops: number };
    const rows = await this.#database.query<Row>(claimWaiting, [
      worker,
      now,
      limit,
      after,
      textArray(full),
      hops,
      perHop,
    ]);
    const [first] = rows;
    return {
      rows: rows.filter((row) => row.slot !== null),
      after: first && first.hops >= hops ? (first.last_hop ?? '') : '',
    };
  }

  /** The messages of claimed rows, each once. `known` are in memory already. */
  async load(rows: readonly RecipientRow[]): Promise<readonly Claimed[]> {
    const byMessage = Map.groupBy(rows, (row) => row.message_id);
    if (byMessage.size === 0) return [];
    const messages = await this.#database.query<MessageRow>(load, [textArray([...byMessage.keys()])]);
    return messages.map((row) => ({
      message: readMessage(row),
      recipients: (byMessage.get(row.id) ?? []).map(readRecipient),
    }));
  }
}

/** Recipients that wait only because their destination was down are due at once; so many at a time. Says how many. */
export async function revive(database: Database, nextHop: string, now: Date, limit: number): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `with some as (
       select message_id, slot from recipient
       where status = 'due' and claimed_by is null and next_hop = $1 and due_at > $2 and stalled
       order by due_at limit $3 for update skip locked
     ), woken as (
       update recipient r set due_at = $2, stalled = false from some s
       where r.message_id = s.message_id and r.slot = s.slot returning 1
     ) select count(*) as count from woken`,
    [nextHop, now, limit],
  );
  return row?.count ?? 0;
}
