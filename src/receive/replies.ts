/**
 * receive/replies - what we say when all is well, and the few refusals that are no condition of mail.
 *
 * Greeting, HELO and EHLO have no enhanced code (RFC 2034 §4), neither has 354 or 334.
 */
import type { Reply } from '../mail/reply.ts';

const say = (code: number, enhanced: string | undefined, ...lines: string[]): Reply => ({
  code,
  ...(enhanced === undefined ? {} : { enhanced }),
  lines,
});

export const replies = {
  ok: say(250, '2.0.0', 'Ok'),
  bye: say(221, '2.0.0', 'Bye'),
  sender: say(250, '2.1.0', 'Sender ok'),
  recipient: say(250, '2.1.5', 'Recipient ok'),
  content: say(354, undefined, 'End data with <CR><LF>.<CR><LF>'),
  cannotVerify: say(252, '2.5.0', 'Cannot verify, but will try to deliver'),
  help: say(214, '2.0.0', 'HELO EHLO MAIL RCPT DATA BDAT RSET NOOP VRFY STARTTLS QUIT'),
  authenticated: say(235, '2.7.0', 'Authentication successful'),
  /** RFC 4954 §6. */
  badCredentials: say(535, '5.7.8', 'Authentication credentials invalid'),
  badMechanism: say(504, '5.5.4', 'Authentication mechanism not supported'),
  badResponse: say(501, '5.5.2', 'Not what the mechanism asks for'),
  authLater: say(454, '4.7.0', 'Temporary authentication failure'),
  authCancelled: say(501, '5.7.0', 'Authentication cancelled'),
  earlyTalker: say(554, '5.5.1', 'You talk before the greeting'),
  http: say(521, '5.5.1', 'This is a mail server'),
} as const;

export const queued = (id: string): Reply => say(250, '2.0.0', `Ok: queued as ${id}`);
