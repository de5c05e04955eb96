/**
 * access/imap/url-content - a message, or a part of one, that a client names by an IMAP URL (RFC 5092, RFC 4469 §3.1).
 */
import { Refusal } from './refusal.ts';
import type { Session } from './session.ts';

// biome-ignore lint/correctness/useYield: nothing is found yet
export async function* urlContent(_session: Session, url: string): AsyncIterable<Uint8Array> {
  throw new Refusal('NO', { text: 'This URL names nothing here', code: { code: 'BADURL', url } });
}
