/**
 * directory/precedence - whose word counts when an address is in several sources.
 *
 * Only sources that the operator has put in an order are compared; one that is
 * not in it leaves the address ambiguous. Two of the same source always do.
 */
export function preferred<T>(
  claimants: readonly T[],
  sourceOf: (claimant: T) => string,
  precedence: readonly string[],
): readonly T[] {
  const ranks = claimants.map((claimant) => precedence.indexOf(sourceOf(claimant)));
  if (claimants.length < 2 || ranks.includes(-1)) return claimants;
  const best = Math.min(...ranks);
  return claimants.filter((_, index) => ranks[index] === best);
}
