/**
 * access/pop3/options - what an operator may say about POP3, and what it needs of the rest of the house.
 */
import type { Account } from '../../mail/mailbox.ts';
import type { Authenticator, Login } from '../../ports/authenticator.ts';
import type { Mailboxes } from '../../ports/mailboxes.ts';
import type { Reading, Writing } from '../../ports/messages.ts';
import type { PresenceLimits } from '../presence.ts';

export interface Pop3Options extends PresenceLimits {
  /** Said with IMPLEMENTATION, in the greeting too. */
  readonly product: string;
  /** Octets of one line of the client. */
  readonly lineLimit: number;
  /** Commands that are not understood, before the connection is ended; 0 for no limit. */
  readonly errors: number;
}

export interface Pop3Deps {
  readonly authenticator: Authenticator;
  /** The account whose mail is read; undefined: there is none here. */
  readonly openAccount: (login: Login) => Promise<Account | undefined>;
  readonly mailboxes: Pick<Mailboxes, 'get'>;
  readonly reading: Pick<Reading, 'rows' | 'content'>;
  readonly writing: Pick<Writing, 'expunge' | 'flag'>;
}
