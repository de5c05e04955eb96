/**
 * sieve/match/glob - `:matches` (RFC 5228 §2.7.1): `*` any characters, `?` one, `\` takes the next as it is.
 *
 * A `*` takes as few characters as it can, from the left (RFC 5229 §3.2). No back-tracking: each piece between two
 * stars is looked for once, at its first place.
 */

/** A literal character, or null for `?`. */
type Piece = readonly (string | null)[];

/** Pieces between the stars. */
export type Glob = readonly Piece[];

export function parseGlob(pattern: string): Glob {
  const pieces: (string | null)[][] = [[]];
  let escaped = false;
  for (const character of pattern) {
    const piece = pieces.at(-1) as (string | null)[];
    if (escaped) {
      piece.push(character);
      escaped = false;
    } else if (character === '\\') escaped = true;
    else if (character === '*') pieces.push([]);
    else piece.push(character === '?' ? null : character);
  }
  if (escaped) pieces.at(-1)?.push('\\');
  return pieces;
}

export interface GlobMatch {
  /** What each wildcard took, in the order of the pattern, as places [from, to) in characters. */
  readonly taken: readonly (readonly [number, number])[];
}

/** `spend` is told the work before it is done, in characters compared; it may throw. */
export function matchGlob(
  glob: Glob,
  text: readonly string[],
  spend: (work: number) => void,
): GlobMatch | undefined {
  const taken: [number, number][] = [];
  const first = glob[0] ?? [];
  const last = glob.at(-1) ?? [];
  if (glob.length === 1) {
    if (first.length !== text.length || !fits(first, text, 0)) return undefined;
    take(first, 0, taken);
    return { taken };
  }
  if (first.length + last.length > text.length || !fits(first, text, 0)) return undefined;
  take(first, 0, taken);
  let at = first.length;
  const end = text.length - last.length;
  for (const piece of glob.slice(1, -1)) {
    const found = find(piece, text, at, end, spend);
    if (found < 0) return undefined;
    taken.push([at, found]);
    take(piece, found, taken);
    at = found + piece.length;
  }
  if (at > end || !fits(last, text, end)) return undefined;
  taken.push([at, end]);
  take(last, end, taken);
  return { taken };
}

const fits = (piece: Piece, text: readonly string[], at: number): boolean =>
  piece.every((character, index) => character === null || character === text[at + index]);

function find(
  piece: Piece,
  text: readonly string[],
  from: number,
  end: number,
  spend: (work: number) => void,
): number {
  for (let at = from; at + piece.length <= end; at += 1) {
    spend(1 + (piece.length >> 3));
    if (fits(piece, text, at)) return at;
  }
  return -1;
}

function take(piece: Piece, at: number, taken: [number, number][]): void {
  piece.forEach((character, index) => {
    if (character === null) taken.push([at + index, at + index + 1]);
  });
}
