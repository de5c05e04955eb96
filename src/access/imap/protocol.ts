/**
 * access/imap/protocol - IMAP for a listener (access/listener).
 */
import type { AccessProtocol } from '../options.ts';
import { Presence } from '../presence.ts';
import type { ImapDeps, ImapOptions } from './options.ts';
import { Session } from './session.ts';

export function imapProtocol(options: ImapOptions, deps: ImapDeps): AccessProtocol {
  const { sessionsPerAccount } = options;
  const presence = new Presence(() => ({ sessionsPerAccount, loginDelay: 0 }));
  return {
    refusal: '* BYE [UNAVAILABLE] Too many connections, try again later\r\n',
    serve: (connection) => new Session(connection, options, deps, presence).run(),
  };
}
