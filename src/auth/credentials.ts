/**
 * auth/credentials - passwords of accounts that are kept here, as rows: an argon2id hash, and SCRAM keys where SCRAM is
 * wanted. What changes a row writes its audit row in the same commit.
 */
import type { Database, Queryable } from '../ports/database.ts';
import { deriveScramKeys, parseScramKeys, printScramKeys, saltLength } from '../protocol/sasl/scram-keys.ts';
import type { ScramKeys } from '../protocol/sasl/step.ts';
import { Audit } from './audit.ts';
import { preparedPassword } from './names.ts';
import { type PasswordHash, type PasswordHasher, parseHash } from './password-hash.ts';

export interface StoredCredential {
  /** As stored; for isRight() parsed. */
  readonly text: string | undefined;
  readonly hash: PasswordHash | undefined;
  readonly scram: ScramKeys | undefined;
}

/** A password that is not taken; the message says why, to whoever sets it. */
export class PasswordRefused extends Error {
  override readonly name = 'PasswordRefused';
}

export interface CredentialOptions {
  /** Characters. */
  readonly shortest: number;
  /** undefined: no SCRAM keys are kept. They are faster to try passwords against than the hash, should they be stolen. */
  readonly scramIterations: number | undefined;
}

const longest = 1024;

interface CredentialRow {
  readonly password: string | null;
  readonly scram: string | null;
}

export class Credentials {
  readonly #database: Database;
  readonly #hasher: PasswordHasher;
  readonly #options: CredentialOptions;
  readonly #now: () => Date;
  readonly #randomBytes: (length: number) => Uint8Array;
  readonly #audit: Audit;

  constructor(
    database: Database,
    hasher: PasswordHasher,
    options: CredentialOptions,
    deps: { readonly now: () => Date; readonly randomBytes: (length: number) => Uint8Array },
  ) {
    this.#database = database;
    this.#hasher = hasher;
    this.#options = options;
    this.#now = deps.now;
    this.#randomBytes = deps.randomBytes;
    this.#audit = new Audit(database, deps.now);
  }

  /** `account` in lower case; whether there is such an account is not looked at. Throws PasswordRefused. */
  async setPassword(account: string, password: string, by: string): Promise<void> {
    const trouble = troubleWith(password, this.#options.shortest);
    if (trouble !== undefined) throw new PasswordRefused(`the password was not set: ${trouble}`);
    const kept = await this.#derive(password);
    await this.#database.transaction(async (tx) => {
      await tx.query(
        `insert into credential (account, password, scram, set_at, set_by) values ($1, $2, $3, $4, $5)
         on conflict (account) do update set
           password = excluded.password, scram = excluded.scram, set_at = excluded.set_at, set_by = excluded.set_by`,
        [account, kept.hash, kept.scram, this.#now(), by],
      );
      await this.#audit.record({ event: 'passwordSet', account, by }, tx);
    });
  }

  /** Whether there was one. App passwords stay. */
  async removePassword(account: string, by: string): Promise<boolean> {
    return this.#database.transaction(async (tx) => {
      const gone = await tx.query('delete from credential where account = $1 returning account', [account]);
      if (gone.length > 0) await this.#audit.record({ event: 'passwordRemoved', account, by }, tx);
      return gone.length > 0;
    });
  }

  async find(account: string): Promise<StoredCredential> {
    const [row] = await this.#database.query<CredentialRow>(
      'select password, scram from credential where account = $1',
      [account],
    );
    const text = row?.password ?? undefined;
    return {
      text,
      hash: text === undefined ? undefined : parseHash(text),
      scram: row?.scram ? parseScramKeys(row.scram) : undefined,
    };
  }

  /** Whether what is stored was made with other costs than are wanted now. */
  isDated({ hash, scram }: StoredCredential): boolean {
    return (
      (hash !== undefined && this.#hasher.isDated(hash)) ||
      scram?.iterations !== this.#options.scramIterations
    );
  }

  /** Made anew from a password that has just been proved right, unless somebody has set another one meanwhile. */
  async renew(account: string, password: string, stored: string): Promise<void> {
    const kept = await this.#derive(password);
    await this.#database.query(
      'update credential set password = $2, scram = $3 where account = $1 and password = $4',
      [account, kept.hash, kept.scram, stored],
    );
  }

  /** Everything by which `account` enters goes to another name, and is no more where `to` is undefined. */
  async move(account: string, to: string | undefined, by: string): Promise<void> {
    await this.#database.transaction(async (tx) => {
      await moveCredentials(tx, account, to);
      await this.#audit.record(
        { event: to === undefined ? 'removed' : 'renamed', account, by, ...(to && { detail: { to } }) },
        tx,
      );
    });
  }

  async #derive(password: string): Promise<{ readonly hash: string; readonly scram: string | undefined }> {
    const prepared = preparedPassword(password);
    const { scramIterations } = this.#options;
    const hash = await this.#hasher.hash(prepared);
    if (scramIterations === undefined) return { hash, scram: undefined };
    const keys = await deriveScramKeys(prepared, this.#randomBytes(saltLength), scramIterations);
    return { hash, scram: printScramKeys(keys) };
  }
}

const moves = {
  credential: 'update credential set account = $2 where account = $1',
  app_password: 'update app_password set account = $2 where account = $1',
} as const;
const removals = {
  credential: 'delete from credential where account = $1',
  app_password: 'delete from app_password where account = $1',
} as const;

/**
 * Passwords and app passwords follow an account that is renamed, in the transaction that renames it, and go with one
 * that is removed (`to` undefined). What the new name had before was somebody else's, and is removed: nobody opens a
 * mailbox by the password of whoever had its name.
 */
export async function moveCredentials(tx: Queryable, from: string, to: string | undefined): Promise<void> {
  if (from === to) return;
  for (const table of ['credential', 'app_password'] as const) {
    await tx.query(removals[table], [to ?? from]);
    if (to !== undefined) await tx.query(moves[table], [from, to]);
  }
}

function troubleWith(password: string, shortest: number): string | undefined {
  if ([...password].length < Math.max(shortest, 1))
    return `it has fewer than ${Math.max(shortest, 1)} characters`;
  if (Buffer.byteLength(password) > longest) return `it has more than ${longest} octets`;
  if (/[\0-\x1f\x7f]/.test(password)) return 'it has control characters, which mail clients cannot send';
  return undefined;
}
