/**
 * sieve/compose/notify - the message of a `mailto:` notification (RFC 5436 §2).
 */

import { parseMailto } from '../mailto.ts';
import { parseAddressList, printListed } from '../message/addresses.ts';
import { decodedValue, type HeaderSection } from '../message/header.ts';
import type { Notify } from '../outcome.ts';
import {
  addressField,
  composeText,
  field,
  type Origin,
  type Outgoing,
  originFields,
  subjectField,
} from './outgoing.ts';

export interface NotifyScene {
  readonly header: HeaderSection;
  readonly envelope: { readonly from: string; readonly to: string };
  /** The owner's address, for Auto-Submitted and as sender. */
  readonly owner: string;
  /** Reverse-path by the operator's choice; undefined: RFC 5436 §2.7.1's rule. */
  readonly sender?: string;
  readonly origin: Origin;
}

export type NotifyMessage = { readonly message: Outgoing } | { readonly silent: string };

const priorities = {
  1: 'X-Priority: 1 (Highest)\r\nImportance: High\r\n',
  2: 'X-Priority: 3 (Normal)\r\nImportance: Normal\r\n',
  3: 'X-Priority: 5 (Lowest)\r\nImportance: Low\r\n',
} as const;

export function notifyMessage(
  action: Notify,
  { header, envelope, owner, sender, origin }: NotifyScene,
): NotifyMessage {
  // RFC 5436 §2.7.1: no notification of a notification.
  if (header.all('auto-submitted').some(({ value }) => !/^no\b/i.test(value))) {
    return { silent: 'the message was submitted automatically: no notification of it' };
  }
  const parsed = parseMailto(action.method);
  if ('wrong' in parsed) return { silent: parsed.wrong };
  const { mailto } = parsed;
  const to = [...mailto.to, ...mailto.cc, ...mailto.bcc];
  if (to.length === 0) return { silent: 'the mailto URI names no recipient' };
  const original = header.all('subject')[0];
  const subject =
    mailto.subject ?? action.message ?? (original ? decodedValue(original) : 'Notification: new mail');
  const body = mailto.body ?? action.message ?? 'Notification of new message.';
  const lines = [
    originFields(origin),
    addressField('From', action.from ?? owner),
    mailto.to.length > 0 ? `To: ${mailto.to.map((one) => `<${one}>`).join(',\r\n ')}\r\n` : '',
    mailto.cc.length > 0 ? `Cc: ${mailto.cc.map((one) => `<${one}>`).join(',\r\n ')}\r\n` : '',
    subjectField(firstLine(subject)),
    ...mailto.fields.map(([name, value]) => field(name, value)),
    `Auto-Submitted: auto-notified; owner-email="${owner}"\r\nPrecedence: bulk\r\n`,
    priorities[action.importance],
  ];
  const from = envelope.from === '' ? '' : (sender ?? reversePath(action, owner));
  return { message: { from, to, content: composeText(lines.join(''), body) } };
}

const firstLine = (text: string): string => text.split(/\r?\n/, 1)[0] ?? '';

function reversePath(action: Notify, owner: string): string {
  const [one] = parseAddressList(action.from ?? '');
  return one === undefined || 'bad' in one ? owner : printListed(one);
}
