/**
 * access/imap/protocol - IMAP for a listener (access/listener).
 */
import type { AccessProtocol } from '../options.ts';
import type { ImapDeps, ImapOptions } from './options.ts';
import { Session } from './session.ts';

export const imapProtocol = (options: ImapOptions, deps: ImapDeps): AccessProtocol => ({
  refusal: '* BYE [UNAVAILABLE] Too many connections, try again later\r\n',
  serve: (connection) => new Session(connection, options, deps).run(),
});
