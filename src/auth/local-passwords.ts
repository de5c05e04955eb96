/**
 * auth/local-passwords - the passwords that are kept here, checked. Every wrong answer costs one argon2, whether there
 * is such a name, a name without a password, or a wrong password.
 *
 * Mail clients sign in often, so what was right is remembered for a while: not the password but a keyed digest of it
 * and of the stored hash together, which is good for nothing as soon as the hash has changed.
 */
import { createHmac } from 'node:crypto';
import type { PasswordAttempt, PasswordVerdict, PasswordVerifier } from '../ports/authenticator.ts';
import type { Log } from '../ports/log.ts';
import type { ScramKeys } from '../protocol/sasl/step.ts';
import type { Credentials, StoredCredential } from './credentials.ts';
import { preparedPassword } from './names.ts';
import type { PasswordHasher } from './password-hash.ts';

export interface LocalPasswordDeps {
  readonly now: () => number;
  /** Of this process, random. */
  readonly secret: Uint8Array;
  readonly log: Log;
}

const remembered = { entries: 20_000, forMs: 3_600_000 } as const;
const wrong: PasswordVerdict = { is: 'wrong' };

export class LocalPasswords implements PasswordVerifier {
  readonly name = 'local';
  readonly #credentials: Credentials;
  readonly #hasher: PasswordHasher;
  readonly #deps: LocalPasswordDeps;
  readonly #right = new Map<string, number>();

  constructor(credentials: Credentials, hasher: PasswordHasher, deps: LocalPasswordDeps) {
    this.#credentials = credentials;
    this.#hasher = hasher;
    this.#deps = deps;
  }

  async verify({ name, password: typed }: PasswordAttempt): Promise<PasswordVerdict> {
    const stored = await this.#credentials.find(name);
    if (stored.text !== undefined && stored.hash === undefined)
      this.#deps.log.error(
        { account: name },
        'the stored password is no argon2id hash that we take: set it anew',
      );
    const password = preparedPassword(typed);
    const mark = this.#mark(stored, password);
    if (mark !== undefined && this.#isRemembered(mark)) return { is: 'right', way: 'password' };
    if (!(await this.#hasher.isRight(password, stored.hash))) return wrong;
    if (mark !== undefined) this.#remember(mark);
    if (stored.text !== undefined && this.#credentials.isDated(stored))
      await this.#renew(name, typed, stored.text);
    return { is: 'right', way: 'password' };
  }

  async scramKeys(name: string): Promise<ScramKeys | undefined> {
    return (await this.#credentials.find(name)).scram;
  }

  #mark({ text }: StoredCredential, password: string): string | undefined {
    if (text === undefined) return undefined;
    return createHmac('sha256', this.#deps.secret).update(`${text}\0${password}`).digest('base64');
  }

  #isRemembered(mark: string): boolean {
    const since = this.#right.get(mark);
    return since !== undefined && this.#deps.now() - since < remembered.forMs;
  }

  #remember(mark: string): void {
    this.#right.delete(mark);
    if (this.#right.size >= remembered.entries) this.#right.delete(this.#right.keys().next().value ?? '');
    this.#right.set(mark, this.#deps.now());
  }

  /** Nobody is kept out because the hash could not be made anew. */
  async #renew(name: string, password: string, stored: string): Promise<void> {
    try {
      await this.#credentials.renew(name, password, stored);
    } catch (error) {
      this.#deps.log.warn({ account: name, error }, 'a stored password could not be renewed');
    }
  }
}
