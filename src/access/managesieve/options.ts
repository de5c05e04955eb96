/**
 * access/managesieve/options - what an operator may say about ManageSieve, and what it needs of the rest of the house.
 */
import type { Account } from '../../mail/mailbox.ts';
import type { Authenticator, Login } from '../../ports/authenticator.ts';
import type { Scripts } from '../../ports/scripts.ts';
import type { PresenceLimits } from '../presence.ts';

export interface ManageSieveOptions extends PresenceLimits {
  /** Said with IMPLEMENTATION. */
  readonly product: string;
  /** Octets of the lines of one command, and of its literals before sign-in. */
  readonly lineLimit: number;
  /** Octets of one script. */
  readonly scriptSize: number;
  /** Commands that are not understood, before the connection is ended; 0 for no limit. */
  readonly errors: number;
  /** Extensions of Sieve that scripts may require. */
  readonly extensions: readonly string[];
  /** URI schemes of notification methods; none where enotify is not among the extensions. */
  readonly notify: readonly string[];
  /** Messages that a script may send on; absent: not told. */
  readonly redirects?: number;
}

/** What is wrong with a script, for its author: with errors it cannot be used. */
export interface Judgement {
  readonly errors: readonly ScriptProblem[];
  readonly warnings: readonly ScriptProblem[];
}

export interface ScriptProblem {
  /** Counts from 1. */
  readonly line: number;
  readonly text: string;
}

export interface ManageSieveDeps {
  readonly authenticator: Authenticator;
  /** The account whose scripts are kept; undefined: there is none here. */
  readonly openAccount: (login: Login) => Promise<Account | undefined>;
  readonly scripts: Scripts;
  /** Compiles a script as it would be for a delivery to `account`: what it includes is looked for there. */
  readonly judge: (script: string, name: string | undefined, account: Account) => Promise<Judgement>;
}
