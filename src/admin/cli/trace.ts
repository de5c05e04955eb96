/**
 * admin/cli/trace - `isthmus trace`: where a message went, and why.
 */
import { Command } from 'commander';
import type { TraceQuery, TraceRow } from '../../ports/trace.ts';
import { type OpenServices, type Services, type Terminal, withServices } from '../services.ts';
import { printable, printTime } from '../table.ts';
import { parseMoment } from '../time.ts';
import { parseCount } from '../usage.ts';

interface TraceOptions {
  readonly recipient?: string;
  readonly sender?: string;
  readonly messageId?: string;
  readonly queueId?: string;
  readonly since?: string;
  readonly until?: string;
  readonly event?: string;
  readonly limit?: string;
  readonly json?: boolean;
}

export function traceCommand(open: OpenServices, terminal: Terminal): Command {
  return new Command('trace')
    .description('where messages went, and why')
    .option('--recipient <address>', 'address, or @domain')
    .option('--sender <address>', 'address, @domain, or <>')
    .option('--message-id <id>', 'Message-ID, angle brackets as you like')
    .option('--queue-id <id>', 'the id of "queued as"')
    .option('--since <time>', '2h, 3d, yesterday, or a date')
    .option('--until <time>', 'likewise')
    .option('--event <event>', 'accepted, refused, delivered, deferred, failed, held, expanded, reported …')
    .option('--limit <n>', 'at most so many rows', '1000')
    .option('--json', 'one JSON object a line')
    .action((options: TraceOptions, command: Command) =>
      withServices(open, command.optsWithGlobals<{ config?: string }>().config, (services) =>
        trace(services, options, terminal),
      ),
    );
}

async function trace(services: Services, options: TraceOptions, terminal: Terminal): Promise<void> {
  const query = queryFrom(options, terminal.now());
  if (Object.keys(query).length === 1) {
    terminal.err('Whose story? Name --recipient, --sender, --message-id, --queue-id, --event or --since.');
    return terminal.exit(64);
  }
  const found = services.trace.find(query, terminal.signal);
  const rows: TraceRow[] = [];
  let count = 0;
  for await (const row of found) {
    count += 1;
    if (options.json) terminal.out(JSON.stringify(row));
    else rows.push(row);
  }
  if (count === 0) {
    if (!options.json)
      terminal.err('Nothing in the trace matches (rows older than trace.retention are gone).');
    terminal.exit(1);
  }
  const stories = [...Map.groupBy(rows, ({ queueId }) => queueId)];
  stories.forEach(([queueId, story], index) => {
    terminal.out(`${index > 0 ? '\n' : ''}${queueId ?? 'never accepted'}`);
    for (const line of story.flatMap(storyLines)) terminal.out(line);
  });
}

export function queryFrom(options: TraceOptions, now: Date): TraceQuery {
  return {
    limit: parseCount(options.limit ?? '1000', '--limit'),
    ...(options.recipient === undefined ? {} : { recipient: options.recipient }),
    ...(options.sender === undefined ? {} : { sender: options.sender }),
    ...(options.messageId === undefined ? {} : { messageId: bracketed(options.messageId) }),
    ...(options.queueId === undefined ? {} : { queueId: options.queueId }),
    ...(options.event === undefined ? {} : { event: options.event as TraceRow['event'] }),
    ...(options.since === undefined ? {} : { since: parseMoment(options.since, now) }),
    ...(options.until === undefined ? {} : { until: parseMoment(options.until, now) }),
  };
}

const bracketed = (id: string): string => (id.startsWith('<') ? id : `<${id}>`);

/** Facts worth a place on the line; the rest is in --json. */
const shown = [
  'sender',
  'client',
  'size',
  'messageId',
  'nextHop',
  'peer',
  'reply',
  'attempt',
  'report',
  'by',
] as const;

export function storyLines(row: TraceRow): string[] {
  const facts = shown.flatMap((name) => {
    const value = row.detail[name];
    return value === undefined || value === null ? [] : [`${name}=${printFact(value)}`];
  });
  const head = [`  ${printTime(row.at)}`, row.event.padEnd(9), row.recipient ?? '', ...facts];
  return [
    printable(head.filter((part) => part !== '').join('  ')),
    ...row.because.map((why) => printable(`      because ${why}`)),
  ];
}

function printFact(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('ip' in value)) {
    return typeof value === 'string' ? value : JSON.stringify(value);
  }
  const { ip, port, host, helo, name, site, tls } = value as Readonly<Record<string, unknown>>;
  const place = `${name ?? host ?? helo ?? ''}[${ip}]${port === undefined ? '' : `:${port}`}`;
  const more = [typeof tls === 'string' ? tls : tls && 'TLS', site && `site ${site}`].filter(Boolean);
  return more.length === 0 ? place : `${place} (${more.join(', ')})`;
}
