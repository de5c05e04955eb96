/**
 * access/imap/commands/select - SELECT and EXAMINE (RFC 9051 §6.3.2 and §6.3.3), CONDSTORE and QRESYNC (RFC 7162 §3.1.8
 * and §3.2.5).
 */
import type { MailboxStatus } from '../../../mail/mailbox.ts';
import { flags, listed } from '../../../protocol/imap/respond/mailboxes.ts';
import { exists, recent } from '../../../protocol/imap/respond/results.ts';
import { type Code, statement } from '../../../protocol/imap/respond/status.ts';
import { delimiter, type Known } from '../names.ts';
import { resynchronise } from '../resync.ts';
import type { Done, Named, Rule, UserCall } from '../rule.ts';
import type { Session } from '../session.ts';
import { View } from '../view.ts';

type SelectCall = UserCall<Named<'SELECT'>> | UserCall<Named<'EXAMINE'>>;

async function run({ session, user, command }: SelectCall): Promise<Done> {
  // RFC 9051 §6.3.2: also when this one fails, none is selected.
  if (session.state.kind === 'selected') {
    session.deselect();
    say(session, 'The mailbox before is closed', { code: 'CLOSED' });
  }
  if (command.condstore || command.qresync !== undefined) session.enable('CONDSTORE');
  const known = await user.names.needSelectable(command.mailbox, 'r');
  const mayWrite = /[swtie]/.test(known.rights);
  const isReadOnly = command.name === 'EXAMINE' || !mayWrite;
  const { view, status, firstUnseen } = await open(session, known, isReadOnly);
  session.select(user, view);
  describe(session, known, view, status, firstUnseen);
  if (command.qresync !== undefined) await resynchronise(session, view, command.qresync);
  return {
    text: isReadOnly ? 'Selected for reading only' : 'Selected',
    code: { code: isReadOnly ? 'READ-ONLY' : 'READ-WRITE' },
  };
}

/** What happens between the snapshot and the watch is asked for once more: nothing is missed. */
async function open(
  session: Session,
  known: Known,
  isReadOnly: boolean,
): Promise<{ view: View; status: MailboxStatus; firstUnseen: number | undefined }> {
  const { reading, watch } = session.deps;
  const snapshot = await reading.snapshot(known.folder.id, { takeRecent: !isReadOnly });
  const view = new View(known, snapshot, isReadOnly);
  view.watchedBy(watch.mailbox(view.mailbox, (latest) => view.heard(latest)));
  if (!known.isOwn)
    view.watchedBy(
      watch.account(known.owner, (what, mailbox) => {
        if (what === 'tree') view.heardOfTree(mailbox);
      }),
    );
  view.areRightsStale = !known.isOwn;
  view.isStale = true;
  return { view, status: snapshot.status, firstUnseen: snapshot.firstUnseen };
}

function describe(
  session: Session,
  known: Known,
  view: View,
  status: MailboxStatus,
  firstUnseen: number | undefined,
): void {
  const isRev2 = session.enabled.has('IMAP4REV2');
  session.say(flags(view.flags));
  session.say(exists(view.uids.size));
  if (!isRev2) session.say(recent(view.recentCount));
  if (!isRev2 && firstUnseen !== undefined)
    say(session, 'First message not seen', { code: 'UNSEEN', value: view.uids.rank(firstUnseen) });
  say(session, 'Flags permitted', view.permanentFlags);
  say(session, 'UIDs are valid', { code: 'UIDVALIDITY', value: view.uidValidity });
  say(session, 'Predicted next UID', { code: 'UIDNEXT', value: status.uidNext });
  say(session, 'Highest', { code: 'HIGHESTMODSEQ', value: status.highestModSeq });
  say(session, 'Its id', { code: 'MAILBOXID', id: known.folder.objectId });
  if (isRev2) session.say(listed('LIST', { name: known.name, delimiter, attributes: [] }, session.dialect));
}

const say = (session: Session, text: string, code: Code): void =>
  session.say(statement('OK', { text, code }, session.dialect));

export const select: Rule<'SELECT'> = { where: 'authenticated', news: 'none', run };
export const examine: Rule<'EXAMINE'> = { where: 'authenticated', news: 'none', run };
