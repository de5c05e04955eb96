/**
 * protocol/managesieve/respond - what a ManageSieve server says (RFC 5804 §1.2, §1.3, §1.7 and §4).
 *
 * Strings are UTF-8, quoted where they may be and a literal `{n}` otherwise; n counts octets.
 */

/** RFC 5804 §1.3. */
export type ResponseCode =
  | 'AUTH-TOO-WEAK'
  | 'ENCRYPT-NEEDED'
  | 'QUOTA'
  | 'QUOTA/MAXSCRIPTS'
  | 'QUOTA/MAXSIZE'
  | 'TRANSITION-NEEDED'
  | 'TRYLATER'
  | 'ACTIVE'
  | 'NONEXISTENT'
  | 'ALREADYEXISTS'
  | 'WARNINGS'
  | { readonly name: 'TAG' | 'SASL' | 'REFERRAL'; readonly value: string | Buffer };

export interface Said {
  readonly code?: ResponseCode;
  /** For people; may have several lines. */
  readonly text?: string;
}

/** RFC 5804 §4, quoted: what is longer is a literal. */
const longestQuoted = 1024;
const quotable = /^[^\0\r\n]*$/;

export function string(value: string | Buffer): Buffer {
  const octets = typeof value === 'string' ? Buffer.from(value) : value;
  const text = octets.toString('latin1');
  if (octets.length <= longestQuoted && quotable.test(text))
    return Buffer.from(`"${text.replace(/["\\]/g, '\\$&')}"`, 'latin1');
  return Buffer.concat([Buffer.from(`{${octets.length}}\r\n`), octets]);
}

export const response = (status: 'OK' | 'NO' | 'BYE', said: Said = {}): Buffer =>
  line(
    status,
    ...(said.code === undefined ? [] : [code(said.code)]),
    ...(said.text === undefined || said.text === '' ? [] : [string(said.text)]),
  );

/** A challenge of AUTHENTICATE (RFC 5804 §2.1). */
export const challenge = (octets: Uint8Array): Buffer => line(string(asBase64(octets)));

/** What a mechanism says last, with its success (RFC 5804 §2.1). */
export const saslOk = (octets: Uint8Array): ResponseCode => ({ name: 'SASL', value: asBase64(octets) });

/** A line of LISTSCRIPTS (RFC 5804 §2.7). */
export const scriptEntry = (name: string, isActive: boolean): Buffer =>
  isActive ? line(string(name), 'ACTIVE') : line(string(name));

/** What GETSCRIPT is answered with, before OK (RFC 5804 §2.9). */
export const scriptContent = (octets: Buffer): Buffer =>
  line(Buffer.concat([Buffer.from(`{${octets.length}}\r\n`), octets]));

export interface Capabilities {
  readonly implementation: string;
  /** Extensions of Sieve. */
  readonly sieve: readonly string[];
  /** SASL mechanisms permitted now. */
  readonly mechanisms: readonly string[];
  readonly starttls: boolean;
  readonly maxRedirects?: number;
  /** URI schemes of notification methods. */
  readonly notify?: readonly string[];
  /** Who is logged in. */
  readonly owner?: string;
}

/** The lines of CAPABILITY (RFC 5804 §1.7); VERSION 1.0 says that CHECKSCRIPT, NOOP and RENAMESCRIPT are there. */
export function capabilities(announced: Capabilities): Buffer {
  const { maxRedirects, notify = [], owner } = announced;
  const lines: (readonly [name: string, value?: string])[] = [
    ['IMPLEMENTATION', announced.implementation],
    ['SIEVE', announced.sieve.join(' ')],
    ['SASL', announced.mechanisms.join(' ')],
  ];
  if (announced.starttls) lines.push(['STARTTLS']);
  if (notify.length > 0) lines.push(['NOTIFY', notify.join(' ')]);
  if (maxRedirects !== undefined) lines.push(['MAXREDIRECTS', String(maxRedirects)]);
  if (owner !== undefined) lines.push(['OWNER', owner]);
  lines.push(['UNAUTHENTICATE'], ['VERSION', '1.0']);
  return Buffer.concat(
    lines.map(([name, value]) =>
      value === undefined ? line(string(name)) : line(string(name), string(value)),
    ),
  );
}

const code = (said: ResponseCode): Buffer =>
  typeof said === 'string'
    ? Buffer.from(`(${said})`)
    : Buffer.concat([Buffer.from(`(${said.name} `), string(said.value), Buffer.from(')')]);

const asBase64 = (octets: Uint8Array): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('base64');

function line(...words: readonly (string | Buffer)[]): Buffer {
  const pieces = words.flatMap((word, index) => [
    Buffer.from(index === 0 ? '' : ' '),
    Buffer.from(word as string),
  ]);
  return Buffer.concat([...pieces, Buffer.from('\r\n')]);
}
