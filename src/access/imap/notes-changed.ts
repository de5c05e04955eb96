/**
 * access/imap/notes-changed - which notes (RFC 5464) have changed, told by their names alone (§4.4.2; RFC 5465 §5.6 and
 * §5.7).
 */
import { createHash } from 'node:crypto';
import type { MailFolder } from '../../mail/mailbox.ts';
import { metadataChanged } from '../../protocol/imap/respond/rights.ts';
import { notesOf } from './metadata.ts';
import type { Session } from './session.ts';
import type { User } from './state.ts';

/** Of each note so much as to see that it has changed. Undefined: the server's. */
export async function digestOf(
  session: Session,
  user: User,
  folder: MailFolder | undefined,
): Promise<ReadonlyMap<string, string>> {
  const notes = await notesOf(session, user, folder);
  return new Map(
    [...notes].map(([name, value]) => [name, createHash('sha256').update(value, 'latin1').digest('base64')]),
  );
}

export function changedNotes(
  session: Session,
  mailbox: string,
  was: ReadonlyMap<string, string> | undefined,
  is: ReadonlyMap<string, string>,
): void {
  if (was === undefined) return;
  const changed = [...new Set([...was.keys(), ...is.keys()])].filter(
    (name) => was.get(name) !== is.get(name),
  );
  if (changed.length > 0) session.say(metadataChanged(mailbox, changed, session.dialect));
}
