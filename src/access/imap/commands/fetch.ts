/**
 * access/imap/commands/fetch - FETCH and UID FETCH (RFC 9051 §6.4.5), CHANGEDSINCE and VANISHED (RFC 7162 §3.1.4.1,
 * §3.2.6).
 *
 * Rows come some hundred at a time and are told as they come; bodies stream from the store to the client.
 */
import { flagBits, type MessageRow } from '../../../mail/mailbox.ts';
import { type UidRange, UidSet } from '../../../mail/uid-set.ts';
import { ahead } from '../ahead.ts';
import { type Plan, planOf } from '../fetch-plan.ts';
import { type Prepared, prepareMessage, tellPrepared } from '../fetch-row.ts';
import { endOf, type Portion, portionOf, refuseCount } from '../message-limit.ts';
import { tellKeywords } from '../news.ts';
import { countIn, hasAny, uidRanges, windowOf } from '../numbers.ts';
import { someGone } from '../refusal.ts';
import { tellSince } from '../resync.ts';
import type { Done, Named, Rule, ViewCall } from '../rule.ts';

async function run(call: ViewCall<Named<'FETCH'>>): Promise<Done> {
  const { session, view, command } = call;
  if (command.changedSince !== undefined) session.enable('CONDSTORE');
  const plan = planOf(session, view, command);
  const named = uidRanges(view, command.set, command.uid);
  const portion = await portionOfFetch(call, named);
  const { uids } = portion;
  if (command.vanished && command.changedSince !== undefined)
    await tellSince(session, view, command.changedSince, asked(call), { vanishedOnly: true });
  if (uids.length === 0 || !hasAny(view, uids)) return { text: 'Nothing to fetch' };
  const told = await tellRows(call, plan, uids);
  // RFC 5530 §3: numbers whose messages have gone meanwhile are passed over, and that is said.
  if (!command.uid && command.changedSince === undefined && told.missing)
    return endOf(session, portion, someGone);
  return endOf(session, portion, { text: 'Fetched' });
}

/** RFC 9738 §3.1: a window has its size already, and is refused where that is too much. */
async function portionOfFetch(call: ViewCall<Named<'FETCH'>>, named: readonly UidRange[]): Promise<Portion> {
  const { session, view, command } = call;
  if (command.partial === undefined) return portionOf(session, view, named);
  refuseCount(session, Math.abs(command.partial.to - command.partial.from) + 1);
  return { uids: await inWindow(call, named, command.partial), lowest: undefined };
}

/** The UIDs named, as they are named: what is gone is not in the view. */
const asked = ({ command, view }: ViewCall<Named<'FETCH'>>): readonly UidRange[] =>
  command.set === '$'
    ? [...view.saved.ranges()]
    : command.set.map(({ first, last }) => ({
        first: first === '*' ? view.lastUid : first,
        last: last === '*' ? 4_294_967_295 : last,
      }));

/** Messages whose octets are read while one is written, where not too much of each is asked for. */
const rowsAhead = 24;
const fewContents = 4;

async function tellRows(
  { session, view, command }: ViewCall<Named<'FETCH'>>,
  plan: Plan,
  uids: readonly UidRange[],
): Promise<{ missing: boolean }> {
  const want = {
    structure: plan.needsStructure,
    preview: plan.needsPreview,
    ...(command.changedSince === undefined ? {} : { changedSince: command.changedSince }),
  };
  let count = 0;
  for await (const batch of session.deps.reading.rows(view.mailbox, uids, want, session.signal)) {
    const rows = batch.filter(({ uid }) => view.uids.has(uid));
    count += rows.length;
    const seen = plan.setsSeen ? await markSeen({ session, view }, rows) : undefined;
    const prepare = (row: MessageRow) => {
      const now = seen?.get(row.uid);
      return prepareMessage(
        session,
        view,
        plan,
        now === undefined ? row : { ...row, ...now },
        now !== undefined,
      );
    };
    const tell = (row: MessageRow, items: Prepared): Promise<void> | undefined => {
      if (view.learn(row.flags.keywords)) tellKeywords(session, view);
      if (plan.tellsFlags && row.modSeq > view.modSeq) view.told(row.uid, row.modSeq);
      return tellPrepared(session, view, row, items) ?? session.connection.room();
    };
    if (plan.contents > 0) {
      const atOnce = plan.contents > fewContents ? 1 : rowsAhead;
      for await (const [row, items] of ahead(rows, prepare, atOnce)) await tell(row, items);
      continue;
    }
    for (const row of rows) {
      const items = prepare(row);
      const written = tell(row, items instanceof Promise ? await items : items);
      if (written !== undefined) await written;
    }
  }
  return { missing: count < countIn(view, uids) };
}

/** RFC 9394 §3.2: a window of the messages that would be told, counted from the end when negative. */
async function inWindow(
  { session, view, command }: ViewCall<Named<'FETCH'>>,
  named: readonly UidRange[],
  { from, to }: NonNullable<Named<'FETCH'>['partial']>,
): Promise<readonly UidRange[]> {
  const { changedSince } = command;
  const uids = new UidSet();
  if (changedSince === undefined) {
    for (const { first, last } of named)
      for (let rank = view.uids.rank(first - 1) + 1; rank <= view.uids.rank(last); rank++)
        uids.add(view.uids.at(rank) as number);
  } else {
    for await (const rows of session.deps.reading.rows(view.mailbox, named, { changedSince }, session.signal))
      for (const { uid } of rows) if (view.uids.has(uid)) uids.add(uid);
  }
  return [...UidSet.of(windowOf(uids, { from, to })).ranges()];
}

/** RFC 9051 §6.4.5: reading a body without PEEK sets \Seen, and the flags are told with it. */
async function markSeen(
  { session, view }: Pick<ViewCall<unknown>, 'session' | 'view'>,
  rows: readonly MessageRow[],
): Promise<ReadonlyMap<number, Pick<MessageRow, 'uid' | 'modSeq' | 'flags'>> | undefined> {
  const unseen = rows.filter(({ flags }) => (flags.system & flagBits['\\Seen']) === 0);
  if (unseen.length === 0) return undefined;
  const { changed } = await session.deps.writing.flag(
    view.mailbox,
    unseen.map(({ uid }) => ({ first: uid, last: uid })),
    { how: 'add', flags: { system: flagBits['\\Seen'], keywords: [] } },
  );
  view.changedHere(changed);
  return new Map(changed.map((row) => [row.uid, row]));
}

export const fetch: Rule<'FETCH'> = {
  where: 'selected',
  news: ({ uid }) => (uid ? 'all' : 'noExpunge'),
  run,
};
