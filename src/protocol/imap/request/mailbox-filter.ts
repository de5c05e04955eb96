/**
 * protocol/imap/request/mailbox-filter - which mailboxes are watched (RFC 5465 §6) or searched (RFC 7377 §2.2).
 */
import { RequestFault } from './fault.ts';
import type { Lexer } from './lexer.ts';
import { mailboxName } from './words.ts';

export type MailboxFilter =
  | { readonly which: 'selected' | 'selected-delayed' | 'inboxes' | 'personal' | 'subscribed' }
  | { readonly which: 'subtree' | 'subtree-one' | 'mailboxes'; readonly names: readonly string[] };

/** `selected-delayed` is for watching, `subtree-one` for searching. */
export function mailboxFilter(lexer: Lexer, use: 'watch' | 'search'): MailboxFilter {
  const word = lexer.atom('which mailboxes').toLowerCase();
  switch (word) {
    case 'selected':
    case 'inboxes':
    case 'personal':
    case 'subscribed':
      return { which: word };
    case 'selected-delayed':
      if (use === 'watch') return { which: word };
      break;
    case 'subtree-one':
      if (use === 'search') return named(lexer, word);
      break;
    case 'subtree':
    case 'mailboxes':
      return named(lexer, word);
  }
  throw new RequestFault(`there is no way to choose mailboxes called ${word}`);
}

function named(lexer: Lexer, which: 'subtree' | 'subtree-one' | 'mailboxes'): MailboxFilter {
  lexer.space();
  const names =
    lexer.peek() === '(' ? lexer.list(() => mailboxName(lexer), { empty: false }) : [mailboxName(lexer)];
  return { which, names };
}
