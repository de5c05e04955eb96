/**
 * access/imap/mailbox-choice - the mailboxes that a filter of NOTIFY (RFC 5465 §6) or ESEARCH (RFC 7377 §2.2) means.
 *
 * The selected one is the session's: no filter here means it.
 */
import type { MailboxFilter } from '../../protocol/imap/request/mailbox-filter.ts';
import type { Entry } from './listing.ts';
import { delimiter } from './names.ts';
import type { User } from './state.ts';

/** At most the levels of the name, however many names the filter has. */
export function choice(filter: MailboxFilter, user: User): (entry: Entry) => boolean {
  switch (filter.which) {
    case 'selected':
    case 'selected-delayed':
      return () => false;
    // Where Sieve may deliver is not known beforehand: then they are the personal ones (RFC 5465 §6.3).
    case 'inboxes':
    case 'personal':
      return ({ folder }) => folder?.account === user.account;
    case 'subscribed':
      return ({ isSubscribed }) => isSubscribed;
  }
  const names = new Set(filter.names.map(withoutDelimiter));
  if (filter.which === 'mailboxes') return ({ name }) => names.has(name);
  const levels = filter.which === 'subtree' ? Number.POSITIVE_INFINITY : 1;
  return ({ name }) => isWithin(name, names, levels);
}

const withoutDelimiter = (name: string): string => (name.endsWith(delimiter) ? name.slice(0, -1) : name);

/** So many levels below one of the names, or it. The empty name is above all. */
function isWithin(name: string, names: ReadonlySet<string>, levels: number): boolean {
  let up = name;
  for (let count = 0; count <= levels; count++) {
    if (names.has(up)) return true;
    if (up === '') return false;
    up = up.slice(0, Math.max(up.lastIndexOf(delimiter), 0));
  }
  return false;
}
