/**
 * directory/pg-directory - Directory over the snapshot in the database.
 *
 * An address is looked for as it is (one that encloses an X.500 address, as that), then without its +detail, then as somebody's
 * targetAddress; the first that somebody has answers. Lookups of one process at
 * the same moment share a statement. Answers are cached, and forgotten when a
 * refresh or a flip is heard of.
 *
 * Two entries with one address are ambiguous, across sources too, unless the
 * operator has put the sources in an order (`precedence`): then an entry of an
 * earlier source is taken for the same person as those of later ones.
 */
import { type Address, addressKey, enclosedX500, parseAddress, withoutDetail } from '../mail/address.ts';
import type { Database } from '../ports/database.ts';
import {
  type Directory,
  type DirectoryEntry,
  DirectoryUnready,
  type GroupMember,
  type Lookup,
  type SourceHealth,
} from '../ports/directory.ts';
import { type CacheOptions, LookupCache } from './cache.ts';
import { type GroupRules, x500Key } from './entry.ts';
import { type Candidate, findById, findByKeys, groupsOf, type MemberRow, membersText } from './find.ts';
import { type Ask, gather } from './gather.ts';
import { healthOf } from './health.ts';
import { preferred } from './precedence.ts';

export interface DirectoryOptions {
  /** Names of the configured sources. */
  readonly sources: readonly string[];
  /** Sources in order: for an address in several of them, the earliest one wins. Sources not listed never do. */
  readonly precedence: readonly string[];
  /** Milliseconds after which a snapshot that was not refreshed is too old. */
  readonly allowAge: number;
  /** What separates a detail from a local part; empty: none. */
  readonly detailSeparator: string;
  readonly cache: CacheOptions;
}

/** Payload: `flip ID` for one entry's home; anything else means that the whole snapshot may have changed. */
export const changedChannel = 'directory_changed';

export class PgDirectory implements Directory, AsyncDisposable {
  readonly #database: Database;
  readonly #options: DirectoryOptions;
  readonly #now: () => Date;
  readonly #cache: LookupCache;
  readonly #askPlain: Ask<Lookup>;
  readonly #askGroups: Ask<Lookup>;
  #listening: AsyncDisposable | undefined;
  #ready = false;

  private constructor(database: Database, options: DirectoryOptions, now: () => Date) {
    this.#database = database;
    this.#options = options;
    this.#now = now;
    this.#cache = new LookupCache(options.cache);
    this.#askPlain = gather((texts) => this.#fetch(texts, false));
    this.#askGroups = gather((texts) => this.#fetch(texts, true));
  }

  /** Listens for changes before anything can be cached. */
  static async open(database: Database, options: DirectoryOptions, now: () => Date): Promise<PgDirectory> {
    const directory = new PgDirectory(database, options, now);
    directory.#listening = await database.listen(changedChannel, (payload) => directory.#heard(payload));
    return directory;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listening?.[Symbol.asyncDispose]();
  }

  #heard(payload: string): void {
    if (payload.startsWith('flip ')) this.forget(payload.slice(5));
    else this.#cache.clear();
  }

  /** The home of an entry was changed here: the next lookup asks the database. */
  forget(entryId: string): void {
    this.#cache.forget(entryId);
  }

  lookup(
    addresses: readonly Address[],
    { groups }: { readonly groups: boolean },
    signal: AbortSignal,
  ): Promise<readonly Lookup[]> {
    const ask = groups ? this.#askGroups : this.#askPlain;
    return Promise.all(
      addresses.map((address) => {
        const x500 = enclosedX500(address);
        const key = x500 === undefined ? addressKey(address) : x500Key(x500);
        return this.#cache.get(cacheKey(key, groups)) ?? ask(key, signal);
      }),
    );
  }

  /** Answers of all `keys`, and into the cache with them. */
  async #fetch(keys: readonly string[], groups: boolean): Promise<ReadonlyMap<string, Lookup>> {
    const { sources } = this.#options;
    const ticket = this.#cache.ticket();
    const plain = new Map(keys.map((key) => [key, this.#plainKey(key)]));
    const wanted = new Set([...keys, ...[...plain.values()].filter((key) => key !== undefined)]);
    const found =
      sources.length === 0
        ? new Map<string, readonly Candidate[]>()
        : await findByKeys(this.#database, [...wanted], sources);
    const chosen = new Map(keys.map((key) => [key, this.#choose(found, key, plain.get(key))]));
    const held = groups ? await this.#groupsOf([...chosen.values()]) : undefined;
    const answers = new Map<string, Lookup>();
    for (const [key, choice] of chosen) answers.set(key, answerOf(choice, held));
    if ([...answers.values()].some((answer) => answer.found === 'nobody')) await this.#mustBeReady();
    for (const [key, answer] of answers) this.#cache.set(cacheKey(key, groups), answer, ticket);
    return answers;
  }

  #plainKey(key: string): string | undefined {
    const { detailSeparator } = this.#options;
    const at = key.lastIndexOf('@');
    if (detailSeparator === '' || key.startsWith('\t') || !key.slice(0, at).includes(detailSeparator))
      return undefined;
    const address = { text: key, local: key.slice(0, at), domain: key.slice(at + 1) };
    const plain = withoutDetail(address, detailSeparator);
    return plain && addressKey(plain);
  }

  #choose(
    found: ReadonlyMap<string, readonly Candidate[]>,
    key: string,
    plain: string | undefined,
  ): Choice | undefined {
    const having = (of: string | undefined, by: Candidate['by']): readonly Candidate[] =>
      of === undefined ? [] : (found.get(of) ?? []).filter((candidate) => candidate.by === by);
    for (const [by, candidates] of [
      ['exact', having(key, 'address')],
      ['detail', having(plain, 'address')],
      ['target', having(key, 'target')],
    ] as const) {
      if (candidates.length > 0)
        return {
          by,
          candidates: preferred(candidates, ({ entry }) => entry.source, this.#options.precedence),
        };
    }
    return undefined;
  }

  async #groupsOf(choices: readonly (Choice | undefined)[]) {
    const ns = choices.flatMap((choice) =>
      choice?.candidates.length === 1 ? [choice.candidates[0]!.n] : [],
    );
    return ns.length === 0 ? undefined : groupsOf(this.#database, [...new Set(ns)], this.#options.sources);
  }

  /** Nobody may be told to be unknown while a source has never been read. */
  async #mustBeReady(): Promise<void> {
    if (this.#ready) return;
    const rows = await this.#database.query<{ source: string }>(
      'select source from directory_source where full_at is not null and source = any($1::text[])',
      [this.#options.sources],
    );
    const known = new Set(rows.map((row) => row.source));
    const unread = this.#options.sources.filter((source) => !known.has(source));
    if (unread.length > 0) {
      throw new DirectoryUnready(
        `directory ${unread.join(', ')} has not been read yet: see its health for why`,
      );
    }
    this.#ready = true;
  }

  entry(id: string, signal: AbortSignal): Promise<DirectoryEntry | undefined> {
    signal.throwIfAborted();
    return findById(this.#database, id, this.#options.sources);
  }

  async *members(groupId: string, signal: AbortSignal): AsyncGenerator<GroupMember> {
    const { sources } = this.#options;
    for await (const row of this.#database.rows<MemberRow>(membersText, [groupId, sources], signal)) {
      yield memberOf(row);
    }
  }

  health(signal: AbortSignal): Promise<readonly SourceHealth[]> {
    signal.throwIfAborted();
    return healthOf(this.#database, this.#options, this.#now());
  }
}

interface Choice {
  readonly by: 'exact' | 'detail' | 'target';
  readonly candidates: readonly Candidate[];
}

const cacheKey = (key: string, groups: boolean): string => (groups ? `g ${key}` : `p ${key}`);

const nobody: Lookup = { found: 'nobody' };

function answerOf(
  choice: Choice | undefined,
  held: ReadonlyMap<number, ReadonlySet<string>> | undefined,
): Lookup {
  if (!choice) return nobody;
  const { by, candidates } = choice;
  if (candidates.length > 1) {
    return { found: 'ambiguous', entries: candidates.map((candidate) => candidate.entry) };
  }
  const { entry, override, n } = candidates[0]!;
  const groups = held?.get(n);
  return {
    found: 'one',
    entry,
    by,
    ...(groups && { groups }),
    ...(override !== undefined && { override }),
  };
}

/**
 * Why a group without an address is not entered from another one. With an address it is a recipient of its own, and
 * routing knows whose message it is and what to do; without one nobody would ask, and its members would get what its
 * moderators have not seen.
 */
function whyClosed(rules: GroupRules | null): string | undefined {
  const nested = 'the group has no mail address of its own, and';
  if (rules === null || rules.opaque) return `${nested} its members cannot be read`;
  if (rules.moderated) return `${nested} it is moderated`;
  if (rules.internalOnly) return `${nested} it is only for authenticated senders`;
  return undefined;
}

/**
 * A member that is only an address, of nobody here, is given as it is, with `mailto:ADDRESS` for an id. So is one that
 * several entries claim: routing judges it like any other recipient of that address.
 */
function memberOf(row: MemberRow): GroupMember {
  const outside = row.ref.includes('\t') ? undefined : parseAddress(row.ref);
  if (outside && row.claimants !== 1)
    return { kind: 'entry', address: outside, entryId: `mailto:${row.ref}` };
  const address = row.address === null ? undefined : parseAddress(row.address);
  if (row.id !== null && row.kind === 'group') {
    if (address) return { kind: 'group', id: row.id, address };
    const why = whyClosed(row.rules);
    if (why === undefined) return { kind: 'group', id: row.id };
    return { kind: 'unusable', where: row.place ?? row.id, why };
  }
  if (row.id !== null) {
    if (address) return { kind: 'entry', address, entryId: row.id };
    return { kind: 'unusable', where: row.place ?? row.id, why: 'the member has no mail address' };
  }
  return {
    kind: 'unusable',
    where: row.ref.slice(row.ref.indexOf('\t') + 1),
    why: 'no entry of this directory has that name',
  };
}
