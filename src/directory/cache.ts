/**
 * directory/cache - the newest lookups of this process, in bounded memory.
 *
 * Answers that somebody exists and answers that nobody does are kept apart, so
 * that a stranger who guesses addresses pushes out nothing but other guesses.
 * What was asked before the cache was cleared is not kept afterwards: whoever
 * asks takes a `ticket` first and hands it in with the answer.
 */
import { LRUCache } from 'lru-cache';
import type { DirectoryEntry, Lookup } from '../ports/directory.ts';

export interface CacheOptions {
  /** Octets, estimated, for answers about people. */
  readonly size: number;
  /** Milliseconds after which an answer is asked for again, even if no change was heard of. */
  readonly age: number;
}

const nobodies = 20_000;

export class LookupCache {
  readonly #people: LRUCache<string, Lookup>;
  readonly #nobody: LRUCache<string, Lookup>;
  #epoch = 0;

  constructor(options: CacheOptions) {
    this.#people = new LRUCache({ maxSize: options.size, ttl: options.age, sizeCalculation: weigh });
    this.#nobody = new LRUCache({ max: nobodies, ttl: options.age });
  }

  get(key: string): Lookup | undefined {
    return this.#people.get(key) ?? this.#nobody.get(key);
  }

  ticket(): number {
    return this.#epoch;
  }

  set(key: string, lookup: Lookup, ticket: number): void {
    if (ticket !== this.#epoch) return;
    if (lookup.found === 'nobody') this.#nobody.set(key, lookup);
    else this.#people.set(key, lookup);
  }

  /** The snapshot changed. */
  clear(): void {
    this.#epoch += 1;
    this.#people.clear();
    this.#nobody.clear();
  }

  /** One entry's home changed. */
  forget(entryId: string): void {
    this.#epoch += 1;
    for (const [key, lookup] of this.#people.entries()) {
      if (lookup.found === 'one' && lookup.entry.id === entryId) this.#people.delete(key);
    }
  }
}

/** Octets on the heap, roughly: measured at about 350 for an object with one short address. */
function weigh(lookup: Lookup): number {
  if (lookup.found === 'nobody') return 100;
  if (lookup.found === 'ambiguous')
    return 200 + lookup.entries.reduce((sum, entry) => sum + weighEntry(entry), 0);
  return 200 + weighEntry(lookup.entry) + 60 * (lookup.groups?.size ?? 0);
}

const weighEntry = (entry: DirectoryEntry): number =>
  600 +
  200 * entry.addresses.length +
  200 * entry.x500.length +
  100 * (entry.group?.owners.length ?? 0) +
  Object.values(entry.attributes).reduce((sum, values) => sum + 100 * (values.length + 1), 0);
