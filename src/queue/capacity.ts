/**
 * queue/capacity - how much the spool holds, nearly: the bound on it costs no query on the way of a message.
 *
 * The tables are counted now and then, the more seldom the longer that takes; what this process has accepted since is
 * added. So the bound may be passed by what several processes take between two counts, and no further.
 */
import { MailError } from '../mail/condition.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';

const shortest = 5_000;
/** The pause is this many times what the count took. */
const ease = 50;

export class Capacity {
  readonly #database: Database;
  readonly #limits: { readonly maxMessages: number; readonly maxBytes: number };
  readonly #log: Log;
  #messages = 0;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    database: Database,
    limits: { readonly maxMessages: number; readonly maxBytes: number },
    log: Log,
  ) {
    this.#database = database;
    this.#limits = limits;
    this.#log = log;
    void this.#count();
  }

  /** Throws `later systemFull` when one more message does not fit. */
  check(): void {
    if (this.#messages < this.#limits.maxMessages && this.#bytes < this.#limits.maxBytes) return;
    throw new MailError('later', 'systemFull', {
      facts: { messages: this.#messages, bytes: this.#bytes, ...this.#limits },
    });
  }

  added(bytes: number): void {
    this.#messages += 1;
    this.#bytes += bytes;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #count(): Promise<void> {
    const start = performance.now();
    const [messages, bytes] = [this.#messages, this.#bytes];
    try {
      const [row] = await this.#database.query<{ messages: number; bytes: number }>(
        'select count(*) as messages, coalesce(sum(size), 0)::int8 as bytes from message',
      );
      if (row) {
        // What came meanwhile may not be in the count: better twice, until the next one, than not at all.
        this.#messages = row.messages + this.#messages - messages;
        this.#bytes = row.bytes + this.#bytes - bytes;
      }
    } catch (error) {
      this.#log.debug({ err: error }, 'cannot count the spool now');
    }
    if (this.#closed) return;
    const pause = Math.max(shortest, (performance.now() - start) * ease);
    this.#timer = setTimeout(() => void this.#count(), pause);
    this.#timer.unref();
  }
}
