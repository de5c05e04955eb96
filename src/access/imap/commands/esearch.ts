/**
 * access/imap/commands/esearch - ESEARCH: a search in several mailboxes (RFC 7377), each answered on its own, those
 * without results not at all. Numbers are UIDs.
 *
 * Mailboxes that are not there, or may not be read, are passed over without a word (§2.2).
 */
import type { MailboxId } from '../../../mail/mailbox.ts';
import type { SearchKey, SessionSearchKey } from '../../../mail/search.ts';
import { UidSet } from '../../../mail/uid-set.ts';
import { MailboxGone } from '../../../ports/messages.ts';
import type { SearchReturns } from '../../../protocol/imap/request/search.ts';
import { esearch as print } from '../../../protocol/imap/respond/results.ts';
import { refuseUpdate } from '../contexts.ts';
import { listing } from '../listing.ts';
import { choice } from '../mailbox-choice.ts';
import { windowOf } from '../numbers.ts';
import { progress } from '../progress.ts';
import { bad } from '../refusal.ts';
import type { Done, Named, Rule, UserCall } from '../rule.ts';
import { asks, resolveKey } from '../search-key.ts';
import type { View } from '../view.ts';

interface Place {
  readonly id: MailboxId;
  readonly name: string;
  readonly uidValidity: number;
  /** Where it is the selected one. */
  readonly view?: View;
}

type Esearch = UserCall<Named<'ESEARCH'>>;

async function run(call: Esearch): Promise<Done> {
  const { session, command, tag } = call;
  const isHereOnly = command.sources.every(({ which }) => which === 'selected');
  const { update } = command.returns;
  if (update !== undefined) refuseUpdate(session, tag);
  for (const place of await placesOf(call)) {
    const key =
      isHereOnly && place.view !== undefined
        ? resolveKey(place.view, command.key, session.enabled.has('UIDONLY'))
        : await keyIn(call, place, command.key);
    await searchIn(call, place, key);
    await session.room();
  }
  return { text: 'Searched' };
}

/** Each once, however often it is meant. */
async function placesOf({ session, user, command }: Esearch): Promise<readonly Place[]> {
  const { sources } = command;
  const { state } = session;
  const places = new Map<MailboxId, Place>();
  if (sources.some(({ which }) => which === 'selected')) {
    if (state.kind !== 'selected') throw bad('Select a mailbox first');
    const { view } = state;
    const { mailbox: id, name, uidValidity } = view;
    places.set(id, { id, name, uidValidity, view });
  }
  const others = sources.filter(({ which }) => which !== 'selected').map((source) => choice(source, user));
  if (others.length === 0) return [...places.values()];
  const subscriptions = sources.some(({ which }) => which === 'subscribed');
  for (const entry of await listing(session, user, { subscriptions })) {
    const { folder, name, rights } = entry;
    if (folder?.selectable !== true || !rights.includes('r') || places.has(folder.id)) continue;
    if (others.some((isMeant) => isMeant(entry)))
      places.set(folder.id, { id: folder.id, name, uidValidity: folder.status.uidValidity });
  }
  return [...places.values()];
}

/** What means something to the selected mailbox alone means nothing in several. */
async function keyIn(call: Esearch, place: Place, key: SessionSearchKey): Promise<SearchKey> {
  switch (key.key) {
    case 'and':
    case 'or': {
      const keys: SearchKey[] = [];
      for (const one of key.keys) keys.push(await keyIn(call, place, one));
      return { key: key.key, keys };
    }
    case 'not':
      return { key: 'not', not: await keyIn(call, place, key.not) };
    case 'sequence': {
      if (!key.uid || key.set === '$') throw bad('Sequence numbers and $ are of the selected mailbox alone');
      const { uids } = await call.session.deps.reading.snapshot(place.id);
      const highest = uids.at(uids.size) ?? 0;
      const number = (end: number | '*'): number => (end === '*' ? highest : end);
      const ranges = key.set.map(({ first, last }) => ({
        first: Math.min(number(first), number(last)),
        last: Math.max(number(first), number(last)),
      }));
      return { key: 'uids', ranges };
    }
    case 'recent': {
      const { status } = await call.session.deps.reading.snapshot(place.id);
      const recent: SearchKey = { key: 'uids', ranges: [{ first: status.recentFrom, last: 4_294_967_295 }] };
      return key.set ? recent : { key: 'not', not: recent };
    }
    default:
      return key;
  }
}

async function searchIn(call: Esearch, place: Place, key: SearchKey): Promise<void> {
  const { session, command, tag } = call;
  const { returns } = command;
  const { view } = place;
  if (asks(key, 'modSeq')) session.enable('CONDSTORE');
  if (returns.save && view !== undefined) view.saved = new UidSet();
  const found = await findIn(call, place, key);
  if (found === undefined) return;
  const { uids } = found;
  if (view !== undefined) for (const uid of [...uids]) if (!view.uids.has(uid)) uids.delete(uid);
  if (returns.save && view !== undefined) view.saved = saved(uids, returns);
  if (uids.size === 0 || isOnlySave(returns)) return;
  const { min, max, all, count, partial } = returns;
  const result = {
    tag,
    mailbox: { name: place.name, validity: place.uidValidity },
    uid: true,
    ...(min ? { min: uids.at(1) as number } : {}),
    ...(max ? { max: uids.at(uids.size) as number } : {}),
    ...(all ? { all: uids.ranges() } : {}),
    ...(count ? { count: uids.size } : {}),
    ...(partial === undefined ? {} : { partial: { ...partial, numbers: windowOf(uids, partial) } }),
    ...(found.highestModSeq === undefined ? {} : { modseq: found.highestModSeq }),
  };
  session.say(print(result, session.dialect));
}

/** Undefined: it has just been removed. */
async function findIn({ session, tag }: Esearch, { id }: Place, key: SearchKey) {
  try {
    return await session.deps.search.find(id, key, session.signal, progress(session, tag));
  } catch (thrown) {
    if (thrown instanceof MailboxGone) return undefined;
    throw thrown;
  }
}

const isOnlySave = ({ save, min, max, all, count, partial }: SearchReturns): boolean =>
  save && !(min || max || all || count || partial !== undefined);

/** RFC 5182 §2.4: MIN and MAX alone save no more than they tell. */
function saved(uids: UidSet, { min, max, all, count, partial }: SearchReturns): UidSet {
  if (partial !== undefined) return UidSet.of(windowOf(uids, partial));
  if (all || count || !(min || max)) return UidSet.of(uids.ranges());
  const ends = [min ? uids.at(1) : undefined, max ? uids.at(uids.size) : undefined];
  return UidSet.of(ends.flatMap((uid) => (uid === undefined ? [] : [{ first: uid, last: uid }])));
}

export const esearch: Rule<'ESEARCH'> = { where: 'authenticated', news: 'all', run };
