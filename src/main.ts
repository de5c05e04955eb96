#!/usr/bin/env node
/**
 * isthmus - the command. This file and src/main/ are the only ones that know every room.
 *
 * Exit codes: 0 well; 1 the answer is no; 64 wrong usage; 69 cannot run, or does not; 70 our fault; 75 try again
 * later; 78 configuration (sysexits.h); 130 interrupted.
 */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import {
  type CommandResult,
  checkCommand,
  exampleCommand,
  referenceCommand,
  schemaCommand,
  showCommand,
} from '../config/commands.ts';
import { readConfig } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import { accountCommand } from './admin/cli/account.ts';
import { directoryCommand, homeCommand } from './admin/cli/directory.ts';
import { fsckCommand } from './admin/cli/fsck.ts';
import { mailboxCommand } from './admin/cli/mailbox.ts';
import { queueCommand } from './admin/cli/queue.ts';
import { routeCommand } from './admin/cli/route.ts';
import { type SieveWords, sieveCommand } from './admin/cli/sieve.ts';
import { traceCommand } from './admin/cli/trace.ts';
import type { OpenServices, Terminal } from './admin/services.ts';
import { UsageError } from './admin/usage.ts';
import { roleNames } from './main/crew.ts';
import { defaultFile, loadOptions } from './main/load.ts';
import { startRole } from './main/roles.ts';
import { pidFileIn, serve } from './main/serve.ts';
import { DatabaseAway } from './ports/database.ts';
import { DirectoryUnready } from './ports/directory.ts';
import { SpecError } from './route/pattern.ts';
import { runningNode } from './serve/pid-file.ts';
import { runUnderSupervisor } from './serve/role.ts';
import { CannotStart } from './serve/supervisor.ts';
import { PrivateServerError } from './state/private-server.ts';

const interrupted = new AbortController();

const terminal: Terminal = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  exit: (code) => {
    process.exitCode = code;
  },
  signal: interrupted.signal,
  now: () => new Date(),
  operator: operatorName(),
};

function operatorName(): string {
  try {
    return process.env.SUDO_USER ?? userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** Ctrl-C ends what a command does in good order; once more, and it ends at once. */
const openInterruptibly: OpenServices = async (configFile) => {
  endWithPager();
  process.on('SIGINT', () => {
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort(new Error('interrupted'));
  });
  return (await import('./main/services.ts')).openServices(configFile);
};

/** Commands that are seldom asked for load what they need when they are. */
const byHand: SieveWords = {
  check: async (...given) => (await import('./sieve/by-hand.ts')).checkByHand(...given),
  run: async (...given) => (await import('./sieve/by-hand.ts')).runByHand(...given),
};

/** A pager that was closed has seen enough. */
function endWithPager(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
  });
}

const fileOf = (command: Command): string =>
  command.optsWithGlobals<{ config?: string }>().config ?? defaultFile();

function program(): Command {
  const isthmus = new Command('isthmus')
    .description('A gateway between mail at home and mail in the cloud.')
    .version(version(), '--version')
    .option('-c, --config <file>', 'configuration (default: $ISTHMUS_CONFIG or /etc/isthmus/isthmus.yaml)')
    .exitOverride()
    .showHelpAfterError('(isthmus --help tells what there is)');

  isthmus
    .command('serve')
    .description('run this node')
    .option('--single', 'all roles in one process')
    .addOption(new Option('--roles <names...>', 'only these roles').choices(roleNames))
    .action(async (options: { single?: boolean; roles?: string[] }, command: Command) => {
      await serve({
        configFile: fileOf(command),
        single: options.single ?? false,
        roles: options.roles,
        program: import.meta.filename,
      });
      process.exit(0);
    });

  isthmus
    .command('role <name>', { hidden: true })
    .description('one role under a supervisor')
    .action((name: string) => runUnderSupervisor(name, startRole));

  isthmus
    .command('demo')
    .description('a small company between two pretend sites, on this machine, for a look around')
    .option('--once', 'end when all mail is where it should be')
    .option('--json', 'print one JSON summary as the last line')
    .action(async (options: { once?: boolean; json?: boolean }) => {
      const { runDemo } = await import('./main/demo.ts');
      process.exit(await runDemo(options, import.meta.filename));
    });

  isthmus.addCommand(configCommand());
  for (const command of [
    routeCommand,
    queueCommand,
    traceCommand,
    directoryCommand,
    homeCommand,
    accountCommand,
    mailboxCommand,
    fsckCommand,
  ]) {
    isthmus.addCommand(command(openInterruptibly, terminal));
  }
  isthmus.addCommand(sieveCommand(byHand, terminal));
  for (const command of everyCommand(isthmus)) command.exitOverride().copyInheritedSettings(isthmus);
  return isthmus;
}

function* everyCommand(command: Command): Generator<Command> {
  for (const child of command.commands) {
    yield child;
    yield* everyCommand(child);
  }
}

function configCommand(): Command {
  const config = new Command('config').description('the configuration file');
  const say = ({ text, exitCode }: CommandResult) => {
    endWithPager();
    process.stdout.write(text);
    process.exitCode = exitCode;
  };
  const withFile = (
    name: string,
    description: string,
    run: (file: string, json: boolean) => CommandResult,
  ): void => {
    config
      .command(`${name} [file]`)
      .description(description)
      .option('--json', 'print JSON')
      .action((file: string | undefined, options: { json?: boolean }, command: Command) =>
        say(run(file ?? fileOf(command), options.json ?? false)),
      );
  };
  withFile('check', 'what is wrong with a file, with line, column and what was expected', (file, json) =>
    checkCommand(file, { ...loadOptions(), json }),
  );
  withFile('show', 'what is in effect, defaults included, secrets hidden', (file, json) =>
    showCommand(file, { ...loadOptions(), json }),
  );
  config
    .command('example')
    .description('a whole file with every key explained')
    .action(() => say(exampleCommand()));
  config
    .command('reference')
    .description('every key, as Markdown')
    .action(() => say(referenceCommand()));
  config
    .command('schema')
    .description('JSON Schema of the file, for editors')
    .action(() => say(schemaCommand()));
  config
    .command('reload')
    .description('the running node takes the file live, if it is sound')
    .action((_options: object, command: Command) => reloadRunning(fileOf(command)));
  return config;
}

function reloadRunning(file: string): void {
  const { config } = readConfig(file, loadOptions());
  const pidFile = pidFileIn(config);
  const pid = runningNode(pidFile);
  if (pid === undefined) {
    throw new CannotStart(
      `no running node: ${pidFile} names none (start it: isthmus serve --config ${file})`,
    );
  }
  try {
    process.kill(pid, 'SIGHUP');
  } catch (cause) {
    throw new CannotStart(`process ${pid} runs the node, and only root or its own user may tell it`, {
      cause,
    });
  }
  terminal.out('The file is sound, and the running node was told to take it. Its log says what is live.');
}

function version(): string {
  for (const up of ['..', '../..']) {
    try {
      const text = readFileSync(join(import.meta.dirname, up, 'package.json'), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch {}
  }
  return 'unknown';
}

/** What a command that failed says, and with which code it ends. */
function explainFailure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 64;
  if (error instanceof ConfigError) {
    terminal.err(error.message);
    return 78;
  }
  if (interrupted.signal.aborted) return 130;
  terminal.err(`isthmus: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof UsageError || error instanceof SpecError) return 64;
  if (error instanceof CannotStart || error instanceof PrivateServerError) return 69;
  if (error instanceof DatabaseAway || error instanceof DirectoryUnready) return 75;
  return 70;
}

try {
  await program().parseAsync();
} catch (error) {
  process.exit(explainFailure(error));
}
