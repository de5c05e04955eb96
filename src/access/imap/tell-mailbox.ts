/**
 * access/imap/tell-mailbox - one mailbox that is watched, told of when it is another than before (RFC 5465 §5).
 */
import type { MailboxStatus } from '../../mail/mailbox.ts';
import { listed, type StatusItem, status } from '../../protocol/imap/respond/mailboxes.ts';
import type { Entry } from './listing.ts';
import { delimiter } from './names.ts';
import type { Session } from './session.ts';

/** By their names in RFC 5465. */
export type Events = ReadonlySet<string>;

/** As in LIST, and whether it is subscribed to. */
function attributesOf({ folder, isSubscribed, hasChildren }: Entry): readonly string[] {
  return [
    ...(folder?.selectable === true ? [] : ['\\Noselect']),
    hasChildren ? '\\HasChildren' : '\\HasNoChildren',
    ...(isSubscribed ? ['\\Subscribed'] : []),
    ...(folder?.specialUse === undefined ? [] : [folder.specialUse]),
  ];
}

/** Made, renamed (§5.4), subscribed to or not any more (§5.5). */
export function tellName(session: Session, was: Entry | undefined, is: Entry, events: Events): void {
  const isNamed = events.has('MailboxName') && was?.name !== is.name;
  const isSubscription = events.has('SubscriptionChange') && (was?.isSubscribed ?? false) !== is.isSubscribed;
  if (!isNamed && !isSubscription) return;
  const entry = { name: is.name, delimiter, attributes: attributesOf(is) };
  const isRenamed = isNamed && was !== undefined;
  session.say(listed('LIST', isRenamed ? { ...entry, oldName: was.name } : entry, session.dialect));
}

/** Removed, or not to be known of any more. Another may have its name by now. */
export function tellNonexistent(
  session: Session,
  was: Entry,
  events: Events,
  there: ReadonlySet<string>,
): void {
  if (!events.has('MailboxName') || there.has(was.name)) return;
  const attributes = ['\\NonExistent', ...(was.isSubscribed ? ['\\Subscribed'] : [])];
  session.say(listed('LIST', { name: was.name, delimiter, attributes }, session.dialect));
}

const wantsMessages = (events: Events): boolean => events.has('MessageNew') || events.has('FlagChange');

/** RFC 5465 §3.1 and §5.9: it may be listed, and what is asked for may not be told. */
export function tellAccess(session: Session, { name, folder, rights }: Entry, events: Events): void {
  if (!wantsMessages(events) || folder?.selectable !== true || rights.includes('r')) return;
  session.say(listed('LIST', { name, delimiter, attributes: ['\\NoAccess'] }, session.dialect));
}

/** Nothing of the selected mailbox, which is told of otherwise. Without `was` it is told whatever it is. */
export function tellStatus(session: Session, was: Entry | undefined, is: Entry, events: Events): void {
  const { folder } = is;
  if (folder?.selectable !== true || !is.rights.includes('r') || !wantsMessages(events)) return;
  const { state } = session;
  if (state.kind === 'selected' && state.view.mailbox === folder.id) return;
  const items = itemsOf(was?.folder?.status, folder.status, events, session.enabled.has('CONDSTORE'));
  if (items.length > 0) session.say(status(is.name, items, session.dialect));
}

/** RFC 5465 §5.1 to §5.3; HIGHESTMODSEQ where it is understood, and where flags are what has changed. */
function itemsOf(
  was: MailboxStatus | undefined,
  is: MailboxStatus,
  events: Events,
  isCondstore: boolean,
): readonly StatusItem[] {
  const hasNew = was === undefined || was.uidNext !== is.uidNext || was.messages !== is.messages;
  const isOther = hasNew || was.highestModSeq !== is.highestModSeq || was.uidValidity !== is.uidValidity;
  const tellsFlags = events.has('FlagChange') && isOther;
  if (!hasNew && !tellsFlags && was?.uidValidity === is.uidValidity) return [];
  return [
    ['MESSAGES', is.messages],
    ['UIDNEXT', is.uidNext],
    ['UIDVALIDITY', is.uidValidity],
    ...(tellsFlags ? ([['UNSEEN', is.unseen]] as const) : []),
    ...(isCondstore || (tellsFlags && !hasNew) ? ([['HIGHESTMODSEQ', is.highestModSeq]] as const) : []),
  ];
}
