/**
 * access/imap/refusal - NO and BAD: every condition a client can meet, in one table (RFC 5530, RFC 9051 §7.1).
 *
 * The client sees these words and nothing of the cause, which is for our log.
 */
import { MailboxTrouble } from '../../ports/mailboxes.ts';
import { MailboxGone, MessageTooBig, OverQuota, StoreAway, StoreFull } from '../../ports/messages.ts';
import { SearchTooCostly } from '../../ports/search.ts';
import type { Said } from '../../protocol/imap/respond/status.ts';

const conditions = {
  exists: ['ALREADYEXISTS', 'This mailbox exists already'],
  missing: ['NONEXISTENT', 'There is no such mailbox'],
  noTarget: ['TRYCREATE', 'There is no such mailbox'],
  inbox: ['CANNOT', 'INBOX cannot be removed'],
  hasChildren: ['HASCHILDREN', 'It has children'],
  badName: ['CANNOT', 'This is not a name for a mailbox here'],
  intoItself: ['CANNOT', 'A mailbox cannot be moved into itself'],
  tooMany: ['LIMIT', 'There are too many already'],
  tooBig: ['TOOBIG', 'It is too big'],
  useTaken: ['USEATTR', 'Another mailbox has this special use'],
  tooMuchToTell: ['NOTIFICATIONOVERFLOW', 'This is more than can be told'],
  tooManyBatches: ['TOOMANY', 'These are too many batches at once'],
  noQuotaRoot: ['NONEXISTENT', 'There is no such quota root'],
  unknownIdentifier: ['NONEXISTENT', 'Nobody is known by this identifier'],
  notSelectable: ['NONEXISTENT', 'This name holds no messages'],
  noRight: ['NOPERM', 'Permission denied'],
  readOnly: ['NOPERM', 'The mailbox is selected for reading only'],
  overQuota: ['OVERQUOTA', 'The quota is exceeded'],
  gone: ['NONEXISTENT', 'The mailbox is gone'],
  issued: ['EXPUNGEISSUED', 'Some of these messages are gone'],
  cannot: ['CANNOT', 'This is not done here'],
  full: ['LIMIT', 'There is no room at the moment'],
  away: ['UNAVAILABLE', 'The store cannot be reached at the moment'],
  costly: ['LIMIT', 'This search reads too much: narrow it down'],
  bug: ['SERVERBUG', 'Internal trouble'],
} as const;
export type ConditionName = keyof typeof conditions;

/** Said to the client as it is. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly verdict: 'NO' | 'BAD';
  readonly said: Said;

  constructor(verdict: 'NO' | 'BAD', said: Said) {
    super(said.text);
    this.verdict = verdict;
    this.said = said;
  }
}

export function no(condition: ConditionName): Refusal {
  const [code, text] = conditions[condition];
  return new Refusal('NO', { text, code: { code } });
}

/** OK all the same, where what is left has been done. */
export const someGone: Said = { text: conditions.issued[1], code: { code: 'EXPUNGEISSUED' } };

export const bad = (text: string, code: 'CLIENTBUG' | 'UIDREQUIRED' = 'CLIENTBUG'): Refusal =>
  new Refusal('BAD', { text, code: { code } });

const byClass: readonly (readonly [abstract new (...args: never[]) => Error, ConditionName])[] = [
  [OverQuota, 'overQuota'],
  [MessageTooBig, 'tooBig'],
  [MailboxGone, 'gone'],
  [StoreFull, 'full'],
  [StoreAway, 'away'],
  [SearchTooCostly, 'costly'],
];

/** Whatever was thrown, the client is told one of our conditions; `isBug` is for the log. */
export function asRefusal(thrown: unknown): { readonly refusal: Refusal; readonly isBug: boolean } {
  if (thrown instanceof Refusal) return { refusal: thrown, isBug: false };
  if (thrown instanceof MailboxTrouble) return { refusal: no(thrown.fault), isBug: false };
  const known = byClass.find(([kind]) => thrown instanceof kind);
  return known === undefined ? { refusal: no('bug'), isBug: true } : { refusal: no(known[1]), isBug: false };
}
