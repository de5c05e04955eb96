/**
 * auth/app-passwords - passwords for one program each: made here, shown once, good for some services and perhaps for a
 * while, revoked one by one.
 *
 * The secret is 20 characters of 32, 100 random bits: nobody guesses it, so its SHA-256 is kept and found by, which
 * costs the same for every name. Hyphens, spaces and case are the typist's, and so are o for 0, i and l for 1.
 */
import { createHash } from 'node:crypto';
import type { PasswordAttempt, PasswordVerdict, PasswordVerifier, Service } from '../ports/authenticator.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import { Audit } from './audit.ts';

/** Crockford's: no letter that looks like a digit. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const secretLength = 20;
const form = /^[0-9a-hjkmnp-tv-z]{20}$/;
const most = 100;
const labelLongest = 100;
/** `used_at` is good enough if it is right by the hour. */
const useEvery = 3_600_000;

export interface AppPassword {
  readonly id: number;
  readonly account: string;
  readonly label: string;
  readonly scope: ReadonlySet<Service>;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt?: Date;
  readonly usedAt?: Date;
  /** IP address. */
  readonly usedFrom?: string;
}

export interface NewAppPassword {
  readonly account: string;
  /** For people: "Ada's phone". */
  readonly label: string;
  readonly scope: ReadonlySet<Service>;
  readonly expiresAt?: Date | undefined;
  readonly by: string;
}

/** What was asked for cannot be made; the message says why. */
export class AppPasswordRefused extends Error {
  override readonly name = 'AppPasswordRefused';
}

interface Row {
  readonly id: number;
  readonly account: string;
  readonly label: string;
  readonly scope: readonly string[];
  readonly created_at: Date;
  readonly created_by: string;
  readonly expires_at: Date | null;
  readonly used_at: Date | null;
  readonly used_from: string | null;
}

const columns = 'id, account, label, scope, created_at, created_by, expires_at, used_at, used_from';

export class AppPasswords implements PasswordVerifier {
  readonly name = 'app passwords';
  readonly #database: Database;
  readonly #deps: AppPasswordDeps;
  readonly #audit: Audit;

  constructor(database: Database, deps: AppPasswordDeps) {
    this.#database = database;
    this.#deps = deps;
    this.#audit = new Audit(database, deps.now);
  }

  /** The secret is returned here and never again. */
  async add(wish: NewAppPassword): Promise<{ readonly id: number; readonly secret: string }> {
    const { account, label, scope, expiresAt, by } = wish;
    if (label.trim() === '' || label.length > labelLongest)
      throw new AppPasswordRefused(`the label must have from 1 to ${labelLongest} characters`);
    if (scope.size === 0) throw new AppPasswordRefused('an app password must be for one service at least');
    const now = this.#deps.now();
    if (expiresAt && expiresAt <= now)
      throw new AppPasswordRefused(`it would have ended at ${expiresAt.toISOString()}`);
    const secret = makeSecret(this.#deps.randomBytes);
    return this.#database.transaction(async (tx) => {
      await tx.query('select pg_advisory_xact_lock(hashtext($1))', [`app_password ${account}`]);
      const [row] = await tx.query<{ id: number }>(
        `insert into app_password (account, label, digest, scope, created_at, created_by, expires_at)
         select $1, $2, $3, $4::text[], $5, $6, $7 where (select count(*) from app_password where account = $1) < $8
         returning id`,
        [account, label, digestOf(secret), [...scope], now, by, expiresAt, most],
      );
      if (row === undefined)
        throw new AppPasswordRefused(`${account} has ${most} app passwords: revoke some that are not used`);
      const detail = { id: row.id, label, scope: [...scope], ...(expiresAt && { expiresAt }) };
      await this.#audit.record({ event: 'appPasswordAdded', account, by, detail }, tx);
      return { id: row.id, secret: secret.replace(/(.{5})(?=.)/g, '$1-') };
    });
  }

  /** Oldest first, those that have ended too. */
  async list(account: string): Promise<readonly AppPassword[]> {
    const rows = await this.#database.query<Row>(
      `select ${columns} from app_password where account = $1 order by id`,
      [account],
    );
    return rows.map(fromRow);
  }

  /** Whether there was one. */
  async revoke(account: string, id: number, by: string): Promise<boolean> {
    return this.#database.transaction(async (tx) => {
      const [gone] = await tx.query<{ label: string }>(
        'delete from app_password where account = $1 and id = $2 returning label',
        [account, id],
      );
      if (gone === undefined) return false;
      const detail = { id, label: gone.label };
      await this.#audit.record({ event: 'appPasswordRevoked', account, by, detail }, tx);
      return true;
    });
  }

  async verify({ name, password, channel }: PasswordAttempt): Promise<PasswordVerdict> {
    const secret = readSecret(password);
    // By the form alone, which says nothing about the name.
    if (!form.test(secret)) return { is: 'wrong' };
    const [row] = await this.#database.query<Row>(
      `select ${columns} from app_password where digest = $1 and account = $2`,
      [digestOf(secret), name],
    );
    if (row === undefined) return { is: 'wrong' };
    const found = fromRow(row);
    if (found.expiresAt && found.expiresAt <= this.#deps.now()) return { is: 'expired' };
    await this.#used(found, channel.remote);
    return {
      is: 'right',
      way: 'appPassword',
      scope: found.scope,
      credential: found.label,
      ...(found.expiresAt && { until: found.expiresAt }),
    };
  }

  async #used({ id, usedAt }: AppPassword, remote: string): Promise<void> {
    const now = this.#deps.now();
    if (usedAt && now.getTime() - usedAt.getTime() < useEvery) return;
    try {
      await this.#database.query('update app_password set used_at = $2, used_from = $3 where id = $1', [
        id,
        now,
        remote,
      ]);
    } catch (error) {
      this.#deps.log.warn({ error }, 'the use of an app password could not be noted');
    }
  }
}

export interface AppPasswordDeps {
  readonly now: () => Date;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly log: Log;
}

/** 256 is a multiple of 32: each character is as likely as another. */
const makeSecret = (randomBytes: (length: number) => Uint8Array): string =>
  [...randomBytes(secretLength)].map((octet) => alphabet[octet % alphabet.length]).join('');

const readSecret = (typed: string): string =>
  typed.replace(/[-\s]/g, '').toLowerCase().replaceAll('o', '0').replace(/[il]/g, '1');

const digestOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

const fromRow = (row: Row): AppPassword => ({
  id: row.id,
  account: row.account,
  label: row.label,
  scope: new Set(row.scope as readonly Service[]),
  createdAt: row.created_at,
  createdBy: row.created_by,
  ...(row.expires_at && { expiresAt: row.expires_at }),
  ...(row.used_at && { usedAt: row.used_at }),
  ...(row.used_from !== null && { usedFrom: row.used_from }),
});
