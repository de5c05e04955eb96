/**
 * directory/sample - a source that the tests write themselves, and entries for it.
 */

import { type DirectoryOptions, PgDirectory } from '../../src/directory/pg-directory.ts';
import { type RefreshContext, type RefreshWish, refresh } from '../../src/directory/refresh.ts';
import { type Address, parseAddress } from '../../src/mail/address.ts';
import type { Database } from '../../src/ports/database.ts';
import {
  CursorExpired,
  type DirectorySource,
  type EntryKind,
  type Lookup,
  type SourceChange,
  type SourceCursor,
  type SourceEntry,
} from '../../src/ports/directory.ts';
import { silentLog } from '../../src/ports/log.ts';

export const never = new AbortController().signal;

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`${text} is no address`);
  return parsed;
}

export interface Sketch {
  readonly id?: string;
  readonly kind?: EntryKind;
  /** The primary one first. */
  readonly mail?: readonly string[];
  readonly home?: string;
  readonly target?: string;
  readonly members?: readonly string[];
  readonly owners?: readonly string[];
  readonly names?: readonly string[];
  readonly more?: Partial<SourceEntry>;
}

/** `where` is its name for groups too. */
export function entry(source: string, where: string, sketch: Sketch = {}): SourceEntry {
  const addresses = (sketch.mail ?? []).map(address);
  const kind = sketch.kind ?? (sketch.members ? 'group' : 'user');
  return {
    id: `${source}/${sketch.id ?? where}`,
    where,
    ...(sketch.names && { names: sketch.names }),
    kind,
    ...(addresses[0] && { primary: addresses[0] }),
    addresses,
    x500: [],
    ...(sketch.home !== undefined && { home: sketch.home }),
    ...(sketch.target !== undefined && { targetAddress: address(sketch.target) }),
    hiddenFromAddressLists: false,
    disabled: false,
    ...(kind === 'group' && {
      group: {
        moderated: false,
        internalOnly: false,
        owners: sketch.owners ?? [],
        reportTo: 'originator',
        opaque: false,
        members: sketch.members ?? [],
      },
    }),
    attributes: {},
    problems: [],
    ...sketch.more,
  };
}

/** Everything it has, and a list of what happened to it: the cursor is a place in that list. */
export class WrittenSource implements DirectorySource {
  readonly name: string;
  readonly entries = new Map<string, SourceEntry>();
  readonly happened: SourceChange[] = [];
  /** Deletions are told by the list of ids only. */
  silentDeletions = false;
  /** Thrown in the middle of a read. */
  trouble: Error | undefined;
  reads: string[] = [];
  closed = false;

  constructor(name: string, ...entries: SourceEntry[]) {
    this.name = name;
    for (const each of entries) this.put(each);
  }

  put(...entries: readonly SourceEntry[]): void {
    for (const each of entries) {
      this.entries.set(each.id, each);
      this.happened.push({ change: 'upsert', entry: each });
    }
  }

  drop(id: string): void {
    this.entries.delete(id);
    if (!this.silentDeletions) this.happened.push({ change: 'delete', id });
  }

  get ids() {
    if (!this.silentDeletions) return undefined;
    const all = this.entries;
    return async function* (): AsyncGenerator<string> {
      yield* all.keys();
    };
  }

  async *everything(): AsyncGenerator<SourceEntry, SourceCursor> {
    this.reads.push('everything');
    const cursor = String(this.happened.length);
    let told = 0;
    for (const each of this.entries.values()) {
      if (this.trouble && told++ * 2 >= this.entries.size) throw this.trouble;
      yield each;
    }
    if (this.trouble) throw this.trouble;
    return cursor;
  }

  async *changes(cursor: SourceCursor): AsyncGenerator<SourceChange, SourceCursor> {
    this.reads.push('changes');
    if (cursor === 'lost') throw new CursorExpired('lost');
    if (this.trouble) throw this.trouble;
    // One is told again: a source may.
    const from = Math.max(0, Number(cursor) - 1);
    const upTo = this.happened.length;
    for (const change of this.happened.slice(from, upTo)) yield change;
    return String(upTo);
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

export const context = (database: Database, more: Partial<RefreshContext> = {}): RefreshContext => ({
  database,
  log: silentLog,
  now: () => new Date(),
  refuseLoss: { share: 0.3, atLeast: 50 },
  deletionsEvery: 0,
  fullEvery: 86_400_000,
  ...more,
});

export const refreshed = (database: Database, source: DirectorySource, wish: RefreshWish = {}) =>
  refresh(context(database), source, wish, never);

export const directoryOptions = (sources: readonly string[], more: Partial<DirectoryOptions> = {}) => ({
  sources,
  precedence: [],
  allowAge: 86_400_000,
  detailSeparator: '+',
  cache: { size: 1 << 20, age: 60_000 },
  ...more,
});

export const openDirectory = (
  database: Database,
  sources: readonly string[],
  more: Partial<DirectoryOptions> = {},
): Promise<PgDirectory> => PgDirectory.open(database, directoryOptions(sources, more), () => new Date());

export async function look(directory: PgDirectory, text: string, groups = false): Promise<Lookup> {
  const [answer] = await directory.lookup([address(text)], { groups }, never);
  return answer!;
}

/** `nobody`, `exact src/ada`, `ambiguous src/ada src/bob`. */
export function brief(lookup: Lookup): string {
  if (lookup.found === 'nobody') return 'nobody';
  if (lookup.found === 'one') return `${lookup.by} ${lookup.entry.id}`;
  return `ambiguous ${lookup.entries.map((each) => each.id).join(' ')}`;
}
