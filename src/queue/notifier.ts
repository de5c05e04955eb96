/**
 * queue/notifier - "there is something due", told to the workers of all nodes, a few times a second at most.
 *
 * Told after the commit and not inside it: PostgreSQL lets committers that notify through one by one, and that
 * would undo the gathering of commits. A word that is lost costs a worker's next look, a second at most.
 */
import type { Database } from '../ports/database.ts';

export const spoolChannel = 'spool';
/** Said on the channel when an operator wants things tried: also destinations that are left alone at present. */
export const retryNow = 'retry';
const apart = 10;

export class Notifier {
  readonly #database: Database;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(database: Database) {
    this.#database = database;
  }

  notify(): void {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#database.notify(spoolChannel).catch(() => undefined);
    }, apart);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
