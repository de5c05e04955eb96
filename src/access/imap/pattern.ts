/**
 * access/imap/pattern - names that a pattern of LIST means (RFC 9051 §6.3.9): `*` is anything, `%` anything within a level.
 */
import { delimiter } from './names.ts';

export class Pattern {
  readonly #pattern: string;

  constructor(pattern: string) {
    // Wildcards beside each other are one.
    this.#pattern = pattern.replace(/[*%]*\*[*%]*/g, '*').replace(/%+/g, '%');
  }

  /** At most the length of the name times that of the pattern. INBOX is found in any case. */
  matches(name: string): boolean {
    return (
      this.#run(this.#pattern, name) || (name === 'INBOX' && this.#run(this.#pattern.toUpperCase(), name))
    );
  }

  /** All positions in the pattern at once: no way is tried twice. */
  #run(pattern: string, name: string): boolean {
    let places = closure(pattern, new Set([0]));
    for (const char of name) {
      const next = new Set<number>();
      for (const place of places) {
        const wanted = pattern[place];
        if (wanted === '*' || (wanted === '%' && char !== delimiter)) next.add(place);
        else if (pattern.startsWith(char, place)) next.add(place + char.length);
      }
      if (next.size === 0) return false;
      places = closure(pattern, next);
    }
    return places.has(pattern.length);
  }
}

/** A wildcard may also stand for nothing. */
function closure(pattern: string, places: Set<number>): Set<number> {
  for (const place of places) {
    if (pattern[place] === '*' || pattern[place] === '%') places.add(place + 1);
  }
  return places;
}
