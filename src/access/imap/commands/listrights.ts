/** access/imap/commands/listrights - LISTRIGHTS (RFC 4314 §3.4): which rights may be given to whom. */
import { allRights } from '../../../mail/mailbox.ts';
import { listRights as print } from '../../../protocol/imap/respond/rights.ts';
import { grantable, withOldRights } from '../rights-list.ts';
import type { Rule } from '../rule.ts';

export const listRights: Rule<'LISTRIGHTS'> = {
  where: 'authenticated',
  news: 'all',
  async run({ session, user, command }) {
    const { folder, name } = await user.names.need(command.mailbox, 'a');
    const { identifier } = command;
    const [owner] = (await session.deps.rights.entries(folder.id)).keys();
    // The owner has all, and none can be taken.
    const rights =
      identifier.normalize('NFC').toLowerCase() === owner
        ? { identifier, required: withOldRights(allRights), optional: [] }
        : { identifier, required: '', optional: grantable };
    session.say(print(name, rights, session.dialect));
    return { text: 'These rights there are' };
  },
};
