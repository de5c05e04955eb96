/**
 * access/imap/state - where a session stands (RFC 9051 §3), and what it knows in each state.
 */
import type { AccountId } from '../../mail/mailbox.ts';
import type { Login } from '../../ports/authenticator.ts';
import type { Names } from './names.ts';
import type { View } from './view.ts';

/** Who signed in, and whose mail is read. */
export interface User {
  readonly account: AccountId;
  /** The account's. */
  readonly name: string;
  readonly login: Login;
  /** Mailboxes by the names this user calls them. */
  readonly names: Names;
}

export type State =
  | { readonly kind: 'notAuthenticated' }
  | { readonly kind: 'authenticated'; readonly user: User }
  | { readonly kind: 'selected'; readonly user: User; readonly view: View }
  | { readonly kind: 'logout' };

/** What ENABLE turns on (RFC 5161); never off again but by UNAUTHENTICATE. */
export type Extension = 'IMAP4REV2' | 'CONDSTORE' | 'QRESYNC' | 'UTF8=ACCEPT' | 'UIDONLY';
