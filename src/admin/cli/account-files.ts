/**
 * admin/cli/account-files - `isthmus account export` and `isthmus account import`: mail to files and from files.
 */
import { type Command, Option } from 'commander';
import { flagNames, type MailFolder, type MessageRow } from '../../mail/mailbox.ts';
import { type MailFormat, type MessageToFile, mailFormats } from '../../ports/mail-files.ts';
import { Progress, printDone } from '../progress.ts';
import type { Hosted, OpenServices, Terminal } from '../services.ts';
import { parseSize } from '../size.ts';
import { type Column, printSize, printTable } from '../table.ts';
import { UsageError } from '../usage.ts';
import { accountNamed, type Json, mailboxNamed, withHosted } from './hosted.ts';
import { Importing, type ImportLine } from './importing.ts';

interface ExportOptions extends Json {
  readonly format: MailFormat;
  readonly mailbox?: string;
}

interface ImportOptions extends Json {
  readonly format: MailFormat;
  readonly into?: string;
  readonly dryRun?: boolean;
  readonly maxSize: string;
}

const format = (): Option =>
  new Option('--format <format>', 'how mail is kept in files').choices(mailFormats).makeOptionMandatory();

/** Adds them to `isthmus account`. */
export function addFileCommands(account: Command, open: OpenServices, terminal: Terminal): void {
  account
    .command('export <name> <folder>')
    .description('all mail of an account into a new folder')
    .addOption(format())
    .option('--mailbox <name>', 'this mailbox only')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nmaildir and mbox have LF line ends; eml keeps every octet.')
    .action((name: string, folder: string, options: ExportOptions, command: Command) =>
      withHosted(open, terminal, command, (hosted) => exported(hosted, name, folder, options, terminal)),
    );
  account
    .command('import <name> <place>')
    .description('mail out of files; what the mailbox has already is left out, so it may be run again')
    .addOption(format())
    .option('--into <mailbox>', 'below this mailbox; without: where it was')
    .option('--max-size <size>', 'larger messages are left out, and told', '1GB')
    .option('--dry-run', 'read all, and only say what it would be')
    .option('--json', 'print JSON')
    .action((name: string, place: string, options: ImportOptions, command: Command) =>
      withHosted(open, terminal, command, (hosted) => imported(hosted, name, place, options, terminal)),
    );
}

interface ExportLine {
  readonly mailbox: string;
  messages: number;
  size: number;
}

async function exported(
  hosted: Hosted,
  name: string,
  folder: string,
  options: ExportOptions,
  terminal: Terminal,
): Promise<void> {
  const account = await accountNamed(hosted, name);
  const mailboxes = options.mailbox
    ? [await mailboxNamed(hosted, account, options.mailbox)]
    : await hosted.mailboxes.list(account.id);
  const writer = await hosted.files.write(options.format, folder);
  const progress = new Progress(terminal);
  const lines: ExportLine[] = [];
  let done = 0;
  const of = mailboxes.reduce((sum, { status }) => sum + status.messages, 0);
  for (const mailbox of mailboxes.filter(({ selectable }) => selectable)) {
    const line = { mailbox: mailbox.name, messages: 0, size: 0 };
    lines.push(line);
    const path = mailbox.name.split('/');
    await writer.mailbox(path);
    for await (const rows of together(rowsOf(hosted, mailbox, terminal.signal))) {
      const messages = await Promise.all(rows.map((row) => toFile(hosted, row, terminal.signal)));
      for (const message of messages) await writer.append(path, message, terminal.signal);
      line.messages += rows.length;
      line.size += rows.reduce((sum, { size }) => sum + size, 0);
      done += rows.length;
      progress.tell(() => `${mailbox.name}: ${printDone(done, Math.max(of, done))} messages`);
    }
  }
  await writer.close();
  const verdict = `Exported ${done} messages of ${account.name} to ${folder}.`;
  terminal.out(
    options.json
      ? JSON.stringify({ account: account.name, folder, mailboxes: lines })
      : `${printTable(lines, exportColumns)}\n${verdict}`,
  );
}

/** So many are waited for at once. */
const atOnce = 8;

async function* together<T>(items: AsyncIterable<T>): AsyncGenerator<readonly T[]> {
  let some: T[] = [];
  for await (const item of items) {
    some.push(item);
    if (some.length < atOnce) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

/** Up to this size a message is read ahead. */
const small = 1_048_576;

async function toFile({ messages }: Hosted, row: MessageRow, signal: AbortSignal): Promise<MessageToFile> {
  const content = messages.content(row.body, signal);
  const { internalDate, size } = row;
  const flags = flagNames(row.flags);
  if (size > small) return { flags, internalDate, content };
  return { flags, internalDate, content: again(await Array.fromAsync(content)) };
}

async function* again(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function* rowsOf({ messages }: Hosted, { id, status }: MailFolder, signal: AbortSignal) {
  if (status.uidNext === 1) return;
  const all = [{ first: 1, last: status.uidNext - 1 }];
  for await (const rows of messages.rows(id, all, {}, signal)) yield* rows;
}

const exportColumns: readonly Column<ExportLine>[] = [
  { title: 'MAILBOX', value: ({ mailbox }) => mailbox },
  { title: 'MESSAGES', value: ({ messages }) => String(messages), align: 'right' },
  { title: 'SIZE', value: ({ size }) => printSize(size), align: 'right' },
];

async function imported(
  hosted: Hosted,
  name: string,
  place: string,
  options: ImportOptions,
  terminal: Terminal,
): Promise<void> {
  const maxSize = parseSize(options.maxSize, '--max-size');
  if (maxSize === undefined) throw new UsageError('--max-size: a limit is needed');
  const account = await accountNamed(hosted, name);
  const reader = await hosted.files.read(options.format, place);
  const progress = new Progress(terminal);
  const dryRun = options.dryRun ?? false;
  const importing = new Importing(hosted, account, { dryRun, maxSize, signal: terminal.signal });
  let done = 0;
  for await (const mailbox of reader.mailboxes(terminal.signal)) {
    const target = [...(options.into === undefined ? [] : [options.into]), ...mailbox.path].join('/');
    await importing.mailbox(target);
    for await (const messages of together(reader.messages(mailbox, terminal.signal))) {
      await importing.messages(target, messages);
      done += messages.length;
      progress.tell(() => `${target}: ${done} messages read`);
    }
  }
  await importing.flush();
  for (const { where, why } of importing.troubles) terminal.err(`${where}: ${why}`);
  tell(importing.lines, account.name, options, terminal);
  if (importing.failed > 0) terminal.exit(1);
}

const importColumns: readonly Column<ImportLine>[] = [
  { title: 'MAILBOX', value: ({ mailbox }) => mailbox },
  { title: 'NEW', value: ({ added }) => String(added), align: 'right' },
  { title: 'SIZE', value: ({ size }) => printSize(size), align: 'right' },
  { title: 'THERE ALREADY', value: ({ there }) => String(there), align: 'right' },
  { title: 'LEFT OUT', value: ({ failed }) => String(failed), align: 'right' },
];

function tell(
  lines: readonly ImportLine[],
  account: string,
  options: ImportOptions,
  terminal: Terminal,
): void {
  const dryRun = options.dryRun ?? false;
  const added = lines.reduce((sum, line) => sum + line.added, 0);
  const verdict = `${dryRun ? 'Would import' : 'Imported'} ${added} messages into ${account}.`;
  terminal.out(
    options.json
      ? JSON.stringify({ account, dryRun, mailboxes: lines })
      : `${printTable(lines, importColumns)}\n${verdict}`,
  );
}
