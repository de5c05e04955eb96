/**
 * sasl/answer - what a client says in an exchange, in the base64 that IMAP, POP3 and ManageSieve wrap it in.
 */

/** What a client says to a challenge; `cancel`: it gives up (RFC 9051 §6.2.2); undefined: not base64. */
export const saslAnswer = (line: string): Buffer | 'cancel' | undefined =>
  line === '*' ? 'cancel' : saslOctets(line);

/** RFC 4648 §4: padded, nothing else between; undefined where it is not. */
export function saslOctets(base64: string): Buffer | undefined {
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return undefined;
  return Buffer.from(base64, 'base64');
}
