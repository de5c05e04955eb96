/**
 * ports/directory - who is who: the last good snapshot of the organisation's directories.
 * Implemented by src/directory over the database; fed by DirectorySource connectors (ldap, files).
 */
import type { Address } from '../mail/address.ts';

export type EntryKind =
  | 'user' // a person's mailbox
  | 'shared'
  | 'room'
  | 'equipment'
  | 'contact' // an address elsewhere: targetAddress says where
  | 'group'
  | 'publicFolder';

export interface DirectoryEntry {
  /** Stable over renames, unique over all sources: `SOURCE/objectGUID`, `SOURCE/entryUUID`, or `SOURCE/dn`. */
  readonly id: string;
  /** Name of the source in the configuration. */
  readonly source: string;
  /** For people: a DN, or a line number in a file. */
  readonly where: string;
  readonly kind: EntryKind;
  readonly displayName?: string;
  /** Primary SMTP address. */
  readonly primary?: Address;
  /** All SMTP addresses that mean this entry, the primary one first. */
  readonly addresses: readonly Address[];
  /** X.500 addresses (legacyExchangeDN), as written. */
  readonly x500: readonly string[];
  /** The site where the mailbox is, if the directory says so (attribute map `home`, or Exchange's recipient type). */
  readonly home?: string;
  /** Where the mail of this entry is sent on to (Exchange's targetAddress, without `SMTP:`). */
  readonly targetAddress?: Address;
  readonly hiddenFromAddressLists: boolean;
  /** Account disabled; mail is still for it, unless the configuration says otherwise. */
  readonly disabled: boolean;
  /** Only of groups. */
  readonly group?: GroupFacts;
  /** The attributes that the configuration asked to keep for rules; names in lower case. */
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

export interface GroupFacts {
  /** Messages need a moderator's approval (msExchEnableModeration). */
  readonly moderated: boolean;
  /** Only authenticated senders (msExchRequireAuthToSendTo). */
  readonly internalOnly: boolean;
  /** Ids of entries, in this source, that own it (managedBy, owner). */
  readonly owners: readonly string[];
  /** To whom failures of members go (Exchange: reportToOwner, reportToOriginator; neither: nobody). */
  readonly reportTo: 'originator' | 'owner' | 'nobody';
  /** A membership query (dynamic group), or membership that the source hides: it cannot be expanded here. */
  readonly opaque: boolean;
}

export type Lookup =
  | { readonly found: 'nobody' }
  | {
      readonly found: 'one';
      readonly entry: DirectoryEntry;
      /** exact: an address of the entry; detail: without the `+detail`; target: it is the entry's targetAddress only. */
      readonly by: 'exact' | 'detail' | 'target';
      /** Addresses (keys) and ids of all groups that hold it, nested ones too. Only when asked for. */
      readonly groups?: ReadonlySet<string>;
      /** Homes.flip laid over the directory: it wins over `entry.home`. */
      readonly override?: string;
    }
  /** Several objects claim the address: reported to operators, mail is deferred, never guessed. */
  | { readonly found: 'ambiguous'; readonly entries: readonly DirectoryEntry[] };

export type GroupMember =
  | { readonly kind: 'entry'; readonly address: Address; readonly entryId: string }
  | { readonly kind: 'group'; readonly id: string; readonly address?: Address }
  /** A member without any address: skipped, reported. */
  | { readonly kind: 'unusable'; readonly where: string; readonly why: string };

export interface Directory {
  /** One answer for each address, in order. Throws DirectoryUnready before there is any snapshot. */
  lookup(
    addresses: readonly Address[],
    options: { readonly groups: boolean },
    signal: AbortSignal,
  ): Promise<readonly Lookup[]>;

  entry(id: string, signal: AbortSignal): Promise<DirectoryEntry | undefined>;

  /** Direct members only; the caller keeps the visited set. */
  members(groupId: string, signal: AbortSignal): AsyncIterable<GroupMember>;

  health(signal: AbortSignal): Promise<readonly SourceHealth[]>;
}

export interface SourceHealth {
  readonly source: string;
  readonly entries: number;
  /** The last refresh, full or incremental, that reached the server and ended well. */
  readonly goodAt?: Date;
  readonly tooOld: boolean;
  /** Why the newest refresh failed, if it did. */
  readonly trouble?: string;
  /** Entries left out or addresses dropped, with reasons; the first hundred. */
  readonly problems: readonly DirectoryProblem[];
}

export interface DirectoryProblem {
  readonly source: string;
  readonly where: string;
  readonly kind:
    | 'bad address'
    | 'ambiguous'
    | 'group loop'
    | 'moderated'
    | 'hidden'
    | 'opaque'
    | 'unknown kind'
    | 'unknown member';
  readonly text: string;
}

/** No snapshot of a configured source exists yet: recipients cannot be judged. */
export class DirectoryUnready extends Error {
  override readonly name = 'DirectoryUnready';
}

/** A per-person home laid over what the directory says. Implemented by src/directory. */
export interface Homes {
  /** The committed instant at which routing and client access change. `entryId` as in DirectoryEntry. */
  flip(entryId: string, site: string, why: string): Promise<void>;
  /** Back to what the directory says. */
  clear(entryId: string, why: string): Promise<void>;
  override(entryId: string): Promise<string | undefined>;
}

/**
 * One object as a connector read it, already mapped to our words. Members and owners are names of entries of the
 * same source (see `names`), or `mailto:ADDRESS` for whoever has that address, in any source or in none.
 */
export interface SourceEntry extends Omit<DirectoryEntry, 'source' | 'group'> {
  /** What members and owners call this entry, in one spelling (a DN in lower case, `uid:ada`); when absent, its `where`. */
  readonly names?: readonly string[];
  readonly group?: Omit<GroupFacts, 'owners'> & {
    readonly owners: readonly string[];
    readonly members: readonly string[];
  };
  readonly problems: readonly DirectoryProblem[];
}

export type SourceChange =
  | { readonly change: 'upsert'; readonly entry: SourceEntry }
  | { readonly change: 'delete'; readonly id: string };

/** Opaque to src/directory; kept beside the snapshot. */
export type SourceCursor = string;

/** A directory of somebody else's that we can read. Implemented by connectors/ldap and connectors/files. */
export interface DirectorySource {
  readonly name: string;
  /** Every entry. The returned cursor stands for the moment at which the read began. */
  everything(signal: AbortSignal): AsyncGenerator<SourceEntry, SourceCursor>;
  /**
   * What changed since `cursor`; may repeat, must not skip. Throws CursorExpired when the source cannot tell
   * (another server, another invocation): then `everything` is read. A source that cannot see deletions incrementally
   * says so by `deletions: 'byIdList'` and gives all ids.
   */
  changes(cursor: SourceCursor, signal: AbortSignal): AsyncGenerator<SourceChange, SourceCursor>;
  /** All ids, for finding deletions where changes() cannot; undefined when changes() reports them. Asked after changes() has ended. */
  readonly ids?: ((signal: AbortSignal) => AsyncIterable<string>) | undefined;
  close(): Promise<void>;
}

export class CursorExpired extends Error {
  override readonly name = 'CursorExpired';
}
