/**
 * access/imap/commands/copy - COPY (RFC 9051 §6.4.7) and MOVE (§6.4.8), by numbers and by UIDs, with COPYUID.
 */

import { flagBits, noFlags } from '../../../mail/mailbox.ts';
import type { Copied } from '../../../ports/messages.ts';
import { type Code, statement } from '../../../protocol/imap/respond/status.ts';
import { endOf, portionOf, refuseMore } from '../message-limit.ts';
import type { Known } from '../names.ts';
import { uidRanges } from '../numbers.ts';
import { no } from '../refusal.ts';
import { flagsWithin } from '../rights-list.ts';
import type { Done, Named, Rule, ViewCall } from '../rule.ts';
import type { Session } from '../session.ts';

const copyUid = ({ uidValidity, from, to }: Copied): Code => ({
  code: 'COPYUID',
  validity: uidValidity,
  from,
  to,
});

async function runCopy({ session, user, view, command }: ViewCall<Named<'COPY'>>): Promise<Done> {
  const uids = uidRanges(view, command.set, command.uid);
  const target = await user.names.needSelectable(command.mailbox, 'i', 'noTarget');
  if (uids.length === 0) return { text: 'Nothing to copy' };
  refuseMore(session, view, uids); // it is done whole or not at all
  const copied = await session.deps.writing.copy(view.mailbox, uids, target.folder.id);
  if (copied === undefined) return nothing(command.uid, 'copy');
  await dropFlags(session, target, copied);
  return { text: 'Copied', code: copyUid(copied) };
}

async function runMove({ session, user, view, command }: ViewCall<Named<'MOVE'>>): Promise<Done> {
  const portion = portionOf(session, view, uidRanges(view, command.set, command.uid));
  const { uids } = portion;
  if (view.isReadOnly) throw no('readOnly');
  // RFC 6851 §3.3 and RFC 4314 §4: as COPY, STORE \Deleted and EXPUNGE.
  if (!view.rights.includes('t') || !view.rights.includes('e')) throw no('noRight');
  const target = await user.names.needSelectable(command.mailbox, 'i', 'noTarget');
  if (uids.length === 0) return { text: 'Nothing to move' };
  const moved = await session.deps.writing.move(view.mailbox, uids, target.folder.id);
  if (moved === undefined) return nothing(command.uid, 'move');
  await dropFlags(session, target, moved);
  // Before the expunges, so that a client knows what became of each (RFC 6851 §4.3).
  session.say(statement('OK', { text: 'Moved', code: copyUid(moved) }, session.dialect));
  await session.tellNews(view, { expunges: true, ask: true });
  const code = session.enabled.has('QRESYNC')
    ? ({ code: 'HIGHESTMODSEQ', value: view.modSeq } as const)
    : undefined;
  return endOf(session, portion, { text: 'Moved', ...(code === undefined ? {} : { code }) });
}

/** RFC 4314 §4, COPY: flags for which there is no right in the target are not taken along. */
async function dropFlags(session: Session, { folder, rights }: Known, { to }: Copied): Promise<void> {
  const { system, keywords } = flagsWithin(rights);
  if (system === allFlags && keywords) return;
  await session.deps.writing.flag(folder.id, to, { how: 'set', flags: noFlags, keep: { system, keywords } });
}

const allFlags = Object.values(flagBits).reduce((sum, bit) => sum | bit, 0);

/** UIDs that are gone are passed over; numbers that are gone are not (RFC 9051 §7.1, EXPUNGEISSUED). */
function nothing(isUid: boolean, what: string): Done {
  if (isUid) return { text: `Nothing to ${what}` };
  throw no('issued');
}

export const copy: Rule<'COPY'> = {
  where: 'selected',
  news: ({ uid }) => (uid ? 'all' : 'noExpunge'),
  run: runCopy,
};
export const move: Rule<'MOVE'> = { where: 'selected', news: 'all', run: runMove };
