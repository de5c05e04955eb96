/**
 * access/imap/search-places - the mailboxes that an ESEARCH looks through (RFC 7377 §2.2): each once, however often it is
 * meant. What is not there, or may not be read, is passed over.
 */
import type { MailboxId } from '../../mail/mailbox.ts';
import type { MailboxFilter } from '../../protocol/imap/request/mailbox-filter.ts';
import { listing } from './listing.ts';
import { choice } from './mailbox-choice.ts';
import { bad, no } from './refusal.ts';
import type { Session } from './session.ts';
import type { User } from './state.ts';
import type { View } from './view.ts';

export interface Place {
  readonly id: MailboxId;
  readonly name: string;
  readonly uidValidity: number;
  /** Where it is the selected one. */
  readonly view?: View;
}

/** Each is held against each mailbox. */
const sourcesAtMost = 100;
/** Others' mailboxes that may be read and not listed are asked for one by one. */
const unlistedAtMost = 100;

export async function placesOf(
  session: Session,
  user: User,
  sources: readonly MailboxFilter[],
): Promise<readonly Place[]> {
  if (sources.length > sourcesAtMost) throw no('tooMany');
  const places = new Map<MailboxId, Place>();
  if (sources.some(({ which }) => which === 'selected')) places.set(...selectedPlace(session));
  const others = sources.filter(({ which }) => which !== 'selected').map((source) => choice(source, user));
  if (others.length === 0) return [...places.values()];
  const subscriptions = sources.some(({ which }) => which === 'subscribed');
  const listed = new Set<string>();
  for (const entry of await listing(session, user, { subscriptions })) {
    const { folder, name, rights } = entry;
    listed.add(name);
    if (folder?.selectable !== true || !rights.includes('r') || places.has(folder.id)) continue;
    if (others.some((isMeant) => isMeant(entry)))
      places.set(folder.id, { id: folder.id, name, uidValidity: folder.status.uidValidity });
  }
  for (const name of unlisted(user, sources, listed)) {
    const known = await user.names.find(name);
    if (known?.folder.selectable !== true || !known.rights.includes('r')) continue;
    const { id, status } = known.folder;
    if (!places.has(id)) places.set(id, { id, name, uidValidity: status.uidValidity });
  }
  return [...places.values()];
}

function selectedPlace({ state }: Session): [MailboxId, Place] {
  if (state.kind !== 'selected') throw bad('Select a mailbox first');
  const { view } = state;
  const { mailbox: id, name, uidValidity } = view;
  return [id, { id, name, uidValidity, view }];
}

/** A mailbox that is named need not be listed: `l` is for those that are found (RFC 7377 §2.2). */
function unlisted(
  user: User,
  sources: readonly MailboxFilter[],
  listed: ReadonlySet<string>,
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const source of sources)
    if (source.which === 'mailboxes')
      for (const name of source.names)
        if (!listed.has(name) && name.startsWith(user.names.othersPrefix)) names.add(name);
  if (names.size > unlistedAtMost) throw no('tooMany');
  return names;
}
