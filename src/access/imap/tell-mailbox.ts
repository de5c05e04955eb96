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

/** Made, renamed (§5.4), subscribed to or not any more (§5.5). Says whether there was something to tell. */
export function tellName(session: Session, was: Entry | undefined, is: Entry, events: Events): boolean {
  const isNamed = events.has('MailboxName') && was?.name !== is.name;
  const isSubscription = events.has('SubscriptionChange') && (was?.isSubscribed ?? false) !== is.isSubscribed;
  if (!isNamed && !isSubscription) return false;
  const entry = { name: is.name, delimiter, attributes: attributesOf(is) };
  const isRenamed = isNamed && was !== undefined;
  session.say(listed('LIST', isRenamed ? { ...entry, oldName: was.name } : entry, session.dialect));
  return true;
}

/** Removed, or not to be known of any more. */
export function tellNonexistent(session: Session, name: string, events: Events, isSubscribed: boolean): void {
  if (!events.has('MailboxName')) return;
  const attributes = ['\\NonExistent', ...(isSubscribed ? ['\\Subscribed'] : [])];
  session.say(listed('LIST', { name, delimiter, attributes }, session.dialect));
}

export const wantsMessages = (events: Events): boolean =>
  events.has('MessageNew') || events.has('MessageExpunge') || events.has('FlagChange');

/** RFC 5465 §3.1 and §5.9: it may be listed, and what is asked for may not be told, or may again. */
export function tellAccess(session: Session, was: Entry | undefined, is: Entry, events: Events): void {
  if (!wantsMessages(events) || is.folder?.selectable !== true) return;
  const mayRead = is.rights.includes('r');
  if (was === undefined ? mayRead : was.rights.includes('r') === mayRead) return;
  const attributes = mayRead ? attributesOf(is) : ['\\NoAccess'];
  session.say(listed('LIST', { name: is.name, delimiter, attributes }, session.dialect));
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

/** RFC 5465 §5.1 to §5.3, and §3.1 at first. Without CONDSTORE, flags matter as far as UNSEEN tells of them. */
function itemsOf(
  was: MailboxStatus | undefined,
  is: MailboxStatus,
  events: Events,
  isCondstore: boolean,
): readonly StatusItem[] {
  const differs = (...what: (keyof MailboxStatus)[]): boolean =>
    was === undefined || what.some((one) => was[one] !== is[one]);
  const hasNew = differs('uidNext', 'messages', 'uidValidity');
  const tellsFlags = events.has('FlagChange') && differs('unseen', isCondstore ? 'highestModSeq' : 'unseen');
  if (!hasNew && !tellsFlags) return [];
  return [
    ['MESSAGES', is.messages],
    ['UIDNEXT', is.uidNext],
    ['UIDVALIDITY', is.uidValidity],
    ...(tellsFlags ? ([['UNSEEN', is.unseen]] as const) : []),
    ...(isCondstore || (was === undefined && tellsFlags)
      ? ([['HIGHESTMODSEQ', is.highestModSeq]] as const)
      : []),
  ];
}
