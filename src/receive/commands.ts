/**
 * receive/commands - which command is allowed where, and who does it.
 */
import { MailError } from '../mail/condition.ts';
import { parseXclient } from '../protocol/smtp/xclient.ts';
import { auth } from './auth.ts';
import type { Connection } from './connection.ts';
import { bdat, data } from './content-commands.ts';
import { ehlo, helo } from './greeting-commands.ts';
import { mail } from './mail.ts';
import { rcpt } from './rcpt.ts';
import { replies } from './replies.ts';

export interface Command {
  /** What must have gone before. */
  readonly after: 'connect' | 'greeting' | 'mail' | 'recipient';
  /** Not between MAIL and the end of the message. */
  readonly outside?: boolean;
  /** Not between the chunks of BDAT (RFC 3030 §2). */
  readonly wholeMessages?: boolean;
  /** May run while earlier ones of its kind await their answers. */
  readonly together?: boolean;
  /** Throws MailError for a refusal. */
  readonly run: (session: Connection, argument: string) => void | Promise<void>;
}

const table: Readonly<Record<string, Command>> = {
  HELO: { after: 'connect', run: (session, argument) => helo(session, argument) },
  EHLO: { after: 'connect', run: (session, argument) => ehlo(session, 'EHLO', argument) },
  LHLO: { after: 'connect', run: (session, argument) => ehlo(session, 'LHLO', argument) },
  STARTTLS: { after: 'connect', outside: true, run: startTls },
  AUTH: { after: 'greeting', outside: true, run: auth },
  XCLIENT: { after: 'connect', outside: true, run: xclient },
  MAIL: { after: 'greeting', outside: true, run: mail },
  RCPT: { after: 'mail', wholeMessages: true, together: true, run: rcpt },
  DATA: { after: 'recipient', wholeMessages: true, run: data },
  // Judges by itself: its octets must be read in any case.
  BDAT: { after: 'connect', run: bdat },
  RSET: { after: 'connect', run: rset },
  NOOP: { after: 'connect', run: (session) => session.say(replies.ok) },
  HELP: { after: 'connect', run: (session) => session.say(replies.help) },
  VRFY: { after: 'connect', run: vrfy },
  EXPN: { after: 'connect', run: notSupported },
  QUIT: { after: 'connect', run: (session) => session.hangUp(replies.bye) },
};

/** LMTP greets with LHLO and with nothing else (RFC 2033 §4.1). */
export function findCommand(verb: string, lmtp: boolean): Command | undefined {
  if (lmtp ? verb === 'HELO' || verb === 'EHLO' : verb === 'LHLO') return undefined;
  return Object.hasOwn(table, verb) ? table[verb] : undefined;
}

const sequence = (text: string): MailError => new MailError('never', 'badSequence', { text });

export function whyNotNow(command: Command, session: Connection): MailError | undefined {
  const { transaction } = session;
  if (command.after !== 'connect' && session.hostNameAppearsAs === false) {
    return sequence(
      session.setting.options.protocol === 'lmtp' ? 'Send LHLO first' : 'Send HELO or EHLO first',
    );
  }
  if (command.outside === true && transaction !== undefined) return sequence('Mail transaction in progress');
  if (command.wholeMessages === true && transaction?.message !== undefined)
    return sequence('BDAT in progress');
  if (command.after === 'mail' && transaction === undefined) return sequence('Send MAIL first');
  if (command.after !== 'recipient') return undefined;
  if (transaction === undefined) return sequence('Send MAIL first');
  // RFC 5321 §3.3: 554 "no valid recipients" and 503 are both right.
  return transaction.recipients.size === 0 ? sequence('No valid recipients') : undefined;
}

function startTls(session: Connection, argument: string): void | Promise<void> {
  if (session.setting.contexts === undefined) throw new MailError('never', 'notSupported');
  if (session.secure) throw sequence('TLS is on already');
  if (argument !== '') throw new MailError('never', 'badSyntax', { text: 'STARTTLS takes no argument' });
  return new Promise((resolve) => session.handler_STARTTLS(Buffer.from(argument), resolve));
}

function xclient(session: Connection, argument: string): void {
  if (!session.setting.recogniser.xclients.has(session.who.peer)) {
    throw new MailError('never', 'refused', { text: 'XCLIENT not allowed from here' });
  }
  session.become(parseXclient(argument));
}

function rset(session: Connection, argument: string): void {
  if (argument !== '') throw new MailError('never', 'badSyntax', { text: 'RSET takes no argument' });
  session.resetTransaction();
  session.say(replies.ok);
}

function vrfy(session: Connection, argument: string): void {
  if (argument === '') throw new MailError('never', 'badSyntax', { text: 'Syntax: VRFY address' });
  session.say(replies.cannotVerify);
}

function notSupported(): never {
  throw new MailError('never', 'notSupported');
}
