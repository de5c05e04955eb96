/**
 * access/imap/message-limit - at most so many messages in one command (MESSAGELIMIT, RFC 9738), where the operator says so.
 *
 * Of more than that the newest are dealt with, and the client is told the lowest UID among them: it goes on below.
 * What is done whole or not at all (COPY, APPEND) is refused. EXPUNGE without UIDs, CLOSE and STATUS have no limit
 * (§3.1). MULTISEARCH, SORT and THREAD have none here.
 */
import type { SearchKey } from '../../mail/search.ts';
import type { UidRange } from '../../mail/uid-set.ts';
import { type Code, statement } from '../../protocol/imap/respond/status.ts';
import { countIn } from './numbers.ts';
import { Refusal } from './refusal.ts';
import type { Done } from './rule.ts';
import type { Session } from './session.ts';
import type { View } from './view.ts';

export interface Portion {
  readonly uids: readonly UidRange[];
  /** The lowest UID that is dealt with; undefined: all are. */
  readonly lowest: number | undefined;
}

/** The newest of these, as many as there may be. */
export function portionOf({ options }: Session, view: View, uids: readonly UidRange[]): Portion {
  const { messageLimit } = options;
  if (messageLimit === 0 || countIn(view, uids) <= messageLimit) return { uids, lowest: undefined };
  const kept: UidRange[] = [];
  let left = messageLimit;
  for (const { first, last } of uids.toReversed()) {
    const before = view.uids.rank(first - 1);
    const end = view.uids.rank(last);
    if (end - before < left) {
      kept.unshift({ first, last });
      left -= end - before;
      continue;
    }
    const lowest = view.uids.at(end - left + 1) as number;
    return { uids: [{ first: lowest, last }, ...kept], lowest };
  }
  return { uids, lowest: undefined };
}

/** The end of a command that has dealt with a portion. Beside another code it stands in a NO of its own (§3.1). */
export function endOf(session: Session, { lowest }: Portion, done: Done): Done {
  if (lowest === undefined) return done;
  const code = codeOf(session, lowest);
  const { messageLimit } = session.options;
  if (done.code === undefined)
    return { ...done, text: `${done.text}, the newest ${messageLimit} only`, code };
  session.say(statement('NO', { text: `Only the newest ${messageLimit} are done`, code }, session.dialect));
  return done;
}

/** For what is not done in portions. */
export function refuseMore(session: Session, view: View, uids: readonly UidRange[]): void {
  const { lowest } = portionOf(session, view, uids);
  if (lowest !== undefined) throw overLimit(session, lowest);
}

/** For a window of results, or messages that come (RFC 9394, RFC 3502). */
export function refuseCount(session: Session, count: number): void {
  const { messageLimit } = session.options;
  if (messageLimit > 0 && count > messageLimit) throw overLimit(session);
}

const overLimit = (session: Session, lowest?: number): Refusal =>
  new Refusal('NO', { text: 'These are too many messages at once', code: codeOf(session, lowest) });

const codeOf = ({ options }: Session, lowest?: number): Code => ({
  code: 'MESSAGELIMIT',
  limit: options.messageLimit,
  ...(lowest === undefined ? {} : { lastUid: lowest }),
});

/** The messages searched are counted, not those found (§3.1): those that the numbers in the search leave over. */
export function searchPortion(
  session: Session,
  view: View,
  key: SearchKey,
): { readonly key: SearchKey; readonly portion: Portion } {
  const portion = portionOf(session, view, candidates(view, key));
  if (portion.lowest === undefined) return { key, portion };
  return { key: { key: 'and', keys: [{ key: 'uids', ranges: portion.uids }, key] }, portion };
}

function candidates(view: View, key: SearchKey): readonly UidRange[] {
  const all: readonly UidRange[] = view.uids.size === 0 ? [] : [{ first: 1, last: view.lastUid }];
  return named(key).reduce(both, all);
}

/** The numbers every match must be among. */
function named(key: SearchKey): readonly (readonly UidRange[])[] {
  if (key.key === 'uids') return [key.ranges];
  return key.key === 'and' ? key.keys.flatMap(named) : [];
}

/** What is in both; either is in ascending order and apart. */
function both(some: readonly UidRange[], others: readonly UidRange[]): readonly UidRange[] {
  const result: UidRange[] = [];
  for (let here = 0, there = 0; here < some.length && there < others.length; ) {
    const [one, other] = [some[here] as UidRange, others[there] as UidRange];
    const [first, last] = [Math.max(one.first, other.first), Math.min(one.last, other.last)];
    if (first <= last) result.push({ first, last });
    if (one.last < other.last) here++;
    else there++;
  }
  return result;
}
