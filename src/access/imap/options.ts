/**
 * access/imap/options - what an operator may say about IMAP, and what imapd is handed.
 */
import type { Account } from '../../mail/mailbox.ts';
import type { Accounts } from '../../ports/accounts.ts';
import type { Authenticator, Login } from '../../ports/authenticator.ts';
import type { Annotations, Mailboxes, Rights, Subscriptions } from '../../ports/mailboxes.ts';
import type { Reading, Writing } from '../../ports/messages.ts';
import type { Search } from '../../ports/search.ts';
import type { Watch } from '../../ports/watch.ts';
import { defaultLimits, type RequestLimits } from '../../protocol/imap/request/limits.ts';

export interface ImapOptions {
  /** Told in ID (RFC 2971); a version tells attackers more than it tells anyone else. */
  readonly product: { readonly name: string; readonly version?: string };
  readonly limits: RequestLimits;
  /** Commands answered with BAD in one session; then BYE. */
  readonly errors: number;
  /** Refused sign-ins in one connection; then BYE. */
  readonly refusedLogins: number;
  /** Under this name lie the mailboxes of others (RFC 2342 §5); without a delimiter at its end. */
  readonly othersPrefix: string;
  /** COMPRESS=DEFLATE is offered (RFC 4978). */
  readonly compress: boolean;
  /** Milliseconds from one word to the next while a client idles and there is no news. */
  readonly idleBeat: number;
  /** Sessions of one account at once, in this process; 0 for no limit. */
  readonly sessionsPerAccount: number;
  /** Messages dealt with by one command (RFC 9738); 0 for no limit. */
  readonly messageLimit: number;
}

export const defaultImapOptions: ImapOptions = {
  product: { name: 'Isthmus' },
  limits: defaultLimits,
  errors: 50,
  refusedLogins: 5,
  othersPrefix: 'Other Users',
  compress: true,
  idleBeat: 120_000,
  sessionsPerAccount: 200,
  messageLimit: 0,
};

export interface ImapDeps {
  readonly authenticator: Authenticator;
  /** The account whose mail is read; undefined: there is none here, or it is switched off. */
  readonly openAccount: (login: Login) => Promise<Account | undefined>;
  readonly accounts: Accounts;
  readonly mailboxes: Mailboxes;
  readonly subscriptions: Subscriptions;
  readonly rights: Rights;
  readonly annotations: Annotations;
  readonly writing: Writing;
  readonly reading: Reading;
  readonly search: Search;
  readonly watch: Watch;
}
