/**
 * demo/hosted - what has arrived in the mailboxes that are hosted here, in the words of the pretend sites.
 */
import type { Accounts } from '../ports/accounts.ts';
import type { Mailboxes } from '../ports/mailboxes.ts';
import type { Reading } from '../ports/messages.ts';
import type { Arrival } from './pretend-site.ts';

/** Octets in which a header section of the demo has its Message-ID. */
const headerWithin = 8_192;

export async function arrivedHere(
  {
    accounts,
    mailboxes,
    messages,
  }: { readonly accounts: Accounts; readonly mailboxes: Mailboxes; readonly messages: Reading },
  signal: AbortSignal,
): Promise<Arrival[]> {
  const arrivals: Arrival[] = [];
  for await (const account of accounts.list(signal)) {
    for (const { id } of await mailboxes.list(account.id)) {
      const everything = [{ first: 1, last: 4_294_967_295 }];
      for await (const rows of messages.rows(id, everything, {}, signal)) {
        for (const { body } of rows) {
          const messageId = await messageIdOf(messages, body, signal);
          arrivals.push({ site: 'local', recipient: account.name, messageId });
        }
      }
    }
  }
  return arrivals;
}

async function messageIdOf(
  messages: Reading,
  body: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of messages.content(body, signal, { start: 0, end: headerWithin }))
    chunks.push(chunk);
  return /^message-id:\s*(<[^>\r\n]*>)/im.exec(Buffer.concat(chunks).toString('latin1'))?.[1];
}
