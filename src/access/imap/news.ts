/**
 * access/imap/news - what has happened in the selected mailbox, told to its session: EXPUNGE or VANISHED, EXISTS,
 * FETCH with flags, FLAGS (RFC 9051 §7.4 and §7.5).
 *
 * Told in this order, so that numbers are right at each line: flags of messages the client knows, what has gone (only
 * where that is permitted), what is new.
 */
import type { MessageRow } from '../../mail/mailbox.ts';
import { flagNames } from '../../mail/mailbox.ts';
import { UidSet } from '../../mail/uid-set.ts';
import { type FetchItem, fetched } from '../../protocol/imap/respond/fetch.ts';
import { flags } from '../../protocol/imap/respond/mailboxes.ts';
import { exists, expunge, recent, vanished } from '../../protocol/imap/respond/results.ts';
import { statement } from '../../protocol/imap/respond/status.ts';
import { updateChanged, updateGone, updateNew } from './contexts.ts';
import type { Session } from './session.ts';
import { tellItems } from './tell-items.ts';
import type { View } from './view.ts';

export interface Telling {
  /** Numbers may change now. */
  readonly expunges: boolean;
  /** Look even if nothing was heard. */
  readonly ask?: boolean;
}

export async function tellNews(session: Session, view: View, telling: Telling): Promise<void> {
  if (view.isStale || telling.ask === true) await lookAndTell(session, view, telling.expunges);
  else if (telling.expunges && view.gone.size > 0) tellGone(session, view);
}

async function lookAndTell(session: Session, view: View, mayExpunge: boolean): Promise<void> {
  const fresh = new UidSet();
  const changed = new UidSet();
  let isRecent = false;
  for (let more = true; more; ) {
    view.isStale = false;
    const changes = await session.deps.reading.changes(view.mailbox, view.modSeq);
    for (const row of changes.rows) {
      if (view.uids.has(row.uid)) changed.add(row.uid);
      tellRow(session, view, row, fresh);
    }
    for (const { first, last } of changes.gone) {
      fresh.deleteRange(first, last);
      for (const uid of within(view.uids, first, Math.min(last, view.lastUid))) view.gone.add(uid);
    }
    more = changes.more;
    isRecent = changes.status.recentFrom < changes.status.uidNext;
    view.modSeq = (more ? changes.rows.at(-1)?.modSeq : undefined) ?? changes.status.highestModSeq;
    await session.room();
  }
  view.forgetTold();
  if (isRecent && fresh.size > 0) await takeRecent(session, view);
  await updateChanged(session, view, changed);
  if (mayExpunge) tellGone(session, view);
  if (fresh.size === 0) return;
  tellNew(session, view, fresh);
  const { items = [] } = session.notifier?.selected ?? {};
  if (items.length > 0) await tellItems(session, view, items, [...fresh.ranges()]);
  await updateNew(session, view, fresh);
}

/** What arrives is \Recent in one session: the first that is told, and may write. */
async function takeRecent(session: Session, view: View): Promise<void> {
  if (view.isReadOnly || session.enabled.has('IMAP4REV2')) return;
  const taken = await session.deps.reading.takeRecent(view.mailbox);
  if (taken !== undefined) view.addRecent(taken);
}

function tellRow(session: Session, view: View, row: MessageRow, fresh: UidSet): void {
  if (!view.uids.has(row.uid)) {
    fresh.add(row.uid);
    if (view.learn(row.flags.keywords)) tellKeywords(session, view);
  } else if (!view.hasTold(row.uid, row.modSeq) && session.notifier?.selected?.tellsFlags !== false)
    tellFlags(session, view, row);
}

/** The flags of a message, with its UID and MODSEQ where wished (RFC 7162 §3.2.4). */
export function tellFlags(
  session: Session,
  view: View,
  row: Pick<MessageRow, 'uid' | 'modSeq' | 'flags'>,
  what: { readonly flags: boolean } = { flags: true },
): void {
  if (view.learn(row.flags.keywords)) tellKeywords(session, view);
  const items: FetchItem<never>[] = [];
  if (!session.enabled.has('UIDONLY')) items.push({ item: 'UID', value: row.uid });
  if (what.flags) items.push({ item: 'FLAGS', flags: flagsTold(session, view, row) });
  if (session.enabled.has('CONDSTORE')) items.push({ item: 'MODSEQ', value: row.modSeq });
  const isUidOnly = session.enabled.has('UIDONLY');
  const which = isUidOnly ? row.uid : view.uids.rank(row.uid);
  for (const piece of fetched(isUidOnly ? 'UIDFETCH' : 'FETCH', which, items, session.dialect))
    if (piece.kind === 'octets') session.say(piece.octets);
}

/** \Recent is for IMAP4rev1 alone (RFC 9051, appendix E). */
export const flagsTold = (
  session: Session,
  view: View,
  row: Pick<MessageRow, 'uid' | 'flags'>,
): readonly string[] =>
  session.enabled.has('IMAP4REV2') || !view.isRecent(row.uid)
    ? flagNames(row.flags)
    : ['\\Recent', ...flagNames(row.flags)];

/** RFC 9051 §7.3.5 and §7.1: keywords that came into being. */
export function tellKeywords(session: Session, view: View): void {
  session.say(flags(view.flags));
  session.say(statement('OK', { text: 'Flags permitted', code: view.permanentFlags }, session.dialect));
}

function tellGone(session: Session, view: View): void {
  if (view.gone.size === 0) return;
  const gone = [...view.gone.ranges()];
  updateGone(session, view, gone);
  if (session.enabled.has('QRESYNC') || session.enabled.has('UIDONLY')) {
    session.say(vanished(gone, { earlier: false }));
  } else {
    // From the last one down: no number changes that is still to be told.
    for (const uid of [...view.gone].reverse()) session.say(expunge(view.uids.rank(uid)));
  }
  view.remove(gone);
}

function tellNew(session: Session, view: View, fresh: UidSet): void {
  for (const { first, last } of fresh.ranges()) view.uids.addRange(first, last);
  session.say(exists(view.uids.size));
  if (!session.enabled.has('IMAP4REV2')) session.say(recent(view.recentCount));
}

/** The UIDs of a set in a range, at the cost of those that are there. */
function* within(uids: UidSet, first: number, last: number): IterableIterator<number> {
  for (let rank = uids.rank(first - 1) + 1; ; rank++) {
    const uid = uids.at(rank);
    if (uid === undefined || uid > last) return;
    yield uid;
  }
}
