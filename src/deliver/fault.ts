/**
 * deliver/fault - what can go wrong with a peer, and what it means for recipients.
 */
import { type ConditionName, conditions, replyFor } from '../mail/condition.ts';
import type { DeliveryStatus, Peer } from '../mail/delivery.ts';
import { isPositive, isTransient, printReply, type Reply } from '../mail/reply.ts';

/**
 * connect: no connection. timeout: the peer is too slow. closed: it hung up. garbage: it does not speak SMTP.
 * tls: the TLS policy cannot be met. login: it does not take our credentials. refused: it said no to the connection.
 * cut: we stopped (abort, or the attempt took too long).
 */
export type FaultKind = 'connect' | 'timeout' | 'closed' | 'garbage' | 'tls' | 'login' | 'refused' | 'cut';

/** The conversation with this peer is over. */
export class PeerFault extends Error {
  override readonly name = 'PeerFault';
  readonly kind: FaultKind;
  /** What the peer said, if it said something. */
  readonly reply: Reply | undefined;

  constructor(kind: FaultKind, message: string, reply?: Reply) {
    super(message);
    this.kind = kind;
    this.reply = reply;
  }
}

const conditionOf: Readonly<Record<FaultKind, ConditionName>> = {
  connect: 'noAnswer',
  timeout: 'badConnection',
  closed: 'badConnection',
  garbage: 'badConnection',
  tls: 'tlsTrouble',
  login: 'authenticationRequired',
  refused: 'noAnswer',
  cut: 'expired',
};

/** Faults that say something of the destination, whatever the message. */
const destinationFaults: ReadonlySet<FaultKind> = new Set(['connect', 'tls', 'login', 'refused']);

/** The connection never stood; of a site of the operator's, or of a mail exchanger of somebody else's. */
export type BeforeMail = 'site' | 'mx';

/** The status of recipients for whom the peer gave no answer of their own. */
export function statusOfFault(fault: PeerFault, peer: Peer, beforeMail?: BeforeMail): DeliveryStatus {
  const destinationDown =
    destinationFaults.has(fault.kind) || (beforeMail !== undefined && fault.kind !== 'cut');
  const flags = destinationDown ? { destinationDown } : {};
  if (fault.reply?.code === 521 && beforeMail === 'mx') {
    // RFC 7504 §3: the host never takes mail. Other hosts of the destination may. A site is there to take mail: what
    // says so in its place is a mistake, and mail waits until somebody has mended it.
    return { outcome: 'failed', reply: fault.reply, peer };
  }
  if (fault.reply && isTransient(fault.reply)) {
    return { outcome: 'later', reply: fault.reply, peer, ...flags, ...greylist(fault.reply) };
  }
  const said = fault.reply ? `: ${printReply(fault.reply)}` : '';
  const where = `${peer.host}[${peer.ip}]:${peer.port}`;
  return {
    outcome: 'later',
    reply: replyFor('later', conditionOf[fault.kind], `${where}: ${fault.message}${said}`),
    ...(fault.kind === 'connect' ? {} : { peer }),
    ...flags,
  };
}

/** The status that a peer's reply to MAIL, RCPT, DATA or the message gives; `taken` is what a good one means. */
export function statusOfReply(
  reply: Reply,
  peer: Peer,
  taken: Pick<DeliveryStatus, 'dsnTakenOver' | 'final'> = {},
): DeliveryStatus {
  if (isPositive(reply)) return { outcome: 'delivered', reply, peer, ...taken };
  if (isTransient(reply)) return { outcome: 'later', reply, peer, ...greylist(reply) };
  return { outcome: 'failed', reply, peer };
}

/** Our own verdict, where no peer was asked or the peer cannot take this message. */
export function ourStatus(
  outcome: 'later' | 'failed',
  condition: ConditionName,
  text?: string,
  peer?: Peer,
): DeliveryStatus {
  const reply = replyFor(
    outcome === 'later' ? 'later' : 'never',
    condition,
    text ?? conditions[condition].text,
  );
  return { outcome, reply, ...(peer ? { peer } : {}) };
}

/** Greylisting has no code of its own: 450 or 451 with 4.7.1 is its habit, or the text says so. */
export function isGreylisting(reply: Reply): boolean {
  if (!isTransient(reply)) return false;
  if ((reply.code === 450 || reply.code === 451) && reply.enhanced === '4.7.1') return true;
  return reply.lines.some((line) => /gr[ae]y-?\s?list/i.test(line));
}

const greylist = (reply: Reply): { readonly greylisted?: boolean } =>
  isGreylisting(reply) ? { greylisted: true } : {};
