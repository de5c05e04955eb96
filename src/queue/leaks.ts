/**
 * queue/leaks - claims that this worker holds in the database and knows nothing of.
 *
 * They come about when a claim was committed and its answer was lost. Nobody else takes them, since this worker lives.
 * So after such trouble the claims are compared with what is in hand; what is found missing twice, with
 * time between in which a query under way may still bring it, is given up.
 */
import type { Database } from '../ports/database.ts';
import type { QueueId } from '../ports/spool.ts';
import { textArray } from './postgres-array.ts';

const apart = 5_000;

export const claimKey = (messageId: string, slot: string): string => `${messageId} ${slot}`;

export class Leaks {
  readonly #database: Database;
  readonly #inHand: ReadonlySet<string>;
  readonly #expected: ReadonlySet<QueueId>;
  #suspected = false;
  #missing = new Set<string>();
  #notBefore = 0;

  /** `inHand`: claimKeys. `expected`: messages that a near spool is about to hand over. */
  constructor(database: Database, inHand: ReadonlySet<string>, expected: ReadonlySet<QueueId>) {
    this.#database = database;
    this.#inHand = inHand;
    this.#expected = expected;
  }

  /** Something went wrong between the database and us. */
  suspect(): void {
    this.#suspected = true;
  }

  /** Looks where there is a suspicion; says how many claims were given up. */
  async free(worker: number): Promise<number> {
    if (!this.#suspected && this.#missing.size === 0) return 0;
    if (performance.now() < this.#notBefore) return 0;
    this.#suspected = false;
    this.#notBefore = performance.now() + apart;
    const before = this.#missing;
    this.#missing = new Set();
    const rows = await this.#database.query<{ message_id: string; slot: string }>(
      'select message_id, slot from recipient where claimed_by = $1',
      [worker],
    );
    const missing = rows.filter(
      ({ message_id, slot }) =>
        !this.#inHand.has(claimKey(message_id, slot)) && !this.#expected.has(message_id),
    );
    const certain = missing.filter(({ message_id, slot }) => before.has(claimKey(message_id, slot)));
    for (const { message_id, slot } of missing) this.#missing.add(claimKey(message_id, slot));
    for (const { message_id, slot } of certain) this.#missing.delete(claimKey(message_id, slot));
    if (certain.length === 0) return 0;
    await this.#database.query(
      `update recipient r set claimed_by = null from unnest($2::text[], $3::text[]) as s (message_id, slot)
       where r.message_id = s.message_id and r.slot = s.slot and r.claimed_by = $1`,
      [worker, textArray(certain.map((row) => row.message_id)), textArray(certain.map((row) => row.slot))],
    );
    return certain.length;
  }
}
