/**
 * protocol/sasl/scram - SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677): both sides prove that they know
 * the password, or a key made of it, and neither hears it.
 *
 *   client-first -> ask for keys -> server-first -> client-final -> server-final -> (empty) -> done
 *
 * With -PLUS the proof also covers the TLS connection (RFC 5929, RFC 9266): who sits in between cannot use it. A client
 * that could bind and says that we do not offer it (`y`) has been lied to by somebody: RFC 5802 §6 has it fail.
 *
 * A wrong password and a name that nobody has take the same steps and the same work: the keys of the latter are
 * fakeScramKeys(), and no proof fits them.
 */
import { timingSafeEqual } from 'node:crypto';
import { hmac, sha256 } from './scram-keys.ts';
import {
  type ClientFinal,
  type ClientFirst,
  type Gs2Header,
  printServerFirst,
  readClientFinal,
  readClientFirst,
} from './scram-messages.ts';
import {
  challenge,
  type Failed,
  failed,
  malformed,
  once,
  opening,
  type ScramKeys,
  type Step,
  textOf,
} from './step.ts';

/** Octets of a message. */
const atMost = 4096;

export interface ScramOptions {
  /** What this connection is known by, by type (channel-binding.ts). Empty where -PLUS is not offered on it. */
  readonly channelBindings: ReadonlyMap<string, Uint8Array>;
  /** Printable ASCII but commas, hard to guess, never the same: 24 characters of base64 do. */
  readonly nonce: () => string;
}

export const scram =
  (isPlus: boolean) =>
  (initial: Uint8Array | undefined, options: ScramOptions): Step =>
    opening(initial, atMost, (response) => {
      const first = readClientFirst(textOf(response) ?? '');
      if (first === undefined) return malformed('SCRAM: not a client-first-message that we know');
      const bound = boundOctets(first.header, isPlus, options.channelBindings);
      if ('kind' in bound) return bound;
      return {
        kind: 'ask',
        question: 'scramKeys',
        authenticationId: first.name,
        answer: once((keys) => serverFirst(first, keys, bound, options.nonce())),
      };
    });

/** What `c=` must be in the end: the GS2 header, and with -PLUS what the connection is known by. */
function boundOctets(
  header: Gs2Header,
  isPlus: boolean,
  bindings: ReadonlyMap<string, Uint8Array>,
): Uint8Array | Failed {
  if (isPlus !== (header.flag === 'p'))
    return failed('binding', `SCRAM: the flag ${header.flag} does not belong to the mechanism`);
  if (header.flag === 'y' && bindings.size > 0)
    return failed('binding', 'SCRAM: somebody hid from the client that we offer -PLUS');
  const text = Buffer.from(header.text, 'utf8');
  if (header.binding === undefined) return text;
  const binding = bindings.get(header.binding);
  if (binding === undefined) return failed('binding', `SCRAM: no channel binding ${header.binding} here`);
  return Buffer.concat([text, binding]);
}

function serverFirst(first: ClientFirst, keys: ScramKeys, bound: Uint8Array, ownNonce: string): Step {
  const nonce = first.nonce + ownNonce;
  const said = printServerFirst(nonce, keys.salt, keys.iterations);
  return challenge(said, atMost, (response) => {
    const final = readClientFinal(textOf(response) ?? '');
    if (final === undefined) return malformed('SCRAM: not a client-final-message');
    if (final.nonce !== nonce) return failed('credentials', 'SCRAM: another nonce');
    if (!equal(final.binding, bound)) return failed('binding', 'SCRAM: bound to another connection');
    const message = `${first.bare},${said},${final.withoutProof}`;
    if (!isProven(final, keys, message)) return failed('credentials', 'SCRAM: wrong name or password');
    return serverFinal(first, hmac(keys.serverKey, message));
  });
}

/** RFC 5802 §3: the proof is ClientKey XOR ClientSignature, and StoredKey is H(ClientKey). */
function isProven({ proof }: ClientFinal, keys: ScramKeys, message: string): boolean {
  const signature = hmac(keys.storedKey, message);
  const clientKey = signature.map((octet, index) => octet ^ (proof[index] ?? 0));
  return equal(sha256(clientKey), keys.storedKey) && proof.length === signature.length;
}

function serverFinal(first: ClientFirst, signature: Buffer): Step {
  const done = {
    kind: 'done',
    authenticationId: first.name,
    authorizationId: first.header.authorizationId,
  } as const;
  return challenge(
    `v=${signature.toString('base64')}`,
    atMost,
    (response) => (response.length === 0 ? done : malformed('SCRAM: words after the end')),
    done,
  );
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);
