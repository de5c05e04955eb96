/**
 * protocol/smtp/client-commands - MAIL and RCPT with the parameters a peer understands, and no others
 * (RFC 5321 §4.1.1, 1870, 3461, 6152, 6531, 8689).
 */
import type { Address } from '../../mail/address.ts';
import type { Notify, Recipient, Transaction } from '../../mail/envelope.ts';
import type { Extensions } from './client-extensions.ts';
import { encodeUtf8Xtext, encodeXtext } from './xtext.ts';

export interface MailFacts {
  /** Octets of the content. */
  readonly size: number;
  readonly eightBit: boolean;
  /** SMTPUTF8 is in force for this transaction: the peer has it and something asks for it. */
  readonly utf8: boolean;
}

const ascii = /^[\x00-\x7f]*$/;
const control = /[\x00-\x1f\x7f]/;

/**
 * The address as it can be said: as it was written, or with an A-label domain where only the domain is not ASCII and
 * SMTPUTF8 is not in force. undefined: it cannot be said without SMTPUTF8 (RFC 6531 §3.3).
 */
export function pathText(address: Address, utf8: boolean): string | undefined {
  if (control.test(address.text)) return undefined;
  if (utf8 || ascii.test(address.text)) return address.text;
  const local = address.text.slice(0, address.text.lastIndexOf('@'));
  return ascii.test(local) ? `${local}@${address.domain}` : undefined;
}

/** `path` from pathText, or `` for the null reverse-path. Ends in CRLF. */
export function mailCommand(
  path: string,
  transaction: Transaction,
  offered: Extensions,
  facts: MailFacts,
): string {
  let line = `MAIL FROM:<${path}>`;
  if (offered.size) line += ` SIZE=${facts.size}`;
  if (offered.eightBitMime && (facts.eightBit || transaction.body === '8bitmime')) line += ' BODY=8BITMIME';
  if (facts.utf8) line += ' SMTPUTF8';
  if (offered.dsn && transaction.ret !== undefined) line += ` RET=${transaction.ret.toUpperCase()}`;
  if (offered.dsn && transaction.envid !== undefined) line += ` ENVID=${encodeXtext(transaction.envid)}`;
  if (offered.requireTls && transaction.requireTls) line += ' REQUIRETLS';
  return `${line}\r\n`;
}

export function rcptCommand(path: string, recipient: Recipient, offered: Extensions): string {
  let line = `RCPT TO:<${path}>`;
  if (offered.dsn && recipient.notify !== undefined) line += ` NOTIFY=${printNotify(recipient.notify)}`;
  if (offered.dsn && recipient.orcpt !== undefined) line += printOrcpt(recipient.orcpt);
  return `${line}\r\n`;
}

/** RFC 3461 §4.1: NEVER stands alone. */
const printNotify = (notify: readonly Notify[]): string =>
  notify.length === 0 || notify.includes('never') ? 'NEVER' : notify.join(',').toUpperCase();

/**
 * RFC 3461 §4.2. Of type utf-8 in the form that needs no SMTPUTF8, utf-8-addr-xtext (RFC 6533 §3): outside of it and
 * outside of `utf-8`, an address that is not ASCII cannot be said, and is left out.
 */
function printOrcpt(orcpt: string): string {
  const at = orcpt.indexOf(';');
  const type = orcpt.slice(0, at);
  const address = orcpt.slice(at + 1);
  if (!/^[A-Za-z0-9-]{1,64}$/.test(type) || address === '') return '';
  if (type.toLowerCase() === 'utf-8') return ` ORCPT=${type};${encodeUtf8Xtext(address)}`;
  return ascii.test(address) ? ` ORCPT=${type};${encodeXtext(address)}` : '';
}
