/**
 * access/imap/commands/list - LIST (RFC 9051 §6.3.9) with its options (RFC 5258), STATUS (RFC 5819), special uses
 * (RFC 6154), rights (RFC 8440); and LSUB (RFC 3501 §6.3.9).
 */
import type { ListCommand, ListSelect } from '../../../protocol/imap/request/list.ts';
import { type Listed, listed, status as printStatus } from '../../../protocol/imap/respond/mailboxes.ts';
import { metadata, myRights } from '../../../protocol/imap/respond/rights.ts';
import { type Entry, listing } from '../listing.ts';
import { notesOf } from '../metadata.ts';
import { delimiter } from '../names.ts';
import { Pattern } from '../pattern.ts';
import { no } from '../refusal.ts';
import { withOldRights } from '../rights-list.ts';
import type { Done, Rule, UserCall } from '../rule.ts';
import { statusItems } from '../status-items.ts';

type List = ListCommand & { readonly name: 'LIST' };

/** Octets of all patterns together: each name is held against each. */
const patternsAtMost = 4096;

function patternsOf({ reference, patterns }: ListCommand): (name: string) => boolean {
  const all = patterns.map((pattern) => reference + pattern);
  if (all.reduce((sum, { length }) => sum + length, 0) > patternsAtMost) throw no('tooBig');
  const compiled = all.map((pattern) => new Pattern(pattern));
  return (name) => compiled.some((pattern) => pattern.matches(name));
}

async function runList({ session, user, command }: UserCall<List>): Promise<Done> {
  if (!command.extended && command.patterns[0] === '') {
    // RFC 9051 §6.3.9: asks for the delimiter.
    session.say(listed('LIST', { name: '', delimiter, attributes: ['\\Noselect'] }, session.dialect));
    return { text: 'Listed' };
  }
  const { select, returns } = command;
  const matches = patternsOf(command);
  const subscriptions = select.has('SUBSCRIBED') || returns.plain.has('SUBSCRIBED');
  const entries = await listing(session, user, { subscriptions });
  const chosen = select.has('RECURSIVEMATCH') ? childrenChosen(entries, select, matches) : new Map();
  for (const entry of entries) {
    const isChosen = isSelected(entry, select);
    const childInfo = chosen.get(entry.name);
    if (!(isChosen || childInfo !== undefined) || !matches(entry.name)) continue;
    const attributes = attributesOf(entry, command);
    const answer: Listed = { name: entry.name, delimiter, attributes };
    session.say(listed('LIST', childInfo === undefined ? answer : { ...answer, childInfo }, session.dialect));
    await tellMore({ session, user, command, tag: '' }, entry);
    await session.room();
  }
  return { text: 'Listed' };
}

const isSelected = (entry: Entry, select: ReadonlySet<ListSelect>): boolean =>
  (!select.has('SUBSCRIBED') || entry.isSubscribed) &&
  (!select.has('SPECIAL-USE') || entry.folder?.specialUse !== undefined) &&
  (select.has('SUBSCRIBED') || entry.rights !== '');

/** RFC 5258 §3.5: those above what was selected and is not told itself, and by which options. */
function childrenChosen(
  entries: readonly Entry[],
  select: ReadonlySet<ListSelect>,
  matches: (name: string) => boolean,
): ReadonlyMap<string, NonNullable<Listed['childInfo']>> {
  const info = (['SUBSCRIBED', 'SPECIAL-USE'] as const).filter((option) => select.has(option));
  const above = new Map<string, NonNullable<Listed['childInfo']>>();
  for (const entry of entries) {
    if (!isSelected(entry, select) || matches(entry.name)) continue;
    for (let at = entry.name.lastIndexOf(delimiter); at > 0; at = entry.name.lastIndexOf(delimiter, at - 1))
      above.set(entry.name.slice(0, at), info);
  }
  return above;
}

function attributesOf(entry: Entry, { select, returns, extended }: List): readonly string[] {
  const attributes: string[] = [];
  const { folder } = entry;
  if (folder === undefined) attributes.push('\\NonExistent');
  else if (!folder.selectable) attributes.push('\\Noselect');
  // RFC 5258 §4: CHILDREN are told where asked for, and to clients that cannot ask.
  if (!extended || returns.plain.has('CHILDREN') || select.size > 0)
    attributes.push(entry.hasChildren ? '\\HasChildren' : '\\HasNoChildren');
  if (entry.isSubscribed) attributes.push('\\Subscribed');
  if (folder?.specialUse !== undefined) attributes.push(folder.specialUse);
  return attributes;
}

async function tellMore(
  { session, user, command }: UserCall<List>,
  { folder, name, rights }: Entry,
): Promise<void> {
  const { status, plain, metadata: wanted } = command.returns;
  if (folder === undefined) return;
  if (plain.has('MYRIGHTS') && rights !== '')
    session.say(myRights(name, withOldRights(rights), session.dialect));
  if (wanted !== undefined && rights.includes('r')) {
    // RFC 9590 §3: each entry asked for, NIL where it is not there.
    const values = await notesOf(session, user, folder);
    const entries = wanted.map((entry) => [entry, octetsOf(values.get(entry.toLowerCase()))] as const);
    session.say(metadata(name, entries, session.dialect));
  }
  if (status !== undefined && folder.selectable && rights.includes('r'))
    session.say(printStatus(name, await statusItems(session, folder, status), session.dialect));
}

const octetsOf = (value: string | undefined): Buffer | undefined =>
  value === undefined ? undefined : Buffer.from(value, 'latin1');

async function runLsub(call: UserCall<ListCommand & { readonly name: 'LSUB' }>): Promise<Done> {
  const { session, user, command } = call;
  const matches = patternsOf(command);
  const entries = await listing(session, user, { subscriptions: true });
  const subscribed = entries.filter(({ isSubscribed }) => isSubscribed);
  const told = new Set<string>();
  for (const { name, folder } of subscribed) {
    if (!matches(name)) continue;
    told.add(name);
    const attributes = folder?.selectable === true ? [] : ['\\Noselect'];
    session.say(listed('LSUB', { name, delimiter, attributes }, session.dialect));
  }
  // RFC 3501 §6.3.9: with `%`, a level above what is subscribed to is told, and that it is not itself.
  for (const { name } of subscribed) {
    for (let at = name.lastIndexOf(delimiter); at > 0; at = name.lastIndexOf(delimiter, at - 1)) {
      const above = name.slice(0, at);
      if (told.has(above) || matches(name) || !matches(above)) continue;
      told.add(above);
      session.say(listed('LSUB', { name: above, delimiter, attributes: ['\\Noselect'] }, session.dialect));
    }
  }
  return { text: 'Listed' };
}

export const list: Rule<'LIST'> = { where: 'authenticated', news: 'all', run: runList };
export const lsub: Rule<'LSUB'> = { where: 'authenticated', news: 'all', run: runLsub };
