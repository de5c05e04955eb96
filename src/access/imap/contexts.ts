/**
 * access/imap/contexts - searches whose results are kept up to date (RFC 5267 §4.3): what comes to match is told with
 * ADDTO, what no longer does with REMOVEFROM.
 *
 * A sequence number is told while it is what the client thinks: REMOVEFROM before EXPUNGE, ADDTO after EXISTS
 * (§4.3.3 and §4.3.4), and after the FETCH of what is new (RFC 5465 §7).
 */
import type { SearchKey, SessionSearchKey, SortCriterion } from '../../mail/search.ts';
import { type Uid, type UidRange, UidSet } from '../../mail/uid-set.ts';
import type { FetchWish } from '../../protocol/imap/request/fetch.ts';
import { type Change, esearch } from '../../protocol/imap/respond/results.ts';
import { statement } from '../../protocol/imap/respond/status.ts';
import { bad } from './refusal.ts';
import { resolveKey } from './search-key.ts';
import type { Session } from './session.ts';
import { sortedUids } from './sorted-uids.ts';
import { tellItems } from './tell-items.ts';
import type { View } from './view.ts';

export interface Context {
  readonly tag: string;
  /** Where the search named it (RFC 7377 §2.1). */
  readonly mailbox?: { readonly name: string; readonly validity: number };
  /** Numbers are UIDs. */
  readonly uid: boolean;
  readonly key: SearchKey;
  /** Undefined: in the order of the mailbox. */
  readonly by: readonly SortCriterion[] | undefined;
  /** Told of what is new. */
  readonly items: readonly FetchWish[];
  /** As the client knows them. */
  readonly uids: UidSet;
  /** Where they are sorted. */
  order: readonly Uid[];
}

const contextsAtMost = 8;
/** Sorted anew with each change. */
const sortedAtMost = 20_000;

/** RFC 5267 §4.3: the tag is the context's name. */
export function refuseReuse(view: View, tag: string): void {
  if (view.contexts.has(tag)) throw bad('This tag is in use for updates');
}

export function keepUpToDate(
  session: Session,
  view: View,
  context: Omit<Context, 'key' | 'uids' | 'order'> & { readonly key: SessionSearchKey },
  found: readonly Uid[] | UidSet,
): void {
  const order = context.by === undefined ? [] : [...found];
  const isTooMuch = view.contexts.size >= contextsAtMost || order.length > sortedAtMost;
  if (isTooMuch || asksRecent(context.key)) {
    refuseUpdate(session, context.tag);
    return;
  }
  const uids = new UidSet();
  for (const uid of found) uids.add(uid);
  view.contexts.set(context.tag, { ...context, key: openKey(view, context.key), uids, order });
}

/** The search goes on without updates (RFC 5267 §4.3.1). */
export function refuseUpdate(session: Session, tag: string): void {
  const said = { text: 'No updates will be told', code: { code: 'NOUPDATE', tag } } as const;
  session.say(statement('NO', said, session.dialect));
}

/** What is \\Recent is this session's alone, and known when it is told. */
function asksRecent(key: SessionSearchKey): boolean {
  if (key.key === 'and' || key.key === 'or') return key.keys.some(asksRecent);
  return key.key === 'not' ? asksRecent(key.not) : key.key === 'recent';
}

/** What comes later is in `n:*` too. */
function openKey(view: View, key: SessionSearchKey): SearchKey {
  if (key.key === 'and' || key.key === 'or')
    return { key: key.key, keys: key.keys.map((one) => openKey(view, one)) };
  if (key.key === 'not') return { key: 'not', not: openKey(view, key.not) };
  const resolved = resolveKey(view, key);
  if (key.key !== 'sequence' || key.set === '$' || resolved.key !== 'uids') return resolved;
  const isOpen = key.set.some(({ first, last }) => (first === '*') !== (last === '*'));
  const later = { first: view.lastUid + 1, last: 4_294_967_295 };
  return isOpen ? { key: 'uids', ranges: [...resolved.ranges, later] } : resolved;
}

/** Flags of these have changed, and were told. */
export async function updateChanged(session: Session, view: View, changed: UidSet): Promise<void> {
  if (changed.size > 0)
    for (const context of view.contexts.values()) await update(session, view, context, changed);
}

/** These are new, and EXISTS was told. */
export async function updateNew(session: Session, view: View, fresh: UidSet): Promise<void> {
  for (const context of view.contexts.values()) {
    const added = await update(session, view, context, fresh, async (uids) => {
      const ranges = UidSet.of(uids.flatMap(single)).ranges();
      if (context.items.length > 0) await tellItems(session, view, context.items, [...ranges]);
    });
    if (added > 0) await session.room();
  }
}

/** These are about to be told as gone. */
export function updateGone(session: Session, view: View, gone: readonly UidRange[]): void {
  for (const context of view.contexts.values()) {
    const removed: Uid[] = [];
    for (const { first, last } of gone)
      for (let uid = first; uid <= last; uid++) if (context.uids.has(uid)) removed.push(uid);
    tellRemoved(session, view, context, removed);
  }
}

async function update(
  session: Session,
  view: View,
  context: Context,
  touched: UidSet,
  before?: (added: readonly Uid[]) => Promise<void>,
): Promise<number> {
  const { key, by, uids } = context;
  const { added, removed, order } =
    by === undefined
      ? await compareSet(session, view, context, touched)
      : compareOrder(context, await sortedUids(session, view, key, by));
  tellRemoved(session, view, context, removed);
  if (added.length === 0) return 0;
  await before?.(added);
  for (const uid of added) uids.add(uid);
  context.order = order;
  tell(session, context, { addTo: changesOf(view, context, added) });
  return added.length;
}

interface Comparison {
  readonly added: readonly Uid[];
  readonly removed: readonly Uid[];
  readonly order: readonly Uid[];
}

async function compareSet(
  session: Session,
  view: View,
  { key, uids }: Context,
  touched: UidSet,
): Promise<Comparison> {
  const ranges = [...touched.ranges()];
  const matching = await session.deps.search.matching(view.mailbox, ranges, key, session.signal);
  const known = [...touched].filter((uid) => view.uids.has(uid));
  return {
    added: known.filter((uid) => matching.has(uid) && !uids.has(uid)),
    removed: known.filter((uid) => !matching.has(uid) && uids.has(uid)),
    order: [],
  };
}

/** What is sorted by does not change: those that stay keep their order. */
function compareOrder({ uids, order: before }: Context, order: readonly Uid[]): Comparison {
  const now = new UidSet();
  for (const uid of order) now.add(uid);
  return {
    added: order.filter((uid) => !uids.has(uid)),
    removed: before.filter((uid) => !now.has(uid)),
    order,
  };
}

const numberOf = (view: View, context: Context, uid: Uid): number =>
  context.uid ? uid : view.uids.rank(uid);

const single = (number: number): readonly UidRange[] => [{ first: number, last: number }];

/** Sorted: each at the place it has when those before it are in theirs. Else the place is not told (§4.3.2). */
function changesOf(view: View, context: Context, added: readonly Uid[]): readonly Change[] {
  if (context.by === undefined)
    return [
      {
        position: 0,
        numbers: added.flatMap((uid) => single(numberOf(view, context, uid))),
      },
    ];
  const places = new Map(context.order.map((uid, index) => [uid, index + 1]));
  return added.map((uid) => ({
    position: places.get(uid) ?? 0,
    numbers: single(numberOf(view, context, uid)),
  }));
}

/** From the last place down, so that no place changes that is still to be told. */
function tellRemoved(session: Session, view: View, context: Context, removed: readonly Uid[]): void {
  if (removed.length === 0) return;
  const gone = new Set(removed);
  const changes: Change[] = [];
  if (context.by === undefined)
    changes.push({ position: 0, numbers: removed.flatMap((uid) => single(numberOf(view, context, uid))) });
  else {
    for (const [index, uid] of context.order.entries())
      if (gone.has(uid))
        changes.unshift({ position: index + 1, numbers: single(numberOf(view, context, uid)) });
    context.order = context.order.filter((uid) => !gone.has(uid));
  }
  for (const uid of removed) context.uids.delete(uid);
  tell(session, context, { removeFrom: changes });
}

function tell(
  session: Session,
  { tag, uid, mailbox }: Context,
  changes: { readonly addTo?: readonly Change[]; readonly removeFrom?: readonly Change[] },
): void {
  session.say(
    esearch({ tag, uid, ...(mailbox === undefined ? {} : { mailbox }), ...changes }, session.dialect),
  );
}
