/**
 * protocol/smtp/mail-command - the argument of MAIL (RFC 5321 §4.1.1.2) with SIZE (RFC 1870), BODY (RFC 6152),
 * SMTPUTF8 (RFC 6531), RET and ENVID (RFC 3461), REQUIRETLS (RFC 8689) and AUTH (RFC 4954 §5, read and ignored).
 */
import type { Address } from '../../mail/address.ts';
import { MailError } from '../../mail/condition.ts';
import type { BodyType, Transaction } from '../../mail/envelope.ts';
import { badValue, flag, type Parameters, parseParameters, textOf } from './parameters.ts';
import { isAsciiOnly, parseMailbox, splitPath } from './path.ts';
import { decodeXtext, encodeXtext } from './xtext.ts';

export interface MailCommand extends Transaction {
  /** What the client says the message has, octets (RFC 1870). */
  readonly size?: number;
}

const known: ReadonlySet<string> = new Set([
  'SIZE',
  'BODY',
  'SMTPUTF8',
  'RET',
  'ENVID',
  'REQUIRETLS',
  'AUTH',
]);

/** `argument` is what follows `MAIL `. Throws MailError with the reply to give. */
export function parseMail(argument: string): MailCommand {
  const from = /^FROM:(.*)$/i.exec(argument)?.[1];
  const split = from === undefined ? undefined : splitPath(from);
  if (split === undefined) {
    throw new MailError('never', 'badSyntax', { text: 'Syntax: MAIL FROM:<address> [parameters]' });
  }
  const parameters = parseParameters(split.parameters, known);
  const smtputf8 = flag(parameters, 'SMTPUTF8');
  const size = sizeOf(parameters);
  const ret = retOf(parameters);
  const envid = envidOf(parameters);
  return {
    sender: senderOf(split.path, smtputf8),
    body: bodyOf(parameters),
    smtputf8,
    requireTls: flag(parameters, 'REQUIRETLS'),
    ...(ret === undefined ? {} : { ret }),
    ...(envid === undefined ? {} : { envid }),
    ...(size === undefined ? {} : { size }),
  };
}

function senderOf(path: string, smtputf8: boolean): Address | null {
  if (path === '') return null;
  if (!smtputf8 && !isAsciiOnly(path))
    throw new MailError('never', 'needsUtf8', { text: 'SMTPUTF8 is needed' });
  const sender = parseMailbox(path);
  if (sender === undefined) throw new MailError('never', 'badSender');
  return sender;
}

function sizeOf(parameters: Parameters): number | undefined {
  const text = textOf(parameters, 'SIZE');
  if (text === undefined) return undefined;
  if (!/^\d{1,20}$/.test(text)) throw badValue('SIZE must be a number');
  return Number(text);
}

function bodyOf(parameters: Parameters): BodyType {
  const text = textOf(parameters, 'BODY')?.toLowerCase() ?? '7bit';
  if (text !== '7bit' && text !== '8bitmime') throw badValue('BODY must be 7BIT or 8BITMIME');
  return text;
}

function retOf(parameters: Parameters): 'full' | 'hdrs' | undefined {
  const text = textOf(parameters, 'RET')?.toLowerCase();
  if (text === undefined || text === 'full' || text === 'hdrs') return text;
  throw badValue('RET must be FULL or HDRS');
}

/** RFC 3461 §4.4: at most 100 characters, xtext. */
function envidOf(parameters: Parameters): string | undefined {
  const text = textOf(parameters, 'ENVID');
  if (text === undefined) return undefined;
  const decoded = text.length <= 100 ? decodeXtext(text) : undefined;
  if (decoded === undefined) throw badValue('ENVID must be xtext of at most 100 characters');
  return decoded;
}

/** The command line without CRLF, for a peer that announced all that is used. */
export function printMail(mail: MailCommand): string {
  const words = [`MAIL FROM:<${mail.sender?.text ?? ''}>`];
  if (mail.size !== undefined) words.push(`SIZE=${mail.size}`);
  if (mail.body !== '7bit') words.push(`BODY=${mail.body.toUpperCase()}`);
  if (mail.smtputf8) words.push('SMTPUTF8');
  if (mail.requireTls) words.push('REQUIRETLS');
  if (mail.ret !== undefined) words.push(`RET=${mail.ret.toUpperCase()}`);
  if (mail.envid !== undefined) words.push(`ENVID=${encodeXtext(mail.envid)}`);
  return words.join(' ');
}
