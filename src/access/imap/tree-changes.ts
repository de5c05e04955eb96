/**
 * access/imap/tree-changes - which names NOTIFY tells of when a tree is another than before (RFC 5465 §5.4).
 *
 * What was made or removed concerns the mailbox above it too. Where a mailbox was renamed, its children are not told of:
 * that they went along is understood.
 */
import type { Entry } from './listing.ts';
import { delimiter } from './names.ts';
import type { Session } from './session.ts';
import { type Events, tellAccess, tellName, tellNonexistent } from './tell-mailbox.ts';

interface Watched {
  readonly entry: Entry;
  readonly events: Events;
}

export function tellTree<Id>(
  session: Session,
  before: ReadonlyMap<Id, Watched>,
  now: ReadonlyMap<Id, Watched>,
  subscribed: ReadonlySet<string>,
): void {
  const byName = new Map([...now.values()].map((one) => [one.entry.name, one]));
  const renamed = renamings(before, now);
  const told = new Set<string>();
  const concerned = new Set<string>();
  for (const [id, { entry, events }] of before) {
    if (now.has(id)) continue;
    if (!byName.has(entry.name)) tellNonexistent(session, entry.name, events, subscribed.has(entry.name));
    told.add(entry.name);
    concerned.add(above(entry.name));
  }
  for (const [id, { entry, events }] of now) {
    const was = before.get(id)?.entry;
    if (was === undefined) concerned.add(above(entry.name));
    const isAlong = was !== undefined && renamed.get(above(was.name)) === above(entry.name);
    const isSameLeaf = was !== undefined && leaf(was.name) === leaf(entry.name);
    const like = isAlong && isSameLeaf ? { ...was, name: entry.name } : was;
    if (tellName(session, like, entry, events)) told.add(entry.name);
    if (was === undefined || was.rights !== entry.rights) tellAccess(session, was, entry, events);
  }
  for (const name of concerned) {
    const parent = byName.get(name);
    if (parent !== undefined && !told.has(name)) tellName(session, undefined, parent.entry, parent.events);
  }
}

/** Old names, and what they are now. */
function renamings<Id>(
  before: ReadonlyMap<Id, Watched>,
  now: ReadonlyMap<Id, Watched>,
): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [id, { entry }] of now) {
    const was = before.get(id)?.entry.name;
    if (was !== undefined && was !== entry.name) names.set(was, entry.name);
  }
  return names;
}

/** '' where there is none. */
const above = (name: string): string => name.slice(0, Math.max(name.lastIndexOf(delimiter), 0));
const leaf = (name: string): string => name.slice(name.lastIndexOf(delimiter) + 1);
