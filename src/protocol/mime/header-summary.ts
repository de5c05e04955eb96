/**
 * protocol/mime/header-summary - from header fields to the values of ENVELOPE and BODYSTRUCTURE (RFC 9051 §7.5.2).
 *
 * Of a field that may come only once the first counts; address fields that come again are one list (RFC 5322 §4.5
 * permits them to come again). In Subject, Content-Description and names runs of white space are one space, because
 * what is between the words of a folded field is the folder's, not the author's.
 */
import type { Address, ContentFields, HeaderSummary } from '../../mail/structure.ts';
import { parseAddressList } from './address-list.ts';
import { parseContentType, parseDisposition, parseLanguages, parseToken } from './content-fields.ts';
import type { Allowance, Fields } from './header.ts';
import { trimSpace } from './lexer.ts';

/** Fields a part's own header is asked for. */
export const contentFieldNames: ReadonlySet<string> = new Set([
  'content-type',
  'content-transfer-encoding',
  'content-id',
  'content-description',
  'content-disposition',
  'content-md5',
  'content-language',
  'content-location',
]);

/** Fields the header of a message is asked for. */
export const messageFieldNames: ReadonlySet<string> = new Set([
  ...contentFieldNames,
  'date',
  'subject',
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'bcc',
  'in-reply-to',
  'message-id',
]);

/** Only what is there: an absent property is NIL. */
function present<T extends object>(properties: { [K in keyof T]: T[K] | undefined }): T {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(properties)) if (value !== undefined) out[name] = value;
  return out as T;
}

const trimmed = (value: string | undefined): string | undefined =>
  value === undefined ? undefined : trimSpace(value);

const text = (value: string | undefined): string | undefined => trimmed(value?.replace(/[ \t]+/g, ' '));

export function summarise(fields: Fields, allowance: Allowance): HeaderSummary {
  const first = (name: string): string | undefined => trimmed(fields.get(name)?.[0]);
  const addresses = (name: string): readonly Address[] | undefined => {
    const values = fields.get(name);
    return values === undefined ? undefined : parseAddressList(values.join(','), allowance);
  };
  return present<HeaderSummary>({
    date: first('date'),
    subject: text(first('subject')),
    from: addresses('from'),
    sender: addresses('sender'),
    replyTo: addresses('reply-to'),
    to: addresses('to'),
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    inReplyTo: first('in-reply-to'),
    messageId: first('message-id'),
  });
}

/** `inDigest`: the part stands in a multipart/digest, where the default is a message (RFC 2046 §5.1.5). */
export function describeContent(fields: Fields, inDigest: boolean, allowance: Allowance): ContentFields {
  const first = (name: string): string | undefined => trimmed(fields.get(name)?.[0]);
  const value = <T>(name: string, parse: (value: string, allowance: Allowance) => T): T | undefined => {
    const field = first(name);
    return field === undefined ? undefined : parse(field, allowance);
  };
  const type = value('content-type', parseContentType) ?? defaultType(inDigest);
  return present<ContentFields>({
    type: type.type,
    subtype: type.subtype,
    parameters: withCharset(type.type, type.parameters),
    encoding: value('content-transfer-encoding', parseToken) ?? '7bit', // RFC 2045 §6.1
    id: first('content-id'),
    description: text(first('content-description')),
    md5: first('content-md5'),
    disposition: value('content-disposition', parseDisposition),
    language: value('content-language', parseLanguages),
    location: first('content-location'),
  });
}

const defaultType = (inDigest: boolean): Pick<ContentFields, 'type' | 'subtype' | 'parameters'> =>
  inDigest
    ? { type: 'message', subtype: 'rfc822', parameters: [] }
    : { type: 'text', subtype: 'plain', parameters: [] };

/** Text that names no charset is in US-ASCII (RFC 2046 §4.1.2), and is told so, since clients look for it. */
function withCharset(type: string, parameters: ContentFields['parameters']): ContentFields['parameters'] {
  if (type.toLowerCase() !== 'text') return parameters;
  if (parameters.some(({ name }) => /^charset\*?$/i.test(name))) return parameters;
  return [...parameters, { name: 'charset', value: 'us-ascii' }];
}
