/**
 * protocol/sasl/step - an authentication exchange as the server sees it (RFC 4422), one step after the other.
 *
 * A step says what comes next: octets for the client, a question for whoever knows our users, or the end. It does
 * nothing by itself: the octets travel as IMAP, POP3, SMTP or ManageSieve say, and the question is answered by the
 * room that may look. Each step goes on once; a second call is a fault of the caller and throws.
 */

export type Step = Challenge | Ask | Done | Failed;

export interface Challenge {
  readonly kind: 'challenge';
  readonly octets: Uint8Array;
  /**
   * Present where the octets are the last thing to say and all is well: a protocol that can carry octets with its
   * success (ManageSieve's SASL response code, RFC 5804 §2.1) ends here; the others send them and await an empty answer.
   */
  readonly success?: Done;
  next(response: Uint8Array): Step;
}

export type Ask = AskPassword | AskScramKeys | AskToken | AskCertificate;

export interface AskPassword {
  readonly kind: 'ask';
  readonly question: 'password';
  /** As the client wrote it. */
  readonly authenticationId: string;
  /** Not empty; as the client wrote it. */
  readonly password: string;
  answer(isRight: boolean): Step;
}

export interface AskScramKeys {
  readonly kind: 'ask';
  readonly question: 'scramKeys';
  readonly authenticationId: string;
  /** For a name that nobody has, fakeScramKeys(): the exchange goes on and fails as it does for a wrong password. */
  answer(keys: ScramKeys): Step;
}

export interface AskToken {
  readonly kind: 'ask';
  readonly question: 'token';
  readonly token: string;
  /** What the client says beside the token of where it means to be; undefined where it says nothing. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** Whose mail is wanted; undefined: that of the token's own subject. */
  readonly authorizationId: string | undefined;
  answer(verdict: TokenVerdict): Step;
}

export type TokenVerdict =
  | { readonly isGood: true; readonly authenticationId: string }
  | {
      readonly isGood: false;
      /** RFC 6750 §3.1. */
      readonly status: 'invalid_request' | 'invalid_token' | 'insufficient_scope';
      readonly scope?: string | undefined;
      /** URL where the client finds how to get a token. */
      readonly openidConfiguration?: string | undefined;
    };

export interface AskCertificate {
  readonly kind: 'ask';
  readonly question: 'certificate';
  readonly authorizationId: string | undefined;
  /** Whom the client's certificate names; undefined where there is none, or it names nobody. */
  answer(authenticationId: string | undefined): Step;
}

/** The client is `authenticationId` and asks to act for `authorizationId`, or as itself. Whether it may is not decided here. */
export interface Done {
  readonly kind: 'done';
  readonly authenticationId: string;
  readonly authorizationId: string | undefined;
}

export interface Failed {
  readonly kind: 'failed';
  /**
   * mechanism: not known here. malformed: not what the mechanism's grammar says. binding: it belongs to another
   * connection, or somebody between us hid what we offer. credentials: a wrong password or key, or nobody of that name.
   */
  readonly reason: 'mechanism' | 'malformed' | 'binding' | 'credentials';
  /** For our log; the client hears nothing of it. */
  readonly detail: string;
}

/** What a server keeps of a password for SCRAM (RFC 5802 §3): none of it lets anyone in by itself. */
export interface ScramKeys {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

export const failed = (reason: Failed['reason'], detail: string): Failed => ({
  kind: 'failed',
  reason,
  detail,
});

export const malformed = (detail: string): Failed => failed('malformed', detail);

/** `use` at the first call, an Error at the next. */
export function once<Argument, Result>(use: (argument: Argument) => Result): (argument: Argument) => Result {
  let used = false;
  return (argument) => {
    if (used) throw new Error('this step of the SASL exchange has been answered before');
    used = true;
    return use(argument);
  };
}

/** A challenge whose answer may have so many octets at most. */
export function challenge(
  octets: Uint8Array | string,
  atMost: number,
  next: (response: Uint8Array) => Step,
  success?: Done,
): Challenge {
  return {
    kind: 'challenge',
    octets: typeof octets === 'string' ? Buffer.from(octets, 'utf8') : octets,
    ...(success && { success }),
    next: once((response) => bounded(response, atMost, next)),
  };
}

/** The client's first words: those that came with the command, or the answer to an empty challenge (RFC 4422 §5, 2b). */
export const opening = (
  initial: Uint8Array | undefined,
  atMost: number,
  next: (response: Uint8Array) => Step,
): Step => (initial === undefined ? challenge('', atMost, next) : bounded(initial, atMost, next));

const bounded = (response: Uint8Array, atMost: number, next: (response: Uint8Array) => Step): Step =>
  response.length > atMost
    ? malformed(`${response.length} octets, at most ${atMost} are taken`)
    : next(response);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** undefined where the octets are not UTF-8. */
export function textOf(octets: Uint8Array): string | undefined {
  try {
    return utf8.decode(octets);
  } catch {
    return undefined;
  }
}
