/**
 * access/imap/rights-list - rights as clients write and read them (RFC 4314 §2.1), with the two of RFC 2086 that stand
 * for others: `c` (create) for k and x, `d` (delete) for e and t (§2.1.1).
 */
import { allRights, flagBits, type RightsSet } from '../../mail/mailbox.ts';
import { bad } from './refusal.ts';

const members: Readonly<Record<string, string>> = { c: 'kx', d: 'et' };

/** Told with the old letters, for old clients; new ones pass over them. */
export const withOldRights = (rights: RightsSet): string =>
  rights +
  Object.entries(members)
    .filter(([, standsFor]) => [...standsFor].some((right) => rights.includes(right)))
    .map(([old]) => old)
    .join('');

/** What a client says; a right that is none is its fault (§3.1). */
export function readRights(said: string): RightsSet {
  const letters = [...said].map((letter) => members[letter] ?? letter).join('');
  const unknown = [...letters].find((letter) => !allRights.includes(letter));
  if (unknown !== undefined) throw bad(`There is no right ${unknown}`);
  return [...allRights].filter((right) => letters.includes(right)).join('');
}

/** Each may be given without the others. */
export const grantable: readonly string[] = [...allRights, 'c', 'd'];

/** `rights` given to, or taken from, what there is. */
export function changedRights(
  before: RightsSet,
  change: 'add' | 'remove' | 'replace',
  rights: RightsSet,
): RightsSet {
  if (change === 'replace') return rights;
  return [...allRights]
    .filter((right) =>
      change === 'add'
        ? before.includes(right) || rights.includes(right)
        : before.includes(right) && !rights.includes(right),
    )
    .join('');
}

/** System flags, as bits of flagBits, and whether keywords, that these rights let one set (RFC 4314 §4). */
export const flagsWithin = (rights: RightsSet): { readonly system: number; readonly keywords: boolean } => ({
  system:
    (rights.includes('s') ? flagBits['\\Seen'] : 0) |
    (rights.includes('t') ? flagBits['\\Deleted'] : 0) |
    (rights.includes('w') ? flagBits['\\Answered'] | flagBits['\\Flagged'] | flagBits['\\Draft'] : 0),
  keywords: rights.includes('w'),
});
