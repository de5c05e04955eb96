/**
 * protocol/pop3/respond - what a POP3 server says, apart from messages (RFC 1939, 2449, 3206, 5034, 6856).
 *
 * A response is one line of at most 512 octets (RFC 2449 §4); texts are made to fit: control characters become spaces,
 * and no text can be taken for a response code.
 */

/** RFC 2449 §8.1, RFC 3206 §4, RFC 6856 §5. */
export type ResponseCode = 'LOGIN-DELAY' | 'IN-USE' | 'SYS/TEMP' | 'SYS/PERM' | 'AUTH' | 'UTF8';

const longest = 512;

export const ok = (text: string): string => statusLine('+OK', clean(text));

export const err = (text: string, code?: ResponseCode): string =>
  statusLine('-ERR', code === undefined ? clean(text) : `[${code}] ${clean(text)}`);

/** A SASL challenge (RFC 5034 §4); its length is the mechanism's affair. */
export const challenge = (octets: Uint8Array): string =>
  `+ ${Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('base64')}\r\n`;

/** A line that stands in a list: none of ours begins with a dot, so that none needs stuffing. */
export const listed = (...words: readonly (string | number)[]): string => `${words.join(' ')}\r\n`;

export const endOfList = '.\r\n';

export interface Capabilities {
  readonly stls?: boolean;
  /** USER and PASS are permitted now. */
  readonly user?: boolean;
  /** SASL mechanisms permitted now. */
  readonly mechanisms?: readonly string[];
  readonly implementation?: string;
  /** Seconds between logins. */
  readonly loginDelay?: number;
}

/** The whole answer to CAPA (RFC 2449 §5 and §6; STLS: RFC 2595 §4; SASL: RFC 5034 §3; UTF8 and LANG: RFC 6856). */
export function capabilities(announced: Capabilities): string {
  const { stls, user, mechanisms = [], implementation, loginDelay = 0 } = announced;
  const lines = [
    'TOP',
    'UIDL',
    'RESP-CODES',
    'AUTH-RESP-CODE',
    'PIPELINING',
    'EXPIRE NEVER',
    'UTF8 USER',
    'LANG',
    ...(loginDelay > 0 ? [`LOGIN-DELAY ${loginDelay}`] : []),
    ...(stls === true ? ['STLS'] : []),
    ...(user === true ? ['USER'] : []),
    ...(mechanisms.length > 0 ? [`SASL ${mechanisms.join(' ')}`] : []),
    ...(implementation === undefined ? [] : [`IMPLEMENTATION ${clean(implementation)}`]),
  ];
  return `${ok('Capabilities follow')}${lines.map((line) => listed(line)).join('')}${endOfList}`;
}

/** RFC 1939 §7, UIDL: one to seventy characters from 0x21 to 0x7E. */
export const isUniqueId = (text: string): boolean => /^[\x21-\x7e]{1,70}$/.test(text);

/** Ours: never given twice within a mailbox, since a UID never is within its UIDVALIDITY (RFC 9051 §2.3.1.1). */
export const uniqueId = (uidValidity: number, uid: number): string => `${uidValidity}.${uid}`;

function clean(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]+/g, ' ').trim();
  return plain.startsWith('[') ? `(${plain.slice(1)}` : plain;
}

function statusLine(status: '+OK' | '-ERR', text: string): string {
  const line = text === '' ? status : `${status} ${text}`;
  return `${line.slice(0, longest - 2)}\r\n`;
}
