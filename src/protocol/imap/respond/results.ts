/**
 * protocol/imap/respond/results - what was found and what has changed: SEARCH, SORT, ESEARCH, EXISTS, RECENT, EXPUNGE,
 * VANISHED (RFC 9051 §7.3.4 and §7.4, RFC 5256 §4, RFC 7162 §3.2.10).
 */
import type { UidRange } from '../../../mail/uid-set.ts';
import { type Dialect, list, mailbox, number, orderedSet, set, string, tag, untagged } from './notation.ts';

export const exists = (count: number): string => untagged(number(count), 'EXISTS');

export const recent = (count: number): string => untagged(number(count), 'RECENT');

export const expunge = (sequenceNumber: number): string => untagged(number(sequenceNumber), 'EXPUNGE');

/** `earlier`: before this session looked, so that no sequence number changes. Of nothing, nothing is said. */
export function vanished(uids: Iterable<UidRange>, { earlier }: { readonly earlier: boolean }): string {
  const ranges = [...uids];
  if (ranges.length === 0) return '';
  return untagged('VANISHED', ...(earlier ? ['(EARLIER)'] : []), set(ranges));
}

const numbersPerChunk = 1000;

/** SEARCH and SORT name each message, and may be long: the line comes in chunks. */
export function* found(
  kind: 'SEARCH' | 'SORT',
  numbers: Iterable<number>,
  modseq?: number | bigint,
): IterableIterator<string> {
  let chunk = `* ${kind}`;
  let count = 0;
  for (const one of numbers) {
    chunk += ` ${number(one)}`;
    if (++count % numbersPerChunk !== 0) continue;
    yield chunk;
    chunk = '';
  }
  const highest = modseq === undefined ? '' : ` ${list(['MODSEQ', number(modseq)])}`; // RFC 7162 §3.1.5
  yield `${chunk}${highest}\r\n`;
}

export interface SearchResult {
  /** The command that asked. */
  readonly tag?: string;
  /** Where it was found, when several mailboxes were searched (RFC 7377 §2.1). */
  readonly mailbox?: { readonly name: string; readonly validity: number };
  /** The numbers are UIDs. */
  readonly uid: boolean;
  /** The order of `all` and `partial` is that of a sort (RFC 5267 §3). */
  readonly sorted?: boolean;
  readonly min?: number;
  readonly max?: number;
  /** Empty: left out, as RFC 9051 §7.3.4 wants. */
  readonly all?: Iterable<UidRange>;
  readonly count?: number;
  readonly modseq?: number | bigint;
  /** The window asked for, counted from the end when negative (RFC 9394 §3.1). */
  readonly partial?: { readonly from: number; readonly to: number; readonly numbers: Iterable<UidRange> };
  /** RFC 5267 §4.3: position 0 where results are not sorted. */
  readonly addTo?: readonly Change[];
  readonly removeFrom?: readonly Change[];
}

export interface Change {
  readonly position: number;
  readonly numbers: Iterable<UidRange>;
}

export function esearch(result: SearchResult, dialect: Dialect): string {
  const words = [...correlator(result, dialect), ...(result.uid ? ['UID'] : [])];
  const print = result.sorted === true ? orderedSet : set;
  if (result.min !== undefined) words.push('MIN', number(result.min));
  if (result.max !== undefined) words.push('MAX', number(result.max));
  if (result.count !== undefined) words.push('COUNT', number(result.count));
  const all = [...(result.all ?? [])];
  if (all.length > 0) words.push('ALL', print(all));
  if (result.partial !== undefined) words.push('PARTIAL', printPartial(result.partial, print));
  for (const [name, changes] of [
    ['ADDTO', result.addTo],
    ['REMOVEFROM', result.removeFrom],
  ] as const) {
    if (changes !== undefined && changes.length > 0) words.push(name, list(changes.map(printChange)));
  }
  if (result.modseq !== undefined) words.push('MODSEQ', number(result.modseq));
  return untagged('ESEARCH', ...words);
}

function correlator(result: SearchResult, dialect: Dialect): readonly string[] {
  const words: string[] = [];
  if (result.tag !== undefined) words.push('TAG', string(tag(result.tag), dialect));
  if (result.mailbox !== undefined) {
    const { name, validity } = result.mailbox;
    words.push('MAILBOX', mailbox(name, dialect), 'UIDVALIDITY', number(validity));
  }
  return words.length === 0 ? [] : [list(words)];
}

function printPartial(
  { from, to, numbers }: NonNullable<SearchResult['partial']>,
  print: (ranges: Iterable<UidRange>) => string,
): string {
  const fits = Number.isSafeInteger(from) && Number.isSafeInteger(to) && from * to > 0;
  if (!fits) throw new RangeError(`not a window of results: ${from}:${to}`);
  const ranges = [...numbers];
  return list([`${from}:${to}`, ranges.length === 0 ? 'NIL' : print(ranges)]);
}

const printChange = ({ position, numbers }: Change): string => `${number(position)} ${orderedSet(numbers)}`;
