/**
 * mail/structure - what a message is made of: a tree of parts, and the summary of a header.
 *
 * The values are what IMAP tells of a message (RFC 9051 §7.5.2, ENVELOPE and BODYSTRUCTURE) and where each part lies.
 * Strings are octet strings: one character per octet of the message, U+0000 never. What is in 8-bit stays as it came;
 * nothing is decoded. Absent is NIL.
 *
 * Plain data; computed by protocol/mime/structure, kept as text by protocol/mime/stored-structure.
 */

/** Octets of the message from `start` on, up to and without `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One mailbox (RFC 5322 §3.4). Quoting is removed; what the sender left out is the empty string. */
export interface Mailbox {
  readonly name?: string;
  /** The obsolete source route, `@a,@b`. */
  readonly route?: string;
  readonly mailbox: string;
  readonly host: string;
}

export interface Group {
  readonly group: string;
  readonly members: readonly Mailbox[];
}

export type Address = Mailbox | Group;

/** The header summary: IMAP's ENVELOPE. */
export interface HeaderSummary {
  readonly date?: string;
  readonly subject?: string;
  readonly from?: readonly Address[];
  /** Only when the field is there with an address; IMAP says `from` where it is not. */
  readonly sender?: readonly Address[];
  /** As `sender`. */
  readonly replyTo?: readonly Address[];
  readonly to?: readonly Address[];
  readonly cc?: readonly Address[];
  readonly bcc?: readonly Address[];
  readonly inReplyTo?: string;
  readonly messageId?: string;
}

export interface Parameter {
  readonly name: string;
  readonly value: string;
}

export interface Disposition {
  readonly type: string;
  readonly parameters: readonly Parameter[];
}

/** What the content fields of one part say (RFC 2045), with their defaults. */
export interface ContentFields {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly Parameter[];
  readonly encoding: string;
  readonly id?: string;
  readonly description?: string;
  readonly md5?: string;
  readonly disposition?: Disposition;
  readonly language?: readonly string[];
  readonly location?: string;
}

export interface PartPlace {
  /** The header section with the empty line that ends it. */
  readonly header: Span;
  /** The content; the line end before a boundary belongs to the boundary (RFC 2046 §5.1.1). */
  readonly body: Span;
  /** Line ends in the content. */
  readonly lines: number;
}

export interface Leaf extends ContentFields, PartPlace {
  readonly kind: 'leaf';
}

/** A multipart. No parts: its boundary never came, or it lies deeper than we look. */
export interface Multipart extends ContentFields, PartPlace {
  readonly kind: 'multipart';
  readonly parts: readonly Part[];
}

/** message/rfc822 or message/global: its content is a message. */
export interface MessagePart extends ContentFields, PartPlace {
  readonly kind: 'message';
  /** Absent: it lies deeper than we look. */
  readonly message?: EmbeddedMessage;
}

export type Part = Leaf | Multipart | MessagePart;

export interface EmbeddedMessage {
  readonly summary: HeaderSummary;
  /** The message as a part: its header is the message's own. */
  readonly root: Part;
}

/** A whole message. */
export interface MessageStructure extends EmbeddedMessage {
  /** RFC822.SIZE. */
  readonly size: number;
}
