/**
 * protocol/dsn/parse - the machine-readable part of a delivery report, read back (RFC 3464 §2, RFC 6533 §4).
 *
 * Reads reports of other systems as well as ours: finds the delivery-status part by its type, at the first level of
 * the multipart. Bounded: what is given is in memory already, and nothing is kept twice.
 */
import { splitTypedAddress, unescapeUnicode } from './fields.ts';

export interface ParsedRecipient {
  readonly original?: string;
  /** Without its type. */
  readonly final: string;
  readonly action: string;
  readonly status: string;
  readonly remoteMta?: string;
  readonly diagnostic?: string;
  readonly lastAttempt?: string;
  readonly willRetryUntil?: string;
}

export interface ParsedReport {
  readonly envid?: string;
  readonly reportingMta?: string;
  readonly arrivalDate?: string;
  readonly recipients: readonly ParsedRecipient[];
  /** Type of the part that gives the message or its header back. */
  readonly returnedType?: string;
  readonly returned?: Buffer;
}

type Fields = ReadonlyMap<string, string>;

/** undefined when `message` is no multipart/report with a delivery status. */
export function parseReport(message: Buffer): ParsedReport | undefined {
  const { fields, rest } = splitHeader(message);
  const type = fields.get('content-type') ?? '';
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (!/^multipart\/report\b/i.test(type) || boundary === undefined) return undefined;
  const parts = splitParts(rest, boundary).map(splitHeader);
  const typeOf = (part: { readonly fields: Fields }): string =>
    (part.fields.get('content-type') ?? 'text/plain').split(';')[0]?.trim().toLowerCase() ?? '';
  const status = parts.find((part) => /^message\/(?:global-)?delivery-status$/.test(typeOf(part)));
  if (!status) return undefined;
  const [perMessage, ...recipients] = status.rest
    .toString('utf8')
    .split(/\r\n\r\n+/)
    .filter((block) => block.trim() !== '')
    .map(parseFields);
  const returned = parts.find((part) =>
    /^(?:message\/(?:rfc822|global|global-headers)|text\/rfc822-headers)$/.test(typeOf(part)),
  );
  return {
    ...optional('envid', perMessage?.get('original-envelope-id')),
    ...optional('reportingMta', perMessage?.get('reporting-mta')),
    ...optional('arrivalDate', perMessage?.get('arrival-date')),
    recipients: recipients.map(parseRecipient),
    ...(returned === undefined ? {} : { returnedType: typeOf(returned), returned: returned.rest }),
  };
}

function parseRecipient(fields: Fields): ParsedRecipient {
  const address = (name: string): string | undefined => {
    const value = fields.get(name);
    if (value === undefined) return undefined;
    const typed = splitTypedAddress(value);
    return typed.type === 'utf-8' ? unescapeUnicode(typed.address) : typed.address;
  };
  return {
    ...optional('original', address('original-recipient')),
    final: address('final-recipient') ?? '',
    action: fields.get('action')?.toLowerCase() ?? '',
    status: fields.get('status') ?? '',
    ...optional('remoteMta', fields.get('remote-mta')),
    ...optional('diagnostic', fields.get('diagnostic-code')),
    ...optional('lastAttempt', fields.get('last-attempt-date')),
    ...optional('willRetryUntil', fields.get('will-retry-until')),
  };
}

const optional = <Name extends string>(name: Name, value: string | undefined): { [key in Name]?: string } =>
  value === undefined ? {} : ({ [name]: value } as { [key in Name]?: string });

function splitHeader(bytes: Buffer): { readonly fields: Fields; readonly rest: Buffer } {
  if (bytes.subarray(0, 2).toString('latin1') === '\r\n')
    return { fields: new Map(), rest: bytes.subarray(2) };
  const end = bytes.indexOf('\r\n\r\n');
  const header = end < 0 ? bytes : bytes.subarray(0, end);
  return {
    fields: parseFields(header.toString('utf8')),
    rest: end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 4),
  };
}

function parseFields(text: string): Fields {
  const fields = new Map<string, string>();
  for (const line of text.replace(/\r\n(?=[ \t])/g, '').split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return fields;
}

function splitParts(body: Buffer, boundary: string): Buffer[] {
  const mark = Buffer.from(`\r\n--${boundary}`);
  const parts: Buffer[] = [];
  const whole = Buffer.concat([Buffer.from('\r\n'), body]);
  for (let at = whole.indexOf(mark); at >= 0; ) {
    const start = at + mark.length;
    if (whole.subarray(start, start + 2).toString('latin1') === '--') break;
    const next = whole.indexOf(mark, start);
    const lineEnd = whole.indexOf('\r\n', start);
    if (lineEnd >= 0)
      parts.push(whole.subarray(lineEnd + 2, next < 0 ? whole.length : Math.max(next, lineEnd + 2)));
    at = next;
  }
  return parts;
}
