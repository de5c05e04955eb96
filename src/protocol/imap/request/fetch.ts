/**
 * protocol/imap/request/fetch - FETCH and UID FETCH (RFC 9051 §6.4.5), and lists of data items wherever else they stand.
 *
 * Items of RFC 3501, BINARY (RFC 3516), CONDSTORE and QRESYNC (RFC 7162), OBJECTID (RFC 8474), SAVEDATE (RFC 8514),
 * PREVIEW (RFC 8970), PARTIAL (RFC 9394). In the order asked for; an item said twice stands twice.
 */
import type { SequenceSet } from '../../../mail/search.ts';
import type { Section } from '../respond/fetch.ts';
import { RequestFault } from './fault.ts';
import type { Lexer } from './lexer.ts';
import { sequenceSet, type Window, window } from './words.ts';

export interface FetchCommand {
  readonly name: 'FETCH';
  readonly uid: boolean;
  readonly set: SequenceSet;
  readonly items: readonly FetchWish[];
  /** CHANGEDSINCE (RFC 7162 §3.1.4.1). */
  readonly changedSince?: number;
  /** Tell of what has gone since (RFC 7162 §3.2.6). */
  readonly vanished: boolean;
  /** Only these of the set (RFC 9394). */
  readonly partial?: Window;
}

export type FetchWish =
  | {
      readonly item: PlainItem;
    }
  /** `lazy`: only what costs nothing (RFC 8970 §3.1). */
  | { readonly item: 'PREVIEW'; readonly lazy: boolean }
  | { readonly item: 'BINARY.SIZE'; readonly part: readonly number[] }
  | {
      readonly item: 'BODY[]' | 'BINARY[]';
      readonly section: Section;
      /** Does not set \Seen. */
      readonly peek: boolean;
      readonly partial?: { readonly origin: number; readonly length: number };
    };

const plainItems = [
  'FLAGS',
  'UID',
  'RFC822.SIZE',
  'MODSEQ',
  'INTERNALDATE',
  'SAVEDATE',
  'ENVELOPE',
  'BODY',
  'BODYSTRUCTURE',
  'EMAILID',
  'THREADID',
  'RFC822',
  'RFC822.HEADER',
  'RFC822.TEXT',
] as const;
type PlainItem = (typeof plainItems)[number];

const isPlain = (name: string): name is PlainItem => plainItems.some((item) => item === name);

/** RFC 9051 §6.4.5; a macro stands alone. */
const fast = ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'] as const;
const macros: Readonly<Record<string, readonly PlainItem[]>> = {
  FAST: fast,
  ALL: [...fast, 'ENVELOPE'],
  FULL: [...fast, 'ENVELOPE', 'BODY'],
};

export function fetch(lexer: Lexer, uid: boolean): FetchCommand {
  lexer.space();
  const set = sequenceSet(lexer);
  lexer.space();
  const items = wishes(lexer);
  const modifiers = lexer.skip(' ') ? readModifiers(lexer, uid) : { vanished: false };
  return { name: 'FETCH', uid, set, items, ...modifiers };
}

function wishes(lexer: Lexer): readonly FetchWish[] {
  if (lexer.peek() === '(') return wishList(lexer);
  const name = lexer.item('a data item of FETCH');
  return macros[name]?.map((item) => ({ item })) ?? [wish(lexer, name)];
}

/** In parentheses; at least one. Also in NOTIFY and UPDATE (RFC 5465 §8). */
export const wishList = (lexer: Lexer): readonly FetchWish[] =>
  lexer.list(() => wish(lexer, lexer.item('a data item of FETCH')), { empty: false });

function wish(lexer: Lexer, name: string): FetchWish {
  const isSection = lexer.peek() === '[';
  if (isSection) {
    if (name === 'BODY' || name === 'BODY.PEEK') return bodySection(lexer, name === 'BODY.PEEK');
    if (name === 'BINARY' || name === 'BINARY.PEEK') return binarySection(lexer, name === 'BINARY.PEEK');
    if (name === 'BINARY.SIZE') return { item: name, part: binaryPart(lexer) };
  } else if (name === 'PREVIEW') return { item: name, lazy: isLazy(lexer) };
  else if (isPlain(name)) return { item: name };
  throw new RequestFault(`FETCH does not know ${name}${isSection ? '[' : ''}`);
}

/** ` (LAZY)` may follow, but in a list the next item may also begin with a space. */
function isLazy(lexer: Lexer): boolean {
  if (!/^ \(LAZY\)/i.test(lexer.text.slice(lexer.at, lexer.at + 7))) return false;
  lexer.at += 7;
  return true;
}

function bodySection(lexer: Lexer, peek: boolean): FetchWish {
  lexer.expect('[');
  const section = readSection(lexer);
  lexer.expect(']');
  return { item: 'BODY[]', section, peek, ...partial(lexer) };
}

function binarySection(lexer: Lexer, peek: boolean): FetchWish {
  const section = { part: binaryPart(lexer) };
  return { item: 'BINARY[]', section, peek, ...partial(lexer) };
}

function binaryPart(lexer: Lexer): readonly number[] {
  lexer.expect('[');
  const part = isDigit(lexer.peek()) ? partNumbers(lexer) : [];
  lexer.expect(']');
  return part;
}

const isDigit = (char: string | undefined): boolean => char !== undefined && char >= '0' && char <= '9';

function partNumbers(lexer: Lexer): number[] {
  const part: number[] = [];
  do {
    if (part.length >= lexer.dialect.limits.listElements) throw new RequestFault('a part lies too deep');
    part.push(lexer.number('the number of a part', 1));
  } while (lexer.peek() === '.' && isDigit(lexer.text[lexer.at + 1]) && lexer.skip('.'));
  return part;
}

function readSection(lexer: Lexer): Section {
  const part = isDigit(lexer.peek()) ? partNumbers(lexer) : [];
  if (part.length > 0 ? !lexer.skip('.') : lexer.peek() === ']') return { part };
  const of = lexer.item('HEADER, TEXT or MIME');
  if (of === 'HEADER' || of === 'TEXT') return { part, of };
  if (of === 'MIME' && part.length > 0) return { part, of };
  if (of !== 'HEADER.FIELDS' && of !== 'HEADER.FIELDS.NOT')
    throw new RequestFault(`there is no section ${of}`);
  lexer.space();
  const fields = lexer.list(() => lexer.astring('the name of a header field'), { empty: false });
  return { part, of: { fields, not: of === 'HEADER.FIELDS.NOT' } };
}

/** `<origin.length>` */
function partial(lexer: Lexer): { readonly partial?: { readonly origin: number; readonly length: number } } {
  if (!lexer.skip('<')) return {};
  const origin = lexer.number64('the origin of a partial fetch');
  lexer.expect('.');
  const length = lexer.number64('the length of a partial fetch', 1);
  lexer.expect('>');
  return { partial: { origin, length } };
}

type Modifiers = Pick<FetchCommand, 'changedSince' | 'vanished' | 'partial'>;

function readModifiers(lexer: Lexer, uid: boolean): Modifiers {
  if (lexer.atEnd()) return { vanished: false };
  const said = lexer.list(() => modifier(lexer), { empty: false });
  const names = said.flatMap((one) => Object.keys(one));
  if (new Set(names).size < names.length) throw new RequestFault('a modifier of FETCH is said twice');
  const modifiers = Object.assign({ vanished: false }, ...said) as Modifiers;
  // RFC 7162 §3.2.6
  if (modifiers.vanished && !(uid && modifiers.changedSince !== undefined))
    throw new RequestFault('VANISHED is for UID FETCH with CHANGEDSINCE');
  return modifiers;
}

function modifier(lexer: Lexer): Partial<Modifiers> {
  const name = lexer.word('a modifier of FETCH');
  if (name === 'VANISHED') return { vanished: true };
  if (name !== 'CHANGEDSINCE' && name !== 'PARTIAL') throw new RequestFault(`FETCH does not know ${name}`);
  lexer.space();
  return name === 'PARTIAL'
    ? { partial: window(lexer) }
    : { changedSince: lexer.number64('a mod-sequence', 1) };
}
