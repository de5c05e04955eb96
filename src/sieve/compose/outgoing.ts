/**
 * sieve/compose/outgoing - a message that a script's action makes, as bytes for the spool.
 */
import { encodeOctets } from '../../protocol/sieve/octets.ts';
import { parseOneAddress, printListed } from '../message/addresses.ts';
import { decodeWords, encodeWords } from '../message/encoded-word.ts';

export interface Outgoing {
  /** Reverse-path; '' is null. */
  readonly from: string;
  readonly to: readonly string[];
  /** CRLF lines. */
  readonly content: Buffer;
}

/** What tells new messages apart and dates them. */
export interface Origin {
  readonly now: Date;
  /** Our host name, for Message-ID and reports. */
  readonly hostname: string;
  /** Text that no other message has. */
  readonly unique: () => string;
}

/** `Wed, 25 Nov 2026 04:00:00 +0000` (RFC 5322 §3.3). */
export const printDate = (date: Date): string => date.toUTCString().replace('GMT', '+0000');

/** Characters of a subject of ours. */
const subjectLimit = 256;

/** A header field of our making; values are one line each. Encoded words that came so are read first. */
export const field = (name: string, value: string): string =>
  `${name}: ${encodeWords(decodeWords(value.replace(/[\r\n]+[ \t]*/g, ' ').trim()))}\r\n`;

export function subjectField(text: string): string {
  const characters = [...decodeWords(text.replace(/\s+/g, ' '))];
  const short =
    characters.length > subjectLimit
      ? `${characters.slice(0, subjectLimit - 1).join('')}…`
      : characters.join('');
  return field('Subject', short);
}

/** A mailbox as header fields have it: the display name quoted or encoded, the address as it is. */
export function printMailbox(name: string, address: string): string {
  const plain = decodeWords(name.replace(/[\r\n\0]+/g, ' ')).trim();
  if (plain === '') return `<${address}>`;
  if (!/^[\x20-\x7e]*$/.test(plain)) return `${encodeWords(plain)} <${address}>`;
  return `"${plain.replace(/["\\]/g, '\\$&')}" <${address}>`;
}

/** The field of one address as a script wrote it; what is no address is text. */
export function addressField(name: string, text: string): string {
  const parsed = parseOneAddress(text);
  if ('wrong' in parsed) return field(name, text);
  if (/^[\x20-\x7e]*$/.test(text) && !text.includes('=?')) return `${name}: ${text.trim()}\r\n`;
  return `${name}: ${printMailbox(parsed.name, printListed(parsed))}\r\n`;
}

export const originFields = (origin: Origin): string =>
  `Date: ${printDate(origin.now)}\r\nMessage-ID: <${origin.unique()}@${origin.hostname}>\r\n`;

/** Header text and body, lines ended by CRLF. */
export const compose = (header: string, body: string): Buffer =>
  encodeOctets(`${header}\r\n${body.replace(/\r?\n/g, '\r\n')}${/\n$/.test(body) ? '' : '\r\n'}`);

/** MIME fields for a text body. */
export const textFields = (body: string): string =>
  `MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ${
    /^[\x00-\x7f]*$/.test(body) ? '7bit' : '8bit'
  }\r\n`;
