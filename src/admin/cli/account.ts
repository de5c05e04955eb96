/**
 * admin/cli/account - `isthmus account …`: whose mail is hosted here.
 */
import { Command } from 'commander';
import type { Account } from '../../mail/mailbox.ts';
import type { Hosted, OpenServices, Terminal } from '../services.ts';
import { parseSize } from '../size.ts';
import { type Column, printable, printSize, printTable, printTime } from '../table.ts';
import { parseCount } from '../usage.ts';
import { addFileCommands } from './account-files.ts';
import { addPasswordCommands } from './account-passwords.ts';
import { addRestoreCommand } from './account-restore.ts';
import { accountNamed, type Json, withHosted } from './hosted.ts';

interface QuotaOptions extends Json {
  readonly storage?: string;
  readonly messages?: string;
}

export function accountCommand(open: OpenServices, terminal: Terminal): Command {
  const account = new Command('account').description('people whose mail is hosted here');
  const on = (command: Command, work: (hosted: Hosted) => Promise<void>) =>
    withHosted(open, terminal, command, work);

  account
    .command('list')
    .description('all accounts, what they hold and may hold')
    .option('--json', 'print JSON')
    .action((options: Json, command: Command) => on(command, (hosted) => list(hosted, options, terminal)));
  account
    .command('show <name>')
    .description('one account')
    .option('--json', 'print JSON')
    .action((name: string, options: Json, command: Command) =>
      on(command, async (hosted) => show(await accountNamed(hosted, name), options, terminal)),
    );
  withQuota(account.command('create <name>').description('a new account, with INBOX and the usual mailboxes'))
    .option('--json', 'print JSON')
    .action((name: string, options: QuotaOptions, command: Command) =>
      on(command, async ({ accounts }) => {
        const quota = quotaFrom(options);
        show(await accounts.create({ name, ...(quota === undefined ? {} : { quota }) }), options, terminal);
      }),
    );
  withQuota(
    account.command('quota <name>').description('what an account may hold; without options: what it may now'),
  )
    .option('--json', 'print JSON')
    .action((name: string, options: QuotaOptions, command: Command) =>
      on(command, async (hosted) => {
        const found = await accountNamed(hosted, name);
        const quota = quotaFrom(options, found.quota);
        show(
          quota === undefined ? found : await hosted.accounts.change(found.id, { quota }),
          options,
          terminal,
        );
      }),
    );
  for (const [word, disabled, text] of [
    ['disable', true, 'nobody signs in; mail is taken, unless local.disabled says otherwise'],
    ['enable', false, 'undoes disable'],
  ] as const)
    account
      .command(`${word} <name>`)
      .description(text)
      .action((name: string, _options: object, command: Command) =>
        on(command, async (hosted) => {
          const { id } = await accountNamed(hosted, name);
          await hosted.accounts.change(id, { disabled });
          terminal.out(`${name}: ${word}d`);
        }),
      );
  account
    .command('rename <name> <new>')
    .description('another name to sign in with; mail and rights stay')
    .action((name: string, fresh: string, _options: object, command: Command) =>
      on(command, async (hosted) => {
        const account = await accountNamed(hosted, name);
        const renamed = await hosted.accounts.change(account.id, { name: fresh });
        await hosted.passwords.move(account.name, renamed.name, terminal.operator);
        terminal.out(`${name}: now ${renamed.name}`);
      }),
    );
  account
    .command('remove <name>')
    .description('the account and all its mail; the mail can be restored for a while')
    .option('--yes', 'do it (without, it is only said what would go)')
    .action((name: string, options: { yes?: boolean }, command: Command) =>
      on(command, (hosted) => remove(hosted, name, options.yes ?? false, terminal)),
    );
  addPasswordCommands(account, open, terminal);
  addRestoreCommand(account, open, terminal);
  addFileCommands(account, open, terminal);
  return account;
}

const withQuota = (command: Command): Command =>
  command.option('--storage <size>', '500MB, 2GB, or none').option('--messages <n>', 'a number, or none');

/** undefined: nothing was said about it. */
export function quotaFrom(
  options: QuotaOptions,
  before: Account['quota'] = {},
): Account['quota'] | undefined {
  if (options.storage === undefined && options.messages === undefined) return undefined;
  const storage = options.storage === undefined ? before.storage : parseSize(options.storage, '--storage');
  const messages =
    options.messages === undefined
      ? before.messages
      : options.messages === 'none'
        ? undefined
        : parseCount(options.messages, '--messages');
  return { ...(storage === undefined ? {} : { storage }), ...(messages === undefined ? {} : { messages }) };
}

const limit = (value: number | undefined, print: (value: number) => string): string =>
  value === undefined ? 'any' : print(value);

const columns: readonly Column<Account>[] = [
  { title: 'ACCOUNT', value: ({ name }) => name },
  { title: 'STATE', value: ({ disabled }) => (disabled ? 'disabled' : 'open') },
  { title: 'MESSAGES', value: ({ usage }) => String(usage.messages), align: 'right' },
  { title: 'OF', value: ({ quota }) => limit(quota.messages, String), align: 'right' },
  { title: 'SIZE', value: ({ usage }) => printSize(usage.storage), align: 'right' },
  { title: 'OF', value: ({ quota }) => limit(quota.storage, printSize), align: 'right' },
  { title: 'ENTRY', value: ({ entryId }) => entryId ?? '' },
];

async function list({ accounts }: Hosted, options: Json, terminal: Terminal): Promise<void> {
  const all = await Array.fromAsync(accounts.list(terminal.signal));
  if (options.json) return terminal.out(JSON.stringify(all));
  terminal.out(all.length === 0 ? 'No account is hosted here.' : printTable(all, columns));
}

function show(account: Account, options: Json, terminal: Terminal): void {
  terminal.out(options.json ? JSON.stringify(account) : describe(account));
}

function describe(account: Account): string {
  const { name, disabled, entryId, usage, quota, createdAt } = account;
  return [
    `${printable(name)}${disabled ? ', disabled' : ''}`,
    `  messages  ${usage.messages} of ${limit(quota.messages, String)}`,
    `  size      ${printSize(usage.storage)} of ${limit(quota.storage, printSize)}`,
    `  entry     ${printable(entryId ?? 'none: made here')}`,
    `  made      ${printTime(createdAt)} (UTC)`,
  ].join('\n');
}

async function remove(hosted: Hosted, name: string, yes: boolean, terminal: Terminal): Promise<void> {
  const account = await accountNamed(hosted, name);
  const { messages, storage } = account.usage;
  const what = `${account.name} and its ${messages} messages (${printSize(storage)})`;
  if (!yes) {
    terminal.out(`Would remove ${what}.`);
    return terminal.out('Nothing was done. Add --yes to do it.');
  }
  // Before: whoever is given this name later must not be entered by an old password.
  await hosted.passwords.move(account.name, undefined, terminal.operator);
  await hosted.accounts.remove(account.id);
  terminal.out(`Removed ${what}. For a while: isthmus account restore ${name} --removed`);
}
