/**
 * sieve/compose/reject - the notification that a message was refused by its recipient (RFC 5429 §2.1.2, RFC 8098).
 *
 * For refusals that cannot be said in SMTP any more. Never sent to the null reverse-path: then there is nothing.
 */
import { decodeOctets } from '../../protocol/sieve/octets.ts';
import type { HeaderSection } from '../message/header.ts';
import type { Reject } from '../outcome.ts';
import { compose, field, type Origin, type Outgoing, originFields, textEntity } from './outgoing.ts';
import { references } from './vacation.ts';

export interface RejectScene {
  readonly header: HeaderSection;
  readonly envelope: { readonly from: string; readonly to: string; readonly orcpt?: string };
  readonly origin: Origin;
}

const lineLimit = 998;

/** Lines that no mail may have are left out. */
const shortLines = (section: Buffer): Buffer =>
  Buffer.from(
    section
      .toString('latin1')
      .split(/(?<=\n)/)
      .filter((line) => line.length <= lineLimit + 2)
      .join(''),
    'latin1',
  );

/** Octets of the original header that go back. */
const headerLimit = 65_536;

export function rejectReport(
  action: Reject,
  { header, envelope, origin }: RejectScene,
): Outgoing | undefined {
  if (envelope.from === '') return undefined;
  const boundary = `report-${origin.unique()}`;
  const id = header.all('message-id')[0]?.value ?? '';
  const original = decodeOctets(shortLines(header.octets().subarray(0, headerLimit)));
  const words = textEntity(
    `Your message to <${envelope.to}> was automatically rejected:\r\n\r\n${action.reason}\r\n`,
  );
  const top = [
    originFields(origin),
    `From: Mail Delivery Subsystem <postmaster@${origin.hostname}>\r\n`,
    `To: <${envelope.from}>\r\n`,
    field('Subject', 'Automatically rejected mail'),
    references(header),
    'Auto-Submitted: auto-replied (rejected)\r\nPrecedence: bulk\r\nMIME-Version: 1.0\r\n',
    `Content-Type: multipart/report; report-type=disposition-notification;\r\n boundary="${boundary}"\r\n`,
  ];
  const body = [
    'This is a multipart/report message in the sense of RFC 6522.\r\n',
    `--${boundary}\r\nContent-Disposition: inline\r\n${words.fields}\r\n${words.body}`,
    `--${boundary}\r\nContent-Type: message/disposition-notification\r\n`,
    `\r\nReporting-UA: ${origin.hostname}; Isthmus\r\n${envelope.orcpt ? `Original-Recipient: ${envelope.orcpt}\r\n` : ''}Final-Recipient: rfc822; ${envelope.to}\r\n`,
    `${id === '' ? '' : `Original-Message-ID: ${id}\r\n`}Disposition: automatic-action/MDN-sent-automatically; deleted\r\n`,
    `\r\n--${boundary}\r\nContent-Type: text/rfc822-headers\r\n${/^[\x00-\x7f]*$/.test(original) ? '' : 'Content-Transfer-Encoding: 8bit\r\n'}\r\n${original}\r\n--${boundary}--\r\n`,
  ];
  return { from: '', to: [envelope.from], content: compose(top.join(''), body.join('')) };
}
