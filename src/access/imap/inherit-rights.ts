/**
 * access/imap/inherit-rights - a new mailbox has the rights of the one above it (RFC 4314 §4, CREATE): who works in a
 * shared tree sees what is made there.
 */
import type { AccountId, MailFolder } from '../../mail/mailbox.ts';
import { delimiter } from './names.ts';
import type { Session } from './session.ts';

/** Names that are to be made on the way, the longest last; and what is above them. */
export interface Lineage {
  readonly parent: MailFolder | undefined;
  readonly missing: readonly string[];
}

/** Asked before it is made. */
export async function lineageOf(session: Session, owner: AccountId, name: string): Promise<Lineage> {
  const missing: string[] = [];
  for (let level = name; level !== ''; level = level.slice(0, Math.max(level.lastIndexOf(delimiter), 0))) {
    const folder = await session.deps.mailboxes.get(owner, level);
    if (folder !== undefined) return { parent: folder, missing };
    missing.unshift(level);
  }
  return { parent: undefined, missing };
}

/** Asked when it is. The owner's own entry stands first and needs no copy. */
export async function inheritRights(
  session: Session,
  owner: AccountId,
  { parent, missing }: Lineage,
): Promise<void> {
  if (parent === undefined) return;
  const { mailboxes, rights } = session.deps;
  const [, ...entries] = await rights.entries(parent.id);
  if (entries.length === 0) return;
  for (const name of missing) {
    const folder = await mailboxes.get(owner, name);
    if (folder?.selectable !== true) continue;
    for (const [identifier, letters] of entries) await rights.set(folder.id, identifier, letters);
  }
}
