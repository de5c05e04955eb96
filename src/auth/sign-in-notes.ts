/**
 * auth/sign-in-notes - which entries are written into the audit, and when.
 *
 * Whoever opens the mail of another is let in after the row is on disk, or not at all. People who open their own come
 * every few minutes with every device: they are noted once an hour for each service, way and network, beside their
 * entering, and they enter though it cannot be noted.
 */
import type { Log } from '../ports/log.ts';
import type { Audit, AuditFacts } from './audit.ts';

export interface NotesDeps {
  readonly audit: Pick<Audit, 'record'>;
  readonly networkOf: (remote: string) => string;
  readonly log: Log;
  readonly now: () => number;
}

const noteEvery = 3_600_000;
const entries = 100_000;
/** Being written; more are left out. */
const writing = 500;

export class SignInNotes {
  readonly #deps: NotesDeps;
  readonly #noted = new Map<string, number>();
  readonly #pending = new Set<Promise<unknown>>();

  constructor(deps: NotesDeps) {
    this.#deps = deps;
  }

  async record(facts: AuditFacts): Promise<void> {
    if (facts.event !== 'signedIn') return this.#deps.audit.record(facts);
    const { account, service, way, remote } = facts;
    const key = [account, service, way, remote && this.#deps.networkOf(remote)].join(' ');
    const now = this.#deps.now();
    const since = now - (this.#noted.get(key) ?? Number.NEGATIVE_INFINITY);
    if ((since >= 0 && since < noteEvery) || this.#pending.size >= writing) return;
    this.#noted.delete(key);
    if (this.#noted.size >= entries) this.#noted.delete(this.#noted.keys().next().value ?? '');
    this.#noted.set(key, now);
    this.recordLater(facts);
  }

  /** Beside everything else; left out where too much is being written. */
  recordLater(facts: AuditFacts): void {
    if (this.#pending.size >= writing) return;
    const { account, event } = facts;
    const done = this.#deps.audit
      .record(facts)
      .catch((error: unknown) => this.#deps.log.warn({ account, event, error }, 'it could not be noted'))
      .finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  /** Resolves when all that was begun is written: before the database is closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }
}
