/**
 * sieve/compose/outgoing - a message that a script's action makes, as bytes for the spool.
 */
import { encodeOctets } from '../../protocol/sieve/octets.ts';
import { encodeWords } from '../message/encoded-word.ts';

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

/** A header field of our making; values are one line each. */
export const field = (name: string, value: string): string =>
  `${name}: ${encodeWords(value.replace(/[\r\n]+[ \t]*/g, ' ').trim())}\r\n`;

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
