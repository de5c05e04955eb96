/**
 * access/imap/commands/setacl - SETACL (RFC 4314 §3.1) and DELETEACL (§3.2).
 *
 * The owner has all rights, always: nobody changes them. Rights added or taken are put together here and written whole;
 * of two that do so to one entry at one instant, the later wins.
 */
import type { Known } from '../names.ts';
import { no } from '../refusal.ts';
import { changedRights, readRights } from '../rights-list.ts';
import type { Rule } from '../rule.ts';
import type { Session } from '../session.ts';

/** As the store keeps it. */
const asKept = (identifier: string): string => identifier.normalize('NFC').toLowerCase();

async function entryOf(session: Session, { folder }: Known, identifier: string): Promise<string> {
  const entries = await session.deps.rights.entries(folder.id);
  const [owner] = entries.keys();
  const who = asKept(identifier);
  if (who === owner || who === `-${owner}`) throw no('cannot');
  return entries.get(who) ?? '';
}

export const setAcl: Rule<'SETACL'> = {
  where: 'authenticated',
  news: 'all',
  async run({ session, user, command }) {
    const rights = readRights(command.rights);
    const known = await user.names.needSelectable(command.mailbox, 'a');
    const before = await entryOf(session, known, command.identifier);
    const after = changedRights(before, command.change, rights);
    await session.deps.rights.set(known.folder.id, command.identifier, after);
    return { text: 'Rights are set' };
  },
};

export const deleteAcl: Rule<'DELETEACL'> = {
  where: 'authenticated',
  news: 'all',
  async run({ session, user, command }) {
    const known = await user.names.needSelectable(command.mailbox, 'a');
    await entryOf(session, known, command.identifier);
    await session.deps.rights.set(known.folder.id, command.identifier, '');
    return { text: 'Rights are taken' };
  },
};
