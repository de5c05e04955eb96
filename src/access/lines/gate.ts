/**
 * access/lines/gate - who may enter, as a session asks for it; and a SASL exchange carried to its end.
 */
import type { Account } from '../../mail/mailbox.ts';
import type { Peer, Wire } from './wire.ts';

/** What is known of a client that wants to enter. */
export interface Caller {
  readonly protocol: 'pop3' | 'managesieve';
  readonly peer: Peer;
  /** The connection is encrypted, or the operator permits passwords without. */
  readonly mayShowPassword: boolean;
  readonly wire: Wire;
}

export type Entry =
  | { readonly kind: 'entered'; readonly account: Account }
  /** later: a wall of ours, which may pass. The words for the client are the protocol's own. */
  | { readonly kind: 'refused'; readonly why: 'credentials' | 'disabled' | 'later' };

export type Turn =
  | Entry
  | {
      readonly kind: 'challenge';
      readonly octets: Uint8Array;
      /** Present where the exchange is won and the octets are the last word of the mechanism. */
      readonly success?: Entry;
      next(response: Uint8Array): Promise<Turn>;
    };

export interface Gate {
  /** Names of SASL mechanisms that are permitted to this caller now. */
  mechanisms(caller: Caller): readonly string[];
  /** `initial`: the decoded initial response, undefined where there was none. Only for what `mechanisms` names. */
  begin(mechanism: string, initial: Uint8Array | undefined, caller: Caller): Promise<Turn>;
  /** Takes as long for an unknown name as for a wrong password. */
  password(name: string, password: string, caller: Caller): Promise<Entry>;
}

export type Exchange =
  | Entry
  /** Won, with octets that the protocol can carry in its success. */
  | { readonly kind: 'enteredWith'; readonly account: Account; readonly octets: Uint8Array }
  | { readonly kind: 'cancelled' | 'malformed' };

/** `ask` says a challenge and answers what came back: base64, `*`, or undefined for neither. */
export async function exchange(
  first: Turn,
  ask: (challenge: Uint8Array) => Promise<string | undefined>,
  carriesSuccess: boolean,
): Promise<Exchange> {
  let turn = first;
  while (turn.kind === 'challenge') {
    if (carriesSuccess && turn.success?.kind === 'entered')
      return { kind: 'enteredWith', account: turn.success.account, octets: turn.octets };
    const answer = await ask(turn.octets);
    if (answer === '*') return { kind: 'cancelled' };
    const octets = answer === undefined ? undefined : decodeBase64(answer);
    if (octets === undefined) return { kind: 'malformed' };
    turn = await turn.next(octets);
  }
  return turn;
}

/** undefined: it is not base64 (RFC 4648 §4). `=` alone stands for nothing (RFC 5034 §4). */
export function decodeBase64(text: string): Buffer | undefined {
  if (text === '=') return Buffer.alloc(0);
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, 'base64');
}
