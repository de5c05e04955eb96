/**
 * protocol/smtp/rcpt-command - the argument of RCPT (RFC 5321 §4.1.1.3) with NOTIFY and ORCPT (RFC 3461 §4.1,
 * §4.2; RFC 6533 §3 for addresses beyond ASCII).
 */
import { type Address, makeAddress } from '../../mail/address.ts';
import { MailError } from '../../mail/condition.ts';
import type { Notify, Recipient } from '../../mail/envelope.ts';
import { badValue, parseParameters, textOf } from './parameters.ts';
import { isAsciiOnly, parseMailbox, splitPath } from './path.ts';
import { decodeUtf8Xtext, decodeXtext, encodeUtf8Xtext, encodeXtext } from './xtext.ts';

export interface RcptContext {
  /** SMTPUTF8 was said at MAIL. */
  readonly smtputf8: boolean;
  /** Where `<postmaster>` without a domain goes (RFC 5321 §4.5.1). */
  readonly postmasterDomain: string;
}

const known: ReadonlySet<string> = new Set(['NOTIFY', 'ORCPT']);
const notifies: ReadonlySet<string> = new Set(['never', 'success', 'failure', 'delay']);

/** `argument` is what follows `RCPT `. Throws MailError with the reply to give. */
export function parseRcpt(argument: string, context: RcptContext): Recipient {
  const to = /^TO:(.*)$/i.exec(argument)?.[1];
  const split = to === undefined ? undefined : splitPath(to);
  if (split === undefined) {
    throw new MailError('never', 'badSyntax', { text: 'Syntax: RCPT TO:<address> [parameters]' });
  }
  const parameters = parseParameters(split.parameters, known);
  const address = recipientOf(split.path, context);
  const notify = notifyOf(textOf(parameters, 'NOTIFY'));
  const orcpt = orcptOf(textOf(parameters, 'ORCPT'), context.smtputf8);
  return {
    address,
    ...(notify === undefined ? {} : { notify }),
    ...(orcpt === undefined ? {} : { orcpt }),
  };
}

function recipientOf(path: string, context: RcptContext): Address {
  if (path.toLowerCase() === 'postmaster') return makeAddress(path, context.postmasterDomain);
  if (!context.smtputf8 && !isAsciiOnly(path)) {
    throw new MailError('never', 'needsUtf8', { text: 'SMTPUTF8 is needed' });
  }
  const address = parseMailbox(path);
  if (address === undefined) throw new MailError('never', 'badAddress');
  return address;
}

function notifyOf(text: string | undefined): Notify[] | undefined {
  if (text === undefined) return undefined;
  const words = text.toLowerCase().split(',');
  const valid = words.every((word): word is Notify => notifies.has(word));
  if (!valid || new Set(words).size !== words.length) {
    throw badValue('NOTIFY must be NEVER, or some of SUCCESS, FAILURE, DELAY');
  }
  if (words.includes('never') && words.length > 1) throw badValue('NOTIFY=NEVER stands alone');
  return words;
}

/** RFC 3461 §4.2: `addr-type;xtext`, at most 500 characters. */
function orcptOf(text: string | undefined, smtputf8: boolean): string | undefined {
  if (text === undefined) return undefined;
  const match = /^([A-Za-z0-9][A-Za-z0-9-]*);(.+)$/.exec(text);
  const [, type = '', value = ''] = match ?? [];
  const utf8 = type.toLowerCase() === 'utf-8';
  const readable = match !== null && text.length <= 500 && (smtputf8 || isAsciiOnly(value));
  const decoded = !readable ? undefined : utf8 ? decodeUtf8Xtext(value) : decodeXtext(value);
  if (decoded === undefined) throw badValue('ORCPT must be a type, a semicolon and xtext');
  return `${type.toLowerCase()};${decoded}`;
}

/** The command line without CRLF, for a peer that announced DSN where `notify` or `orcpt` are given. */
export function printRcpt(recipient: Recipient): string {
  const words = [`RCPT TO:<${recipient.address.text}>`];
  if (recipient.notify !== undefined) words.push(`NOTIFY=${recipient.notify.join(',').toUpperCase()}`);
  if (recipient.orcpt !== undefined) words.push(`ORCPT=${printOrcpt(recipient.orcpt)}`);
  return words.join(' ');
}

function printOrcpt(orcpt: string): string {
  const at = orcpt.indexOf(';');
  const type = orcpt.slice(0, at);
  const value = orcpt.slice(at + 1);
  return `${type};${type === 'utf-8' ? encodeUtf8Xtext(value) : encodeXtext(value)}`;
}
