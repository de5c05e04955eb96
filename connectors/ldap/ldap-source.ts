/**
 * ldap/ldap-source - an LDAP server as a DirectorySource.
 *
 * One connection for each read. A cursor belongs to the mapping it was made
 * with: after a change of the configuration everything is read again.
 */
import { hash } from 'node:crypto';
import {
  CursorExpired,
  type DirectorySource,
  type SourceChange,
  type SourceCursor,
  type SourceEntry,
} from '../../src/ports/directory.ts';
import { type ConnectionSettings, LdapConnection } from './connection.ts';
import { type Mapping, type MappingOptions, makeMapping } from './mapping.ts';
import { withAllValues } from './range.ts';
import { timestampChanges } from './timestamp.ts';
import { usnChanges } from './usn.ts';

export interface LdapOptions extends ConnectionSettings, MappingOptions {
  /** Where to search; what the server calls its naming contexts when empty. */
  readonly bases: readonly string[];
  /** The preset's when absent. */
  readonly filter?: string;
  /** How deletions are found. auto: by tombstones where the server lets us see them, else by reading all ids. */
  readonly deletions: 'auto' | 'tombstones' | 'idList';
}

/** One way of finding changes. */
export interface ChangeFinder {
  /** Attributes needed besides the mapping's. */
  readonly attributes: readonly string[];
  /** What stands for now, before a full read; told each entry that is read afterwards. */
  begin(reading: Reading): Promise<CursorMaker>;
  changes(reading: Reading, state: unknown): AsyncGenerator<SourceChange, CursorMaker>;
  /** Whether the last changes() told deletions. */
  readonly tellsDeletions: boolean;
}

export interface CursorMaker {
  /** A modification time seen, for finders that live by it. */
  readonly saw?: (time: string | undefined) => void;
  readonly state: () => unknown;
}

export interface Reading {
  readonly connection: LdapConnection;
  readonly mapping: Mapping;
  readonly filter: string;
  readonly bases: readonly string[];
  readonly attributes: readonly string[];
  readonly deletions: LdapOptions['deletions'];
  readonly now: () => Date;
}

export class LdapSource implements DirectorySource {
  readonly name: string;
  readonly #options: LdapOptions;
  readonly #mapping: Mapping;
  readonly #now: () => Date;
  readonly #finder: ChangeFinder;
  readonly #avoid = new Set<string>();
  /** Of all that decides what an entry becomes: a cursor of another mapping is of no use. */
  readonly #fingerprint: string;

  constructor(options: LdapOptions, now: () => Date) {
    this.name = options.name;
    this.#options = options;
    this.#mapping = makeMapping(options);
    this.#now = now;
    this.#finder = this.#mapping.preset.incremental === 'usn' ? usnChanges() : timestampChanges();
    const { preset, attributes, keep, homes, bases, filter } = options;
    const decisive = [2, this.#mapping.wanted, preset, attributes, keep, homes, bases, filter];
    this.#fingerprint = hash('sha256', JSON.stringify(decisive), 'hex').slice(0, 16);
  }

  /** Read only where the last changes() could not tell deletions. */
  get ids(): ((signal: AbortSignal) => AsyncIterable<string>) | undefined {
    return this.#finder.tellsDeletions ? undefined : (signal) => this.#ids(signal);
  }

  async *everything(signal: AbortSignal): AsyncGenerator<SourceEntry, SourceCursor> {
    await using open = await this.#open(signal);
    const { reading } = open;
    const cursor = await this.#finder.begin(reading);
    for (const base of reading.bases) {
      const search = { base, filter: reading.filter, attributes: reading.attributes };
      for await (const raw of reading.connection.search(search)) {
        cursor.saw?.(raw.first(['modifyTimestamp']));
        yield this.#mapping.entry(await withAllValues(reading.connection, raw));
      }
    }
    open.good();
    return this.#print(cursor);
  }

  async *changes(cursor: SourceCursor, signal: AbortSignal): AsyncGenerator<SourceChange, SourceCursor> {
    const state = this.#parse(cursor);
    await using open = await this.#open(signal);
    const next = yield* this.#finder.changes(open.reading, state);
    open.good();
    return this.#print(next);
  }

  async *#ids(signal: AbortSignal): AsyncGenerator<string> {
    await using open = await this.#open(signal);
    const { reading } = open;
    const attributes = this.#mapping.names.id.length === 0 ? ['1.1'] : this.#mapping.names.id;
    for (const base of reading.bases) {
      for await (const raw of reading.connection.search({ base, filter: reading.filter, attributes })) {
        yield this.#mapping.id(raw);
      }
    }
    open.good();
  }

  async close(): Promise<void> {
    // Nothing stays open between reads.
  }

  /** Disposed without good(), the server is tried last the next time. */
  async #open(signal: AbortSignal) {
    const connection = await LdapConnection.open(this.#options, this.#avoid, signal);
    let good = false;
    const dispose = async (): Promise<void> => {
      if (good || signal.aborted) this.#avoid.delete(connection.url);
      else this.#avoid.add(connection.url);
      await connection.close();
    };
    try {
      const reading: Reading = {
        connection,
        mapping: this.#mapping,
        filter: this.#options.filter ?? this.#mapping.preset.filter,
        bases: this.#options.bases.length > 0 ? this.#options.bases : await namingContexts(connection),
        attributes: [...new Set([...this.#mapping.wanted, ...this.#finder.attributes])],
        deletions: this.#options.deletions,
        now: this.#now,
      };
      return {
        reading,
        good: () => {
          good = true;
        },
        [Symbol.asyncDispose]: dispose,
      };
    } catch (error) {
      await dispose();
      throw error;
    }
  }

  #print(cursor: CursorMaker): SourceCursor {
    return JSON.stringify({ mapping: this.#fingerprint, state: cursor.state() });
  }

  #parse(cursor: SourceCursor): unknown {
    const { mapping, state } = JSON.parse(cursor) as { mapping?: unknown; state?: unknown };
    if (mapping !== this.#fingerprint)
      throw new CursorExpired('the configuration of this directory was changed');
    return state;
  }
}

/** Active Directory has one for people, and others for itself. */
async function namingContexts(connection: LdapConnection): Promise<readonly string[]> {
  const root = await connection.read('', ['defaultNamingContext', 'namingContexts']);
  const main = root?.first(['defaultNamingContext']);
  const all = main === undefined ? (root?.all('namingContexts') ?? []) : [main];
  if (all.length === 0) throw new Error(`${connection.url} names no base to search: set bases`);
  return all;
}
