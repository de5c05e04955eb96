/**
 * sieve/message/addresses - address lists of header fields (RFC 5322 §3.4 and §4.4), read with patience.
 */
export interface ListedAddress {
  /** Display name or comment, decoded by nobody. */
  readonly name: string;
  /** Unquoted. */
  readonly local: string;
  readonly domain: string;
}

/** An entry that is no address, as it was written. */
export interface BadAddress {
  readonly bad: string;
}

/** Addresses read of one field. */
const addressLimit = 10_000;

type Token = {
  readonly kind: 'atom' | 'quoted' | 'literal' | 'comment' | 'special' | 'space';
  readonly text: string;
};

const pattern =
  /(\s+)|("(?:[^"\\]|\\[\s\S])*"?)|(\[(?:[^\]\\]|\\[\s\S])*\]?)|([()<>@,;:\\.])|([^\s()<>[\]@,;:\\".]+|[\s\S])/gu;

function* tokens(text: string): Generator<Token> {
  let depth = 0;
  let comment = '';
  for (const [all, space, quoted, literal, special] of text.matchAll(pattern)) {
    if (special === '(') depth += 1;
    if (depth > 0) {
      comment += all;
      if (special === ')') depth -= 1;
      if (depth === 0) {
        yield { kind: 'comment', text: comment.slice(1, -1) };
        comment = '';
      }
    } else if (space !== undefined) yield { kind: 'space', text: ' ' };
    else if (quoted !== undefined)
      yield { kind: 'quoted', text: quoted.replace(/^"|"$/g, '').replace(/\\([\s\S])/g, '$1') };
    else if (literal !== undefined) yield { kind: 'literal', text: literal };
    else if (special !== undefined) yield { kind: 'special', text: special };
    else yield { kind: 'atom', text: all };
  }
}

const isSpecial = (token: Token | undefined, text: string): boolean =>
  token?.kind === 'special' && token.text === text;

/** Every address, group members too, in order. */
export function parseAddressList(text: string): readonly (ListedAddress | BadAddress)[] {
  const found: (ListedAddress | BadAddress)[] = [];
  let entry: Token[] = [];
  let angle = false;
  let inGroup = false;
  const finish = (): void => {
    const address = readEntry(entry);
    if (address !== undefined && found.length < addressLimit) found.push(address);
    entry = [];
    angle = false;
  };
  for (const token of tokens(text)) {
    if (isSpecial(token, '<')) angle = true;
    if (isSpecial(token, '>')) angle = false;
    if (isSpecial(token, ':') && !angle && !inGroup) {
      entry = [];
      inGroup = true;
    } else if (isSpecial(token, ',') && !angle) finish();
    else if (isSpecial(token, ';') && inGroup) {
      finish();
      inGroup = false;
    } else entry.push(token);
  }
  finish();
  return found;
}

function readEntry(entry: readonly Token[]): ListedAddress | BadAddress | undefined {
  if (entry.every(({ kind }) => kind === 'space' || kind === 'comment')) return undefined;
  const bad = { bad: printTokens(entry).trim() };
  const words = entry.filter(({ kind }) => kind !== 'comment');
  const open = words.findIndex((token) => isSpecial(token, '<'));
  if (open < 0) {
    const comment = entry.find(({ kind }) => kind === 'comment')?.text ?? '';
    return readSpec(words, comment) ?? bad;
  }
  const close = words.findIndex((token) => isSpecial(token, '>'));
  if (close < open || words.slice(close + 1).some(({ kind }) => kind !== 'space')) return bad;
  let spec = words.slice(open + 1, close);
  const route = isSpecial(spec[0], '@') ? spec.findIndex((token) => isSpecial(token, ':')) : -1;
  if (route >= 0 && !isRoute(spec.slice(0, route))) return bad;
  if (route >= 0) spec = spec.slice(route + 1);
  const phrase = words.slice(0, open);
  if (phrase.some((token) => token.kind === 'special' && token.text !== '.')) return bad;
  return readSpec(spec, printTokens(phrase, true).replace(/\s+/g, ' ').trim()) ?? bad;
}

/** `@one.example,@two.example` (RFC 5322 §4.4). */
const isRoute = (route: readonly Token[]): boolean =>
  /^@[^\s@,.]+(?:\.[^\s@,.]+)*(?:,@[^\s@,.]+(?:\.[^\s@,.]+)*)*$/.test(printTokens(route).replace(/\s/g, ''));

function readSpec(spec: readonly Token[], name: string): ListedAddress | undefined {
  const words = spec.filter(({ kind }) => kind !== 'space');
  const at = words.findLastIndex((token) => isSpecial(token, '@'));
  if (at < 1 || at === words.length - 1) return undefined;
  const local = words.slice(0, at);
  const domain = words.slice(at + 1);
  if (local.some((token) => token.kind === 'special' && token.text !== '.')) return undefined;
  if (domain.some((token) => token.kind === 'quoted' || (token.kind === 'special' && token.text !== '.')))
    return undefined;
  if (!separatedByDots(local) || !separatedByDots(domain)) return undefined;
  return {
    name,
    local: local.map(({ text }) => text).join(''),
    domain: domain.map(({ text }) => text).join(''),
  };
}

/** No two words without a dot between them: `more error @ example.com` is two words. Dots at odd places are forgiven. */
const separatedByDots = (words: readonly Token[]): boolean =>
  words.every((token, at) => token.kind === 'special' || at === 0 || words[at - 1]?.kind === 'special') &&
  words.some(({ kind }) => kind !== 'special');

const printTokens = (list: readonly Token[], plain = false): string =>
  list
    .map(({ kind, text }) =>
      kind === 'comment' ? `(${text})` : kind === 'quoted' && !plain ? `"${text}"` : text,
    )
    .join('');

/** `local@domain`, as Sieve's :all compares it. */
export const printListed = (address: ListedAddress): string => {
  const local = /^[^\s"(),:;<>@[\\\]]+$/.test(address.local)
    ? address.local
    : `"${address.local.replace(/["\\]/g, '\\$&')}"`;
  return `${local}@${address.domain}`;
};

export type OneAddress = ListedAddress | { readonly wrong: string };

/** The single address a script names for mail to go out (RFC 5228 §2.4.2.3). */
export function parseOneAddress(text: string): OneAddress {
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);
  const list = parseAddressList(text);
  const [only] = list;
  if (list.length > 1) return { wrong: `${shown} is more than one address: one is expected` };
  if (only === undefined || 'bad' in only)
    return { wrong: `${shown} is no address: local@domain is expected` };
  if (!only.local.isWellFormed() || /[\x00-\x1f\x7f]/.test(only.local) || /[^\x21-\x7e]/.test(only.domain))
    return { wrong: `${shown} is no address: it holds characters that are not permitted` };
  if (/[^\x00-\x7f]/.test(only.local)) {
    return { wrong: `${shown} is no address: its local part is not ASCII` };
  }
  return only;
}
