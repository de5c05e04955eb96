/** access/imap/commands/myrights - MYRIGHTS (RFC 4314 §3.5). */
import { myRights as print } from '../../../protocol/imap/respond/rights.ts';
import { no } from '../refusal.ts';
import { withOldRights } from '../rights-list.ts';
import type { Rule } from '../rule.ts';

export const myRights: Rule<'MYRIGHTS'> = {
  where: 'authenticated',
  news: 'all',
  async run({ session, user, command }) {
    const known = await user.names.find(command.mailbox);
    // RFC 4314 §4: one of these must be there for it to be known.
    if (known === undefined || !/[lrikxa]/.test(known.rights)) throw no('missing');
    session.say(print(known.name, withOldRights(known.rights), session.dialect));
    return { text: 'These are yours' };
  },
};
