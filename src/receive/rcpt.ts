/**
 * receive/rcpt - RCPT (RFC 5321 §4.1.1.3): each recipient is judged while the client still listens.
 *
 * The answer of routing is awaited outside the command, so that recipients sent together are looked up together.
 */

import { unlessAborted } from '../listen/unless-aborted.ts';
import { addressKey } from '../mail/address.ts';
import { asMailError, MailError, replyFor } from '../mail/condition.ts';
import type { Recipient } from '../mail/envelope.ts';
import type { Reply } from '../mail/reply.ts';
import type { Decision } from '../mail/route.ts';
import { DirectoryUnready } from '../ports/directory.ts';
import { parseRcpt } from '../protocol/smtp/rcpt-command.ts';
import type { Connection, Transaction } from './connection.ts';
import { localOf } from './message.ts';
import { replies } from './replies.ts';

export function rcpt(session: Connection, argument: string): void {
  const { transaction } = session;
  if (transaction === undefined) throw new MailError('never', 'badSequence');
  try {
    const recipient = parse(session, transaction, argument);
    session.answerLater(judge(session, transaction, recipient), () => endTooCurious(session));
  } catch (error) {
    // In its turn, behind the answers that are awaited.
    if (session.awaited === 0) throw error;
    session.answerLater(Promise.resolve(asMailError(error).reply), () => session.countError());
  }
}

function parse(session: Connection, transaction: Transaction, argument: string): Recipient {
  const { options } = session.setting;
  // RFC 5321 §4.5.3.1.10
  if (transaction.accepted.length >= options.limits.recipients) {
    throw new MailError('later', 'tooManyRecipients');
  }
  return parseRcpt(argument, {
    smtputf8: transaction.mail.smtputf8,
    postmasterDomain: options.postmasterDomain ?? options.hostname,
  });
}

/** Never rejects. */
async function judge(session: Connection, transaction: Transaction, recipient: Recipient): Promise<Reply> {
  const { routing } = session.setting.deps;
  const { signal } = session;
  const { mail } = transaction;
  try {
    const question = {
      recipient: recipient.address,
      sender: mail.sender,
      client: session.who.client,
      ...(mail.size === undefined ? {} : { size: mail.size }),
    };
    const decision = await unlessAborted(routing.route(question, signal), signal);
    if (decision.verdict === 'refuse' || decision.verdict === 'defer') {
      return refuse(session, transaction, recipient, decision);
    }
    const asked = localOf(session.setting)?.refusal(recipient.address, decision, signal);
    const refusal = asked && (await unlessAborted(asked, signal));
    if (refusal !== undefined) {
      const because = ['local: the mailbox takes no mail'];
      return refuse(session, transaction, recipient, { verdict: 'refuse', reply: refusal, because });
    }
    const key = addressKey(recipient.address);
    transaction.recipients.set(key, recipient);
    transaction.accepted.push(key);
    return replies.recipient;
  } catch (thrown) {
    return cannotTell(session, thrown);
  }
}

function refuse(
  session: Connection,
  transaction: Transaction,
  recipient: Recipient,
  { reply, because }: Extract<Decision, { reply: Reply }>,
): Reply {
  const { deps } = session.setting;
  session.count(reply);
  deps.trace.record({
    at: deps.now(),
    event: 'refused',
    recipient: recipient.address.text,
    because,
    detail: { reply, sender: transaction.mail.sender?.text ?? '', client: session.who.client },
  });
  if (reply.code >= 500) session.refusedRecipients++;
  return reply;
}

/** Somebody who tries out names. */
function endTooCurious(session: Connection): void {
  const { refusedRecipients } = session.setting.options.limits;
  if (refusedRecipients === 0 || session.refusedRecipients <= refusedRecipients || session.who.trusted)
    return;
  session.hangUp(replyFor('later', 'tooManyErrors'));
}

function cannotTell(session: Connection, thrown: unknown): Reply {
  const error =
    thrown instanceof DirectoryUnready
      ? new MailError('later', 'directoryTrouble', { cause: thrown })
      : asMailError(thrown);
  if (!session.signal.aborted) {
    session.setting.log.warn({ ip: session.ip, err: error.cause ?? error }, 'recipient could not be judged');
  }
  session.count(error.reply);
  return error.reply;
}
