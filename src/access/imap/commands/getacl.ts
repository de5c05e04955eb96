/** access/imap/commands/getacl - GETACL (RFC 4314 §3.3). */
import { acl } from '../../../protocol/imap/respond/rights.ts';
import { withOldRights } from '../rights-list.ts';
import type { Rule } from '../rule.ts';

export const getAcl: Rule<'GETACL'> = {
  where: 'authenticated',
  news: 'all',
  async run({ session, user, command }) {
    const { folder, name } = await user.names.need(command.mailbox, 'a');
    const entries = await session.deps.rights.entries(folder.id);
    const grants = [...entries].map(([identifier, rights]) => ({
      identifier,
      rights: withOldRights(rights),
    }));
    session.say(acl(name, grants, session.dialect));
    return { text: 'These are the rights' };
  },
};
