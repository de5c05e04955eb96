/** Commands about hosted mailboxes, run against a real store. */
import { Command } from 'commander';
import { mailFiles } from '../../connectors/mail-files/open.ts';
import { accountCommand } from '../../src/admin/cli/account.ts';
import { fsckCommand } from '../../src/admin/cli/fsck.ts';
import { mailboxCommand } from '../../src/admin/cli/mailbox.ts';
import {
  type AppPasswordFacts,
  type Hosted,
  PasswordNotPossible,
  type Services,
  type Terminal,
} from '../../src/admin/services.ts';
import { openFsck } from '../../src/store/fsck.ts';
import { openHeldContent } from '../../src/store/held-content.ts';
import { openRestore } from '../../src/store/restore.ts';
import { mailPlace } from '../store/mail-place.ts';

export interface Told {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

export async function hostedStage() {
  const place = await mailPlace();
  const { database, blobs, messages, tree } = place;
  const changes: string[] = [];
  const apps: AppPasswordFacts[] = [];
  const hosted: Hosted = {
    ...tree,
    messages,
    check: openFsck({ database, blobs, reading: messages, now: () => new Date() }),
    restore: openRestore(database),
    held: openHeldContent(database),
    files: mailFiles,
    passwords: {
      move: async (account, to, by) => void changes.push(`${account} to ${to} by ${by}`),
      set: async (account, password, by) => void changes.push(`${account} ${password} by ${by}`),
      addApp: async ({ label, scope, expiresAt }) => {
        if (label === '') throw new PasswordNotPossible('a label is needed');
        apps.push({ id: apps.length + 1, label, scope, createdAt: now, ...(expiresAt ? { expiresAt } : {}) });
        return { id: apps.length, secret: 'abcde-fghij' };
      },
      listApp: async () => apps,
      revokeApp: async (_account, id) => apps.some((app) => app.id === id),
    },
  };
  const services = { hosted: async () => hosted, close: async () => undefined } as unknown as Services;
  async function run(...words: string[]): Promise<Told> {
    const [out, err]: [string[], string[]] = [[], []];
    let code = 0;
    const terminal: Terminal = {
      out: (text) => void out.push(text),
      err: (text) => void err.push(text),
      exit: (value) => {
        code = value;
      },
      signal: AbortSignal.timeout(60_000),
      now: () => now,
      operator: 'root',
    };
    const open = async () => services;
    const account = accountCommand(open, terminal);
    const program = new Command('isthmus').exitOverride();
    for (const command of [account, mailboxCommand(open, terminal), fsckCommand(open, terminal)])
      program.addCommand(command);
    for (const command of everyCommand(program))
      command.exitOverride().configureOutput({ writeErr: (text) => void err.push(text) });
    await program.parseAsync(words, { from: 'user' });
    return { out: out.join('\n'), err: err.join('\n'), code };
  }
  return { ...place, run, changes };
}

const now = new Date('2026-11-29T12:00:00Z');

function* everyCommand(command: Command): Generator<Command> {
  yield command;
  for (const child of command.commands) yield* everyCommand(child);
}
