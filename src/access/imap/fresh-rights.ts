/**
 * access/imap/fresh-rights - what a session may do in a selected mailbox of somebody else, after rights were given or
 * taken. RFC 4314 §4 asks for the check at SELECT only; what is taken is taken at once here.
 */
import { statement } from '../../protocol/imap/respond/status.ts';
import type { Session } from './session.ts';

/** Ends the session that may not read what it has selected any more. */
export async function freshRights(session: Session): Promise<void> {
  const { state } = session;
  if (state.kind !== 'selected' || !state.view.areRightsStale) return;
  const { view, user } = state;
  view.areRightsStale = false;
  const rights = await session.deps.rights.of(view.mailbox, user.account);
  if (rights === view.rights) return;
  if (!rights.includes('r')) {
    session.bye('The selected mailbox may not be read any more', 'UNAVAILABLE');
    return;
  }
  view.rights = rights;
  session.say(statement('OK', { text: 'Flags permitted', code: view.permanentFlags }, session.dialect));
}
