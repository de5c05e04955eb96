/**
 * deliver/fitness - whether a peer can take a message as it is, before anything is said.
 *
 * What a peer does not offer is never silently dropped: 8-bit content (RFC 6152 §3), SMTPUTF8 (RFC 6531 §3.2),
 * REQUIRETLS (RFC 8689 §4.2.1), its own size limit (RFC 1870 §6.1). Another host of the same destination may offer it,
 * so an unfit peer is passed over, and its verdict stands only where no other host gave a better one.
 */
import type { DeliveryStatus } from '../mail/delivery.ts';
import type { Recipient } from '../mail/envelope.ts';
import type { DeliveryTask } from '../ports/delivery-agent.ts';
import { type MailFacts, pathText } from '../protocol/smtp/client-commands.ts';
import type { Connection } from './connection.ts';
import { ourStatus } from './fault.ts';

export interface Fitness {
  readonly facts: MailFacts;
  /** MAIL FROM, as it can be said. */
  readonly senderPath: string;
}

/** How to say the message to this peer, or why it cannot be said to anyone there. */
export function fitnessOf(
  task: DeliveryTask,
  recipients: readonly Recipient[],
  connection: Connection,
): Fitness | DeliveryStatus {
  const { transaction } = task;
  const { offered, peer, target } = connection;
  const assume8bit = target.settings.assume8bit ?? false;
  if (transaction.requireTls && !(offered.requireTls && connection.verified)) {
    const lack = offered.requireTls ? 'has no valid certificate' : 'does not offer REQUIRETLS';
    return ourStatus('failed', 'requireTlsFailed', `REQUIRETLS: ${peer.host} ${lack}`, peer);
  }
  if (transaction.body === 'binarymime') {
    return ourStatus('failed', 'needs8bit', 'Binary content cannot be passed on', peer);
  }
  if (task.eightBit && !offered.eightBitMime && !assume8bit) {
    return ourStatus('failed', 'needs8bit', `8-bit content, and ${peer.host} does not offer 8BITMIME`, peer);
  }
  if (offered.sizeLimit !== undefined && task.size > offered.sizeLimit) {
    const text = `${task.size} octets, and ${peer.host} takes ${offered.sizeLimit}`;
    return ourStatus('failed', 'messageTooBig', text, peer);
  }
  const rawHeader = task.utf8Header && !(assume8bit && !transaction.smtputf8);
  if (rawHeader && !offered.smtpUtf8) {
    return ourStatus('failed', 'needsUtf8', `A UTF-8 header, and ${peer.host} does not offer SMTPUTF8`, peer);
  }
  const addresses = [transaction.sender, ...recipients.map((recipient) => recipient.address)];
  const asked = transaction.smtputf8 || rawHeader || addresses.some((a) => a && !pathText(a, false));
  const utf8 = offered.smtpUtf8 && asked;
  const senderPath = transaction.sender === null ? '' : pathText(transaction.sender, utf8);
  if (senderPath === undefined) {
    return ourStatus('failed', 'needsUtf8', `A UTF-8 sender, and ${peer.host} does not offer SMTPUTF8`, peer);
  }
  return { facts: { size: task.size, eightBit: task.eightBit, utf8 }, senderPath };
}

export const isFit = (found: Fitness | DeliveryStatus): found is Fitness => 'facts' in found;
