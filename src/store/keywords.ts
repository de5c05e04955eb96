/**
 * store/keywords - the keywords of a mailbox: compared without case, told as first spelt, bounded in number.
 */

/** Octets of one keyword. */
const longest = 255;
/** Atoms of IMAP that do not begin with a backslash (RFC 9051 §9, flag-keyword). */
const atom = /^[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]+$/;

export const isKeyword = (text: string): boolean => text.length <= longest && atom.test(text);

export class Keywords {
  readonly #spelt = new Map<string, string>();
  readonly #most: number;
  readonly #before: number;

  constructor(known: readonly string[], most: number) {
    for (const keyword of known) this.#spelt.set(keyword.toLowerCase(), keyword);
    this.#most = most;
    this.#before = this.#spelt.size;
  }

  /** As this mailbox spells them, new ones learned while there is room; others, and what is no keyword, left out. */
  take(keywords: readonly string[]): string[] {
    const taken = new Map<string, string>();
    for (const keyword of keywords) {
      const folded = keyword.toLowerCase();
      let spelt = this.#spelt.get(folded);
      if (spelt === undefined) {
        if (this.#spelt.size >= this.#most || !isKeyword(keyword)) continue;
        spelt = keyword;
        this.#spelt.set(folded, spelt);
      }
      taken.set(folded, spelt);
    }
    return [...taken.values()];
  }

  /** As this mailbox spells them; those it does not know are nowhere in it. */
  known(keywords: readonly string[]): string[] {
    const spelt = keywords.map((keyword) => this.#spelt.get(keyword.toLowerCase()));
    return spelt.filter((keyword) => keyword !== undefined);
  }

  /** All, when some were learned. */
  grown(): readonly string[] | undefined {
    return this.#spelt.size > this.#before ? [...this.#spelt.values()] : undefined;
  }
}
