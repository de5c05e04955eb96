/**
 * protocol/imap/request/words - the words that many commands share: mailboxes, sets of messages, flags, dates.
 */
import type { Day, NumberRange, SequenceSet } from '../../../mail/search.ts';
import { canonicalMailboxName, decodeMailboxName } from '../mailbox-name.ts';
import { RequestFault } from './fault.ts';
import type { Lexer } from './lexer.ts';

/** A name as Unicode in NFC (Net-Unicode, RFC 5198); INBOX in capitals. */
export function mailboxName(lexer: Lexer): string {
  const octets = lexer.astring('a mailbox name');
  if (lexer.dialect.utf8) return canonical(lexer.unicode(octets, 'a mailbox name'));
  const name = decodeMailboxName(octets);
  if (name === undefined)
    throw new RequestFault('a mailbox name must be in modified UTF-7', 'NO', { code: 'CANNOT' });
  return canonical(name);
}

const canonical = (name: string): string => canonicalMailboxName(name.normalize('NFC'));

/** A pattern, or the reference before it. What is no name is taken as it stands, and so hardly finds anything. */
export const patternName = (lexer: Lexer, octets: string): string =>
  (lexer.dialect.utf8
    ? lexer.unicode(octets, 'a pattern of mailbox names')
    : (decodeMailboxName(octets) ?? octets)
  ).normalize('NFC');

const element = /(\*|[1-9]\d{0,9})(?::(\*|[1-9]\d{0,9}))?/y;

/** RFC 9051 §9, sequence-set, with `$`; ranges in the order said, each with its lower end first. */
export function sequenceSet(lexer: Lexer): SequenceSet {
  return lexer.skip('$') ? '$' : numberRanges(lexer);
}

export function numberRanges(lexer: Lexer): readonly NumberRange[] {
  const ranges: NumberRange[] = [];
  do {
    if (ranges.length >= lexer.dialect.limits.setElements)
      throw new RequestFault('too many elements in a set', 'NO', { code: 'LIMIT' });
    element.lastIndex = lexer.at;
    const [all = '', one = '', other = one] = element.exec(lexer.text) ?? lexer.fault('a set of numbers');
    ranges.push(range(number(lexer, one), number(lexer, other)));
    lexer.at += all.length;
  } while (lexer.skip(','));
  return ranges;
}

function number(lexer: Lexer, text: string): number | '*' {
  if (text === '*') return '*';
  const value = Number(text);
  return value <= 4_294_967_295 ? value : lexer.fault('a number below 4294967296');
}

const range = (one: number | '*', other: number | '*'): NumberRange =>
  one === '*' || (other !== '*' && other < one) ? { first: other, last: one } : { first: one, last: other };

/** Where `*` has no meaning (RFC 7162 §3.2.5). */
export function plainRanges(lexer: Lexer): readonly { readonly first: number; readonly last: number }[] {
  return numberRanges(lexer).map(({ first, last }) =>
    first === '*' || last === '*' ? lexer.fault("a set of numbers without '*'") : { first, last },
  );
}

/** A keyword, or a name with its backslash. */
export const flag = (lexer: Lexer): string => (lexer.skip('\\') ? '\\' : '') + lexer.atom('a flag');

export const flagList = (lexer: Lexer): readonly string[] => lexer.list(() => flag(lexer), { empty: true });

/** A window of results, counted from the end when negative (RFC 9394 §3.1); the nearer end first. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

export function window(lexer: Lexer): Window {
  const from = bound(lexer);
  lexer.expect(':');
  const to = bound(lexer);
  if (from < 0 !== to < 0) lexer.fault('a window with both ends counted from the same side');
  return Math.abs(from) <= Math.abs(to) ? { from, to } : { from: to, to: from };
}

const bound = (lexer: Lexer): number => {
  const sign = lexer.skip('-') ? -1 : 1;
  return sign * lexer.number('the end of a window', 1);
};

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** The number of days is looked up in the calendar; 29 February needs its year. */
function day(lexer: Lexer, dayText: string, monthText: string, yearText: string): Day {
  const date: Day = {
    year: Number(yearText),
    month: months.indexOf(monthText.toLowerCase()) + 1,
    day: Number(dayText),
  };
  const { year, month } = date;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  if (month === 0 || date.day < 1 || date.day > days) lexer.fault('a date of the calendar');
  return date;
}

const dateText = /("?)(\d{1,2})-([A-Za-z]{3})-(\d{4})\1/y;

export function date(lexer: Lexer): Day {
  dateText.lastIndex = lexer.at;
  const [all = '', , dayText = '', month = '', year = ''] =
    dateText.exec(lexer.text) ?? lexer.fault('a date such as 1-Feb-2026');
  const read = day(lexer, dayText, month, year);
  lexer.at += all.length;
  return read;
}

const dateTimeText =
  /"([ \d]?\d)-([A-Za-z]{3})-(\d{4}) ([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60) ([+-])(\d{2})([0-5]\d)"/y;

/** An instant (RFC 9051 §9, date-time); days below ten begin with a space, a nought, or, leniently, nothing. */
export function dateTime(lexer: Lexer): Date {
  dateTimeText.lastIndex = lexer.at;
  const found = dateTimeText.exec(lexer.text) ?? lexer.fault('a date such as " 1-Feb-2026 12:00:00 +0000"');
  const [all, dayText = '', monthText = '', yearText = '', hour, minute, second, sign, zoneHour, zoneMinute] =
    found;
  const { year, month, day: dayOfMonth } = day(lexer, dayText, monthText, yearText);
  const instant = new Date(0);
  instant.setUTCFullYear(year, month - 1, dayOfMonth);
  const east = (sign === '-' ? -1 : 1) * (Number(zoneHour) * 60 + Number(zoneMinute));
  instant.setUTCHours(Number(hour), Number(minute) - east, Number(second));
  lexer.at += all.length;
  return instant;
}
