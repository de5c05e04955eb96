/**
 * protocol/imap/request/notify - NOTIFY (RFC 5465): what the client wants to be told of, and about which mailboxes.
 *
 * An event we have never heard of is no error here: it is answered with NO and BADEVENT, which name those we know
 * (RFC 5465 §3.1).
 */
import { RequestFault } from './fault.ts';
import { type FetchWish, wishList } from './fetch.ts';
import type { Lexer } from './lexer.ts';
import { type MailboxFilter, mailboxFilter } from './mailbox-filter.ts';

export interface NotifyCommand {
  readonly name: 'NOTIFY';
  /** Undefined: NONE, nothing at all. */
  readonly watch:
    | {
        /** Say first how the mailboxes stand. */
        readonly status: boolean;
        readonly groups: readonly NotifyGroup[];
      }
    | undefined;
}

export interface NotifyGroup {
  readonly filter: MailboxFilter;
  /** None: NONE. */
  readonly events: readonly NotifyEvent[];
}

export interface NotifyEvent {
  /** As RFC 5465 spells it, or as the client does where `known` is false. */
  readonly event: string;
  readonly known: boolean;
  /** Data items of new messages in the selected mailbox. */
  readonly items: readonly FetchWish[];
}

const messageEvents = ['MessageNew', 'MessageExpunge', 'FlagChange', 'AnnotationChange'];
/** RFC 5465 §5. */
export const notifyEvents: readonly string[] = [
  ...messageEvents,
  'MailboxName',
  'SubscriptionChange',
  'MailboxMetadataChange',
  'ServerMetadataChange',
];

export function notify(lexer: Lexer): NotifyCommand {
  lexer.space();
  if (lexer.skipWord('NONE')) return { name: 'NOTIFY', watch: undefined };
  if (!lexer.skipWord('SET')) lexer.fault('SET or NONE');
  lexer.space();
  const status = lexer.skipWord('STATUS');
  if (status) lexer.space();
  const groups = lexer.series(() => group(lexer));
  const selected = groups.filter(({ filter }) => isSelected(filter));
  if (selected.length > 1) throw new RequestFault('the selected mailbox is named twice');
  return { name: 'NOTIFY', watch: { status, groups } };
}

const isSelected = ({ which }: MailboxFilter): boolean =>
  which === 'selected' || which === 'selected-delayed';

function group(lexer: Lexer): NotifyGroup {
  lexer.expect('(');
  const filter = mailboxFilter(lexer, 'watch');
  lexer.space();
  const events = readEvents(lexer, isSelected(filter));
  lexer.expect(')');
  return { filter, events };
}

function readEvents(lexer: Lexer, selected: boolean): readonly NotifyEvent[] {
  if (lexer.skipWord('NONE')) return [];
  // RFC 5465 §8 wants MessageNew and MessageExpunge together, and FlagChange with them; clients that say one are obeyed.
  return lexer.peek() === '('
    ? lexer.list(() => event(lexer, selected), { empty: false })
    : // As in the RFC's own examples (§3.1).
      lexer.series(() => event(lexer, selected));
}

function event(lexer: Lexer, selected: boolean): NotifyEvent {
  const said = lexer.atom('an event');
  const name = notifyEvents.find((one) => one.toLowerCase() === said.toLowerCase());
  if (name === undefined) return { event: said, known: false, items: [] };
  if (selected && !messageEvents.includes(name))
    throw new RequestFault(`${name} is no event of the selected mailbox`);
  let items: readonly FetchWish[] = [];
  if (name === 'MessageNew' && (lexer.peek() === '(' || lexer.text.startsWith(' (', lexer.at))) {
    if (!selected) throw new RequestFault('data items are told of the selected mailbox alone');
    lexer.skip(' ');
    items = wishList(lexer);
  }
  return { event: name, known: true, items };
}
