/**
 * access/imap/commands/esearch - ESEARCH: a search in several mailboxes (RFC 7377), each answered on its own, those
 * without results not at all. Numbers are UIDs.
 */
import type { SearchKey } from '../../../mail/search.ts';
import { UidSet } from '../../../mail/uid-set.ts';
import { MailboxGone } from '../../../ports/messages.ts';
import { esearch as print, type SearchResult } from '../../../protocol/imap/respond/results.ts';
import { keepUpToDate, refuseReuse, refuseUpdate } from '../contexts.ts';
import { keyElsewhere } from '../key-elsewhere.ts';
import { windowOf } from '../numbers.ts';
import { progress } from '../progress.ts';
import { bad } from '../refusal.ts';
import type { Done, Named, Rule, UserCall } from '../rule.ts';
import { endsOf, isOnlySave, modSeqTold, savedOf } from '../saved-result.ts';
import { asks, resolveKey } from '../search-key.ts';
import { type Place, placesOf } from '../search-places.ts';

type Esearch = UserCall<Named<'ESEARCH'>>;

async function run(call: Esearch): Promise<Done> {
  const { session, user, command, tag } = call;
  const isUpdated = command.returns.update !== undefined;
  if (isUpdated) {
    // RFC 7377 §2.2: it applies to the selected mailbox alone.
    if (session.state.kind !== 'selected') throw bad('Select a mailbox first');
    refuseReuse(session.state.view, tag);
  }
  const places = await placesOf(session, user, command.sources);
  if (isUpdated && places.every(({ view }) => view === undefined)) refuseUpdate(session, tag);
  for (const place of places) {
    try {
      await searchIn(call, place);
    } catch (thrown) {
      // Removed since it was listed.
      if (place.view !== undefined || !(thrown instanceof MailboxGone)) throw thrown;
    }
    await session.room();
  }
  return { text: 'Searched' };
}

async function searchIn(call: Esearch, place: Place): Promise<void> {
  const { session, command } = call;
  const { returns } = command;
  const { view } = place;
  const key =
    view === undefined
      ? await keyElsewhere(session, place.id, command.key)
      : resolveKey(view, command.key, session.enabled.has('UIDONLY'));
  if (asks(key, 'modSeq')) session.enable('CONDSTORE');
  if (returns.save && view !== undefined) view.saved = new UidSet(); // RFC 5182 §2.1
  const found = await find(call, place, key);
  if (view !== undefined) keep(call, place, found.uids);
  const { uids, highestModSeq } = found;
  if (uids.size === 0 || isOnlySave(returns)) return;
  const modSeq = await modSeqTold(session, place.id, returns, endsOf(uids), highestModSeq);
  session.say(print(answer(call, place, uids, modSeq), session.dialect));
}

async function find({ session, tag }: Esearch, { id, view }: Place, key: SearchKey) {
  const found = await session.deps.search.find(id, key, session.signal, progress(session, tag));
  // What the client has not been told of is not there yet.
  if (view !== undefined) for (const uid of [...found.uids]) if (!view.uids.has(uid)) found.uids.delete(uid);
  return found;
}

/** What goes on in the selected mailbox: `$`, and updates. */
function keep({ session, command, tag }: Esearch, { view, name, uidValidity }: Place, uids: UidSet): void {
  const { returns, key } = command;
  if (view === undefined) return;
  if (returns.update !== undefined) {
    const mailbox = { name, validity: uidValidity };
    const { items } = returns.update;
    keepUpToDate(session, view, { tag, mailbox, uid: true, key, by: undefined, items }, uids);
  }
  if (returns.save) view.saved = savedOf(uids, returns);
}

function answer(
  { command, tag }: Esearch,
  { name, uidValidity }: Place,
  uids: UidSet,
  modSeq: number | undefined,
): SearchResult {
  const { min, max, all, count, partial } = command.returns;
  return {
    tag,
    mailbox: { name, validity: uidValidity },
    uid: true,
    ...(min ? { min: uids.at(1) as number } : {}),
    ...(max ? { max: uids.at(uids.size) as number } : {}),
    ...(all ? { all: uids.ranges() } : {}),
    ...(count ? { count: uids.size } : {}),
    ...(partial === undefined ? {} : { partial: { ...partial, numbers: windowOf(uids, partial) } }),
    ...(modSeq === undefined ? {} : { modseq: modSeq }),
  };
}

export const esearch: Rule<'ESEARCH'> = { where: 'authenticated', news: 'all', run };
