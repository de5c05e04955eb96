/**
 * receive/greeting-commands - HELO, EHLO and LHLO (RFC 5321 §4.1.1.1, RFC 2033): who the client says it is, and what
 * we can do.
 */
import { MailError } from '../mail/condition.ts';
import { isHeloName, xclientAttributes } from '../protocol/smtp/xclient.ts';
import { mechanisms } from './auth.ts';
import type { Connection } from './connection.ts';

export function helo(session: Connection, argument: string): void {
  greet(session, 'HELO', argument);
  session.say({ code: 250, lines: [session.setting.options.hostname] });
}

export function ehlo(session: Connection, verb: 'EHLO' | 'LHLO', argument: string): void {
  greet(session, verb, argument);
  session.say({ code: 250, lines: [session.setting.options.hostname, ...extensions(session)] });
}

function greet(session: Connection, verb: string, argument: string): void {
  if (!isHeloName(argument)) throw new MailError('never', 'badSyntax', { text: `Syntax: ${verb} hostname` });
  session.greeted(argument, verb);
}

function extensions(session: Connection): string[] {
  const { options, contexts, recogniser } = session.setting;
  const found = ['PIPELINING'];
  const { messageSize } = options.limits;
  found.push(messageSize > 0 ? `SIZE ${messageSize}` : 'SIZE');
  if (contexts !== undefined && !session.secure) found.push('STARTTLS');
  const ways = mechanisms(session);
  if (ways.length > 0) found.push(`AUTH ${ways.join(' ')}`);
  found.push('ENHANCEDSTATUSCODES', '8BITMIME', 'SMTPUTF8', 'DSN', 'CHUNKING');
  // RFC 8689 §2: only within TLS.
  if (session.secure) found.push('REQUIRETLS');
  if (recogniser.xclients.has(session.who.peer)) {
    found.push(`XCLIENT ${xclientAttributes.join(' ')}`);
  }
  return found;
}
