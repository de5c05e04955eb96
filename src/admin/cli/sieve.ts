/**
 * admin/cli/sieve - `isthmus sieve …`: what is wrong with a script, and what it would do with a message, and why.
 *
 * Nothing is stored or sent, and no mailbox is asked. The language is handed in: admin does not know its room.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Command } from 'commander';
import type { Terminal } from '../services.ts';
import { printable } from '../table.ts';
import { UsageError } from '../usage.ts';

export interface ScriptProblem {
  readonly script: string;
  readonly severity: 'error' | 'warning';
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** What one run would do, in words. */
export interface SieveStory {
  /** Tests of `if` and what came of them, then warnings. */
  readonly story: readonly string[];
  /** Each with its reason. */
  readonly actions: readonly string[];
  /** Why the script failed; then the message is kept. */
  readonly problem?: string;
  /** The same as values, for --json. */
  readonly json: object;
}

export interface SieveWords {
  check(script: Uint8Array, options: ScriptOptions): Promise<readonly ScriptProblem[]>;
  /** Rejects never for what is in the script: `problems` are what check says, and then there is no story. */
  run(
    script: Uint8Array,
    message: Uint8Array,
    options: ScriptOptions & RunWishes,
  ): Promise<{ readonly problems: readonly ScriptProblem[]; readonly story?: SieveStory }>;
}

export interface ScriptOptions {
  readonly name: string;
  /** Text of a script to include. */
  readonly find: (name: string) => Promise<Uint8Array | undefined>;
}

export interface RunWishes {
  readonly from: string;
  readonly to: string;
  /** Mailboxes that are there. */
  readonly mailboxes: readonly string[];
  readonly now: Date;
}

/** Larger files are a mistake. */
const scriptLimit = 16 * 1024 * 1024;
const messageLimit = 256 * 1024 * 1024;

interface RunFlags {
  readonly from?: string;
  readonly to?: string;
  readonly mailbox?: string[];
  readonly json?: boolean;
}

export function sieveCommand(words: SieveWords, terminal: Terminal): Command {
  const sieve = new Command('sieve').description('mail filters in the Sieve language');
  sieve
    .command('check <file>')
    .description('what is wrong with a script, with line, column and what was expected')
    .option('--json', 'print JSON')
    .action(async (file: string, { json }: { json?: boolean }) => {
      const problems = await words.check(readBounded(file, scriptLimit), optionsFor(file));
      if (json) terminal.out(JSON.stringify(problems));
      else tellProblems(file, problems, terminal);
      terminal.exit(hasErrors(problems) ? 1 : 0);
    });
  sieve
    .command('run <file> <message>')
    .description('what a script would do with a message, and why; nothing is done')
    .option('--from <address>', 'reverse-path; <> for a report', 'sender@example.com')
    .option('--to <address>', 'recipient', 'recipient@example.com')
    .option('--mailbox <name...>', 'mailboxes that are there, besides INBOX')
    .option('--json', 'print JSON')
    .action((file: string, message: string, flags: RunFlags) =>
      runScript(words, file, message, flags, terminal),
    );
  return sieve;
}

async function runScript(
  words: SieveWords,
  file: string,
  message: string,
  flags: RunFlags,
  terminal: Terminal,
): Promise<void> {
  const { problems, story } = await words.run(
    readBounded(file, scriptLimit),
    readBounded(message, messageLimit),
    {
      ...optionsFor(file),
      from: flags.from === '<>' ? '' : (flags.from ?? ''),
      to: flags.to ?? '',
      mailboxes: ['INBOX', ...(flags.mailbox ?? [])],
      now: terminal.now(),
    },
  );
  if (flags.json) terminal.out(JSON.stringify({ problems, ...(story ? { outcome: story.json } : {}) }));
  else {
    if (problems.length > 0) tellProblems(file, problems, terminal);
    if (story) tellStory(story, terminal);
  }
  terminal.exit(story === undefined || story.problem !== undefined ? 1 : 0);
}

const hasErrors = (problems: readonly ScriptProblem[]): boolean =>
  problems.some(({ severity }) => severity === 'error');

function tellProblems(file: string, problems: readonly ScriptProblem[], terminal: Terminal): void {
  const own = basename(file).replace(/\.sieve$/, '');
  for (const { script, severity, line, column, text } of problems) {
    const where = script === own ? file : `script "${script}"`;
    terminal.out(printable(`${where}:${line}:${column}: ${severity}: ${text}`));
  }
  if (!hasErrors(problems)) terminal.out(printable(`${file}: the script is good`));
}

function tellStory({ story, actions, problem }: SieveStory, terminal: Terminal): void {
  for (const line of story) terminal.out(printable(`  ${line}`));
  if (problem !== undefined) terminal.out(printable(`The script failed: ${problem}`));
  for (const line of actions) terminal.out(printable(line));
}

/** Scripts to include lie beside the script. */
function optionsFor(file: string): ScriptOptions {
  return {
    name: basename(file).replace(/\.sieve$/, ''),
    find: async (name) => {
      try {
        return readBounded(join(dirname(file), `${name}.sieve`), scriptLimit);
      } catch (error) {
        if (error instanceof UsageError) return undefined;
        throw error;
      }
    },
  };
}

function readBounded(file: string, limit: number): Uint8Array {
  try {
    const { size } = statSync(file);
    if (size > limit) throw new UsageError(`${file}: larger than ${limit} octets`);
    return readFileSync(file);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`${file}: cannot be read: ${(cause as Error).message}`, { cause });
  }
}
