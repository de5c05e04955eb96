/**
 * receive/mail - MAIL (RFC 5321 §4.1.1.2): a transaction begins.
 */
import type { Address } from '../mail/address.ts';
import { MailError, replyFor } from '../mail/condition.ts';
import { parseMail } from '../protocol/smtp/mail-command.ts';
import type { Connection } from './connection.ts';
import { replies } from './replies.ts';
import { checkSender } from './submission.ts';

export function mail(session: Connection, argument: string): void | Promise<void> {
  checkClient(session);
  const parsed = parseMail(argument);
  if (parsed.requireTls && !session.secure) {
    throw new MailError('never', 'tlsRequired', { text: 'REQUIRETLS is for TLS sessions' });
  }
  const { messageSize } = session.setting.options.limits;
  if (messageSize > 0 && (parsed.size ?? 0) > messageSize) {
    throw new MailError('never', 'messageTooBig', {
      text: `Message exceeds the limit of ${messageSize} octets`,
    });
  }
  const begin = () => {
    if (session._closing) return;
    session.transaction = {
      mail: parsed,
      recipients: new Map(),
      accepted: [],

      message: undefined,
    };
    session.say(replies.sender);
  };
  const permission = askPermission(session, parsed.sender);
  // The client's name is asked for since it connected, and is needed from here on.
  const { nameKnown } = session.who;
  if (permission === undefined && nameKnown === undefined) return begin();
  return Promise.all([permission, nameKnown]).then(begin);
}

function askPermission(session: Connection, sender: Address | null): Promise<void> | undefined {
  const { options, deps } = session.setting;
  const { account } = session.who;
  if (options.protocol !== 'submission' || account === undefined || deps.senders === undefined)
    return undefined;
  return checkSender(deps.senders, account, sender, session.signal);
}

function checkClient(session: Connection): void {
  const { options, admission, deps } = session.setting;
  if (options.tls.mode === 'required' && !session.secure) throw new MailError('never', 'tlsRequired');
  if (options.protocol === 'submission' && session.who.account === undefined && !session.who.trusted) {
    throw new MailError('never', 'authenticationRequired');
  }
  const { messagesPerConnection } = options.limits;
  if (messagesPerConnection > 0 && session.messages >= messagesPerConnection) {
    throw new MailError('later', 'tooFast', {
      reply: { ...replyFor('later', 'tooFast', 'Enough messages in one connection'), code: 421 },
    });
  }
  if (!admission.message(session.ip, session.who.trusted, deps.now().getTime())) {
    throw new MailError('later', 'tooFast');
  }
}
