/**
 * admin/cli/fsck - `isthmus fsck`: is the store of hosted mailboxes whole?
 *
 * Exit code 0: it is, or everything was mended; 1: something is wrong and stays so.
 */
import { Command } from 'commander';
import type { StoreFinding } from '../../ports/store-check.ts';
import { Progress, printDone } from '../progress.ts';
import type { Hosted, OpenServices, Terminal } from '../services.ts';
import { printable } from '../table.ts';
import { accountNamed, type Json, withHosted } from './hosted.ts';

interface Options extends Json {
  readonly account?: string;
  readonly deep?: boolean;
  readonly repair?: boolean;
}

export function fsckCommand(open: OpenServices, terminal: Terminal): Command {
  return new Command('fsck')
    .description('check everything that must be true of the hosted mailboxes; it may run while they are used')
    .option('--account <name>', 'this account only')
    .option('--deep', 'read every message and compare it with its hash')
    .option('--repair', 'mend what can be (without: change nothing)')
    .option('--json', 'print JSON, a line for each finding and one for the whole')
    .action((options: Options, command: Command) =>
      withHosted(open, terminal, command, (hosted) => check(hosted, options, terminal)),
    );
}

async function check(hosted: Hosted, options: Options, terminal: Terminal): Promise<void> {
  const account =
    options.account === undefined ? undefined : (await accountNamed(hosted, options.account)).id;
  const progress = new Progress(terminal);
  const findings = hosted.check.run(
    {
      deep: options.deep ?? false,
      repair: options.repair ?? false,
      ...(account === undefined ? {} : { account }),
    },
    ({ stage, done, of }) => progress.tell(() => `${stage}: ${printDone(done, of)}`),
    terminal.signal,
  );
  const counts: Record<StoreFinding['mending'], number> = { mended: 0, 'can be mended': 0, lost: 0 };
  for await (const finding of findings) {
    counts[finding.mending] += 1;
    const { fault, where, text, mending } = finding;
    terminal.out(
      options.json ? JSON.stringify(finding) : printable(`${where}: ${fault}: ${text} (${mending})`),
    );
  }
  const stays = counts['can be mended'] + counts.lost;
  terminal.out(options.json ? JSON.stringify(counts) : verdict(counts));
  if (stays > 0) terminal.exit(1);
}

function verdict(counts: Record<StoreFinding['mending'], number>): string {
  const all = counts.mended + counts['can be mended'] + counts.lost;
  if (all === 0) return 'The store is whole.';
  const parts = [
    ...(counts.mended > 0 ? [`${counts.mended} mended`] : []),
    ...(counts['can be mended'] > 0 ? [`${counts['can be mended']} can be mended: --repair does it`] : []),
    ...(counts.lost > 0 ? [`${counts.lost} cannot be mended here`] : []),
  ];
  return `${all} findings: ${parts.join(', ')}.`;
}
