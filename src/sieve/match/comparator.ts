/**
 * sieve/match/comparator - how strings are compared (RFC 4790; RFC 5228 §2.7.3; RFC 5051).
 */
import { encodeOctets } from '../../protocol/sieve/octets.ts';

export interface Comparator {
  readonly name: string;
  /** Knows parts of strings: :contains, :matches and :regex work with it. */
  readonly substrings: boolean;
  /** Two strings are equal to the comparator when this is the same for both. */
  readonly fold: (text: string) => string;
  /** Negative, zero or positive. */
  readonly order: (a: string, b: string) => number;
}

const byOctets = (a: string, b: string): number => Buffer.compare(encodeOctets(a), encodeOctets(b));

/** ASCII letters only (RFC 4790 §9.2). */
export const asciiLower = (text: string): string => text.replace(/[A-Z]+/g, (part) => part.toLowerCase());

const octet: Comparator = { name: 'i;octet', substrings: true, fold: (text) => text, order: byOctets };

const asciiCasemap: Comparator = {
  name: 'i;ascii-casemap',
  substrings: true,
  fold: asciiLower,
  order: (a, b) => byOctets(asciiLower(a), asciiLower(b)),
};

/** RFC 4790 §9.1: what does not begin with a digit is positive infinity. */
const digits = (text: string): string | undefined => {
  const found = /^\d+/.exec(text)?.[0];
  return found?.replace(/^0+(?=\d)/, '');
};

const asciiNumeric: Comparator = {
  name: 'i;ascii-numeric',
  substrings: false,
  fold: (text) => digits(text) ?? 'infinity',
  order: (a, b) => {
    const [one, other] = [digits(a), digits(b)];
    if (one === undefined || other === undefined)
      return Number(one === undefined) - Number(other === undefined);
    return one.length - other.length || (one < other ? -1 : Number(one > other));
  },
};

/** RFC 5051 §2: decomposed, without regard to case. */
const unicodeFold = (text: string): string => text.toUpperCase().normalize('NFKD');

const unicodeCasemap: Comparator = {
  name: 'i;unicode-casemap',
  substrings: true,
  fold: unicodeFold,
  order: (a, b) => byOctets(unicodeFold(a), unicodeFold(b)),
};

export const defaultComparator: Comparator = asciiCasemap;

export const comparators: ReadonlyMap<string, Comparator> = new Map(
  [octet, asciiCasemap, asciiNumeric, unicodeCasemap].map((one) => [one.name, one]),
);

/** Comparators that need no `require` (RFC 5228 §2.7.3). */
export const alwaysThere: ReadonlySet<string> = new Set(['i;octet', 'i;ascii-casemap']);
