/**
 * admin/cli/account-restore - `isthmus account restore`: deleted messages put back where they were.
 *
 * Run twice, it puts nothing back twice: what the account has is not missing any more.
 */
import type { Command } from 'commander';
import type { Account } from '../../mail/mailbox.ts';
import type { Restorable, RestoreFilter } from '../../ports/restore.ts';
import { Progress } from '../progress.ts';
import type { Hosted, OpenServices, Terminal } from '../services.ts';
import { type Column, printSize, printTable } from '../table.ts';
import { parseMoment } from '../time.ts';
import { accountNamed, type Json, withHosted } from './hosted.ts';
import { MailboxMaker } from './mailbox-maker.ts';

interface Options extends Json {
  readonly mailbox?: string;
  readonly since?: string;
  readonly removed?: boolean;
  readonly to?: string;
  readonly into?: string;
  readonly dryRun?: boolean;
}

/** Messages put back in one commit. */
const portion = 100;

export function addRestoreCommand(account: Command, open: OpenServices, terminal: Terminal): void {
  account
    .command('restore <name>')
    .description('put back what was deleted, as long as it is kept (store.keepExpunged)')
    .option('--mailbox <name>', 'only what was in this mailbox')
    .option('--since <time>', 'only what was deleted since: 2h, 3d, or a date')
    .option('--removed', 'of an account that was removed')
    .option('--to <account>', 'into this account; of a removed one without it: a new account of that name')
    .option('--into <mailbox>', 'all into this mailbox; without: where each message was')
    .option('--dry-run', 'only say what it would be')
    .option('--json', 'print JSON')
    .action((name: string, options: Options, command: Command) =>
      withHosted(open, terminal, command, (hosted) => restore(hosted, name, options, terminal)),
    );
}

interface Line {
  readonly mailbox: string;
  messages: number;
  size: number;
}

async function restore(hosted: Hosted, name: string, options: Options, terminal: Terminal): Promise<void> {
  const filter: RestoreFilter = {
    of: options.removed
      ? { removed: name.toLowerCase() }
      : { account: (await accountNamed(hosted, name)).id },
    ...(options.mailbox === undefined ? {} : { mailbox: options.mailbox }),
    ...(options.since === undefined ? {} : { since: parseMoment(options.since, terminal.now()) }),
  };
  const target = await targetOf(hosted, name, options);
  const lines = new Map<string, Line>();
  const progress = new Progress(terminal);
  const putBack = new PuttingBack(hosted, target);
  let done = 0;
  for await (const message of hosted.restore.find(filter, target?.id, terminal.signal)) {
    const mailbox = options.into ?? message.mailbox;
    const line = lines.get(mailbox) ?? { mailbox, messages: 0, size: 0 };
    lines.set(mailbox, line);
    line.messages += 1;
    line.size += message.size;
    if (!options.dryRun) await putBack.add(mailbox, message);
    done += 1;
    progress.tell(() => `${done} messages`);
  }
  await putBack.flush();
  tell([...lines.values()], target?.name ?? name, options, terminal);
}

/** undefined: an account that is yet to be made, in a dry run. */
async function targetOf(hosted: Hosted, name: string, options: Options): Promise<Account | undefined> {
  if (options.to !== undefined || !options.removed) return accountNamed(hosted, options.to ?? name);
  const there = await hosted.accounts.byName(name);
  if (there !== undefined || options.dryRun) return there;
  return hosted.accounts.create({ name });
}

class PuttingBack {
  readonly #hosted: Hosted;
  readonly #maker: MailboxMaker;
  #waiting: { readonly mailbox: string; readonly message: Restorable }[] = [];

  constructor(hosted: Hosted, target: Account | undefined) {
    this.#hosted = hosted;
    this.#maker = new MailboxMaker(hosted, target);
  }

  async add(mailbox: string, message: Restorable): Promise<void> {
    this.#waiting.push({ mailbox, message });
    if (this.#waiting.length >= portion) await this.flush();
  }

  async flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    const appends = [];
    for (const { mailbox, message } of waiting) {
      const { body, flags, internalDate, uidl } = message;
      const id = await this.#maker.idOf(mailbox);
      appends.push({ mailbox: id, body, flags, internalDate, ...(uidl === undefined ? {} : { uidl }) });
    }
    await this.#hosted.messages.append(appends);
  }
}

const columns: readonly Column<Line>[] = [
  { title: 'MAILBOX', value: ({ mailbox }) => mailbox },
  { title: 'MESSAGES', value: ({ messages }) => String(messages), align: 'right' },
  { title: 'SIZE', value: ({ size }) => printSize(size), align: 'right' },
];

function tell(lines: readonly Line[], account: string, options: Options, terminal: Terminal): void {
  const dryRun = options.dryRun ?? false;
  terminal.out(
    options.json
      ? JSON.stringify({ account, dryRun, mailboxes: lines })
      : lines.length === 0
        ? 'Nothing that matches is missing and still kept.'
        : printed(lines, `${dryRun ? 'Would put' : 'Put'} %n messages back into ${account}.`),
  );
}

/** `%n` is the number of messages of all lines. */
function printed(lines: readonly Line[], verdict: string): string {
  const count = lines.reduce((sum, { messages }) => sum + messages, 0);
  return `${printTable(lines, columns)}\n${verdict.replace('%n', String(count))}`;
}
