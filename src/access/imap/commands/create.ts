/** access/imap/commands/create - CREATE (RFC 9051 §6.3.4), with a special use (RFC 6154 §3). */
import { specialUses } from '../../../mail/mailbox.ts';
import { inheritRights, lineageOf } from '../inherit-rights.ts';
import { delimiter } from '../names.ts';
import { no } from '../refusal.ts';
import type { Rule } from '../rule.ts';

export const create: Rule<'CREATE'> = {
  where: 'authenticated',
  news: 'all',
  async run({ session, user, command }) {
    // A delimiter at the end says that children will be made: the mailbox is the same.
    const name = command.mailbox.endsWith(delimiter) ? command.mailbox.slice(0, -1) : command.mailbox;
    const [use, ...more] = command.use.map((said) =>
      specialUses.find((known) => known.toLowerCase() === said.toLowerCase()),
    );
    if (command.use.length > 0 && (use === undefined || more.length > 0)) throw no('useTaken');
    const { owner, ownName } = await user.names.needRoom(name);
    const lineage = await lineageOf(session, owner, ownName);
    const folder = await session.deps.mailboxes.create(
      owner,
      ownName,
      use === undefined ? {} : { specialUse: use },
    );
    await inheritRights(session, owner, lineage);
    return { text: 'Created', code: { code: 'MAILBOXID', id: folder.objectId } }; // RFC 8474 §4.1
  },
};
