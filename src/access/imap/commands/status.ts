/** access/imap/commands/status - STATUS (RFC 9051 §6.3.11). */
import { status as printStatus } from '../../../protocol/imap/respond/mailboxes.ts';
import type { Rule } from '../rule.ts';
import { statusItems } from '../status-items.ts';

export const status: Rule<'STATUS'> = {
  where: 'authenticated',
  news: 'all',
  async run({ session, user, command }) {
    const known = await user.names.needSelectable(command.mailbox, 'r');
    const items = await statusItems(session, known.folder, command.items);
    session.say(printStatus(known.name, items, session.dialect));
    return { text: 'That is how it stands' };
  },
};
