/**
 * mail/content - what a message is, learned once while it streams in.
 */

/** Facts about a message's bytes; computed by protocol/mime/scan. */
export interface ContentFacts {
  /** Octets as received, CRLF lines, without dot-stuffing and without our own trace header. */
  readonly size: number;
  /** Some octet has its high bit set: 8BITMIME is needed to send it on (RFC 6152). */
  readonly eightBit: boolean;
  /** Some octet of the header section has its high bit set: SMTPUTF8 is needed (RFC 6532). */
  readonly utf8Header: boolean;
  /** Longest line in octets, CRLF not counted. RFC 5321 §4.5.3.1.6 permits 998. */
  readonly longestLine: number;
  /** Number of Received fields: the hop count (RFC 5321 §6.3). */
  readonly hops: number;
  /** How many of the Received fields were written by this installation (`by` one of our names with our mark). */
  readonly ownHops: number;
  /** Sites through which our own earlier Received fields say that the message went, oldest last. */
  readonly sitesSeen: readonly string[];
  /** Message-ID with its angle brackets, at most 998 octets; undefined when there is none. */
  readonly messageId?: string;
  /** Subject is never kept: the trace holds no content. */
}

/** Header fields for rules: names in lower case, values unfolded, in order. Bounded by configuration. */
export type HeaderFields = ReadonlyMap<string, readonly string[]>;
