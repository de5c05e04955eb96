/**
 * mail/address - a mail address as SMTP says it (RFC 5321 §4.1.2, RFC 6531 §3.3).
 *
 * An Address keeps the text it came with, so that what goes out is what came in,
 * and carries its two halves in the form we compare by. Two addresses are the
 * same person's when their keys are equal: local parts are compared without
 * regard to case, as mail users expect and every directory does, and domains by
 * their A-labels.
 */
import { domainToASCII } from 'node:url';

export interface Address {
  /** As it was written, without angle brackets: what we send on. */
  readonly text: string;
  /** Local part, unquoted, case kept. */
  readonly local: string;
  /** Lower-case A-labels (`xn--…`), or an address literal such as `[192.0.2.1]`. */
  readonly domain: string;
}

/**
 * Octets. RFC 5321 §4.5.3.1 asks us to take 64 of local part and 255 of domain, and permits more: Exchange encloses
 * X.500 addresses of some hundred in local parts (IMCEAEX).
 */
const limits = { local: 1024, domain: 255 } as const;

const atom =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+)*$/u;
const quoted = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e\u0080-\u{10ffff}]|\\[\x20-\x7e])*)"$/u;
const literal = /^\[(?:IPv6:)?[0-9A-Fa-f.:]+\]$/;
const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const ascii = /^[\x00-\x7f]*$/;
/** domainToASCII reads as a URL does: it leaves out tabs, decodes `%2E`, and takes `/` and what follows for no domain. */
const international = /^[A-Za-z0-9_.\u0080-\u{10ffff}-]+$/u;

/** The address in `text`, or undefined where the grammar is not met. No display names, no source routes. */
export function parseAddress(text: string): Address | undefined {
  const at = text.lastIndexOf('@');
  if (at < 1) return undefined;
  const local = parseLocal(text.slice(0, at));
  const domain = parseDomain(text.slice(at + 1));
  if (local === undefined || domain === undefined) return undefined;
  if (Buffer.byteLength(local) > limits.local) return undefined;
  return { text, local, domain };
}

function parseLocal(text: string): string | undefined {
  if (atom.test(text)) return text;
  const inside = quoted.exec(text)?.[1];
  if (inside === undefined) return undefined;
  return inside.replace(/\\(.)/g, '$1');
}

/** A domain in the form we compare by, or undefined. Address literals are kept as they are, in lower case. */
export function parseDomain(text: string): string | undefined {
  if (text.length === 0 || text.length > limits.domain) return undefined;
  if (text.startsWith('[')) return literal.test(text) ? text.toLowerCase() : undefined;
  const domain = ascii.test(text) ? text.toLowerCase() : international.test(text) ? domainToASCII(text) : '';
  if (domain.length === 0 || domain.length > limits.domain) return undefined;
  return domain.split('.').every((part) => label.test(part)) ? domain : undefined;
}

/** The address of `local` at `domain`, the local part quoted where the grammar asks for it. */
export function makeAddress(local: string, domain: string): Address {
  const printed = atom.test(local) ? local : `"${local.replace(/(["\\])/g, '\\$1')}"`;
  return { text: `${printed}@${domain}`, local, domain: parseDomain(domain) ?? domain.toLowerCase() };
}

/** What two spellings of one person's address have in common: the key of indexes. */
export const addressKey = (address: Address): string =>
  `${address.local.normalize('NFC').toLowerCase()}@${address.domain}`;

export const sameAddress = (a: Address, b: Address): boolean => addressKey(a) === addressKey(b);

/** `ada` of `ada+lists`; undefined when there is no detail after `separator` (RFC 5233). */
export function withoutDetail(address: Address, separator = '+'): Address | undefined {
  const at = address.local.indexOf(separator);
  if (at < 1) return undefined;
  return makeAddress(address.local.slice(0, at), address.domain);
}

/**
 * The X.500 address (legacyExchangeDN) that Exchange enclosed in a local part: replies to old messages of people who
 * were moved come so. `IMCEAEX-_o=Contoso_ou=Sales+20Team_cn=ada` is `/o=Contoso/ou=Sales Team/cn=ada`: a slash is an
 * underscore, other special characters are `+` and two hexadecimal digits.
 */
export function enclosedX500(address: Address): string | undefined {
  const inside = /^imceaex-(_.+)$/i.exec(address.local)?.[1];
  return inside
    ?.replaceAll('_', '/')
    .replace(/\+([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** Whether the address can only be sent with SMTPUTF8 (RFC 6531): its local part is not ASCII. */
export const needsSmtpUtf8 = (address: Address): boolean => !ascii.test(address.local);

/** For replies and logs: `<>` for the null reverse-path. */
export const printPath = (address: Address | null): string => (address === null ? '<>' : `<${address.text}>`);
