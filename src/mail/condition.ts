/**
 * mail/condition - every reason for which we say no, in one table.
 *
 * `later` is said when the condition may pass, `never` when it will not; the
 * class digit of the enhanced code follows from the verdict, so the two cannot
 * disagree. Codes: RFC 5321 §4.2.3, RFC 3463, RFC 7504, RFC 8689, and the IANA
 * registry of enhanced status codes.
 */
import type { Reply } from './reply.ts';

interface Condition {
  readonly later: number;
  readonly never: number;
  readonly detail: `${number}.${number}`;
  readonly text: string;
}

export const conditions = {
  unknownMailbox: { later: 450, never: 550, detail: '1.1', text: 'Mailbox unknown' },
  badDestination: { later: 450, never: 550, detail: '1.2', text: 'Bad destination system address' },
  badAddress: { later: 450, never: 553, detail: '1.3', text: 'Bad address syntax' },
  ambiguousMailbox: { later: 451, never: 550, detail: '1.4', text: 'Mailbox ambiguous' },
  badSender: { later: 450, never: 553, detail: '1.7', text: 'Bad sender address syntax' },
  nullMx: { later: 450, never: 556, detail: '1.10', text: 'Recipient domain does not accept mail' },
  mailboxDisabled: { later: 450, never: 550, detail: '2.1', text: 'Mailbox disabled' },
  mailboxFull: { later: 452, never: 552, detail: '2.2', text: 'Mailbox full' },
  messageTooBig: { later: 452, never: 552, detail: '3.4', text: 'Message too big' },
  groupTrouble: { later: 450, never: 550, detail: '2.4', text: 'Group cannot be expanded' },
  localError: { later: 451, never: 554, detail: '3.0', text: 'Mail system trouble' },
  systemFull: { later: 452, never: 552, detail: '3.1', text: 'Mail system full' },
  shuttingDown: { later: 421, never: 521, detail: '3.2', text: 'Service shutting down' },
  noRoute: { later: 451, never: 554, detail: '4.4', text: 'No way to the destination' },
  noAnswer: { later: 451, never: 554, detail: '4.1', text: 'No answer from the destination' },
  badConnection: { later: 451, never: 554, detail: '4.2', text: 'Bad connection' },
  directoryTrouble: { later: 451, never: 554, detail: '4.3', text: 'Directory trouble' },
  loop: { later: 451, never: 554, detail: '4.6', text: 'Mail loop detected' },
  expired: { later: 451, never: 554, detail: '4.7', text: 'Delivery time expired' },
  badCommand: { later: 450, never: 500, detail: '5.1', text: 'Command not understood' },
  badSequence: { later: 450, never: 503, detail: '5.1', text: 'Bad sequence of commands' },
  badSyntax: { later: 450, never: 501, detail: '5.2', text: 'Syntax error' },
  tooManyRecipients: { later: 452, never: 552, detail: '5.3', text: 'Too many recipients' },
  badParameter: { later: 450, never: 555, detail: '5.4', text: 'Parameter not supported' },
  notSupported: { later: 450, never: 502, detail: '5.1', text: 'Command not supported' },
  badLineEnding: { later: 450, never: 554, detail: '6.0', text: 'Bare CR or LF in the message' },
  lineTooLong: { later: 450, never: 500, detail: '5.2', text: 'Line too long' },
  badContent: { later: 450, never: 554, detail: '6.0', text: 'Message content not accepted' },
  needs8bit: { later: 450, never: 554, detail: '6.3', text: 'Conversion required but not supported' },
  needsUtf8: { later: 450, never: 553, detail: '6.7', text: 'Non-ASCII addresses not permitted there' },
  refused: { later: 450, never: 550, detail: '7.1', text: 'Refused' },
  relayDenied: { later: 450, never: 550, detail: '7.1', text: 'Relaying denied' },
  authenticationRequired: { later: 450, never: 530, detail: '7.0', text: 'Authentication required' },
  tlsRequired: { later: 450, never: 530, detail: '7.0', text: 'Must issue STARTTLS first' },
  tlsTrouble: { later: 454, never: 554, detail: '7.5', text: 'TLS trouble' },
  requireTlsFailed: { later: 450, never: 550, detail: '7.30', text: 'REQUIRETLS support required' },
  tooManyConnections: { later: 421, never: 521, detail: '7.0', text: 'Too many connections' },
  tooManyErrors: { later: 421, never: 521, detail: '7.0', text: 'Too many errors' },
  tooFast: { later: 450, never: 550, detail: '7.1', text: 'Too fast, slow down' },
  timedOut: { later: 421, never: 521, detail: '4.2', text: 'Time-out' },
} as const satisfies Record<string, Condition>;

export type ConditionName = keyof typeof conditions;
export type Verdict = 'later' | 'never';

/** The reply for a condition; `text` may say more, and must be fit for strangers' eyes. */
export function replyFor(verdict: Verdict, name: ConditionName, text?: string): Reply {
  const condition: Condition = conditions[name];
  return {
    code: condition[verdict],
    enhanced: `${verdict === 'later' ? 4 : 5}.${condition.detail}`,
    lines: [text ?? condition.text],
  };
}

export interface MailErrorDetail {
  /** Said to the client instead of the condition's own text. */
  readonly text?: string;
  /** A reply given by the operator or by a peer, said as it is. */
  readonly reply?: Reply;
  /** For our log. */
  readonly cause?: unknown;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Thrown to say a condition to the client. The client sees `reply` and nothing else; `cause` and `facts` are for our log. */
export class MailError extends Error {
  readonly verdict: Verdict;
  readonly condition: ConditionName;
  readonly reply: Reply;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(verdict: Verdict, condition: ConditionName, detail: MailErrorDetail = {}) {
    super(detail.text ?? conditions[condition].text, { cause: detail.cause });
    this.name = 'MailError';
    this.verdict = verdict;
    this.condition = condition;
    this.reply = detail.reply ?? replyFor(verdict, condition, detail.text);
    this.facts = detail.facts ?? {};
  }
}

/** Whatever was thrown, the client is told one of our conditions. */
export const asMailError = (thrown: unknown): MailError =>
  thrown instanceof MailError ? thrown : new MailError('later', 'localError', { cause: thrown });
