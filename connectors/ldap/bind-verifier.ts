/**
 * ldap/bind-verifier - whether a password is right, by binding with it (RFC 4513 §5.1.3): for Active Directory,
 * OpenLDAP and the like, which show nobody the passwords they keep.
 *
 * The account that reads finds the one entry of that name, and the same connection then binds as that entry. For a
 * name that nobody has, or that several have, it binds as an entry that cannot exist: as many questions, one answer.
 */
import { createHmac } from 'node:crypto';
import {
  type PasswordAttempt,
  type PasswordVerdict,
  type PasswordVerifier,
  VerifierAway,
} from '../../src/ports/authenticator.ts';
import { type ConnectionSettings, LdapConnection, LdapUnreachable } from './connection.ts';

export interface BindVerifierOptions extends ConnectionSettings {
  /** For the log. */
  readonly name: string;
  /** Where people are; one at least. */
  readonly bases: readonly string[];
  /** Finds one entry: `{name}` is the whole name, `{local}` and `{domain}` its parts. */
  readonly filter: string;
  /** Connections at once. */
  readonly atOnce: number;
}

/** By address, as names are at the door: `uid={local}` would let in whoever has that uid, in any domain. */
export const usualFilters = {
  activeDirectory:
    '(&(objectCategory=person)(objectClass=user)(|(userPrincipalName={name})(mail={name})(proxyAddresses=smtp:{name})))',
  openldap: '(&(objectClass=person)(mail={name}))',
  zimbra: '(&(objectClass=zimbraAccount)(|(zimbraMailDeliveryAddress={name})(zimbraMailAlias={name})))',
} as const;

/**
 * Mail programs come every few minutes with several connections: what was right is taken for right without a question
 * for `forMs`, also where it was changed meanwhile.
 */
export interface RememberRight {
  readonly forMs: number;
  /** Random, of this process: neither passwords nor their plain digests are kept. */
  readonly secret: Uint8Array;
}

const avoidFor = 60_000;
const rememberedAtMost = 20_000;

const wrong: PasswordVerdict = { is: 'wrong' };

/**
 * RFC 4511 §A.2: noSuchObject, invalidDNSyntax, inappropriateAuthentication, invalidCredentials, unwillingToPerform
 * and, from policies that lock an entry, constraintViolation: a no to this password, not a server in trouble.
 */
const refusals: ReadonlySet<number> = new Set([19, 32, 34, 48, 49, 53]);

/** Active Directory's words for a right password that has to be changed first (ERROR_PASSWORD_EXPIRED, _MUST_CHANGE). */
const ended = /\bdata (532|773)\b/;

export class BindVerifier implements PasswordVerifier {
  readonly name: string;
  readonly #options: BindVerifierOptions;
  readonly #remember: RememberRight | undefined;
  readonly #right = new Map<string, number>();
  readonly #now: () => number;
  /** Servers that did not let us in lately, and until when they are asked last. */
  readonly #avoided = new Map<string, number>();
  #open = 0;

  constructor(options: BindVerifierOptions, remember?: RememberRight, now: () => number = Date.now) {
    if (options.bases.length === 0)
      throw new Error(`${options.name}: to check passwords it must be said where people are: give it bases`);
    this.name = options.name;
    this.#options = options;
    this.#remember = remember;
    this.#now = now;
  }

  async verify(attempt: PasswordAttempt, signal: AbortSignal): Promise<PasswordVerdict> {
    // A bind with a name and no password succeeds as an anonymous one (RFC 4513 §5.1.2).
    if (attempt.password === '') return wrong;
    const mark = this.#mark(attempt);
    if (mark !== undefined && (this.#right.get(mark) ?? 0) > this.#now())
      return { is: 'right', way: 'password' };
    if (this.#open >= this.#options.atOnce)
      throw new VerifierAway(`${this.name}: ${this.#open} passwords are being checked already`);
    this.#open += 1;
    try {
      const verdict = await this.#verify(attempt, signal);
      if (mark !== undefined && verdict.is === 'right') this.#keep(mark);
      return verdict;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof LdapUnreachable) throw new VerifierAway(error.message, { cause: error });
      throw new VerifierAway(`${this.name}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    } finally {
      this.#open -= 1;
    }
  }

  #mark({ name, password }: PasswordAttempt): string | undefined {
    if (this.#remember === undefined) return undefined;
    return createHmac('sha256', this.#remember.secret).update(`${name}\0${password}`).digest('base64');
  }

  #keep(mark: string): void {
    this.#right.delete(mark);
    if (this.#right.size >= rememberedAtMost) this.#right.delete(this.#right.keys().next().value ?? '');
    this.#right.set(mark, this.#now() + (this.#remember?.forMs ?? 0));
  }

  async #verify({ name, password }: PasswordAttempt, signal: AbortSignal): Promise<PasswordVerdict> {
    const connection = await this.#connect(signal);
    try {
      const dn = await this.#find(connection, name);
      const said = await bindResult(connection, dn ?? `cn=nobody,${this.#options.bases[0]}`, password);
      return dn === undefined ? wrong : said;
    } finally {
      await connection.close();
    }
  }

  /** Nobody else waits out a server that is gone: for a while it is the last that is asked. */
  async #connect(signal: AbortSignal): Promise<LdapConnection> {
    const now = this.#now();
    const { servers } = this.#options;
    const avoided = new Set(servers.filter((url) => (this.#avoided.get(url) ?? 0) > now));
    const connection = await LdapConnection.open(this.#options, avoided, signal);
    const order = [...servers.filter((url) => !avoided.has(url)), ...avoided];
    for (const url of order.slice(0, order.indexOf(connection.url))) this.#avoided.set(url, now + avoidFor);
    return connection;
  }

  /** The DN of the one entry of that name. Two are none: we do not guess whose password is meant. */
  async #find(connection: LdapConnection, name: string): Promise<string | undefined> {
    const filter = fillIn(this.#options.filter, name);
    const found = new Set<string>();
    for (const base of this.#options.bases) {
      for await (const { dn } of connection.search({ base, filter, attributes: ['1.1'], pageSize: 2 })) {
        found.add(dn);
        if (found.size > 1) return undefined;
      }
    }
    const [dn] = found;
    return dn;
  }
}

async function bindResult(
  connection: LdapConnection,
  dn: string,
  password: string,
): Promise<PasswordVerdict> {
  try {
    await connection.bindAs(dn, password);
    return { is: 'right', way: 'password' };
  } catch (error) {
    const { code, message } = error as { readonly code?: unknown; readonly message?: string };
    if (typeof code !== 'number' || !refusals.has(code)) throw error;
    return ended.test(message ?? '') ? { is: 'expired' } : wrong;
  }
}

export function fillIn(filter: string, name: string): string {
  const at = name.lastIndexOf('@');
  const values: Readonly<Record<string, string>> = {
    name,
    local: at < 0 ? name : name.slice(0, at),
    domain: name.slice(at < 0 ? name.length : at + 1),
  };
  return filter.replace(/\{(name|local|domain)\}/g, (_, word: string) => escapeValue(values[word] ?? ''));
}

/** RFC 4515 §3. */
const escapeValue = (value: string): string =>
  value.replace(/[\0()*\\]/g, (char) => `\\${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
