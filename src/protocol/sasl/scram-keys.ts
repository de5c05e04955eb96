/**
 * protocol/sasl/scram-keys - what a server keeps of a password for SCRAM-SHA-256 (RFC 5802 §3, RFC 7677), its text
 * form (RFC 5803 §2, which PostgreSQL and OpenLDAP write too), and what it shows for people who do not exist.
 */
import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { readBase64 } from './scram-messages.ts';
import type { ScramKeys } from './step.ts';

/** RFC 7677 §4: fewer are not to be accepted by clients. More than the most would hold a client up for minutes. */
export const iterationLimits = { least: 4096, most: 10_000_000 } as const;
export const saltLength = 16;
const keyLength = 32;

const derive = promisify(pbkdf2);

export const hmac = (key: Uint8Array, text: string): Buffer =>
  createHmac('sha256', key).update(text, 'utf8').digest();
export const sha256 = (octets: Uint8Array): Buffer => createHash('sha256').update(octets).digest();

/** `password` has been through prepare(), as the client's has. Works in the thread pool; time grows with `iterations`. */
export async function deriveScramKeys(
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<ScramKeys> {
  const salted = await derive(password, salt, iterations, keyLength, 'sha256');
  return {
    iterations,
    salt,
    storedKey: sha256(hmac(salted, 'Client Key')),
    serverKey: hmac(salted, 'Server Key'),
  };
}

/** `SCRAM-SHA-256$4096:SALT$StoredKey:ServerKey`. */
export function printScramKeys({ iterations, salt, storedKey, serverKey }: ScramKeys): string {
  const [s, stored, server] = [salt, storedKey, serverKey].map((key) => Buffer.from(key).toString('base64'));
  return `SCRAM-SHA-256$${iterations}:${s}$${stored}:${server}`;
}

export function parseScramKeys(text: string): ScramKeys | undefined {
  const [, count, ...written] =
    /^SCRAM-SHA-256\$([1-9]\d{3,7}):([^$:]{4,200})\$([^$:]{44}):([^$:]{44})$/.exec(text) ?? [];
  const [salt, storedKey, serverKey] = written.map(readBase64);
  const iterations = Number(count);
  if (salt === undefined || storedKey?.length !== keyLength || serverKey?.length !== keyLength)
    return undefined;
  if (iterations < iterationLimits.least || iterations > iterationLimits.most) return undefined;
  return { iterations, salt, storedKey, serverKey };
}

/**
 * For a name that nobody has: the same salt whenever it is asked for, and keys that no password has.
 * `name` in the one spelling that real names are found by, `secret` the same on all nodes and known to nobody else.
 */
export function fakeScramKeys(name: string, secret: Uint8Array, iterations: number): ScramKeys {
  return {
    iterations,
    salt: hmac(secret, `salt ${name}`).subarray(0, saltLength),
    storedKey: hmac(secret, `stored ${name}`),
    serverKey: hmac(secret, `server ${name}`),
  };
}
