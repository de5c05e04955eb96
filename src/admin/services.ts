/**
 * admin/services - what the commands work with; main.ts opens it from the configuration and hands it in.
 */
import type { Accounts } from '../ports/accounts.ts';
import type { Service } from '../ports/authenticator.ts';
import type { Directory, Homes } from '../ports/directory.ts';
import type { HeldContent } from '../ports/held-content.ts';
import type { MailFiles } from '../ports/mail-files.ts';
import type { Mailboxes, Rights, Subscriptions } from '../ports/mailboxes.ts';
import type { Reading, Writing } from '../ports/messages.ts';
import type { QueueControl } from '../ports/queue-control.ts';
import type { Restore } from '../ports/restore.ts';
import type { Routing } from '../ports/routing.ts';
import type { StoreCheck } from '../ports/store-check.ts';
import type { Trace } from '../ports/trace.ts';
import type { Compiled } from '../route/compile.ts';

export interface Services {
  readonly queue: QueueControl;
  readonly trace: Trace;
  readonly directory: Directory;
  readonly homes: Homes;
  readonly routing: Routing;
  /** The rules that `routing` goes by. */
  readonly compiled: Compiled;
  /** Names of the configured sites. */
  readonly sites: readonly string[];
  /** Opened when first asked for, closed with the rest. */
  readonly hosted: () => Promise<Hosted>;
  /** Asks the process that refreshes to do so now. */
  readonly refreshDirectory: (wish: {
    readonly full: boolean;
    readonly acceptLoss: boolean;
  }) => Promise<void>;
  close(): Promise<void>;
}

/** The mailboxes that are hosted here. */
export interface Hosted {
  readonly accounts: Accounts;
  readonly mailboxes: Mailboxes;
  readonly subscriptions: Subscriptions;
  readonly rights: Rights;
  readonly messages: Reading & Writing;
  readonly check: StoreCheck;
  readonly restore: Restore;
  readonly held: HeldContent;
  readonly files: MailFiles;
  readonly passwords: Passwords;
}

/** This password cannot be had; the message says why. */
export class PasswordNotPossible extends Error {
  override readonly name = 'PasswordNotPossible';
}

/** Of accounts, by name. What is done is told to the audit as done by `by`. */
export interface Passwords {
  /** All that an account enters by goes to another name; undefined: is no more. */
  move(account: string, to: string | undefined, by: string): Promise<void>;
  /** undefined: none any more. Throws PasswordNotPossible. */
  set(account: string, password: string | undefined, by: string): Promise<void>;
  /** The secret is told here and never again. Throws PasswordNotPossible. */
  addApp(wish: {
    readonly account: string;
    readonly label: string;
    readonly scope: ReadonlySet<Service>;
    readonly expiresAt?: Date;
    readonly by: string;
  }): Promise<{ readonly id: number; readonly secret: string }>;
  listApp(account: string): Promise<readonly AppPasswordFacts[]>;
  /** False: there is none of this number. */
  revokeApp(account: string, id: number, by: string): Promise<boolean>;
}

export interface AppPasswordFacts {
  readonly id: number;
  readonly label: string;
  readonly scope: ReadonlySet<Service>;
  readonly createdAt: Date;
  readonly expiresAt?: Date;
  readonly usedAt?: Date;
  readonly usedFrom?: string;
}

/** Where commands write, and how they end. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** 0 well; 1 the answer is no; 64 wrong usage; what else there is says src/main.ts. */
  exit(code: number): void;
  readonly signal: AbortSignal;
  readonly now: () => Date;
  /** Who gives the command, for the trace. */
  readonly operator: string;
}

export type OpenServices = (configFile: string | undefined) => Promise<Services>;

/** Opens, works, closes, whatever happens. */
export async function withServices<T>(
  open: OpenServices,
  configFile: string | undefined,
  work: (services: Services) => Promise<T>,
): Promise<T> {
  const services = await open(configFile);
  try {
    return await work(services);
  } finally {
    await services.close();
  }
}
