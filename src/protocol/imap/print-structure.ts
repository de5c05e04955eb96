/**
 * protocol/imap/print-structure - ENVELOPE, BODY and BODYSTRUCTURE in IMAP's own notation (RFC 9051 §7.5.2 and §9).
 *
 * The result is an octet string (one character per octet), to be written as latin1. A string is quoted when it may be
 * and a literal otherwise; 8-bit octets may be quoted only when the client has asked for UTF-8 (`utf8`: IMAP4rev2 or
 * UTF8=ACCEPT, RFC 6855 §3) and they are UTF-8.
 *
 * A mailbox or host that the sender left out must not be NIL, which would make it a group's; it is said with the words
 * `MISSING_MAILBOX` and `MISSING_DOMAIN`, which clients know from the most widespread server.
 */
import { isUtf8 } from 'node:buffer';
import type {
  Address,
  Disposition,
  EmbeddedMessage,
  HeaderSummary,
  Mailbox,
  Parameter,
  Part,
} from '../../mail/structure.ts';

export interface PrintOptions {
  /** The client understands UTF-8 in quoted strings. */
  readonly utf8?: boolean;
}

const missingMailbox = 'MISSING_MAILBOX';
const missingHost = 'MISSING_DOMAIN';

export const printEnvelope = (summary: HeaderSummary, options: PrintOptions = {}): string =>
  new Printer(options, true).envelope(summary);

/** With extension data. */
export const printBodyStructure = (root: Part, options: PrintOptions = {}): string =>
  new Printer(options, true).part(root);

/** Without extension data. */
export const printBody = (root: Part, options: PrintOptions = {}): string =>
  new Printer(options, false).part(root);

/** RFC 9051 §9, QUOTED-CHAR: no NUL, CR or LF, nothing beyond ASCII. */
const quotable = /^[\x01-\x09\x0b\x0c\x0e-\x7f]*$/;
/** RFC 9051 §4.3: UTF-8 besides. */
const quotableUtf8 = /^[\x01-\x09\x0b\x0c\x0e-\xff]*$/;

/** A string as quoted string or literal. */
export function printString(value: string, options: PrintOptions = {}): string {
  const isQuotable =
    quotable.test(value) ||
    (options.utf8 === true && quotableUtf8.test(value) && isUtf8(Buffer.from(value, 'latin1')));
  if (isQuotable) return `"${value.replace(/["\\]/g, '\\$&')}"`;
  return `{${value.length}}\r\n${value}`;
}

class Printer {
  readonly #options: PrintOptions;
  readonly #extended: boolean;

  constructor(options: PrintOptions, extended: boolean) {
    this.#options = options;
    this.#extended = extended;
  }

  envelope(summary: HeaderSummary): string {
    const { from } = summary;
    const fields = [
      this.#nstring(summary.date),
      this.#nstring(summary.subject),
      this.#addresses(from),
      this.#addresses(summary.sender ?? from), // "set to be the same as From"
      this.#addresses(summary.replyTo ?? from),
      this.#addresses(summary.to),
      this.#addresses(summary.cc),
      this.#addresses(summary.bcc),
      this.#nstring(summary.inReplyTo),
      this.#nstring(summary.messageId),
    ];
    return `(${fields.join(' ')})`;
  }

  part(part: Part): string {
    return part.kind === 'multipart' ? this.#multipart(part) : this.#single(part);
  }

  #multipart(part: Part & { kind: 'multipart' }): string {
    // The grammar wants at least one part (RFC 9051 §9, body-type-mpart): an empty text stands for none.
    const parts =
      part.parts.length > 0 ? part.parts.map((one) => this.part(one)).join('') : this.#emptyText();
    const extension = this.#extended ? ` ${this.#parameters(part.parameters)}${this.#rest(part)}` : '';
    return `(${parts} ${this.#string(part.subtype)}${extension})`;
  }

  #single(part: Part & { kind: 'leaf' | 'message' }): string {
    const fields = [
      this.#string(part.type),
      this.#string(part.subtype),
      this.#parameters(part.parameters),
      this.#nstring(part.id),
      this.#nstring(part.description),
      this.#string(part.encoding),
      String(part.body.end - part.body.start),
    ];
    if (part.kind === 'message') fields.push(...this.#message(part.message), String(part.lines));
    else if (part.type.toLowerCase() === 'text') fields.push(String(part.lines));
    const extension = this.#extended ? ` ${this.#nstring(part.md5)}${this.#rest(part)}` : '';
    return `(${fields.join(' ')}${extension})`;
  }

  #message(message: EmbeddedMessage | undefined): readonly string[] {
    if (message === undefined) return [this.envelope({}), this.#emptyText()];
    return [this.envelope(message.summary), this.part(message.root)];
  }

  #emptyText(): string {
    const extension = this.#extended ? ' NIL NIL NIL NIL' : '';
    return `("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0${extension})`;
  }

  /** Disposition, language and location. */
  #rest(part: Part): string {
    return ` ${this.#disposition(part.disposition)} ${this.#languages(part.language)} ${this.#nstring(part.location)}`;
  }

  #disposition(disposition: Disposition | undefined): string {
    if (disposition === undefined) return 'NIL';
    return `(${this.#string(disposition.type)} ${this.#parameters(disposition.parameters)})`;
  }

  #languages(languages: readonly string[] | undefined): string {
    if (languages === undefined || languages.length === 0) return 'NIL';
    return `(${languages.map((tag) => this.#string(tag)).join(' ')})`;
  }

  #parameters(parameters: readonly Parameter[]): string {
    if (parameters.length === 0) return 'NIL';
    return `(${parameters.map(({ name, value }) => `${this.#string(name)} ${this.#string(value)}`).join(' ')})`;
  }

  #addresses(list: readonly Address[] | undefined): string {
    if (list === undefined || list.length === 0) return 'NIL';
    return `(${list.map((address) => this.#address(address)).join('')})`;
  }

  /** A group is its name without host, its members, and an end without either (RFC 9051 §7.5.2). */
  #address(address: Address): string {
    if (!('group' in address)) return this.#mailbox(address);
    const members = address.members.map((member) => this.#mailbox(member)).join('');
    return `(NIL NIL ${this.#string(address.group)} NIL)${members}(NIL NIL NIL NIL)`;
  }

  #mailbox({ name, route, mailbox, host }: Mailbox): string {
    const local = this.#string(mailbox || missingMailbox);
    return `(${this.#nstring(name)} ${this.#nstring(route)} ${local} ${this.#string(host || missingHost)})`;
  }

  #nstring(value: string | undefined): string {
    return value === undefined ? 'NIL' : this.#string(value);
  }

  #string(value: string): string {
    return printString(value, this.#options);
  }
}
