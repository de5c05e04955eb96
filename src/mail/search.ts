/**
 * mail/search - what a client looks for, in what order, and as which threads: values without a mailbox.
 *
 * Sequence numbers, `$` and \Recent mean something to one session only: it puts UIDs in their place before the store sees a key.
 */
import type { ModSeq, SystemFlag } from './mailbox.ts';
import type { Uid, UidRange } from './uid-set.ts';

/** One end of a range is `*`, the highest number there is, or Infinity once read: see `sequence`. */
export interface NumberRange {
  readonly first: number | '*';
  readonly last: number | '*';
}

/** A calendar day without zone (RFC 9051 §6.4.4 disregards time and zone). */
export interface Day {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

export type SearchKey =
  | { readonly key: 'all' }
  | { readonly key: 'and'; readonly keys: readonly SearchKey[] }
  | { readonly key: 'or'; readonly keys: readonly SearchKey[] }
  | { readonly key: 'not'; readonly not: SearchKey }
  | { readonly key: 'flag'; readonly flag: SystemFlag; readonly set: boolean }
  | { readonly key: 'keyword'; readonly keyword: string; readonly set: boolean }
  | { readonly key: 'uids'; readonly ranges: readonly UidRange[] }
  /** larger: more octets than; smaller: fewer. */
  | { readonly key: 'size'; readonly is: 'larger' | 'smaller'; readonly than: number }
  | {
      readonly key: 'date';
      /** Internal date, the Date field, or the date of saving (RFC 8514 §4.3). */
      readonly of: 'internal' | 'sent' | 'saved';
      readonly is: 'before' | 'on' | 'since';
      readonly day: Day;
    }
  /** RFC 5032: by internal date. */
  | { readonly key: 'within'; readonly is: 'older' | 'younger'; readonly seconds: number }
  /** Some field of this name contains the text, decoded and casefolded; empty text: the field is there. */
  | { readonly key: 'header'; readonly field: string; readonly text: string }
  /** body: content of parts; text: header and body. */
  | { readonly key: 'body' | 'text'; readonly text: string }
  /** At least so high (RFC 7162 §3.1.5). */
  | { readonly key: 'modSeq'; readonly least: ModSeq }
  | { readonly key: 'emailId' | 'threadId'; readonly id: string }
  /** True everywhere: dates of saving are kept. */
  | { readonly key: 'saveDateSupported' };

/** What only a session can resolve. */
export type SessionSearchKey =
  | Exclude<SearchKey, { readonly key: 'and' | 'or' | 'not' }>
  | { readonly key: 'and' | 'or'; readonly keys: readonly SessionSearchKey[] }
  | { readonly key: 'not'; readonly not: SessionSearchKey }
  /** Message sequence numbers, or UIDs with `*` in them. */
  | { readonly key: 'sequence'; readonly uid: boolean; readonly set: SequenceSet }
  | { readonly key: 'recent'; readonly set: boolean };

/** `$` is what the last SEARCH saved (RFC 5182; RFC 9051 §6.4.4.1). */
export type SequenceSet = readonly NumberRange[] | '$';

export type SortBy =
  | 'arrival'
  | 'cc'
  | 'date'
  | 'from'
  | 'size'
  | 'subject'
  | 'to'
  | 'displayFrom'
  | 'displayTo'; // RFC 5256 §3, RFC 5957

export interface SortCriterion {
  readonly by: SortBy;
  readonly reverse: boolean;
}

export type ThreadAlgorithm = 'orderedSubject' | 'references' | 'refs';

/** What threading needs of one message (RFC 5256 §3). */
export interface ThreadRow {
  readonly uid: Uid;
  /** The Date field, else the internal date. */
  readonly sentAt: Date;
  /** Decoded, folded by i;unicode-casemap where the algorithm compares. */
  readonly subject: string;
  readonly messageId?: string;
  /** References, or In-Reply-To where there are none. */
  readonly references: readonly string[];
}
