/**
 * protocol/dsn/report - a delivery status notification, printed (RFC 3464, RFC 3461 §6, RFC 6522, RFC 6533).
 *
 * Three parts: words for people (words.ts), fields for programs, and what is given back of the message. A report
 * that may hold UTF-8 uses the types of RFC 6533 where it needs them; any other is made of ASCII but for a returned
 * message that was not.
 */
import type { Address } from '../../mail/address.ts';
import type { Peer } from '../../mail/delivery.ts';
import { printReply, type Reply } from '../../mail/reply.ts';
import {
  asciiOnly,
  field,
  isAscii,
  oneLine,
  printDate,
  printTypedAddress,
  splitTypedAddress,
  statusOf,
} from './fields.ts';
import { subjectOf, wordsFor } from './words.ts';

export type ReportAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';

export interface ReportedRecipient {
  /** The envelope recipient as we had it. */
  readonly recipient: Address;
  /** ORCPT, decoded, `type;address`. */
  readonly orcpt?: string;
  readonly action: ReportAction;
  readonly reply: Reply;
  /** Who said so; absent when it was ourselves. */
  readonly peer?: Peer;
  /** The last attempt. */
  readonly at: Date;
  readonly retryUntil?: Date;
}

/** What is given back of the message that the report is about. */
export interface Returned {
  readonly bytes: Uint8Array;
  /** The whole message, or its header section. */
  readonly full: boolean;
  /** Some octet has its high bit set; in the header section. */
  readonly eightBit: boolean;
  readonly utf8Header: boolean;
}

export interface Report {
  /** Name of the system that reports. */
  readonly mta: string;
  /** `Name <address>` or an address, for From. */
  readonly from: string;
  readonly to: Address;
  readonly messageId: string;
  readonly date: Date;
  /** Occurs nowhere in what is returned. */
  readonly boundary: string;
  /** Whether UTF-8 may be used: the message it is about came with SMTPUTF8. */
  readonly utf8: boolean;
  readonly envid?: string;
  readonly arrival?: Date;
  /** Message-ID of the message it is about. */
  readonly about?: string;
  /** One at least, all of one kind. */
  readonly recipients: readonly ReportedRecipient[];
  readonly returned?: Returned;
}

/** The report as a message, CRLF lines. */
export function printReport(report: Report): Buffer {
  const parts = [
    headerOf(report),
    `--${report.boundary}\r\n${textPart(report)}`,
    `\r\n--${report.boundary}\r\n${statusPart(report)}`,
  ];
  const end = `\r\n--${report.boundary}--\r\n`;
  if (!report.returned) return Buffer.from(parts.join('') + end);
  const head = `\r\n--${report.boundary}\r\n${returnedHead(report.returned)}\r\n`;
  return Buffer.concat([Buffer.from(parts.join('') + head), report.returned.bytes, Buffer.from(end)]);
}

function headerOf(report: Report): string {
  const about =
    report.about !== undefined && /^<[\x21-\x7e]{1,900}>$/.test(report.about) ? report.about : undefined;
  return [
    field('Date', printDate(report.date)),
    field('From', report.from),
    field('To', `<${oneLine(headerAddress(report.to))}>`),
    field('Subject', subjectOf(report.recipients)),
    field('Message-ID', report.messageId),
    about === undefined ? '' : field('References', about),
    field('Auto-Submitted', 'auto-replied'), // RFC 3834 §5
    'MIME-Version: 1.0\r\n',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${report.boundary}"\r\n`,
    '\r\n',
    'This is a delivery report in MIME format.\r\n\r\n',
  ].join('');
}

/** In ASCII where the local part is: then the header, and the report with it, needs no SMTPUTF8. */
const headerAddress = ({ text, domain }: Address): string => {
  const local = text.slice(0, text.lastIndexOf('@'));
  return isAscii(text) || !isAscii(local) ? text : `${local}@${domain}`;
};

function textPart(report: Report): string {
  const text = wordsFor(report);
  const ascii = isAscii(text.replaceAll('\r\n', ''));
  const coding = ascii ? '7bit' : report.utf8 ? '8bit' : 'quoted-printable';
  return [
    `Content-Type: text/plain; charset=${ascii ? 'us-ascii' : 'utf-8'}\r\n`,
    `Content-Transfer-Encoding: ${coding}\r\n\r\n`,
    coding === 'quoted-printable' ? quotedPrintable(text) : text,
  ].join('');
}

function statusPart(report: Report): string {
  const print = (name: string, value: string): string => field(name, report.utf8 ? value : asciiOnly(value));
  const perMessage = [
    // RFC 3464 §2.2.1: as the sender gave it.
    report.envid === undefined ? '' : print('Original-Envelope-Id', report.envid),
    print('Reporting-MTA', `dns; ${report.mta}`),
    report.arrival === undefined ? '' : print('Arrival-Date', printDate(report.arrival)),
  ].join('');
  const blocks = report.recipients.map((one) => recipientBlock(one, report.utf8, print));
  const body = [perMessage, ...blocks].join('\r\n');
  const global = !isAscii(body.replaceAll('\r\n', ''));
  return [
    `Content-Type: message/${global ? 'global-delivery-status' : 'delivery-status'}\r\n`,
    global ? 'Content-Transfer-Encoding: 8bit\r\n' : '',
    '\r\n',
    body,
  ].join('');
}

function recipientBlock(
  one: ReportedRecipient,
  utf8: boolean,
  print: (name: string, value: string) => string,
): string {
  const original = one.orcpt === undefined ? undefined : splitTypedAddress(one.orcpt);
  return [
    original === undefined
      ? ''
      : print('Original-Recipient', printTypedAddress(original.type, original.address, utf8)),
    print('Final-Recipient', printTypedAddress('rfc822', one.recipient.text, utf8)),
    print('Action', one.action),
    print('Status', statusOf(one.action, one.reply)),
    one.peer === undefined ? '' : print('Remote-MTA', `dns; ${one.peer.host}`),
    // RFC 3464 §2.3.6: smtp is what a peer said; what we say ourselves has another type.
    print('Diagnostic-Code', `${one.peer === undefined ? 'x-isthmus' : 'smtp'}; ${printReply(one.reply)}`),
    print('Last-Attempt-Date', printDate(one.at)),
    one.retryUntil === undefined ? '' : print('Will-Retry-Until', printDate(one.retryUntil)),
  ].join('');
}

/** RFC 6533 §6 for header sections in UTF-8; RFC 6522 §3 for the others. */
function returnedHead({ full, eightBit, utf8Header }: Returned): string {
  const type = full
    ? utf8Header
      ? 'message/global'
      : 'message/rfc822'
    : utf8Header
      ? 'message/global-headers'
      : 'text/rfc822-headers';
  const coding = eightBit ? 'Content-Transfer-Encoding: 8bit\r\n' : '';
  return `Content-Type: ${type}\r\n${coding}`;
}

/** RFC 2045 §6.7, for text with CRLF lines. */
function quotedPrintable(text: string): string {
  return text
    .split('\r\n')
    .map((line) => {
      const octets = [...Buffer.from(line)].map((octet) =>
        octet === 0x3d || octet < 0x20 || octet > 0x7e
          ? `=${octet.toString(16).toUpperCase().padStart(2, '0')}`
          : String.fromCharCode(octet),
      );
      const lines: string[] = [];
      let current = '';
      for (const octet of octets) {
        if (current.length + octet.length > 75) {
          lines.push(`${current}=`);
          current = '';
        }
        current += octet;
      }
      lines.push(current.replace(/ $/, '=20'));
      return lines.join('\r\n');
    })
    .join('\r\n');
}
