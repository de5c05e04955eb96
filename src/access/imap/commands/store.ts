/**
 * access/imap/commands/store - STORE and UID STORE (RFC 9051 §6.4.6), UNCHANGEDSINCE (RFC 7162 §3.1.3).
 *
 * Flags this session may not change are left as they are, as long as one may be changed (RFC 4314 §4, STORE).
 */
import { type Flags, flagBits, flagsOf, noFlags } from '../../../mail/mailbox.ts';
import { type UidRange, UidSet } from '../../../mail/uid-set.ts';
import type { FlagChange } from '../../../ports/messages.ts';
import { endOf, portionOf } from '../message-limit.ts';
import { tellFlags } from '../news.ts';
import { countIn, uidRanges } from '../numbers.ts';
import { no, Refusal, someGone } from '../refusal.ts';
import type { Done, Named, Rule, ViewCall } from '../rule.ts';
import type { View } from '../view.ts';

const hows = { add: 'add', remove: 'remove', replace: 'set' } as const;

async function run(call: ViewCall<Named<'STORE'>>): Promise<Done> {
  const { session, view, command } = call;
  if (command.unchangedSince !== undefined) session.enable('CONDSTORE');
  if (view.isReadOnly) throw no('readOnly');
  const portion = portionOf(session, view, uidRanges(view, command.set, command.uid));
  const { uids } = portion;
  const change = changeOf(view, command);
  if (uids.length === 0) return { text: 'Nothing to store' };
  const { unchangedSince } = command;
  const result = await session.deps.writing.flag(
    view.mailbox,
    uids,
    change,
    unchangedSince === undefined ? {} : { unchangedSince },
  );
  // RFC 7162 §3.1.3: the MODSEQ is told even to whom the flags are not.
  const mayTell = !command.silent || session.enabled.has('CONDSTORE');
  for (const row of result.changed) {
    if (!view.uids.has(row.uid)) continue;
    if (mayTell) tellFlags(session, view, row, { flags: !command.silent });
    else view.learn(row.flags.keywords);
  }
  view.changedHere(result.changed);
  await session.room();
  const isMissing = !command.silent && (await tellUnchanged(call, uids, result));
  if (result.modified.length > 0) return endOf(session, portion, someModified(call, result.modified));
  return endOf(session, portion, isMissing && !command.uid ? someGone : { text: 'Stored' });
}

/** Those that had the flags already are told as well: "as if a FETCH of those flags was done". Says whether some were gone. */
async function tellUnchanged(
  { session, view }: ViewCall<Named<'STORE'>>,
  uids: readonly UidRange[],
  { changed, modified }: { changed: readonly { uid: number }[]; modified: readonly UidRange[] },
): Promise<boolean> {
  let left = countIn(view, uids) - changed.length - countIn(view, modified);
  if (left <= 0) return false;
  const told = new Set(changed.map(({ uid }) => uid));
  const apart = UidSet.of(modified);
  for await (const rows of session.deps.reading.rows(view.mailbox, uids, {}, session.signal)) {
    for (const row of rows) {
      if (!view.uids.has(row.uid) || told.has(row.uid) || apart.has(row.uid)) continue;
      tellFlags(session, view, row);
      left -= 1;
    }
    await session.room();
  }
  return left > 0;
}

function someModified({ view, command }: ViewCall<Named<'STORE'>>, modified: readonly UidRange[]): Done {
  const numbers = command.uid
    ? modified
    : modified.map(({ first, last }) => ({ first: view.uids.rank(first), last: view.uids.rank(last) }));
  return { text: 'Some have changed since', code: { code: 'MODIFIED', numbers } };
}

/** Throws where nothing of what is wanted is permitted. */
function changeOf(view: View, command: Named<'STORE'>): FlagChange {
  const how = hows[command.change];
  const may = view.changeable;
  const wanted = flagsOf(command.flags);
  if (command.flags.some((flag) => flag.startsWith('\\') && !(flag.toLowerCase() in known)))
    throw new Refusal('BAD', { text: 'There is no such system flag', code: { code: 'CLIENTBUG' } });
  const flags: Flags = {
    system: wanted.system & may.system,
    keywords: may.keywords ? wanted.keywords : noFlags.keywords,
  };
  const wantsSome = wanted.system !== 0 || wanted.keywords.length > 0;
  const getsSome = flags.system !== 0 || flags.keywords.length > 0;
  if ((wantsSome && !getsSome) || (may.system === 0 && !may.keywords)) throw no('noRight');
  const all = Object.values(flagBits).reduce((sum, bit) => sum | bit, 0);
  const keep = { system: all & ~may.system, keywords: !may.keywords };
  return how === 'set' ? { how, flags, keep } : { how, flags };
}

const known: Readonly<Record<string, true>> = Object.fromEntries(
  [...Object.keys(flagBits), '\\recent'].map((name) => [name.toLowerCase(), true]),
);

export const store: Rule<'STORE'> = {
  where: 'selected',
  news: ({ uid }) => (uid ? 'all' : 'noExpunge'),
  run,
};
