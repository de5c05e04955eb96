/**
 * access/imap/commands/search - SEARCH and UID SEARCH (RFC 9051 §6.4.4): ESEARCH (RFC 4731), SEARCHRES (RFC 5182),
 * MODSEQ (RFC 7162 §3.1.5), PARTIAL (RFC 9394), UPDATE (RFC 5267 §4.3).
 */

import { type UidRange, UidSet } from '../../../mail/uid-set.ts';
import type { Found } from '../../../ports/search.ts';
import type { SearchReturns } from '../../../protocol/imap/request/search.ts';
import { esearch, found, type SearchResult } from '../../../protocol/imap/respond/results.ts';
import { keepUpToDate, refuseReuse } from '../contexts.ts';
import { endOf, searchPortion } from '../message-limit.ts';
import { windowOf } from '../numbers.ts';
import { progress } from '../progress.ts';
import type { Done, Named, Rule, ViewCall } from '../rule.ts';
import { endsOf, isOnlySave, modSeqTold, savedOf } from '../saved-result.ts';
import { asks, resolveKey } from '../search-key.ts';
import type { View } from '../view.ts';

async function run(call: ViewCall<Named<'SEARCH'>>): Promise<Done> {
  const { session, view, command, tag } = call;
  const update = command.returns?.update;
  if (update !== undefined) refuseReuse(view, tag);
  const whole = resolveKey(view, command.key, session.enabled.has('UIDONLY'));
  if (asks(whole, 'modSeq')) session.enable('CONDSTORE');
  const { key, portion } = searchPortion(session, view, whole);
  if (command.returns?.save === true) view.saved = new UidSet(); // RFC 5182 §2.1: also when it fails
  const result = await session.deps.search.find(
    view.mailbox,
    key,
    session.signal,
    progress(session, call.tag),
  );
  const uids = known(view, result.uids);
  if (command.returns === undefined && !session.enabled.has('IMAP4REV2')) {
    for (const piece of found(
      'SEARCH',
      numbers(call, uids),
      uids.size > 0 ? result.highestModSeq : undefined,
    )) {
      session.say(piece);
      await session.room();
    }
    return endOf(session, portion, { text: 'Searched' });
  }
  const returns = command.returns ?? { ...nothing, all: true };
  if (update !== undefined)
    keepUpToDate(session, view, { tag, uid: command.uid, key: command.key, by: undefined, ...update }, uids);
  if (returns.save) view.saved = savedOf(uids, returns);
  if (!isOnlySave(returns))
    session.say(
      esearch(answer(call, uids, returns, await modSeqOf(call, returns, uids, result)), session.dialect),
    );
  return endOf(session, portion, { text: 'Searched' });
}

const modSeqOf = (
  { session, view }: ViewCall<Named<'SEARCH'>>,
  returns: SearchReturns,
  uids: UidSet,
  { highestModSeq }: Found,
): Promise<number | undefined> => modSeqTold(session, view.mailbox, returns, endsOf(uids), highestModSeq);

const nothing: SearchReturns = {
  min: false,
  max: false,
  all: false,
  count: false,
  save: false,
  context: false,
};

/** What the client knows of: the rest has no number yet, or none any more. */
function known(view: View, uids: UidSet): UidSet {
  for (const { first, last } of [...uids.ranges()]) {
    if (view.uids.rank(last) - view.uids.rank(first - 1) === last - first + 1) continue;
    for (let uid = first; uid <= last; uid++) if (!view.uids.has(uid)) uids.delete(uid);
  }
  return uids;
}

function* numbers({ view, command }: ViewCall<Named<'SEARCH'>>, uids: UidSet): IterableIterator<number> {
  for (const uid of uids) yield command.uid ? uid : view.uids.rank(uid);
}

/** Ranges in the numbers the client asks in. */
function* ranges(
  { view, command }: Pick<ViewCall<Named<'SEARCH'>>, 'view' | 'command'>,
  uids: Iterable<UidRange>,
): IterableIterator<UidRange> {
  for (const { first, last } of uids)
    yield command.uid ? { first, last } : { first: view.uids.rank(first), last: view.uids.rank(last) };
}

function answer(
  call: ViewCall<Named<'SEARCH'>>,
  uids: UidSet,
  returns: SearchReturns,
  modseq: number | undefined,
): SearchResult {
  const { view, command, tag } = call;
  const numberOf = (uid: number): number => (command.uid ? uid : view.uids.rank(uid));
  const [min, max] = [uids.at(1), uids.at(uids.size)];
  return {
    tag,
    uid: command.uid,
    ...(returns.min && min !== undefined ? { min: numberOf(min) } : {}),
    ...(returns.max && max !== undefined ? { max: numberOf(max) } : {}),
    ...(returns.all ? { all: ranges(call, uids.ranges()) } : {}),
    ...(returns.count ? { count: uids.size } : {}),
    ...(returns.partial === undefined
      ? {}
      : { partial: { ...returns.partial, numbers: ranges(call, windowOf(uids, returns.partial)) } }),
    ...(modseq === undefined || uids.size === 0 ? {} : { modseq }),
  };
}

export const search: Rule<'SEARCH'> = {
  where: 'selected',
  news: ({ uid }) => (uid ? 'all' : 'noExpunge'),
  run,
};
