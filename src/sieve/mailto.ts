/**
 * sieve/mailto - notification methods that are `mailto:` URIs (RFC 5436, RFC 6068).
 */
import { decodeOctets } from '../protocol/sieve/octets.ts';
import { parseAddressList, parseOneAddress, printListed } from './message/addresses.ts';
import { isFieldName } from './message/header.ts';

export interface Mailto {
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly bcc: readonly string[];
  readonly subject?: string;
  readonly body?: string;
  /** Others, names as written; those that RFC 5436 §2.3 reserves are left out. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

export type MailtoResult =
  | { readonly mailto: Mailto; readonly warnings: readonly string[] }
  | { readonly wrong: string };

const recipientLimit = 8;
const fieldLimit = 32;

/** Fields that a notification sets itself, or that would make it another message (RFC 5436 §2.3). */
const reserved = new Set([
  'date',
  'message-id',
  'from',
  'sender',
  'reply-to',
  'auto-submitted',
  'received',
  'return-path',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'resent-date',
  'resent-from',
  'resent-sender',
  'resent-to',
  'resent-cc',
  'resent-bcc',
  'resent-msg-id',
  'dkim-signature',
  'in-reply-to',
  'references',
]);

export const isMailto = (uri: string): boolean => /^mailto:/i.test(uri);

export function parseMailto(uri: string): MailtoResult {
  const [before = '', ...after] = uri.slice('mailto:'.length).split('?');
  if (after.length > 1) return { wrong: "a second '?' stands in the mailto URI" };
  const lists: Record<'to' | 'cc' | 'bcc', string[]> = { to: [], cc: [], bcc: [] };
  const fields: [string, string][] = [];
  const warnings: string[] = [];
  let subject: string | undefined;
  let body: string | undefined;
  if (/[\s<>"]|%(?![0-9A-Fa-f]{2})/.test(uri))
    return { wrong: 'the mailto URI holds characters that are to be written as %XX' };
  const headers = after[0] === undefined ? [] : after[0].split('&').filter((one) => one !== '');
  const recipients: ['to' | 'cc' | 'bcc', string][] = listed(percentDecode(before)).map((one) => ['to', one]);
  for (const header of headers) {
    const equals = header.indexOf('=');
    const name = equals < 0 ? '' : percentDecode(header.slice(0, equals));
    const key = name.toLowerCase();
    const value = percentDecode(header.slice(equals + 1));
    if (!isFieldName(name))
      return { wrong: `"${name.slice(0, 40)}" in the mailto URI is no name of a header field` };
    if (key === 'to' || key === 'cc' || key === 'bcc')
      recipients.push(...listed(value).map((one): ['to' | 'cc' | 'bcc', string] => [key, one]));
    else if (key === 'subject') subject ??= value;
    else if (key === 'body') body ??= value;
    else if (reserved.has(key))
      warnings.push(`the header field ${name} cannot be set by a mailto URI: it is left out`);
    else if (fields.length < fieldLimit) fields.push([name, value]);
  }
  for (const [list, text] of recipients) {
    if (text.trim() === '') continue;
    const parsed = parseOneAddress(text);
    if ('wrong' in parsed) return { wrong: `recipient ${parsed.wrong}` };
    const address = printListed(parsed);
    if (Object.values(lists).some((all) => all.some((one) => one.toLowerCase() === address.toLowerCase()))) {
      warnings.push(`the recipient ${address} stands twice in the mailto URI`);
    } else lists[list].push(address);
  }
  const count = lists.to.length + lists.cc.length + lists.bcc.length;
  if (count === 0) warnings.push('the mailto URI names no recipient');
  if (count > recipientLimit)
    return { wrong: `the mailto URI has ${count} recipients, ${recipientLimit} are permitted` };
  return {
    mailto: {
      ...lists,
      ...(subject === undefined ? {} : { subject }),
      ...(body === undefined ? {} : { body }),
      fields,
    },
    warnings,
  };
}

/** Entries of an address list, as text. An encoded comma parts them too (RFC 2368 §2). */
const listed = (text: string): string[] =>
  parseAddressList(text).map((one) => ('bad' in one ? one.bad : printListed(one)));

function percentDecode(text: string): string {
  const latin = Buffer.from(text, 'utf8').toString('latin1');
  const octets = latin.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return decodeOctets(Buffer.from(octets, 'latin1'));
}
