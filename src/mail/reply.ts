/**
 * mail/reply - what one SMTP or LMTP server says to a command (RFC 5321 §4.2, RFC 2034).
 */

export interface Reply {
  /** Three digits; the first one is the verdict: 2 yes, 4 later, 5 never. */
  readonly code: number;
  /** `class.subject.detail` of RFC 3463, without text; undefined when the peer gave none. */
  readonly enhanced?: string;
  /** One or more lines, without codes. */
  readonly lines: readonly string[];
}

export const isPositive = (reply: Reply): boolean => reply.code >= 200 && reply.code < 400;
export const isTransient = (reply: Reply): boolean => reply.code >= 400 && reply.code < 500;
export const isPermanent = (reply: Reply): boolean => reply.code >= 500;

/** One line, for logs, traces and DSN diagnostic codes: `550 5.1.1 Mailbox unknown`. */
export const printReply = (reply: Reply): string =>
  [String(reply.code), reply.enhanced, reply.lines.join(' ')]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');

/** The reply that a printed line says: an operator's `550 5.7.1 Not here` in a rule. */
export function parseReply(text: string): Reply | undefined {
  const match = /^([245]\d\d)(?:[ -]([245]\.\d{1,3}\.\d{1,3}))?(?: (.*))?$/.exec(text.trim());
  if (!match) return undefined;
  const [, code, enhanced, words] = match;
  return { code: Number(code), ...(enhanced === undefined ? {} : { enhanced }), lines: [words ?? ''] };
}
