/**
 * store/tree - accounts, their mailboxes and what belongs to them, opened together.
 */
import type { Quota } from '../mail/mailbox.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { Database } from '../ports/database.ts';
import type { Annotations, Mailboxes, Rights, Subscriptions } from '../ports/mailboxes.ts';
import type { ScriptMemory, Scripts } from '../ports/scripts.ts';
import { type AccountsOptions, openAccounts } from './accounts.ts';
import { type AnnotationLimits, openAnnotations, usualAnnotationLimits } from './annotations.ts';
import type { Changed } from './changed.ts';
import { type NameLimits, usualNameLimits } from './folder-name.ts';
import { openMailboxes } from './mailboxes.ts';
import type { NewFolder } from './plant.ts';
import { openRights } from './rights.ts';
import { openScriptMemory, usuallyRemembered } from './script-memory.ts';
import { openScripts, type ScriptLimits, usualScriptLimits } from './scripts.ts';
import { openSubscriptions } from './subscriptions.ts';

export interface TreeLimits {
  readonly names: NameLimits;
  readonly mailboxesPerAccount: number;
  readonly subscriptionsPerAccount: number;
  readonly rightsPerMailbox: number;
  readonly sharedPerAccount: number;
  readonly annotations: AnnotationLimits;
  readonly scripts: ScriptLimits;
  /** Keys that the scripts of one account remember. */
  readonly remembered: number;
}

export const usualTreeLimits: TreeLimits = {
  names: usualNameLimits,
  mailboxesPerAccount: 10_000,
  subscriptionsPerAccount: 20_000,
  rightsPerMailbox: 1_000,
  sharedPerAccount: 10_000,
  annotations: usualAnnotationLimits,
  scripts: usualScriptLimits,
  remembered: usuallyRemembered,
};

/** What mail clients look for. */
export const usualNewcomers: readonly NewFolder[] = [
  { name: 'Archive', specialUse: '\\Archive' },
  { name: 'Drafts', specialUse: '\\Drafts' },
  { name: 'Junk', specialUse: '\\Junk' },
  { name: 'Sent', specialUse: '\\Sent' },
  { name: 'Trash', specialUse: '\\Trash' },
];

export interface TreeOptions {
  readonly database: Database;
  readonly changed: Changed;
  readonly now: () => Date;
  readonly limits?: TreeLimits;
  readonly newcomers?: readonly NewFolder[];
  /** Of accounts for which none is named when they are made. */
  readonly quota?: Quota;
  /** See AccountsOptions. */
  readonly renamed?: NonNullable<AccountsOptions['renamed']>;
}

export interface Tree {
  readonly accounts: Accounts;
  readonly mailboxes: Mailboxes;
  readonly subscriptions: Subscriptions;
  readonly rights: Rights;
  readonly annotations: Annotations;
  readonly scripts: Scripts;
  readonly memory: ScriptMemory;
}

export function openTree(options: TreeOptions): Tree {
  const { limits = usualTreeLimits, newcomers = usualNewcomers, quota = {} } = options;
  const all = { ...options, limits, newcomers, quota };
  return {
    accounts: openAccounts(all),
    mailboxes: openMailboxes(all),
    subscriptions: openSubscriptions(all),
    rights: openRights(all),
    annotations: openAnnotations(all),
    scripts: openScripts(all),
    memory: openScriptMemory(all),
  };
}
