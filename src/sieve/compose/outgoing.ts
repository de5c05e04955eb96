/**
 * sieve/compose/outgoing - a message that a script's action makes, as bytes for the spool.
 */
import { isAscii } from 'node:buffer';
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
  `${name}: ${encodeWords(decodeWords(value.replace(/[\r\n]+[ \t]*/g, ' ').trim()).replace(/[\x00-\x08\x0a-\x1f\x7f]+/g, ' '))}\r\n`;

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
  const plain = decodeWords(name)
    .replace(/[\x00-\x1f\x7f]+/g, ' ')
    .trim();
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

/**
 * Header text and body, lines ended by CRLF. Whatever a script put in, no bare CR or LF and no NUL goes out: peers would
 * refuse it, or read something else (SMTP smuggling).
 */
export function compose(header: string, body: string): Buffer {
  const text = withLines(body);
  const top = withLines(header.replace(/\r(?!\n)/g, ' '));
  return encodeOctets(`${top}\r\n${text}${text.endsWith('\n') ? '' : '\r\n'}`);
}

const withLines = (text: string): string => text.replaceAll('\0', '').replace(/\r\n|\r|\n/g, '\r\n');

/** RFC 5322 §2.1.1 permits 998; a script's text knows no limit. */
const lineLimit = 990;

/** MIME fields and body of a text, encoded where its lines are too long for mail. */
export function textEntity(text: string): { readonly fields: string; readonly body: string } {
  const lines = withLines(text);
  const long = lines.split('\r\n').some((line) => Buffer.byteLength(line) > lineLimit);
  const encoding = long ? 'base64' : isAscii(Buffer.from(lines)) ? '7bit' : '8bit';
  return {
    fields: `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n`,
    body: long
      ? `${encodeOctets(lines)
          .toString('base64')
          .replace(/.{76}(?=.)/g, '$&\r\n')}\r\n`
      : lines,
  };
}

/** A whole message with a text body. */
export function composeText(header: string, text: string): Buffer {
  const { fields, body } = textEntity(text);
  return compose(`${header}MIME-Version: 1.0\r\n${fields}`, body);
}
