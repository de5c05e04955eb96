/**
 * protocol/imap/request/list - LIST with all its options (RFC 9051 §6.3.9, RFC 5258) and LSUB.
 */
import { RequestFault } from './fault.ts';
import type { Lexer } from './lexer.ts';
import { type StatusWish, statusWishes } from './mailboxes.ts';
import { metadataEntries } from './metadata.ts';
import { patternName } from './words.ts';

export type ListCommand =
  | {
      readonly name: 'LIST';
      readonly reference: string;
      readonly patterns: readonly string[];
      /** It has options or several patterns: the answer is that of RFC 5258, `""` as a pattern asks for nothing special. */
      readonly extended: boolean;
      readonly select: ReadonlySet<ListSelect>;
      readonly returns: ListReturns;
    }
  | { readonly name: 'LSUB'; readonly reference: string; readonly patterns: readonly string[] };

const selects = ['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE'] as const;
export type ListSelect = (typeof selects)[number];

const plainReturns = ['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE', 'MYRIGHTS'] as const;

export interface ListReturns {
  readonly plain: ReadonlySet<(typeof plainReturns)[number]>;
  /** RFC 5819 */
  readonly status?: readonly StatusWish[];
  /** Names of entries (RFC 9590). */
  readonly metadata?: readonly string[];
}

export function list(lexer: Lexer): ListCommand {
  lexer.space();
  let select: ReadonlySet<ListSelect> | undefined;
  if (lexer.peek() === '(') {
    select = readSelect(lexer);
    lexer.space();
  }
  const reference = patternName(lexer, lexer.astring('a reference name'));
  lexer.space();
  const areMany = lexer.peek() === '(';
  const patterns = areMany
    ? lexer.list(() => patternName(lexer, lexer.pattern()), { empty: false })
    : [patternName(lexer, lexer.pattern())];
  const returns = lexer.atEnd() ? undefined : readReturns(lexer);
  const extended = select !== undefined || areMany || returns !== undefined;
  return {
    name: 'LIST',
    reference,
    patterns,
    extended,
    select: select ?? new Set(),
    returns: returns ?? { plain: new Set() },
  };
}

export function lsub(lexer: Lexer): ListCommand {
  lexer.space();
  const reference = patternName(lexer, lexer.astring('a reference name'));
  lexer.space();
  return { name: 'LSUB', reference, patterns: [patternName(lexer, lexer.pattern())] };
}

function readSelect(lexer: Lexer): ReadonlySet<ListSelect> {
  const options = lexer.list(
    () => {
      const name = lexer.word('a selection option of LIST');
      return selects.find((known) => known === name) ?? unknown(name);
    },
    { empty: true },
  );
  const select = new Set(options);
  // RFC 5258 §3: it modifies an option that selects.
  if (select.has('RECURSIVEMATCH') && !select.has('SUBSCRIBED') && !select.has('SPECIAL-USE'))
    throw new RequestFault('RECURSIVEMATCH needs another option to work on, such as SUBSCRIBED');
  return select;
}

function readReturns(lexer: Lexer): ListReturns {
  lexer.space();
  if (!lexer.skipWord('RETURN')) lexer.fault('RETURN');
  lexer.space();
  const plain = new Set<(typeof plainReturns)[number]>();
  let status: readonly StatusWish[] | undefined;
  let metadata: readonly string[] | undefined;
  lexer.list(
    () => {
      const name = lexer.word('a return option of LIST');
      if (name === 'STATUS' || name === 'METADATA') lexer.space();
      if (name === 'STATUS') status = statusWishes(lexer);
      else if (name === 'METADATA') metadata = metadataEntries(lexer);
      else plain.add(plainReturns.find((known) => known === name) ?? unknown(name));
    },
    { empty: true },
  );
  return {
    plain,
    ...(status === undefined ? {} : { status }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

function unknown(name: string): never {
  throw new RequestFault(`LIST does not know ${name}`);
}
