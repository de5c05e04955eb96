/**
 * admin/cli/mailbox - `isthmus mailbox …`: the mailboxes of one hosted account.
 */
import { Command, Option } from 'commander';
import { type MailFolder, type SpecialUse, specialUses } from '../../mail/mailbox.ts';
import type { Hosted, OpenServices, Terminal } from '../services.ts';
import { type Column, printable, printSize, printTable } from '../table.ts';
import { accountNamed, type Json, mailboxNamed, withHosted } from './hosted.ts';

/** `drafts` for `\Drafts`. */
const uses = new Map(specialUses.map((use) => [use.slice(1).toLowerCase(), use]));

export function mailboxCommand(open: OpenServices, terminal: Terminal): Command {
  const mailbox = new Command('mailbox').description('the mailboxes of one account hosted here');
  const on = (command: Command, work: (hosted: Hosted) => Promise<void>) =>
    withHosted(open, terminal, command, work);

  mailbox
    .command('list <account>')
    .description('its mailboxes and what they hold')
    .option('--json', 'print JSON')
    .action((account: string, options: Json, command: Command) =>
      on(command, (hosted) => list(hosted, account, options, terminal)),
    );
  mailbox
    .command('status <account> <mailbox>')
    .description('one mailbox, with its numbers')
    .option('--json', 'print JSON')
    .action((account: string, name: string, options: Json, command: Command) =>
      on(command, async (hosted) => {
        const folder = await mailboxNamed(hosted, await accountNamed(hosted, account), name);
        terminal.out(options.json ? JSON.stringify(folder) : describe(folder));
      }),
    );
  mailbox
    .command('create <account> <mailbox>')
    .description('a new one, with the parents it lacks')
    .addOption(new Option('--use <use>', 'what mail clients use it for').choices([...uses.keys()]))
    .option('--subscribe', 'mail clients show it')
    .action(
      (account: string, name: string, options: { use?: string; subscribe?: boolean }, command: Command) =>
        on(command, async (hosted) => {
          const { id } = await accountNamed(hosted, account);
          const folder = await hosted.mailboxes.create(id, name, useFrom(options.use));
          if (options.subscribe) await hosted.subscriptions.set(id, folder.name, true);
          terminal.out(`${account}: made ${folder.name}`);
        }),
    );
  mailbox
    .command('rename <account> <mailbox> <new>')
    .description('another name; mailboxes below it go along')
    .action((account: string, name: string, fresh: string, _options: object, command: Command) =>
      on(command, async (hosted) => {
        const folder = await mailboxNamed(hosted, await accountNamed(hosted, account), name);
        await hosted.mailboxes.rename(folder.id, fresh);
        terminal.out(`${account}: ${folder.name} is ${fresh} now`);
      }),
    );
  mailbox
    .command('remove <account> <mailbox>')
    .description('it and its messages; they can be restored for a while')
    .option('--yes', 'do it (without, it is only said what would go)')
    .action((account: string, name: string, options: { yes?: boolean }, command: Command) =>
      on(command, (hosted) => remove(hosted, account, name, options.yes ?? false, terminal)),
    );
  addSharing(mailbox, on, terminal);
  return mailbox;
}

type On = (command: Command, work: (hosted: Hosted) => Promise<void>) => Promise<void>;

function addSharing(mailbox: Command, on: On, terminal: Terminal): void {
  for (const [word, subscribed] of [
    ['subscribe', true],
    ['unsubscribe', false],
  ] as const)
    mailbox
      .command(`${word} <account> <mailbox>`)
      .description(subscribed ? 'mail clients show it' : 'mail clients do not show it')
      .action((account: string, name: string, _options: object, command: Command) =>
        on(command, async (hosted) => {
          const { id } = await accountNamed(hosted, account);
          await hosted.subscriptions.set(id, name, subscribed);
          terminal.out(`${account}: ${word}d ${subscribed ? 'to' : 'from'} ${name}`);
        }),
      );
  mailbox
    .command('rights <account> <mailbox> [who] [rights]')
    .description('who may do what there; with names: another account (or anyone) may from now on')
    .option('--remove', 'nothing any more')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nRights are letters of lrswipkxtea (RFC 4314): lr to read, lrswite to work in it.',
    )
    .action(
      (
        account: string,
        name: string,
        who: string | undefined,
        letters: string | undefined,
        options: Json & { remove?: boolean },
        command: Command,
      ) =>
        on(command, async (hosted) => {
          const folder = await mailboxNamed(hosted, await accountNamed(hosted, account), name);
          if (who !== undefined && (options.remove || letters !== undefined))
            await hosted.rights.set(folder.id, who, options.remove ? '' : (letters ?? ''));
          const entries = [...(await hosted.rights.entries(folder.id))];
          if (options.json) return terminal.out(JSON.stringify(Object.fromEntries(entries)));
          terminal.out(
            printTable(entries, [
              { title: 'WHO', value: ([one]) => one },
              { title: 'RIGHTS', value: ([, rights]) => rights },
            ]),
          );
        }),
    );
}

function useFrom(word: string | undefined): { readonly specialUse?: SpecialUse } {
  const specialUse = uses.get(word ?? '');
  return specialUse === undefined ? {} : { specialUse };
}

type Line = MailFolder & { readonly subscribed: boolean };

const columns: readonly Column<Line>[] = [
  { title: 'MAILBOX', value: ({ name, selectable }) => (selectable ? name : `(${name})`) },
  { title: 'USE', value: ({ specialUse }) => specialUse?.slice(1) ?? '' },
  { title: 'MESSAGES', value: ({ status }) => String(status.messages), align: 'right' },
  { title: 'UNSEEN', value: ({ status }) => String(status.unseen), align: 'right' },
  { title: 'SIZE', value: ({ status }) => printSize(status.size), align: 'right' },
  { title: 'SUBSCRIBED', value: ({ subscribed }) => (subscribed ? 'yes' : '') },
];

async function list(hosted: Hosted, name: string, options: Json, terminal: Terminal): Promise<void> {
  const { id } = await accountNamed(hosted, name);
  const subscribed = new Set(await hosted.subscriptions.list(id));
  const lines = (await hosted.mailboxes.list(id)).map((folder) => ({
    ...folder,
    subscribed: subscribed.has(folder.name),
  }));
  terminal.out(options.json ? JSON.stringify(lines) : printTable(lines, columns));
}

function describe({ name, selectable, specialUse, objectId, status }: MailFolder): string {
  return [
    `${printable(name)}${selectable ? '' : ': a level of names, not a mailbox'}`,
    `  messages     ${status.messages}, ${status.unseen} unseen, ${status.deleted} marked deleted`,
    `  size         ${printSize(status.size)}, ${printSize(status.deletedSize)} of them marked deleted`,
    `  use          ${specialUse?.slice(1) ?? 'none'}`,
    `  UIDVALIDITY  ${status.uidValidity}`,
    `  UIDNEXT      ${status.uidNext}`,
    `  MODSEQ       ${status.highestModSeq}`,
    `  MAILBOXID    ${objectId}`,
  ].join('\n');
}

async function remove(
  hosted: Hosted,
  account: string,
  name: string,
  yes: boolean,
  terminal: Terminal,
): Promise<void> {
  const folder = await mailboxNamed(hosted, await accountNamed(hosted, account), name);
  const what = `${folder.name} of ${account} and its ${folder.status.messages} messages`;
  if (!yes) {
    terminal.out(`Would remove ${what}.`);
    return terminal.out('Nothing was done. Add --yes to do it.');
  }
  await hosted.mailboxes.remove(folder.id);
  terminal.out(`Removed ${what}. For a while: isthmus account restore ${account} --mailbox ${folder.name}`);
}
