/**
 * config/nearest - the word an operator most likely meant.
 *
 * Optimal string alignment distance without regard to case, so that a swap of two letters counts once.
 */

/** Longer words are not compared: nobody mistypes those, and the work stays bounded. */
const longest = 64;

/** The candidate nearest to `word`, or undefined when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length === 0 || word.length > longest) return undefined;
  const near = candidates
    .filter((candidate) => candidate.length <= longest)
    .map((candidate) => ({ candidate, distance: distanceTo(word, candidate) }))
    .filter(({ candidate, distance }) => distance <= tolerance(word, candidate));
  near.sort((a, b) => a.distance - b.distance);
  return near[0]?.candidate;
}

/** About one letter in three may be wrong, and at least one; but not all of them. */
const tolerance = (word: string, candidate: string): number => {
  const shorter = Math.min(word.length, candidate.length);
  return Math.min(Math.max(1, Math.floor(shorter / 3)), Math.max(word.length, candidate.length) - 1);
};

function distanceTo(word: string, candidate: string): number {
  const a = word.toLowerCase();
  const b = candidate.toLowerCase();
  if (isPluralOrPart(a, b)) return 1;
  return alignment(a, b);
}

/** `host` for `hosts`, `level` for `logLevel`: as near as one wrong letter. */
const isPluralOrPart = (a: string, b: string): boolean =>
  (a.length >= 4 && b.includes(a)) || (b.length >= 4 && a.includes(b));

function alignment(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        (rows[i - 1]?.[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (rows[i - 1]?.[j - 1] ?? 0) + cost,
        swapped ? (rows[i - 2]?.[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    rows[i] = row;
  }
  return rows[a.length]?.[b.length] ?? 0;
}
