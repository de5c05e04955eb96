/**
 * auth/audit - what happened at the door, for those who are asked later: who opened whose mail, who changed which
 * credential, which blocks began, and, once an hour for each place, who entered.
 *
 * Wrong passwords are no rows: strangers would decide how large the table grows. They are in the log.
 */
import type { Database, Queryable } from '../ports/database.ts';

export type AuditEvent =
  | 'signedIn'
  | 'opened' // by somebody else than the account's own
  | 'blocked'
  | 'passwordSet'
  | 'passwordRemoved'
  | 'appPasswordAdded'
  | 'appPasswordRevoked'
  | 'renamed'
  | 'removed';

export interface AuditFacts {
  readonly event: AuditEvent;
  /** The network, for a block of one. */
  readonly account: string;
  readonly by?: string | undefined;
  readonly service?: string | undefined;
  readonly way?: string | undefined;
  readonly remote?: string | undefined;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface AuditRow extends AuditFacts {
  readonly at: Date;
}

export interface AuditQuery {
  readonly account?: string;
  readonly since?: Date;
  /** Rows, the newest; default 1000. */
  readonly limit?: number;
}

export class Audit {
  readonly #database: Database;
  readonly #now: () => Date;

  constructor(database: Database, now: () => Date) {
    this.#database = database;
    this.#now = now;
  }

  /** Committed when it resolves; with `tx`, when that is. */
  async record(facts: AuditFacts, tx: Queryable = this.#database): Promise<void> {
    const { event, account, by, service, way, remote, detail = {} } = facts;
    await tx.query(
      `insert into sign_in_audit (at, event, account, by, service, way, remote, detail)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [this.#now(), event, account, by, service, way, remote, JSON.stringify(detail)],
    );
  }

  /** Newest first. */
  async find({ account, since, limit = 1000 }: AuditQuery): Promise<readonly AuditRow[]> {
    const rows = await this.#database.query<Record<keyof AuditRow, unknown>>(
      `select at, event, account, by, service, way, remote, detail from sign_in_audit
       where ($1::text is null or account = $1) and ($2::timestamptz is null or at >= $2)
       order by n desc limit $3`,
      [account, since, limit],
    );
    return rows.map(
      (row) =>
        Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as unknown as AuditRow,
    );
  }

  /** Where people entered from since then, the newest first. */
  async places(
    since: Date,
    limit: number,
  ): Promise<readonly { readonly account: string; readonly remote: string; readonly at: Date }[]> {
    return this.#database.query(
      `select account, remote, max(at) as at from sign_in_audit
       where event = 'signedIn' and at >= $1 and remote is not null
       group by account, remote order by max(at) desc limit $2`,
      [since, limit],
    );
  }

  /** Rows older than `before` are deleted, some thousands at a time; how many. */
  async forget(before: Date, signal: AbortSignal): Promise<number> {
    for (let all = 0; ; ) {
      signal.throwIfAborted();
      const gone = await this.#database.query(
        `delete from sign_in_audit where n in
           (select n from sign_in_audit where at < $1 order by at limit 5000) returning n`,
        [before],
      );
      all += gone.length;
      if (gone.length < 5000) return all;
    }
  }
}
