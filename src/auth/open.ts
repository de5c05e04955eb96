/**
 * auth/open - everything of this room put together, from what an operator says and what the wiring hands in.
 *
 * Order in which passwords are asked: app passwords, which cost nothing; then others' (LDAP); then those kept here,
 * whose every no costs an argon2.
 */
import type { PasswordVerifier, TokenVerifier } from '../ports/authenticator.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import { type SaslMechanism, saslMechanisms } from '../protocol/sasl/begin.ts';
import { AppPasswords } from './app-passwords.ts';
import { Audit } from './audit.ts';
import { mailAddressInCertificate } from './certificate-names.ts';
import { Credentials } from './credentials.ts';
import { Gatekeeper } from './gatekeeper.ts';
import { LocalPasswords } from './local-passwords.ts';
import { type Master, Masters } from './masters.ts';
import type { AccountFinder, Delegates, GateOptions, SignInEvent } from './options.ts';
import { PasswordHasher } from './password-hash.ts';
import { sharedSecret } from './secrets.ts';
import { hearBlocks, tellBlock } from './share-blocks.ts';
import { SignInNotes } from './sign-in-notes.ts';
import { type Block, Throttle, type ThrottleOptions } from './throttle.ts';

export interface AuthOptions {
  /** Empty: all. */
  readonly mechanisms: readonly SaslMechanism[];
  readonly defaultDomain?: string;
  /** '': nobody opens mail as `ada*admin`. */
  readonly masterSeparator: string;
  readonly failureDelay: number;
  readonly local: {
    readonly enabled: boolean;
    /** Shortest password that may be set, in characters. */
    readonly shortest: number;
    /** Octets. */
    readonly memory: number;
    readonly passes: number;
    readonly parallelism: number;
    readonly atOnce: number;
    readonly waiting: number;
  };
  readonly appPasswords: boolean;
  /** auto: where all passwords are kept here. */
  readonly scram: { readonly offer: 'auto' | 'always' | 'never'; readonly iterations: number };
  readonly certificates: 'ignore' | 'mailAddress';
  readonly masters: readonly Master[];
  readonly throttle: Omit<ThrottleOptions, 'entries'>;
}

export interface AuthDeps {
  readonly database: Database;
  readonly accounts: AccountFinder;
  /** Rights that people gave each other; administrators are in the options. */
  readonly delegates?: Delegates;
  /** LDAP and the like. */
  readonly passwords: readonly PasswordVerifier[];
  readonly tokens: readonly TokenVerifier[];
  readonly networkOf: (remote: string) => string;
  /** Proxies, whose clients' networks are not theirs. */
  readonly isTrusted: (remote: string) => boolean;
  readonly isSafeWithoutTls: (remote: string) => boolean;
  readonly log: Log;
  readonly heard?: (event: SignInEvent) => void;
  readonly now: () => Date;
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly randomBytes: (length: number) => Uint8Array;
}

export interface Auth extends AsyncDisposable {
  readonly authenticator: Gatekeeper;
  readonly credentials: Credentials;
  readonly appPasswords: AppPasswords;
  readonly audit: Audit;
  readonly throttle: Throttle;
}

const throttleEntries = 100_000;

/** What `isthmus account password` and `app-password` need, without a gate: no secrets are asked, nobody is listened to. */
export function openCredentials(
  options: Pick<AuthOptions, 'local' | 'scram'>,
  deps: Pick<AuthDeps, 'database' | 'log' | 'now' | 'randomBytes'>,
): {
  readonly credentials: Credentials;
  readonly appPasswords: AppPasswords;
  readonly hasher: PasswordHasher;
} {
  const { local, scram } = options;
  const cost = {
    memory: Math.floor(local.memory / 1024),
    passes: local.passes,
    parallelism: local.parallelism,
  };
  const hasher = new PasswordHasher({ cost, atOnce: local.atOnce, waiting: local.waiting }, deps.randomBytes);
  const kept = {
    shortest: local.shortest,
    scramIterations: scram.offer === 'never' ? undefined : scram.iterations,
  };
  return {
    hasher,
    credentials: new Credentials(deps.database, hasher, kept, deps),
    appPasswords: new AppPasswords(deps.database, deps),
  };
}

export async function openAuth(options: AuthOptions, deps: AuthDeps): Promise<Auth> {
  const { database, log, networkOf, randomBytes } = deps;
  const now = () => deps.now().getTime();
  const { credentials, appPasswords, hasher } = openCredentials(options, deps);
  const own = new LocalPasswords(credentials, hasher, { now, secret: randomBytes(32), log });
  const audit = new Audit(database, deps.now);
  const notes = new SignInNotes({ audit, networkOf, log, now });
  const throttle = openThrottle(options, deps, notes);
  const { enabled } = options.local;
  const authenticator = new Gatekeeper(gateOptions(options), {
    passwords: [
      ...(options.appPasswords ? [appPasswords] : []),
      ...deps.passwords,
      ...(enabled ? [own] : []),
    ],
    scram: isScramOffered(options, deps)
      ? { keys: (name) => own.scramKeys(name), secret: await sharedSecret(database, 'scram', randomBytes) }
      : undefined,
    tokens: deps.tokens,
    certificates: options.certificates === 'mailAddress' ? mailAddressInCertificate : undefined,
    accounts: deps.accounts,
    delegates: new Masters(options.masters, options.defaultDomain, deps.delegates),
    throttle,
    notes,
    isSafeWithoutTls: deps.isSafeWithoutTls,
    log,
    heard: deps.heard,
    now,
    sleep: deps.sleep,
    randomBytes,
  });
  await rememberPlaces(throttle, audit, new Date(now() - options.throttle.remember), log);
  const hearing = await hearBlocks(database, throttle);
  const close = async () => {
    await hearing[Symbol.asyncDispose]();
    await notes.settled();
  };
  return { authenticator, credentials, appPasswords, audit, throttle, [Symbol.asyncDispose]: close };
}

/** Nobody is kept out because it could not be read. */
async function rememberPlaces(throttle: Throttle, audit: Audit, since: Date, log: Log): Promise<void> {
  try {
    const places = await audit.places(since, throttleEntries);
    for (const { account, remote, at } of places.toReversed()) throttle.know(account, remote, at.getTime());
  } catch (error) {
    log.warn({ error }, 'it could not be read from where people enter: blocks hold there too');
  }
}

const isScramOffered = ({ local, scram }: AuthOptions, { passwords }: AuthDeps): boolean =>
  local.enabled && (scram.offer === 'always' || (scram.offer === 'auto' && passwords.length === 0));

const gateOptions = (options: AuthOptions): GateOptions => ({
  mechanisms: new Set(options.mechanisms.length > 0 ? options.mechanisms : saslMechanisms),
  defaultDomain: options.defaultDomain,
  masterSeparator: options.masterSeparator || undefined,
  failureDelay: options.failureDelay,
  scramIterations: options.scram.iterations,
});

/** A block that begins here is told to the other processes, to the log and to the audit. */
function openThrottle(options: AuthOptions, deps: AuthDeps, notes: SignInNotes): Throttle {
  const { database, log, networkOf, isTrusted, randomBytes } = deps;
  const tell = tellBlock(database, log);
  const blocked = (block: Block): void => {
    const facts = { kind: block.kind, until: new Date(block.until) };
    tell(block);
    log.warn({ ...facts, key: block.key }, 'too many failures: blocked for a while');
    notes.recordLater({ event: 'blocked', account: block.key, detail: facts });
  };
  return new Throttle(
    { ...options.throttle, entries: throttleEntries },
    { networkOf, isTrusted, now: () => deps.now().getTime(), secret: randomBytes(32), blocked },
  );
}
