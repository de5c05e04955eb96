/**
 * auth/options - what an operator may say about who may enter, and what the gatekeeper is handed.
 */
import type { PasswordVerifier, Service, TokenVerifier } from '../ports/authenticator.ts';
import type { Log } from '../ports/log.ts';
import type { SaslMechanism } from '../protocol/sasl/begin.ts';
import type { ScramKeys } from '../protocol/sasl/step.ts';
import type { AuditFacts } from './audit.ts';
import type { Throttle } from './throttle.ts';

export interface GateOptions {
  /** What may be offered at all; what there is nobody to verify by is left out by itself. */
  readonly mechanisms: ReadonlySet<SaslMechanism>;
  /** Put behind names without a domain. */
  readonly defaultDomain: string | undefined;
  /** `ada*admin`: one character; undefined: nobody opens mail that way. */
  readonly masterSeparator: string | undefined;
  /** Milliseconds from the question to the answer, at least, for whoever is not let in. */
  readonly failureDelay: number;
  /** Of the keys that are shown for names that nobody has: as those that are set. */
  readonly scramIterations: number;
}

export interface GateDeps {
  /** Asked in this order until one says right. */
  readonly passwords: readonly PasswordVerifier[];
  /** Only where everybody's password is kept here: clients prefer SCRAM, and cannot fall back. */
  readonly scram?: ScramSource | undefined;
  /** By the issuer that a token names, one of them; asked in this order. */
  readonly tokens: readonly TokenVerifier[];
  readonly certificates?: CertificateNames | undefined;
  readonly accounts: AccountFinder;
  readonly delegates: Delegates;
  readonly throttle: Throttle;
  /** auth/sign-in-notes. */
  readonly notes: { record(facts: AuditFacts): Promise<void> };
  /** Where passwords may go without TLS: the loopback, a proxy's network. */
  readonly isSafeWithoutTls: (remote: string) => boolean;
  readonly log: Log;
  /** For metrics. */
  readonly heard?: ((event: SignInEvent) => void) | undefined;
  readonly now: () => number;
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly randomBytes: (length: number) => Uint8Array;
}

export interface SignInEvent {
  readonly service: Service;
  readonly mechanism: string;
  /** `in`, or why not. */
  readonly outcome: string;
}

export interface ScramSource {
  keys(name: string): Promise<ScramKeys | undefined>;
  /** The same on all nodes (auth/secrets). */
  readonly secret: Uint8Array;
}

export interface KnownAccount {
  /** Whose mail it is: in lower case. An alias leads to the account it belongs to. */
  readonly account: string;
  /** What it may use; empty where it is switched off. */
  readonly scope: ReadonlySet<Service>;
}

/** Who has mail here. Throws where it cannot be told now. */
export interface AccountFinder {
  /** By canonicalName(). Asked before the password is, for every name: it must cost the same for all. */
  find(name: string, signal: AbortSignal): Promise<KnownAccount | undefined>;
}

/** Who may open the mail of others. Throws where it cannot be told now. */
export interface Delegates {
  mayOpen(who: string, account: string, service: Service, signal: AbortSignal): Promise<boolean>;
}

/** Whom a verified client certificate names. */
export interface CertificateNames {
  nameIn(certificate: Uint8Array): string | undefined;
}
