/**
 * queue/outcome - what follows from how an attempt ended: the row's next state, the trace row, and a report if one
 * is owed. Pure; settle.ts writes it down.
 *
 * Whose business reports are: the sender's, or for a list's members whom the group says; nobody's for additional
 * copies, and nobody's for a report from `<>` (RFC 3464 §2). NOTIFY is honoured (RFC 3461 §4.1, §5.2).
 */
import type { Address } from '../mail/address.ts';
import { printPath, sameAddress } from '../mail/address.ts';
import { replyFor } from '../mail/condition.ts';
import type { DeliveryStatus, Peer } from '../mail/delivery.ts';
import type { Notify } from '../mail/envelope.ts';
import { printReply, type Reply } from '../mail/reply.ts';
import type { Because } from '../mail/route.ts';
import { readAddress, type SpooledMessage, type SpooledRecipient } from './rows.ts';
import { isExpired, isWarningDue, nextTry, type RetryPolicy } from './schedule.ts';
import { type StoredTraceRow, told } from './trace-rows.ts';

/** The next state of a recipient's row. */
export type RowChange =
  | { readonly to: 'done' }
  | {
      readonly to: 'due';
      readonly dueAt: Date;
      readonly attempts: number;
      readonly nextHop: string;
      readonly stalled: boolean;
      readonly warned: boolean;
      readonly reply?: string;
      readonly peer?: string;
      readonly because?: Because;
    }
  | { readonly to: 'held'; readonly reason: string; readonly because: Because }
  /** The claim is given up, nothing was tried. */
  | { readonly to: 'back'; readonly nextHop: string };

export type ReportAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';

/** One recipient's part of a report. */
export interface ReportEntry {
  readonly to: Address;
  readonly action: ReportAction;
  readonly recipient: Address;
  readonly orcpt?: string;
  readonly reply: Reply;
  readonly peer?: Peer;
  readonly at: Date;
  readonly retryUntil?: Date;
}

export interface Settlement {
  readonly message: SpooledMessage;
  readonly slot: string;
  readonly claimedBy: number;
  readonly change: RowChange;
  readonly trace?: StoredTraceRow;
  readonly report?: ReportEntry;
}

export interface Subject {
  readonly message: SpooledMessage;
  readonly recipient: SpooledRecipient;
  readonly claimedBy: number;
}

export interface Attempt {
  readonly nextHop: string;
  /** The address at the next hop. */
  readonly address: Address;
  readonly because: Because;
  readonly durationMs: number;
}

export interface OutcomePolicy extends RetryPolicy {
  /** Where failures of reports of our own are told; undefined: only in the trace. */
  readonly doubleBounces?: string;
}

export interface Judging {
  readonly policy: OutcomePolicy;
  readonly now: Date;
  readonly random: () => number;
}

export function concludeAttempt(
  subject: Subject,
  attempt: Attempt,
  status: DeliveryStatus,
  judging: Judging,
): Settlement {
  if (status.outcome === 'delivered') return delivered(subject, attempt, status, judging);
  if (status.outcome === 'failed') return failed(subject, { ...status, attempt }, judging);
  return deferred(subject, { ...status, attempt }, judging);
}

/** RFC 3464 §2.3.3: `delivered` where the message is at its end; who only took it over has it `relayed`. */
function delivered(subject: Subject, attempt: Attempt, status: DeliveryStatus, judging: Judging): Settlement {
  const { recipient } = subject;
  const report =
    wants(recipient, 'success') && !status.dsnTakenOver
      ? entry(subject, { action: status.final ? 'delivered' : 'relayed', ...status }, judging)
      : undefined;
  return settlement(
    subject,
    { to: 'done' },
    told({
      ...about(subject, judging),
      event: 'delivered',
      because: attempt.because,
      detail: attemptDetail(subject, attempt, status),
    }),
    report,
  );
}

export interface Trouble {
  readonly reply: Reply;
  readonly peer?: Peer;
  readonly attempt?: Attempt;
  readonly because?: Because;
  readonly greylisted?: boolean;
  readonly destinationDown?: boolean;
  /** The trouble is our own: not tried, and again after so many milliseconds. */
  readonly pause?: number;
  /** The decision's next hop where nothing was tried. */
  readonly nextHop?: string;
}

export function failed(subject: Subject, trouble: Trouble, judging: Judging): Settlement {
  const owed = wants(subject.recipient, 'failure') || isOurReport(subject.message);
  const report = owed ? entry(subject, { action: 'failed', ...trouble }, judging) : undefined;
  return settlement(
    subject,
    { to: 'done' },
    told({
      ...about(subject, judging),
      event: 'failed',
      because: trouble.because ?? trouble.attempt?.because ?? [],
      detail: troubleDetail(subject, trouble),
    }),
    report,
  );
}

export function deferred(subject: Subject, trouble: Trouble, judging: Judging): Settlement {
  const { message, recipient } = subject;
  const { now, policy, random } = judging;
  const attempts = recipient.attempts + (trouble.pause === undefined ? 1 : 0);
  const waiting = {
    attempts,
    greylisted: trouble.greylisted === true,
    receivedAt: message.receivedAt,
    expiresAt: message.expiresAt,
    warned: recipient.warned,
  };
  if (isExpired(message, now)) return expired(subject, trouble, judging);
  const warn = isWarningDue(waiting, policy, now);
  const report =
    warn && wants(recipient, 'delay')
      ? entry(subject, { action: 'delayed', ...trouble }, judging)
      : undefined;
  const dueAt =
    trouble.pause === undefined
      ? nextTry({ ...waiting, warned: recipient.warned || warn }, policy, now, random)
      : new Date(Math.min(now.getTime() + trouble.pause * (1 + random()), message.expiresAt.getTime()));
  const nextHop = trouble.nextHop ?? trouble.attempt?.nextHop ?? recipient.nextHop;
  const because = trouble.because ?? trouble.attempt?.because ?? [];
  const change: RowChange = {
    to: 'due',
    dueAt,
    attempts,
    nextHop,
    stalled: trouble.destinationDown === true,
    warned: recipient.warned || warn,
    reply: printReply(trouble.reply),
    ...(trouble.peer === undefined ? {} : { peer: trouble.peer.host }),
    because,
  };
  const detail = { ...troubleDetail(subject, trouble), dueAt };
  return settlement(
    subject,
    change,
    told({ ...about(subject, judging), event: 'deferred', because, detail }),
    report,
  );
}

/** The last reply is part of what people are told: it says why there was no delivery in all that time. */
function expired(subject: Subject, trouble: Trouble, judging: Judging): Settlement {
  const { code, enhanced, lines } = replyFor('never', 'expired');
  const last = `${lines.join(' ')}; the last answer was: ${printReply(trouble.reply)}`;
  return failed(
    subject,
    { ...trouble, reply: { code, ...(enhanced ? { enhanced } : {}), lines: [last] } },
    judging,
  );
}

export function held(subject: Subject, reason: string, because: Because, judging: Judging): Settlement {
  const row = told({ ...about(subject, judging), event: 'held', because, detail: { reason } });
  return settlement(subject, { to: 'held', reason, because }, row, undefined);
}

export const givenBack = (subject: Subject, nextHop: string): Settlement =>
  settlement(subject, { to: 'back', nextHop }, undefined, undefined);

export interface Expanded {
  readonly because: Because;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** The group's own row is done when its members have theirs. */
export function expanded(subject: Subject, { because, detail }: Expanded, judging: Judging): Settlement {
  const report = wants(subject.recipient, 'success')
    ? entry(
        subject,
        { action: 'expanded', reply: { code: 250, enhanced: '2.0.0', lines: ['Sent on to the members'] } },
        judging,
      )
    : undefined;
  const row = told({ ...about(subject, judging), event: 'expanded', because, detail });
  return settlement(subject, { to: 'done' }, row, report);
}

/** An absent NOTIFY means failure and delay (RFC 3461 §4.1). */
export function wants(recipient: SpooledRecipient, what: Exclude<Notify, 'never'>): boolean {
  if (recipient.purpose !== 'delivery') return false;
  // The wishes came with the message to the list, not from whoever gets the list's reports.
  const notify = recipient.reportTo === undefined ? recipient.recipient.notify : undefined;
  return notify === undefined ? what !== 'success' : notify.includes(what);
}

const isOurReport = (message: SpooledMessage): boolean =>
  message.transaction.sender === null && message.client.protocol === 'local';

/** `listener` of the client of a report that tells of another report: its end is told to nobody, whoever it is sent on to. */
export const doubleBounceListener = 'doubleBounces';

function reportTarget(
  { message, recipient }: Subject,
  action: ReportAction,
  policy: OutcomePolicy,
): Address | undefined {
  if (message.transaction.sender !== null) {
    return recipient.reportTo === undefined ? message.transaction.sender : (recipient.reportTo ?? undefined);
  }
  const { doubleBounces } = policy;
  if (action !== 'failed' || !isOurReport(message) || doubleBounces === undefined) return undefined;
  if (message.client.listener === doubleBounceListener) return undefined;
  const to = readAddress(doubleBounces);
  return sameAddress(recipient.recipient.address, to) ? undefined : to;
}

interface EntryFacts {
  readonly action: ReportAction;
  readonly reply: Reply;
  readonly peer?: Peer;
}

function entry(subject: Subject, facts: EntryFacts, judging: Judging): ReportEntry | undefined {
  const to = reportTarget(subject, facts.action, judging.policy);
  if (!to) return undefined;
  const { address, orcpt } = subject.recipient.recipient;
  return {
    to,
    action: facts.action,
    recipient: address,
    ...(orcpt === undefined ? {} : { orcpt }),
    reply: facts.reply,
    ...(facts.peer === undefined ? {} : { peer: facts.peer }),
    at: judging.now,
    ...(facts.action === 'delayed' ? { retryUntil: subject.message.expiresAt } : {}),
  };
}

const settlement = (
  subject: Subject,
  change: RowChange,
  trace: StoredTraceRow | undefined,
  report: ReportEntry | undefined,
): Settlement => ({
  message: subject.message,
  slot: subject.recipient.slot,
  claimedBy: subject.claimedBy,
  change,
  ...(trace === undefined ? {} : { trace }),
  ...(report === undefined ? {} : { report }),
});

const about = ({ message, recipient }: Subject, { now }: Judging) => ({
  at: now,
  queueId: message.id,
  recipient: recipient.recipient.address.text,
});

function attemptDetail(
  { recipient }: Subject,
  attempt: Attempt,
  status: { readonly reply: Reply; readonly peer?: Peer },
): Record<string, unknown> {
  const rewritten = attempt.address.text !== recipient.recipient.address.text;
  return {
    nextHop: attempt.nextHop,
    ...(rewritten ? { address: attempt.address.text } : {}),
    ...(recipient.purpose === 'delivery' ? {} : { purpose: recipient.purpose }),
    reply: printReply(status.reply),
    ...(status.peer === undefined ? {} : { peer: status.peer }),
    attempt: recipient.attempts + 1,
    durationMs: attempt.durationMs,
  };
}

const troubleDetail = (subject: Subject, trouble: Trouble): Record<string, unknown> =>
  trouble.attempt
    ? attemptDetail(subject, trouble.attempt, trouble)
    : {
        reply: printReply(trouble.reply),
        ...(trouble.nextHop === undefined ? {} : { nextHop: trouble.nextHop }),
        ...(subject.message.transaction.sender === null ? { sender: printPath(null) } : {}),
      };
