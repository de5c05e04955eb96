/**
 * sieve/compose/redirect - a message on its way to where a script sends it (RFC 5228 §4.2).
 */
import { addressKey, parseAddress } from '../../mail/address.ts';
import type { HeaderSection } from '../message/header.ts';

const mark = 'X-Sieve-Redirected-From';

/** Field to put on top of the message, so that a loop is noticed. */
export const redirectMark = (recipient: string): string => `${mark}: ${recipient}\r\n`;

/** This recipient's script has sent the message on before (RFC 5228 §10: loops). */
export function wasRedirectedBy(recipient: string, header: HeaderSection): boolean {
  const own = keyOf(recipient);
  return header.all(mark).some(({ value }) => keyOf(value) === own);
}

function keyOf(text: string): string {
  const address = parseAddress(text);
  return address ? addressKey(address) : text.toLowerCase();
}
