/**
 * store/object-ids - EMAILID and THREADID (RFC 8474 §5.1, §5.2): how they are made of a body's row, and read back.
 *
 * One letter and digits, hexadecimal ones in lower case: no two ids differ in case alone, which RFC 8474 advises against.
 */
import type { BodyId } from '../mail/mailbox.ts';

/** `E` and the number of the body. */
export const emailIdOf = (body: BodyId): string => `E${body}`;

/** `T` and the octets of `body.thread` in hexadecimal. */
export const threadIdOf = (thread: Uint8Array): string => `T${Buffer.from(thread).toString('hex')}`;

/** Undefined when it is none of ours: no message has it. */
export function bodyOfEmailId(id: string): BodyId | undefined {
  const digits = /^E([1-9]\d{0,15})$/.exec(id)?.[1];
  const body = Number(digits);
  return Number.isSafeInteger(body) ? body : undefined;
}

/** As bodyOfEmailId. */
export function threadOfThreadId(id: string): Buffer | undefined {
  const hex = /^T((?:[0-9a-f]{2}){1,64})$/.exec(id)?.[1];
  return hex === undefined ? undefined : Buffer.from(hex, 'hex');
}
