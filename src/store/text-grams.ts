/**
 * store/text-grams - which short runs of characters a text has, as numbers: what an index can find.
 *
 * A run is three UTF-16 units; in scripts that write a word in two characters (CJK and all behind U+2E80), two as well.
 * Whatever the characters are: letters of any script, digits, signs, spaces. A number stands for several runs, seldom:
 * a text found by numbers is looked at itself before it counts.
 *
 * The numbers are kept in the database: changed here, all texts must be indexed again.
 */

/** Numbers have so many bits. */
const bits = 24;
const firstOfShortWords = 0x2e80;

/** Those of a searchable text that somebody looks for; at most this many, from all over it. */
const mostAsked = 24;

const threeAt = (text: string, at: number): number =>
  mixed((text.charCodeAt(at) * 0x1f351 + text.charCodeAt(at + 1)) * 0x3d09 + text.charCodeAt(at + 2));

const twoAt = (text: string, at: number): number =>
  mixed(0x5bd1e995 + text.charCodeAt(at) * 0x10001 + text.charCodeAt(at + 1));

/** Neighbours far from each other. */
function mixed(number: number): number {
  let hash = Math.imul((number % 0x1_0000_0000) ^ Math.floor(number / 0x1_0000_0000), 0x9e3779b1);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> (32 - bits);
}

const isShortWord = (text: string, at: number): boolean =>
  text.charCodeAt(at) >= firstOfShortWords && text.charCodeAt(at + 1) >= firstOfShortWords;

/** Each number that is anywhere in the texts, once. */
export function gramsOf(texts: readonly string[]): Int32Array {
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  const seen = length < longText ? new Set<number>() : new Bits();
  for (const text of texts) {
    for (let at = 0; at + 2 < text.length; at++) seen.add(threeAt(text, at));
    for (let at = 0; at + 1 < text.length; at++) if (isShortWord(text, at)) seen.add(twoAt(text, at));
  }
  return Int32Array.from(seen).sort();
}

/** From here on a bit for each number there is takes less time and memory than a set. */
const longText = 200_000;

class Bits {
  readonly #words = new Uint32Array(2 ** (bits - 5));

  add(gram: number): void {
    const word = gram >>> 5;
    this.#words[word] = (this.#words[word] as number) | (1 << (gram & 31));
  }

  *[Symbol.iterator](): Generator<number> {
    for (const [word, set] of this.#words.entries())
      for (let left = set; left !== 0; left &= left - 1) yield word * 32 + 31 - Math.clz32(left & -left);
  }
}

/** Numbers that every text with `asked` in it has; none when it is too short for the index. */
export function gramsAsked(asked: string): number[] {
  if (asked.length === 2 && isShortWord(asked, 0)) return [twoAt(asked, 0)];
  const runs = asked.length - 2;
  const step = Math.max(1, runs / mostAsked);
  const grams = new Set<number>();
  for (let at = 0; at < runs; at += step) grams.add(threeAt(asked, Math.floor(at)));
  return [...grams];
}
