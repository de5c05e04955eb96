/**
 * admin/cli/account-passwords - `isthmus account password` and `isthmus account app-password …`.
 */
import type { Command } from 'commander';
import { services as allServices, type Service } from '../../ports/authenticator.ts';
import { askSecret } from '../ask.ts';
import type { AppPasswordFacts, Hosted, OpenServices, Terminal } from '../services.ts';
import { type Column, printTable, printTime } from '../table.ts';
import { parseCount, UsageError } from '../usage.ts';
import { accountNamed, type Json, Refused, withHosted } from './hosted.ts';

interface AddOptions extends Json {
  readonly label: string;
  readonly for?: string;
  readonly days?: string;
}

/** Adds them to `isthmus account`. */
export function addPasswordCommands(account: Command, open: OpenServices, terminal: Terminal): void {
  const on = (command: Command, work: (hosted: Hosted) => Promise<void>) =>
    withHosted(open, terminal, command, work);
  account
    .command('password <name>')
    .description('a new password, asked for, or the first line of standard input')
    .option('--remove', 'no password any more')
    .action((name: string, options: { remove?: boolean }, command: Command) =>
      on(command, async (hosted) => {
        const found = await accountNamed(hosted, name);
        const typing = { input: process.stdin, err: terminal.err };
        const password = options.remove ? undefined : await askSecret('password', typing);
        await hosted.passwords.set(found.name, password, terminal.operator);
        terminal.out(
          `${found.name}: ${password === undefined ? 'has no password any more' : 'has a new password'}`,
        );
      }),
    );
  const app = account.command('app-password').description('passwords for one program each');
  app
    .command('list <name>')
    .description('which there are, and when they were used')
    .option('--json', 'print JSON')
    .action((name: string, options: Json, command: Command) =>
      on(command, async (hosted) => list(hosted, (await accountNamed(hosted, name)).name, options, terminal)),
    );
  app
    .command('add <name>')
    .description('a new one; it is shown once')
    .requiredOption('--label <text>', 'what it is for')
    .option('--for <services>', `of ${allServices.join(',')}; without: all`)
    .option('--days <n>', 'ends after so many days')
    .option('--json', 'print JSON')
    .action((name: string, options: AddOptions, command: Command) =>
      on(command, async (hosted) => add(hosted, (await accountNamed(hosted, name)).name, options, terminal)),
    );
  app
    .command('revoke <name> <number>')
    .description('it is good for nothing any more')
    .action((name: string, number: string, _options: object, command: Command) =>
      on(command, async (hosted) => {
        const found = await accountNamed(hosted, name);
        const id = parseCount(number, 'number');
        if (!(await hosted.passwords.revokeApp(found.name, id, terminal.operator)))
          throw new Refused(`${found.name} has no app password ${id}`);
        terminal.out(`${found.name}: app password ${id} revoked`);
      }),
    );
}

export function scopeFrom(text: string | undefined): ReadonlySet<Service> {
  if (text === undefined) return new Set(allServices);
  const known = new Map(allServices.map((service) => [String(service), service]));
  return new Set(
    text.split(',').map((name) => {
      const service = known.get(name.trim());
      if (service === undefined)
        throw new UsageError(`--for: "${name}" is none of ${allServices.join(', ')}`);
      return service;
    }),
  );
}

async function add(hosted: Hosted, account: string, options: AddOptions, terminal: Terminal): Promise<void> {
  const days = options.days === undefined ? undefined : parseCount(options.days, '--days');
  const { id, secret } = await hosted.passwords.addApp({
    account,
    label: options.label,
    scope: scopeFrom(options.for),
    by: terminal.operator,
    ...(days === undefined ? {} : { expiresAt: new Date(terminal.now().getTime() + days * 86_400_000) }),
  });
  if (options.json) return terminal.out(JSON.stringify({ account, id, secret }));
  terminal.out(`${account}: app password ${id}\n\n  ${secret}\n\nIt is not shown again.`);
}

const columns: readonly Column<AppPasswordFacts>[] = [
  { title: 'NUMBER', value: ({ id }) => String(id), align: 'right' },
  { title: 'LABEL', value: ({ label }) => label },
  { title: 'FOR', value: ({ scope }) => [...scope].join(',') },
  { title: 'MADE', value: ({ createdAt }) => printTime(createdAt) },
  { title: 'ENDS', value: ({ expiresAt }) => (expiresAt ? printTime(expiresAt) : 'never') },
  { title: 'USED', value: ({ usedAt }) => (usedAt ? printTime(usedAt) : 'never') },
  { title: 'FROM', value: ({ usedFrom }) => usedFrom ?? '' },
];

async function list(hosted: Hosted, account: string, options: Json, terminal: Terminal): Promise<void> {
  const all = await hosted.passwords.listApp(account);
  if (options.json)
    return terminal.out(JSON.stringify(all.map((one) => ({ ...one, scope: [...one.scope] }))));
  terminal.out(all.length === 0 ? `${account} has no app passwords.` : printTable(all, columns));
}
