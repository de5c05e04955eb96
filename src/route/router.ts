/**
 * route/router - the Routing port: fetches what resolve() asks for, and asks it again.
 *
 * Recipients and senders of all questions go to the directory in one round trip; further ones are made only where an
 * address leads on to another. `compiled` is read once per call, so a reload never changes rules under a decision.
 */
import { type Address, addressKey } from '../mail/address.ts';
import { MailError } from '../mail/condition.ts';
import type { Decision } from '../mail/route.ts';
import type { Directory, DirectoryEntry, Lookup } from '../ports/directory.ts';
import type { Question, Routing } from '../ports/routing.ts';
import type { Compiled } from './compile.ts';
import { resolve } from './resolve.ts';
import type { Facts } from './walk.ts';

export interface RouterOptions {
  readonly directory: Pick<Directory, 'lookup' | 'entry'>;
  /** The rules in force now. */
  readonly compiled: () => Compiled;
  /** Milliseconds for all that one call asks of the directory; then the sender is told to come again. */
  readonly directoryTimeout: number;
}

/** More rounds than the longest chain of addresses can ask for. */
const mostRounds = 32;

export function makeRouter({ directory, compiled, directoryTimeout }: RouterOptions): Routing {
  async function routeAll(questions: readonly Question[], signal: AbortSignal): Promise<readonly Decision[]> {
    signal.throwIfAborted();
    const rules = compiled();
    const known = {
      lookups: new Map<string, Lookup>(),
      entries: new Map<string, DirectoryEntry | undefined>(),
    };
    return limited(signal, directoryTimeout, (within) =>
      decideAll(questions, rules, known, (missing) => fetchFacts(directory, rules, missing, known, within)),
    );
  }
  return {
    routeAll,
    async route(question, signal) {
      const [decision] = await routeAll([question], signal);
      if (decision === undefined) throw new Error('route: one question has one decision');
      return decision;
    },
    get headerNames() {
      return compiled().headerNames;
    },
  };
}

interface Missing {
  readonly addresses: Map<string, Address>;
  readonly entryIds: Set<string>;
}

async function decideAll(
  questions: readonly Question[],
  compiled: Compiled,
  facts: Facts,
  fetch: (missing: Missing) => Promise<void>,
): Promise<readonly Decision[]> {
  const decisions: (Decision | undefined)[] = questions.map(() => undefined);
  for (let round = 0; round < mostRounds; round += 1) {
    const missing: Missing = { addresses: new Map(), entryIds: new Set() };
    questions.forEach((question, index) => {
      if (decisions[index] !== undefined) return;
      const answer = resolve(question, facts, compiled);
      if (answer.verdict !== 'ask') decisions[index] = answer;
      else {
        for (const address of answer.addresses) missing.addresses.set(addressKey(address), address);
        for (const id of answer.entryIds) missing.entryIds.add(id);
      }
    });
    if (missing.addresses.size === 0 && missing.entryIds.size === 0) break;
    await fetch(missing);
  }
  return decisions.map((decision) => {
    if (decision === undefined) throw new Error(`route: undecided after ${mostRounds} rounds`);
    return decision;
  });
}

async function fetchFacts(
  directory: RouterOptions['directory'],
  { needsGroups }: Compiled,
  { addresses, entryIds }: Missing,
  known: { readonly lookups: Map<string, Lookup>; readonly entries: Map<string, DirectoryEntry | undefined> },
  signal: AbortSignal,
): Promise<void> {
  const keys = [...addresses.keys()];
  const [lookups, entries] = await Promise.all([
    keys.length === 0 ? [] : directory.lookup([...addresses.values()], { groups: needsGroups }, signal),
    Promise.all([...entryIds].map(async (id) => [id, await directory.entry(id, signal)] as const)),
  ]);
  keys.forEach((key, index) => {
    known.lookups.set(key, lookups[index] ?? { found: 'nobody' });
  });
  for (const [id, entry] of entries) known.entries.set(id, entry);
}

/** Runs `work` with a signal that falls when `outer` does or when the time is over; then it does not wait for `work`. */
async function limited<T>(
  outer: AbortSignal,
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const control = new AbortController();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const stop = (reason: unknown): void => {
    control.abort(reason);
    reject(reason);
  };
  const onAbort = (): void => stop(outer.reason);
  const timer = setTimeout(() => {
    const text = 'The directory did not answer in time';
    stop(new MailError('later', 'directoryTrouble', { text, facts: { milliseconds } }));
  }, milliseconds);
  outer.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(control.signal), ended]);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener('abort', onAbort);
  }
}
