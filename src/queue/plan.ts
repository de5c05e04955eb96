/**
 * queue/plan - from decisions to transactions with next hops. Pure.
 *
 * Recipients of one message go together when next hop, return path and header changes are the same; nobody sees
 * recipients that go another way.
 */
import type { Address } from '../mail/address.ts';
import { needsSmtpUtf8 } from '../mail/address.ts';
import type { Recipient, Transaction } from '../mail/envelope.ts';
import { type Because, type Copy, type NextHop, nextHopKey } from '../mail/route.ts';
import type { SpooledMessage, SpooledRecipient } from './rows.ts';

/** One copy for one recipient row. */
export interface PlannedCopy {
  readonly recipient: SpooledRecipient;
  readonly copy: Copy;
  readonly because: Because;
}

export interface Task {
  /** The next hop's key. */
  readonly key: string;
  readonly nextHop: NextHop;
  readonly message: SpooledMessage;
  readonly copies: readonly PlannedCopy[];
  /** How many rows it has. */
  readonly recipients: number;
  /** The worker's claim id under which the rows were claimed. */
  readonly claimedBy: number;
}

/** What a message's planned copies become, at most `most` recipients in each transaction. */
export function planTasks(
  message: SpooledMessage,
  copies: readonly PlannedCopy[],
  claimedBy: number,
  most: number,
): Task[] {
  const [only] = copies;
  if (only && copies.length === 1) return [task(message, copies, only, claimedBy)];
  const groups = Map.groupBy(copies, ({ copy, recipient }) =>
    JSON.stringify([
      nextHopKey(copy.nextHop),
      senderOf(message, recipient, copy)?.text ?? '',
      copy.addHeaders,
      copy.removeHeaders,
      isListMember(recipient),
    ]),
  );
  return [...groups.values()].flatMap((group) => {
    const tasks: Task[] = [];
    for (let at = 0; at < group.length; at += most) {
      const part = group.slice(at, at + most);
      if (part[0]) tasks.push(task(message, part, part[0], claimedBy));
    }
    return tasks;
  });
}

const task = (
  message: SpooledMessage,
  copies: readonly PlannedCopy[],
  { copy }: PlannedCopy,
  claimedBy: number,
): Task => ({
  key: nextHopKey(copy.nextHop),
  nextHop: copy.nextHop,
  message,
  copies,
  recipients: copies.length,
  claimedBy,
});

/** Reports about it go to somebody of its own: the group is a mailing list (RFC 5321 §3.9.2), and its mail is the list's. */
const isListMember = (recipient: SpooledRecipient): boolean => recipient.reportTo !== undefined;

/** The return path of a copy. A report's stays `<>`, whatever groups and rules say: no report may beget one. */
export function senderOf(message: SpooledMessage, recipient: SpooledRecipient, copy: Copy): Address | null {
  if (message.transaction.sender === null) return null;
  if (copy.sender !== undefined) return copy.sender;
  if (recipient.reportTo !== undefined) return recipient.reportTo;
  return message.transaction.sender;
}

/** MAIL FROM of a task. A list's members are not told of the wishes of whoever wrote to the list (RFC 3461 §5.2.7.1). */
export function transactionFor({ message, copies }: Task): Transaction {
  const [first] = copies;
  if (!first) return message.transaction;
  const { ret, envid, ...rest } = message.transaction;
  const sender = senderOf(message, first.recipient, first.copy);
  if (isListMember(first.recipient)) return { ...rest, sender };
  return { ...message.transaction, sender };
}

/** RCPT TO of a copy, with ORCPT when the address was rewritten on the way and the client gave none (RFC 3461 §5.2.1). */
export function recipientFor({ recipient, copy }: PlannedCopy): Recipient {
  if (isListMember(recipient)) return { address: copy.recipient };
  const { address, notify, orcpt } = recipient.recipient;
  const rewritten = address.text !== copy.recipient.text;
  const original = orcpt ?? (rewritten ? originalRecipient(address) : undefined);
  const wishes = copy.purpose === 'delivery' ? notify : (['never'] as const);
  return {
    address: copy.recipient,
    ...(wishes === undefined ? {} : { notify: wishes }),
    ...(original === undefined ? {} : { orcpt: original }),
  };
}

/** RFC 6533 §3 for addresses beyond ASCII. */
export const originalRecipient = (address: Address): string =>
  `${needsSmtpUtf8(address) ? 'utf-8' : 'rfc822'};${address.text}`;
