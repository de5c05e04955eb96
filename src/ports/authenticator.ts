/**
 * ports/authenticator - who may enter, asked by IMAP, POP3, ManageSieve and submission alike. Implemented by src/auth.
 *
 * A protocol shows mechanisms(), hands over what its client says, sends the challenges, and ends with an Outcome; it
 * knows no password and no user. Whom it refuses it tells `because`, in the protocol's own words, and no more: a wrong
 * password and a name that nobody has are one answer, after the same work and no sooner than the other.
 *
 * Below are the doors behind it: who can tell whether a password or a token is right (src/auth, connectors/ldap,
 * connectors/oidc).
 */

/** smtp is submission. */
export type Service = 'imap' | 'pop3' | 'smtp' | 'sieve';
export const services: readonly Service[] = ['imap', 'pop3', 'smtp', 'sieve'];

/** The connection that somebody wants to enter by. */
export interface Channel {
  readonly service: Service;
  /** The client's IP address, as its proxy says where it comes by one. */
  readonly remote: string;
  readonly tls: boolean;
  /** By type; protocol/sasl/channel-binding makes them. Empty without TLS, and where they are not known. */
  readonly channelBindings: ReadonlyMap<string, Uint8Array>;
  /** DER; only when it was verified by the authorities of the listener. */
  readonly clientCertificate?: Uint8Array;
}

/** How somebody proved to be who they are. */
export type Way = 'password' | 'appPassword' | 'scram' | 'token' | 'certificate';

export interface Login {
  /** Whose mail this is: an account's name, in lower case. */
  readonly account: string;
  /** Who proved to be themselves: `account`, or who opens it for them. */
  readonly authenticatedAs: string;
  readonly way: Way;
  /** What they may use; the service of the channel is in it. */
  readonly scope: ReadonlySet<Service>;
  /** When the credential ends: the protocol closes the connection then. */
  readonly until?: Date;
  /** Which of several credentials it was, for people: the label of an app password, the issuer of a token. */
  readonly credential?: string;
}

export type Refusal =
  | 'mechanism' // not offered on this connection
  | 'tlsRequired' // only within TLS
  | 'malformed' // not what the mechanism's grammar says; RFC 4954 §4: 501
  | 'credentials' // wrong, or nobody of that name
  | 'tooMany' // of failures, for this account or from this network: later
  | 'notPermitted' // proved, but not for this service, or not for that account, or switched off
  | 'expired' // proved by what is no longer good
  | 'unavailable'; // cannot be told now: try again

export type Outcome =
  | { readonly kind: 'in'; readonly login: Login }
  | { readonly kind: 'refused'; readonly because: Refusal };

export interface AuthChallenge {
  readonly kind: 'challenge';
  readonly octets: Uint8Array;
  /**
   * Nothing is left for the client to say: a protocol that sends octets with its success (RFC 5804 §2.1) calls next()
   * with nothing at once, and the others after the client's empty answer.
   */
  readonly isLast: boolean;
  /** Once. */
  next(response: Uint8Array): Promise<AuthStep>;
  /** The client gave up (`*`). Not needed when the signal is aborted. */
  cancel(): void;
}

export type AuthStep = AuthChallenge | Outcome;

export interface Authenticator {
  /** Names for `AUTH=` and the like, best first. A password in the clear (LOGIN, USER and PASS) is possible where PLAIN is among them. */
  mechanisms(channel: Channel): readonly string[];

  /**
   * `initial`: the initial response, decoded: empty for `=`, undefined where there was none.
   * `signal` ends with the connection. Rejects for nothing but that: whatever goes wrong is an Outcome.
   */
  begin(
    mechanism: string,
    channel: Channel,
    initial: Uint8Array | undefined,
    signal: AbortSignal,
  ): Promise<AuthStep>;

  /** IMAP's LOGIN, POP3's USER and PASS. */
  password(name: string, password: string, channel: Channel, signal: AbortSignal): Promise<Outcome>;
}

/**
 * Tells whether a password is right. Wrong and unknown names must cost the same work, as far as it is in our hands.
 * Throws VerifierAway where it cannot be told now.
 */
export interface PasswordVerifier {
  /** For the log. */
  readonly name: string;
  verify(attempt: PasswordAttempt, signal: AbortSignal): Promise<PasswordVerdict>;
}

export interface PasswordAttempt {
  /** In the one spelling that accounts are found by: prepared, lower case, with a domain where one is usual. */
  readonly name: string;
  /** As the client wrote it. */
  readonly typed: string;
  /** Not empty; as the client wrote it. */
  readonly password: string;
  readonly channel: Channel;
}

export type PasswordVerdict =
  | {
      readonly is: 'right';
      readonly way: 'password' | 'appPassword';
      /** All services when absent. */
      readonly scope?: ReadonlySet<Service>;
      readonly until?: Date;
      readonly credential?: string;
    }
  | { readonly is: 'expired' }
  /** Not right here, or nobody of that name here: the next verifier is asked in either case. */
  | { readonly is: 'wrong' };

/** Tells whose an access token is. Throws VerifierAway where it cannot be told now. */
export interface TokenVerifier {
  readonly name: string;
  /** Told to clients whose token is not good (RFC 7628 §3.2.2). */
  readonly openidConfiguration?: string;
  readonly scope?: string;
  verify(token: string, signal: AbortSignal): Promise<TokenFinding>;
}

export type TokenFinding =
  | {
      readonly is: 'good';
      /** What the token calls its subject: an account's name, or what accounts are found by. */
      readonly subject: string;
      readonly scope?: ReadonlySet<Service>;
      readonly until?: Date;
    }
  | { readonly is: 'bad'; readonly why: string }
  /** The token is good, but not for mail. */
  | { readonly is: 'tooLittle'; readonly why: string };

/** Whoever could tell does not answer; the message is for operators. */
export class VerifierAway extends Error {
  override readonly name = 'VerifierAway';
}
