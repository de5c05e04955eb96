/**
 * access/imap/listing - all mailboxes one user may know of, as LIST sees them: own ones, shared ones, and the levels of
 * names above those.
 */
import type { MailFolder, RightsSet } from '../../mail/mailbox.ts';
import { allRights } from '../../mail/mailbox.ts';
import { delimiter } from './names.ts';
import type { Session } from './session.ts';
import type { User } from './state.ts';

export interface Entry {
  readonly name: string;
  /** Absent: a mere level, or a name that is subscribed to and not there. */
  readonly folder?: MailFolder;
  readonly rights: RightsSet;
  readonly isSubscribed: boolean;
  readonly hasChildren: boolean;
}

/** By name, parents before children where both are there. */
export async function listing(
  session: Session,
  user: User,
  { subscriptions }: { readonly subscriptions: boolean },
): Promise<Entry[]> {
  const { mailboxes, rights, subscriptions: kept } = session.deps;
  const [own, shared, subscribed] = await Promise.all([
    mailboxes.list(user.account),
    rights.shared(user.account),
    subscriptions ? kept.list(user.account) : [],
  ]);
  const there = new Map<string, { folder?: MailFolder; rights: RightsSet }>();
  for (const folder of own) there.set(folder.name, { folder, rights: allRights });
  for (const { owner, mailbox, rights: granted } of shared) {
    const name = user.names.ofOther(owner, mailbox.name);
    for (const level of levelsAbove(name, user.names.othersPrefix.length - 1))
      if (!there.has(level)) there.set(level, { rights: 'l' });
    there.set(name, { folder: mailbox, rights: granted });
  }
  const parents = new Set([...there.keys()].flatMap(parentOf));
  const wanted = new Set(subscribed);
  for (const name of wanted) if (!there.has(name)) there.set(name, { rights: '' });
  return [...there].map(([name, entry]) => ({
    name,
    ...entry,
    isSubscribed: wanted.has(name),
    hasChildren: parents.has(name),
  }));
}

/** `Other Users` and `Other Users/OWNER` are levels without a mailbox, and so may be what lies above a shared one. */
function* levelsAbove(name: string, first: number): IterableIterator<string> {
  for (let at = name.indexOf(delimiter, first); at > 0; at = name.indexOf(delimiter, at + 1))
    yield name.slice(0, at);
}

const parentOf = (name: string): readonly string[] => {
  const at = name.lastIndexOf(delimiter);
  return at > 0 ? [name.slice(0, at)] : [];
};
