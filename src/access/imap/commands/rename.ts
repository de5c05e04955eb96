/** access/imap/commands/rename - RENAME (RFC 9051 §6.3.6). */
import { no } from '../refusal.ts';
import type { Rule } from '../rule.ts';

export const rename: Rule<'RENAME'> = {
  where: 'authenticated',
  news: 'all',
  async run({ session, user, command }) {
    const { folder, owner } = await user.names.need(command.from, 'x');
    const place = await user.names.needRoom(command.to);
    // From one account to another it would be a move of all its mail.
    if (place.owner !== owner) throw no('badName');
    await session.deps.mailboxes.rename(folder.id, place.ownName);
    return { text: 'Renamed' };
  },
};
