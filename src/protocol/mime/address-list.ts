/**
 * protocol/mime/address-list - From, To and their like as addresses (RFC 5322 §3.4 and §4.4), forgiving.
 *
 * Commas separate; a group is a phrase, a colon, mailboxes and a semicolon. A comment is the name where there is no
 * other (RFC 5322 §3.4, the old habit `ada@example.org (Ada)`). What is missing is the empty string.
 */
import type { Address, Mailbox } from '../../mail/structure.ts';
import type { Allowance } from './header.ts';
import { Lexer } from './lexer.ts';

/** Octets that end an atom here. Dots, brackets and 8-bit octets are let through: phrases have them. */
const atom = /[^ \t\r\n()<>@,;:"\\]+/y;
const domainLiteral = /\[[^\]]*\]?/y;
/** What is left where nothing else begins: a backslash, a parenthesis that closes nothing. */
const stray = /[\\)]/y;

interface Word {
  text: string;
  /** White space or a comment stood before it. */
  readonly apart: boolean;
}

/** The addresses of a field; undefined when it has none. */
export function parseAddressList(value: string, allowance: Allowance): readonly Address[] | undefined {
  const lexer = new Lexer(value);
  const list: Address[] = [];
  let group: { name: string; members: Mailbox[] } | undefined;
  const closeGroup = (): void => {
    if (group !== undefined) list.push({ group: group.name, members: group.members });
    group = undefined;
  };
  while (allowance.items > 0) {
    const words = readWords(lexer);
    const stop = lexer.here();
    if (stop === ':' && group === undefined) {
      lexer.at++;
      group = { name: phrase(words), members: [] };
      allowance.items--;
      continue;
    }
    const mailbox = stop === '<' ? bracketed(lexer, words) : bare(lexer, words);
    if (mailbox !== undefined) {
      allowance.items--;
      (group?.members ?? list).push(mailbox);
    }
    skipStray(lexer);
    if (lexer.done()) break;
    if (lexer.here() === ';') closeGroup();
    if (lexer.here() === ';' || lexer.here() === ',') lexer.at++; // else a comma is missing
  }
  closeGroup();
  return list.length > 0 ? list : undefined;
}

/** What is wrong behind an address (`ada@a@b`, `ada>`) is passed over up to the next separator. */
function skipStray(lexer: Lexer): void {
  if (lexer.done() || !'@:>)'.includes(lexer.here())) return;
  while (!lexer.done() && lexer.here() !== ',' && lexer.here() !== ';') {
    if (lexer.here() === '"') lexer.quoted();
    else if (!lexer.skipSpace()) lexer.at++;
  }
}

/** Words up to one of `< > @ , ; :` or the end. */
function readWords(lexer: Lexer): Word[] {
  const words: Word[] = [];
  lexer.comment = undefined;
  for (;;) {
    const apart = lexer.skipSpace();
    const text = lexer.here() === '"' ? lexer.quoted() : lexer.take(atom) || lexer.take(stray);
    if (text === '' && (lexer.done() || '<>@,;:'.includes(lexer.here()))) return words;
    words.push({ text, apart });
  }
}

/** Words of a display name: white space of any kind and length is one space. */
const phrase = (words: readonly Word[]): string =>
  words.map(({ text, apart }, index) => (apart && index > 0 ? ` ${text}` : text)).join('');

/** White space around the dots of a local part or domain means nothing (RFC 5322 §4.4). */
const joined = (words: readonly Word[]): string => words.map(({ text }) => text).join('');

/**
 * The words before an `@`: what is not joined to the last by dots is a name (`Ada ada@example.org`). Several words and
 * no `@` are nothing but a name (`Undisclosed Recipients`).
 */
function nameAndLocal(words: readonly Word[], isAddress: boolean): { name: string; local: string } {
  let start = words.length - 1;
  while (start > 0 && !standsApart(words[start - 1], words[start])) start--;
  if (start <= 0) return { name: '', local: joined(words) };
  if (!isAddress) return { name: phrase(words), local: '' };
  return { name: phrase(words.slice(0, start)), local: joined(words.slice(start)) };
}

const standsApart = (before: Word | undefined, word: Word | undefined): boolean =>
  word?.apart === true && !word.text.startsWith('.') && before?.text.endsWith('.') === false;

const named = (name: string | undefined, rest: Mailbox): Mailbox =>
  name === undefined || name === '' ? rest : { name, ...rest };

/** `name <route:local@domain>`, from the `<` on. */
function bracketed(lexer: Lexer, words: readonly Word[]): Mailbox {
  const before = lexer.comment;
  lexer.at++;
  const route = readRoute(lexer);
  const inside = readWords(lexer);
  const { name, local } = nameAndLocal(inside, lexer.here() === '@');
  const host = readHost(lexer);
  while (!lexer.done() && lexer.here() !== '>' && lexer.here() !== ',') {
    lexer.at++;
    readWords(lexer);
  }
  lexer.comment = undefined;
  if (lexer.here() === '>') lexer.at++;
  lexer.skipSpace();
  const shown = words.length > 0 ? phrase(words) : name || (lexer.comment ?? before);
  return named(shown, { ...(route === '' ? {} : { route }), mailbox: local, host });
}

/** RFC 5322 §4.4, obs-route: `@a,@b:`. */
function readRoute(lexer: Lexer): string {
  lexer.skipSpace();
  const hops: string[] = [];
  const start = lexer.at;
  while (lexer.here() === '@' || lexer.here() === ',') {
    if (lexer.here() === ',') {
      lexer.at++;
      lexer.skipSpace();
      continue;
    }
    hops.push(`@${readHost(lexer)}`);
  }
  if (hops.length > 0 && lexer.here() === ':') {
    lexer.at++;
    return hops.join(',');
  }
  lexer.at = start;
  return '';
}

/**
 * `local@domain (name)` without brackets; nothing when there are no words. When brackets come behind it, it was a name
 * that looks like an address.
 */
function bare(lexer: Lexer, words: readonly Word[]): Mailbox | undefined {
  const isAddress = lexer.here() === '@';
  if (!isAddress && words.length === 0) return undefined;
  const { name, local } = nameAndLocal(words, isAddress);
  const before = lexer.comment;
  lexer.comment = undefined;
  const host = readHost(lexer);
  if (lexer.here() === '<') return bracketed(lexer, [{ text: `${phrase(words)}@${host}`, apart: false }]);
  return named(name || (lexer.comment ?? before), { mailbox: local, host });
}

/** The domain when an `@` is here; stops at the next separator. */
function readHost(lexer: Lexer): string {
  if (lexer.here() !== '@') return '';
  lexer.at++;
  lexer.skipSpace();
  const literal = lexer.take(domainLiteral);
  const comment = lexer.comment;
  const rest = joined(readWords(lexer));
  lexer.comment ??= comment;
  return literal + rest;
}
