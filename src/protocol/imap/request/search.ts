/**
 * protocol/imap/request/search - SEARCH (RFC 9051 §6.4.4), SORT and THREAD (RFC 5256), ESEARCH over several mailboxes
 * (RFC 7377), CANCELUPDATE (RFC 5267 §4.3.5), and what they are to return.
 */
import type { SessionSearchKey, SortBy, SortCriterion, ThreadAlgorithm } from '../../../mail/search.ts';
import { charset } from './charset.ts';
import { RequestFault } from './fault.ts';
import { type FetchWish, wishList } from './fetch.ts';
import type { Lexer } from './lexer.ts';
import { type MailboxFilter, mailboxFilter } from './mailbox-filter.ts';
import { SearchKeys } from './search-key.ts';
import { type Window, window } from './words.ts';

export type SearchCommand =
  | {
      readonly name: 'SEARCH';
      readonly uid: boolean;
      /** Undefined: the client did not say RETURN. */
      readonly returns: SearchReturns | undefined;
      readonly key: SessionSearchKey;
    }
  | {
      readonly name: 'SORT';
      readonly uid: boolean;
      readonly returns: SearchReturns | undefined;
      readonly by: readonly SortCriterion[];
      readonly key: SessionSearchKey;
    }
  | {
      readonly name: 'THREAD';
      readonly uid: boolean;
      readonly algorithm: ThreadAlgorithm;
      readonly key: SessionSearchKey;
    }
  | {
      readonly name: 'ESEARCH';
      readonly sources: readonly MailboxFilter[];
      readonly returns: SearchReturns;
      readonly key: SessionSearchKey;
    }
  /** The tags of searches whose changes are not to be told any longer. */
  | { readonly name: 'CANCELUPDATE'; readonly tags: readonly string[] };

export interface SearchReturns {
  readonly min: boolean;
  readonly max: boolean;
  readonly all: boolean;
  readonly count: boolean;
  /** For `$` (RFC 5182). */
  readonly save: boolean;
  readonly partial?: Window;
  /** A hint that the client will come back (RFC 5267 §4.2). */
  readonly context: boolean;
  /** Tell of changes, and these items of what is new (RFC 5465 §8). */
  readonly update?: { readonly items: readonly FetchWish[] };
}

export function search(lexer: Lexer, uid: boolean): SearchCommand {
  lexer.space();
  const returns = readReturns(lexer);
  return { name: 'SEARCH', uid, returns, key: program(lexer) };
}

/** A charset, where one is named, and keys. */
function program(lexer: Lexer): SessionSearchKey {
  if (!lexer.skipWord('CHARSET')) return new SearchKeys(lexer).program();
  lexer.space();
  return programIn(lexer);
}

function programIn(lexer: Lexer): SessionSearchKey {
  const decode = charset(lexer);
  lexer.space();
  return new SearchKeys(lexer, decode).program();
}

const sortNames: Readonly<Record<string, SortBy>> = {
  ARRIVAL: 'arrival',
  CC: 'cc',
  DATE: 'date',
  FROM: 'from',
  SIZE: 'size',
  SUBJECT: 'subject',
  TO: 'to',
  DISPLAYFROM: 'displayFrom',
  DISPLAYTO: 'displayTo',
};

export function sort(lexer: Lexer, uid: boolean): SearchCommand {
  lexer.space();
  const returns = readReturns(lexer);
  const by = lexer.list(
    (): SortCriterion => {
      const reverse = lexer.skipWord('REVERSE');
      if (reverse) lexer.space();
      return { by: known(sortNames, lexer.word('what to sort by'), 'SORT'), reverse };
    },
    { empty: false },
  );
  lexer.space();
  return { name: 'SORT', uid, returns, by, key: programIn(lexer) };
}

const algorithms: Readonly<Record<string, ThreadAlgorithm>> = {
  ORDEREDSUBJECT: 'orderedSubject',
  REFERENCES: 'references',
  REFS: 'refs',
};

export function thread(lexer: Lexer, uid: boolean): SearchCommand {
  lexer.space();
  const algorithm = known(algorithms, lexer.word('a threading algorithm'), 'THREAD');
  lexer.space();
  return { name: 'THREAD', uid, algorithm, key: programIn(lexer) };
}

export function esearch(lexer: Lexer): SearchCommand {
  lexer.space();
  const sources = lexer.skipWord('IN') ? readSources(lexer) : [{ which: 'selected' } as const];
  const returns = readReturns(lexer) ?? { ...nothing, all: true };
  // RFC 7377 §2.2
  if (returns.save && sources.some(({ which }) => which !== 'selected'))
    throw new RequestFault('SAVE is for the selected mailbox alone');
  return { name: 'ESEARCH', sources, returns, key: program(lexer) };
}

/** With the space behind. */
function readSources(lexer: Lexer): readonly MailboxFilter[] {
  lexer.space();
  const sources = lexer.list(() => mailboxFilter(lexer, 'search'), { empty: false });
  lexer.space();
  return sources;
}

export function cancelUpdate(lexer: Lexer): SearchCommand {
  lexer.space();
  const tags = lexer.series(() => lexer.string('a tag'));
  return { name: 'CANCELUPDATE', tags };
}

const nothing: SearchReturns = {
  min: false,
  max: false,
  all: false,
  count: false,
  save: false,
  context: false,
};

/** With the space behind; undefined where RETURN is not next. */
function readReturns(lexer: Lexer): SearchReturns | undefined {
  if (!lexer.skipWord('RETURN')) return undefined;
  lexer.space();
  const options = lexer.list(() => returnOption(lexer), { empty: true });
  lexer.space();
  const returns: SearchReturns = Object.assign({}, nothing, ...options);
  // RFC 9394 §3.1
  if (returns.all && returns.partial !== undefined)
    throw new RequestFault('ALL and PARTIAL exclude each other');
  return options.length === 0 ? { ...nothing, all: true } : returns;
}

function returnOption(lexer: Lexer): Partial<SearchReturns> {
  const word = lexer.word('what to return');
  switch (word) {
    case 'MIN':
      return { min: true };
    case 'MAX':
      return { max: true };
    case 'ALL':
      return { all: true };
    case 'COUNT':
      return { count: true };
    case 'SAVE':
      return { save: true };
    case 'CONTEXT':
      return { context: true };
    case 'PARTIAL':
      lexer.space();
      return { partial: window(lexer) };
    case 'UPDATE': {
      const hasItems = lexer.peek() === '(' || lexer.text.startsWith(' (', lexer.at);
      if (hasItems) lexer.skip(' ');
      return { update: { items: hasItems ? wishList(lexer) : [] } };
    }
    default:
      throw new RequestFault(`SEARCH cannot return ${word}`);
  }
}

function known<T>(table: Readonly<Record<string, T>>, word: string, command: string): T {
  const found = Object.hasOwn(table, word) ? table[word] : undefined;
  if (found === undefined) throw new RequestFault(`${command} does not know ${word}`);
  return found;
}
