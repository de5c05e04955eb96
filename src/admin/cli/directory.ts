/**
 * admin/cli/directory - `isthmus directory …` and `isthmus home …`: who is who, and where they live.
 */
import { Command } from 'commander';
import { type Address, parseAddress } from '../../mail/address.ts';
import type { DirectoryEntry, Lookup } from '../../ports/directory.ts';
import { type OpenServices, type Services, type Terminal, withServices } from '../services.ts';
import { printAge, printable, printTable } from '../table.ts';
import { UsageError } from '../usage.ts';

interface Json {
  readonly json?: boolean;
}

const configOf = (command: Command): string | undefined =>
  command.optsWithGlobals<{ config?: string }>().config;

export function directoryCommand(open: OpenServices, terminal: Terminal): Command {
  const directory = new Command('directory').description('the snapshot of the organisation’s directories');
  directory
    .command('status')
    .description('sources, their age and their troubles')
    .option('--json', 'print JSON')
    .action((options: Json, command: Command) =>
      withServices(open, configOf(command), (services) => status(services, options, terminal)),
    );
  directory
    .command('lookup <address>')
    .description('who an address is')
    .option('--json', 'print JSON')
    .action((address: string, options: Json, command: Command) =>
      withServices(open, configOf(command), (services) => lookup(services, address, options, terminal)),
    );
  directory
    .command('refresh')
    .description('read the sources now (the running server does it)')
    .option('--full', 'everything, not only what changed')
    .option('--accept-loss', 'everything, and take it even where directory.refuseLoss would refuse it')
    .action((options: { full?: boolean; acceptLoss?: boolean }, command: Command) =>
      withServices(open, configOf(command), async (services) => {
        const acceptLoss = options.acceptLoss ?? false;
        await services.refreshDirectory({ full: acceptLoss || (options.full ?? false), acceptLoss });
        terminal.out('Asked for. See: isthmus directory status');
      }),
    );
  return directory;
}

export function homeCommand(open: OpenServices, terminal: Terminal): Command {
  const home = new Command('home').description('a person’s home laid over what the directory says');
  home
    .command('show <address>')
    .description('the home of a person, and who says so')
    .option('--json', 'print JSON')
    .action((address: string, options: Json, command: Command) =>
      withServices(open, configOf(command), async (services) => {
        const found = await one(services, address, terminal);
        if (found === undefined) return;
        const { entry, override } = found;
        const site = override ?? entry.home;
        const by = override === undefined ? 'directory' : 'override';
        if (options.json)
          return terminal.out(JSON.stringify({ address, entry: entry.id, site, by: site ? by : 'rules' }));
        terminal.out(
          site === undefined
            ? `${address}: neither directory nor override names a home; rules decide`
            : `${address}: ${site} (${by})`,
        );
      }),
    );
  home
    .command('set <address> <site>')
    .description('from now on this person’s mail goes to that site')
    .requiredOption('--reason <text>', 'kept beside the change')
    .action((address: string, site: string, options: { reason: string }, command: Command) =>
      withServices(open, configOf(command), async (services) => {
        if (!services.sites.includes(site)) {
          terminal.err(`No site is called ${site}: there are ${services.sites.join(', ')}`);
          return terminal.exit(64);
        }
        const found = await one(services, address, terminal);
        if (found === undefined) return;
        await services.homes.flip(found.entry.id, site, `${terminal.operator}: ${options.reason}`);
        terminal.out(`${address}: ${site} (override)`);
      }),
    );
  home
    .command('clear <address>')
    .description('back to what the directory says')
    .requiredOption('--reason <text>', 'kept beside the change')
    .action((address: string, options: { reason: string }, command: Command) =>
      withServices(open, configOf(command), async (services) => {
        const found = await one(services, address, terminal);
        if (found === undefined) return;
        await services.homes.clear(found.entry.id, `${terminal.operator}: ${options.reason}`);
        terminal.out(`${address}: ${found.entry.home ?? 'rules decide'} (directory)`);
      }),
    );
  return home;
}

async function status(services: Services, options: Json, terminal: Terminal): Promise<void> {
  const sources = await services.directory.health(terminal.signal);
  if (options.json) return terminal.out(JSON.stringify(sources));
  if (sources.length === 0) return terminal.out('No directory source is configured.');
  const now = terminal.now().getTime();
  terminal.out(
    printTable(sources, [
      { title: 'SOURCE', value: (source) => source.source },
      { title: 'ENTRIES', value: (source) => String(source.entries), align: 'right' },
      {
        title: 'AGE',
        value: (source) => (source.goodAt ? printAge((now - source.goodAt.getTime()) / 1000) : 'never read'),
        align: 'right',
      },
      {
        title: 'STATE',
        value: (source) => (source.tooOld ? 'TOO OLD' : source.trouble ? 'trouble' : 'good'),
      },
      { title: 'TROUBLE', value: (source) => source.trouble ?? '' },
    ]),
  );
  const problems = sources.flatMap((source) => source.problems);
  if (problems.length === 0) return;
  terminal.out(`\n${problems.length} problems (the first hundred of each source):`);
  terminal.out(
    printTable(problems, [
      { title: 'SOURCE', value: (problem) => problem.source },
      { title: 'KIND', value: (problem) => problem.kind },
      { title: 'WHERE', value: (problem) => problem.where },
      { title: 'WHAT', value: (problem) => problem.text },
    ]),
  );
}

async function lookup(services: Services, text: string, options: Json, terminal: Terminal): Promise<void> {
  const found = await find(services, addressFrom(text), terminal.signal);
  if (options.json) {
    const groups = found.found === 'one' && found.groups !== undefined ? { groups: [...found.groups] } : {};
    terminal.out(JSON.stringify({ ...found, ...groups }));
  } else if (found.found === 'nobody') terminal.out(`${text}: nobody claims it`);
  else if (found.found === 'ambiguous') {
    terminal.out(`${text}: several claim it, so mail to it is deferred:`);
    for (const entry of found.entries) terminal.out(printable(`  ${entry.where}`));
  } else for (const line of describe(found)) terminal.out(line);
  if (found.found !== 'one') terminal.exit(1);
}

function describe(found: Extract<Lookup, { found: 'one' }>): string[] {
  const { entry } = found;
  return [
    `${entry.displayName ?? entry.where} (${entry.kind}, by ${found.by})`,
    `  where      ${entry.where}`,
    `  addresses  ${entry.addresses.map((address) => address.text).join(' ')}`,
    `  home       ${found.override === undefined ? (entry.home ?? 'not said') : `${found.override} (override of ${entry.home ?? 'none'})`}`,
    ...(entry.targetAddress === undefined ? [] : [`  target     ${entry.targetAddress.text}`]),
    ...(found.groups === undefined ? [] : [`  groups     ${[...found.groups].join(' ')}`]),
    ...(entry.disabled ? ['  disabled   yes'] : []),
  ].map(printable);
}

function addressFrom(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new UsageError(`"${text}" is not an address: write local@domain`);
  return address;
}

async function find(services: Services, address: Address, signal: AbortSignal): Promise<Lookup> {
  const [found] = await services.directory.lookup([address], { groups: true }, signal);
  return found ?? { found: 'nobody' };
}

async function one(
  services: Services,
  text: string,
  terminal: Terminal,
): Promise<{ readonly entry: DirectoryEntry; readonly override?: string } | undefined> {
  const found = await find(services, addressFrom(text), terminal.signal);
  if (found.found === 'one') return found;
  terminal.err(`${text}: ${found.found === 'nobody' ? 'nobody claims it' : 'several claim it'}`);
  terminal.exit(1);
  return undefined;
}
