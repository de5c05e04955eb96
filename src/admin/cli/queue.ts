/**
 * admin/cli/queue - `isthmus queue …`: look at the spool, and change it after a count.
 */
import { Command } from 'commander';
import type { QueueAction, QueuedMessage, QueueFilter, QueueStatus } from '../../ports/queue-control.ts';
import { type OpenServices, type Services, type Terminal, withServices } from '../services.ts';
import { type Column, printAge, printable, printSize, printTable, printTime } from '../table.ts';
import { parseMoment } from '../time.ts';
import { parseCount, UsageError } from '../usage.ts';

interface FilterOptions {
  readonly recipient?: string;
  readonly sender?: string;
  readonly nextHop?: string;
  readonly status?: string;
  readonly olderThan?: string;
  readonly reply?: string;
  readonly all?: boolean;
  readonly json?: boolean;
  readonly limit?: string;
}

interface ActOptions extends FilterOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly reason?: string;
}

const statuses: readonly QueueStatus[] = ['due', 'active', 'deferred', 'held'];

const actions: Readonly<Record<QueueAction, string>> = {
  hold: 'keep, and do not deliver until released',
  release: 'deliver what was held',
  retry: 'try now what waits for its next attempt',
  bounce: 'give up, and report to the sender',
  delete: 'remove without any report',
};
/** Without a way back: these ask for --yes. */
const final: readonly QueueAction[] = ['bounce', 'delete'];

export function queueCommand(open: OpenServices, terminal: Terminal): Command {
  const queue = new Command('queue').description(
    'the spool: mail we have answered for and not delivered yet',
  );

  withFilter(queue.command('list').description('messages and where they stand'))
    .option('--limit <n>', 'at most so many messages', '1000')
    .action((options: FilterOptions, command: Command) =>
      withServices(open, configOf(command), (services) => list(services, options, terminal)),
    );

  queue
    .command('summary')
    .description('counts by status and next hop')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }, command: Command) =>
      withServices(open, configOf(command), (services) => summary(services, options.json ?? false, terminal)),
    );

  queue
    .command('show <id>')
    .description('one message, its recipients and why they wait')
    .option('--headers', 'print its header section too')
    .option('--json', 'print JSON')
    .action((id: string, options: { headers?: boolean; json?: boolean }, command: Command) =>
      withServices(open, configOf(command), (services) => show(services, id, options, terminal)),
    );

  for (const [action, text] of Object.entries(actions) as [QueueAction, string][]) {
    withFilter(queue.command(`${action} [ids...]`).description(text))
      .option('--all', 'every message')
      .option('--dry-run', 'only say what it would be')
      .option('--reason <text>', 'kept in the trace')
      .option(
        '--yes',
        final.includes(action)
          ? 'do it (without, the count is shown and nothing is done)'
          : 'accepted and not needed',
      )
      .action((ids: string[], options: ActOptions, command: Command) =>
        withServices(open, configOf(command), (services) => act(services, action, ids, options, terminal)),
      );
  }
  return queue;
}

const withFilter = (command: Command): Command =>
  command
    .option('--recipient <address>', 'address, or @domain')
    .option('--sender <address>', 'address, @domain, or <>')
    .option('--next-hop <key>', 'site:NAME or mx:DOMAIN')
    .option('--status <status>', statuses.join(', '))
    .option('--older-than <time>', '2h, 3d, or a date')
    .option('--reply <text>', 'part of the newest reply')
    .option('--json', 'print JSON');

const configOf = (command: Command): string | undefined =>
  command.optsWithGlobals<{ config?: string }>().config;

export function filterFrom(options: FilterOptions, ids: readonly string[], now: Date): QueueFilter {
  if (options.status !== undefined && !statuses.includes(options.status as QueueStatus)) {
    throw new UsageError(`--status: "${options.status}" is none of ${statuses.join(', ')}`);
  }
  // An empty text would match whatever there is: a variable in a script that is not set.
  for (const name of ['recipient', 'sender', 'nextHop', 'reply'] as const) {
    if (options[name] === '') throw new UsageError(`--${name === 'nextHop' ? 'next-hop' : name}: is empty`);
  }
  return {
    ...(ids.length > 0 ? { ids } : {}),
    ...(options.recipient === undefined ? {} : { recipient: options.recipient }),
    ...(options.sender === undefined ? {} : { sender: options.sender }),
    ...(options.nextHop === undefined ? {} : { nextHop: options.nextHop }),
    ...(options.status === undefined ? {} : { status: options.status as QueueStatus }),
    ...(options.olderThan === undefined ? {} : { olderThan: parseMoment(options.olderThan, now) }),
    ...(options.reply === undefined ? {} : { reply: options.reply }),
  };
}

async function list(services: Services, options: FilterOptions, terminal: Terminal): Promise<void> {
  const limit = parseCount(options.limit ?? '1000', '--limit');
  const messages: QueuedMessage[] = [];
  let more = false;
  for await (const message of services.queue.list(filterFrom(options, [], terminal.now()), terminal.signal)) {
    if (messages.length >= limit) {
      more = true;
      break;
    }
    messages.push(message);
  }
  if (options.json) return terminal.out(JSON.stringify(messages));
  if (messages.length === 0) return terminal.out('The spool holds nothing that matches.');
  terminal.out(printTable(messages.flatMap(linesOf), columns(terminal.now())));
  if (more) terminal.out(`… and more: --limit ${limit} was reached.`);
}

interface Line {
  readonly message: QueuedMessage;
  readonly recipient: QueuedMessage['recipients'][number] | undefined;
  readonly first: boolean;
}

const linesOf = (message: QueuedMessage): Line[] =>
  message.recipients.map((recipient, index) => ({ message, recipient, first: index === 0 }));

const columns = (now: Date): Column<Line>[] => [
  { title: 'ID', value: ({ message, first }) => (first ? message.id : '') },
  {
    title: 'AGE',
    value: ({ message, first }) =>
      first ? printAge((now.getTime() - message.receivedAt.getTime()) / 1000) : '',
    align: 'right',
  },
  { title: 'SIZE', value: ({ message, first }) => (first ? printSize(message.size) : ''), align: 'right' },
  { title: 'SENDER', value: ({ message, first }) => (first ? message.sender : '') },
  { title: 'RECIPIENT', value: ({ recipient }) => recipient?.address ?? '' },
  { title: 'STATUS', value: ({ recipient }) => recipient?.status ?? '' },
  { title: 'NEXT HOP', value: ({ recipient }) => recipient?.nextHop ?? '' },
  { title: 'TRIES', value: ({ recipient }) => String(recipient?.attempts ?? 0), align: 'right' },
  { title: 'REPLY', value: ({ recipient }) => recipient?.holdReason ?? recipient?.reply ?? '' },
];

async function summary(services: Services, json: boolean, terminal: Terminal): Promise<void> {
  const counts = await services.queue.counts(terminal.signal);
  if (json) return terminal.out(JSON.stringify(counts));
  terminal.out(
    `${counts.messages} messages for ${counts.recipients} recipients${
      counts.oldest === undefined ? '' : `, the oldest ${printAge(counts.oldest)} old`
    }`,
  );
  const rows = [...Object.entries(counts.byStatus), ...Object.entries(counts.byNextHop)];
  if (rows.length > 0) {
    terminal.out(
      printTable(rows, [
        { title: 'WHAT', value: ([name]) => name },
        { title: 'RECIPIENTS', value: ([, count]) => String(count), align: 'right' },
      ]),
    );
  }
}

async function show(
  services: Services,
  id: string,
  options: { readonly headers?: boolean; readonly json?: boolean },
  terminal: Terminal,
): Promise<void> {
  const [message] = await Array.fromAsync(services.queue.list({ ids: [id] }, terminal.signal));
  if (message === undefined) {
    terminal.err(
      `No message ${id} is in the spool. Its story may be in the trace: isthmus trace --queue-id ${id}`,
    );
    return terminal.exit(1);
  }
  const headers = options.headers ? await services.queue.headers(id, terminal.signal) : undefined;
  if (options.json) return terminal.out(JSON.stringify({ ...message, headers }));
  terminal.out(
    [
      printable(
        `${message.id}  from ${message.sender}  ${printSize(message.size)}  ${message.messageId ?? 'no Message-ID'}`,
      ),
      `received ${printTime(message.receivedAt)}, given up at ${printTime(message.expiresAt)} (UTC)`,
    ].join('\n'),
  );
  for (const recipient of message.recipients) {
    const due = recipient.dueAt === undefined ? '' : `, next try ${printTime(recipient.dueAt)}`;
    terminal.out(printable(`  ${recipient.address}: ${recipient.status}${due}, ${recipient.attempts} tries`));
    if (recipient.holdReason) terminal.out(`    held: ${printable(recipient.holdReason)}`);
    if (recipient.reply) terminal.out(printable(`    ${recipient.peer ?? 'here'}: ${recipient.reply}`));
    for (const why of recipient.because) terminal.out(`    because ${printable(why)}`);
  }
  if (headers !== undefined) terminal.out(`\n${headers.split(/\r?\n/).map(printable).join('\n')}`);
}

async function act(
  services: Services,
  action: QueueAction,
  ids: readonly string[],
  options: ActOptions,
  terminal: Terminal,
): Promise<void> {
  const filter = filterFrom(options, ids, terminal.now());
  if (Object.keys(filter).length === 0 && !options.all) {
    terminal.err(`Which messages? Name queue ids or a filter; --all means every one of them.`);
    return terminal.exit(64);
  }
  const dryRun = options.dryRun === true || (final.includes(action) && options.yes !== true);
  const counted = await services.queue.act(
    action,
    filter,
    { dryRun, by: terminal.operator, ...(options.reason === undefined ? {} : { reason: options.reason }) },
    terminal.signal,
  );
  // Who names a message and finds none is mistaken; a filter may well match nothing.
  if (ids.length > 0 && counted.recipients + counted.busy === 0) terminal.exit(1);
  if (options.json) return terminal.out(JSON.stringify({ action, dryRun, ...counted }));
  const what = `${counted.recipients} recipients of ${counted.messages} messages`;
  const busy =
    counted.busy > 0 ? ` ${counted.busy} recipients are in delivery right now and are left alone.` : '';
  terminal.out(dryRun ? `Would ${action} ${what}.${busy}` : `${action}: ${what}.${busy}`);
  if (dryRun && !options.dryRun) terminal.out('Nothing was done. Add --yes to do it.');
}
