/**
 * access/imap/commands/sort - SORT and UID SORT (RFC 5256 §3), by what is displayed too (RFC 5957), with what is to be
 * returned (ESORT, RFC 5267 §3) and kept up to date (§4.3).
 */
import type { SearchKey } from '../../../mail/search.ts';
import { type Uid, UidSet } from '../../../mail/uid-set.ts';
import { esearch, found, type SearchResult } from '../../../protocol/imap/respond/results.ts';
import { keepUpToDate, refuseReuse } from '../contexts.ts';
import type { Done, Named, Rule, ViewCall } from '../rule.ts';
import { isOnlySave, modSeqTold } from '../saved-result.ts';
import { asks, resolveKey } from '../search-key.ts';
import { sortedUids } from '../sorted-uids.ts';

type SortCall = ViewCall<Named<'SORT'>>;

async function run(call: SortCall): Promise<Done> {
  const { session, view, command, tag } = call;
  const { returns } = command;
  if (returns?.update !== undefined) refuseReuse(view, tag);
  const key = resolveKey(view, command.key, session.enabled.has('UIDONLY'));
  if (asks(key, 'modSeq')) session.enable('CONDSTORE');
  if (returns?.save === true) view.saved = new UidSet(); // RFC 5182 §2.1: also when it fails
  const uids = await sortedUids(session, view, key, command.by);
  const highest = uids.length > 0 ? await highestModSeq(call, key) : undefined;
  if (returns === undefined) {
    for (const piece of found('SORT', numbers(call, uids), highest)) {
      session.say(piece);
      await session.room();
    }
    return { text: 'Sorted' };
  }
  if (returns.update !== undefined) {
    const { uid, key: said, by } = command;
    keepUpToDate(session, view, { tag, uid, key: said, by, items: returns.update.items }, uids);
  }
  if (returns.save) view.saved = saved(uids, returns);
  if (!isOnlySave(returns)) {
    const ends = { first: uids.at(0), last: uids.at(-1) };
    const modSeq = await modSeqTold(session, view.mailbox, returns, ends, highest);
    session.say(esearch(answer(call, uids, modSeq), session.dialect));
  }
  return { text: 'Sorted' };
}

type Returns = NonNullable<Named<'SORT'>['returns']>;

/** RFC 7162 §3.1.5: told of what was found, where MODSEQ was asked for. */
async function highestModSeq({ session, view }: SortCall, key: SearchKey): Promise<number | undefined> {
  if (!asks(key, 'modSeq')) return undefined;
  return (await session.deps.search.find(view.mailbox, key, session.signal)).highestModSeq;
}

const numberOf = ({ view, command }: SortCall, uid: Uid): number => (command.uid ? uid : view.uids.rank(uid));

function* numbers(call: SortCall, uids: readonly Uid[]): IterableIterator<number> {
  for (const uid of uids) yield numberOf(call, uid);
}

function* ranges(call: SortCall, uids: readonly Uid[]): IterableIterator<{ first: number; last: number }> {
  for (const number of numbers(call, uids)) yield { first: number, last: number };
}

/** MIN and MAX are the ends of the order (RFC 5267 §3.1). */
function answer(call: SortCall, uids: readonly Uid[], modseq: number | undefined): SearchResult {
  const { command, tag } = call;
  const returns = command.returns as Returns;
  const [first, last] = [uids.at(0), uids.at(-1)];
  const { partial } = returns;
  return {
    tag,
    uid: command.uid,
    sorted: true,
    ...(returns.min && first !== undefined ? { min: numberOf(call, first) } : {}),
    ...(returns.max && last !== undefined ? { max: numberOf(call, last) } : {}),
    ...(returns.all ? { all: ranges(call, uids) } : {}),
    ...(returns.count ? { count: uids.length } : {}),
    ...(partial === undefined
      ? {}
      : { partial: { ...partial, numbers: ranges(call, inWindow(uids, partial)) } }),
    ...(modseq === undefined ? {} : { modseq }),
  };
}

/** Counted from the end when negative (RFC 9394 §3.1), in the order of the sort all the same. */
function inWindow(uids: readonly Uid[], { from, to }: { readonly from: number; readonly to: number }) {
  const place = (number: number): number => (number < 0 ? uids.length + number : number - 1);
  const [one, other] = [place(from), place(to)];
  return uids.slice(Math.max(Math.min(one, other), 0), Math.max(one, other) + 1);
}

/** RFC 5182 §2.4: MIN and MAX alone save no more than they tell. */
function saved(uids: readonly Uid[], { min, max, all, count, partial }: Returns): UidSet {
  const ends = [...(min ? uids.slice(0, 1) : []), ...(max ? uids.slice(-1) : [])];
  const kept = partial !== undefined ? inWindow(uids, partial) : all || count || !(min || max) ? uids : ends;
  return UidSet.of(kept.map((uid) => ({ first: uid, last: uid })));
}

export const sort: Rule<'SORT'> = {
  where: 'selected',
  news: ({ uid }) => (uid ? 'all' : 'noExpunge'),
  run,
};
