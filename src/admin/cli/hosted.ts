/**
 * admin/cli/hosted - what the commands about hosted mailboxes share: whom they mean, and how a refusal is told.
 */
import type { Command } from 'commander';
import type { Account, MailFolder } from '../../mail/mailbox.ts';
import { AccountExists } from '../../ports/accounts.ts';
import { MailFilesTrouble } from '../../ports/mail-files.ts';
import { MailboxTrouble } from '../../ports/mailboxes.ts';
import { MailboxGone, MessageTooBig, OverQuota, StoreAway, StoreFull } from '../../ports/messages.ts';
import {
  type Hosted,
  type OpenServices,
  PasswordNotPossible,
  type Terminal,
  withServices,
} from '../services.ts';

export interface Json {
  readonly json?: boolean;
}

/** The command was understood and cannot be carried out: told, exit code 1. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

const refusals = [
  Refused,
  AccountExists,
  MailFilesTrouble,
  MailboxTrouble,
  OverQuota,
  MailboxGone,
  MessageTooBig,
  PasswordNotPossible,
];

/** Opens the store, works, and tells what went wrong in the words of whoever said it. */
export async function withHosted(
  open: OpenServices,
  terminal: Terminal,
  command: Command,
  work: (hosted: Hosted) => Promise<void>,
): Promise<void> {
  const { config } = command.optsWithGlobals<{ config?: string }>();
  try {
    await withServices(open, config, async (services) => work(await services.hosted()));
  } catch (thrown) {
    const away = thrown instanceof StoreAway || thrown instanceof StoreFull;
    if (!away && !refusals.some((kind) => thrown instanceof kind)) throw thrown;
    terminal.err(`isthmus: ${(thrown as Error).message}`);
    terminal.exit(away ? 75 : 1);
  }
}

export async function accountNamed({ accounts }: Hosted, name: string): Promise<Account> {
  const account = await accounts.byName(name);
  if (account === undefined) throw new Refused(`there is no account ${name}; see: isthmus account list`);
  return account;
}

export async function mailboxNamed(
  { mailboxes }: Hosted,
  account: Account,
  name: string,
): Promise<MailFolder> {
  const folder = await mailboxes.get(account.id, name);
  if (folder === undefined)
    throw new Refused(`${account.name} has no mailbox ${name}; see: isthmus mailbox list ${account.name}`);
  return folder;
}
