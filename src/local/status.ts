/**
 * local/status - how delivery ended for one recipient, in replies of mail/condition.
 */
import { type ConditionName, MailError, replyFor } from '../mail/condition.ts';
import type { DeliveryStatus } from '../mail/delivery.ts';
import type { Reply } from '../mail/reply.ts';
import { AccountExists } from '../ports/accounts.ts';
import { DirectoryUnready } from '../ports/directory.ts';
import { MailboxGone, MessageTooBig, OverQuota, StoreAway, StoreFull } from '../ports/messages.ts';
import { NoInbox } from './folders.ts';
import type { LocalPolicy } from './options.ts';

export const delivered: DeliveryStatus = {
  outcome: 'delivered',
  reply: { code: 250, enhanced: '2.0.0', lines: ['Delivered'] },
  final: true,
};

export const statusOf = (reply: Reply): DeliveryStatus => ({
  outcome: reply.code >= 500 ? 'failed' : reply.code >= 400 ? 'later' : 'delivered',
  reply,
});

const status = (
  outcome: 'later' | 'failed',
  condition: ConditionName,
  destinationDown = false,
): DeliveryStatus => ({
  outcome,
  reply: replyFor(outcome === 'later' ? 'later' : 'never', condition),
  ...(destinationDown ? { destinationDown } : {}),
});

export const stopped = status('later', 'shuttingDown');

/** undefined: it is no trouble we know; the log should have it. Nothing that is not known to last is final. */
export function knownTrouble(error: unknown, policy: LocalPolicy): DeliveryStatus | undefined {
  if (error instanceof OverQuota)
    return status(policy.overQuota === 'never' ? 'failed' : 'later', 'mailboxFull');
  if (error instanceof MessageTooBig) return status('failed', 'messageTooBig');
  if (error instanceof StoreFull) return status('later', 'systemFull', true);
  if (error instanceof StoreAway) return status('later', 'localError', true);
  if (error instanceof DirectoryUnready) return status('later', 'directoryTrouble', true);
  // Another person's account has the name: somebody has to decide.
  if (error instanceof AccountExists) return status('later', 'ambiguousMailbox');
  // Removed while we delivered: at the next try the address is asked about anew.
  if (error instanceof MailboxGone || error instanceof NoInbox) return status('later', 'mailboxDisabled');
  // The spool does not take what a script sends.
  if (error instanceof MailError) return { outcome: 'later', reply: replyFor('later', error.condition) };
  return undefined;
}

export const unknownTrouble = status('later', 'localError');
