/**
 * ldap/usn - changes by uSNChanged, for Active Directory.
 *
 * Update sequence numbers belong to one database of one domain controller: the
 * cursor names it (invocationId), and at another one everything is read again.
 * Deleted objects are found among the tombstones where the account may see any;
 * where it may not, the list of ids serves.
 *
 * A renamed container renames all below it, without a new number on them: when one
 * has changed that is not new, everything is read again.
 */
import { CursorExpired, type SourceChange } from '../../src/ports/directory.ts';
import type { LdapConnection } from './connection.ts';
import type { ChangeFinder, CursorMaker, Reading } from './ldap-source.ts';
import { withAllValues } from './range.ts';

/** LDAP_SERVER_SHOW_DELETED_OID. */
const showDeleted = '1.2.840.113556.1.4.417';

/** Group policies are containers that change often and have no people below them. */
const containers =
  '(|(objectClass=organizationalUnit)(&(objectClass=container)(!(objectClass=groupPolicyContainer))))';

interface UsnState {
  readonly server: string;
  readonly usn: string;
}

export function usnChanges(): ChangeFinder {
  let tellsDeletions = false;
  return {
    attributes: ['uSNChanged'],
    get tellsDeletions() {
      return tellsDeletions;
    },
    async begin({ connection }) {
      const state = await currentState(connection);
      return { state: () => state };
    },
    async *changes(reading, state) {
      const known = parseState(state);
      const now = await currentState(reading.connection);
      if (now.server !== known.server) {
        throw new CursorExpired(`${reading.connection.url} is another server than the one last read`);
      }
      if (BigInt(now.usn) < BigInt(known.usn))
        throw new CursorExpired(`${reading.connection.url} was restored`);
      const tombstones = await seesTombstones(reading);
      tellsDeletions = tombstones;
      const from = BigInt(known.usn) + 1n;
      yield* upserts(reading, from);
      if (tombstones) yield* deletions(reading, from);
      return { state: () => now } satisfies CursorMaker;
    },
  };
}

function parseState(state: unknown): UsnState {
  const { server, usn } = (state ?? {}) as Partial<UsnState>;
  if (typeof server !== 'string' || typeof usn !== 'string' || !/^\d+$/.test(usn)) {
    throw new CursorExpired('the cursor is of another kind');
  }
  return { server, usn };
}

/** Asked before anything is read, so that what changes meanwhile is read again rather than missed. */
async function currentState(connection: LdapConnection): Promise<UsnState> {
  const root = await connection.read('', ['dsServiceName', 'highestCommittedUSN']);
  const service = root?.first(['dsServiceName']);
  const usn = root?.first(['highestCommittedUSN']);
  if (service === undefined || usn === undefined) {
    throw new Error(`${connection.url} does not look like Active Directory: no highestCommittedUSN`);
  }
  const settings = await connection.read(service, ['invocationId']);
  const invocation = settings?.octets('invocationId');
  return { server: invocation ? Buffer.from(invocation).toString('hex') : service.toLowerCase(), usn };
}

async function* upserts(reading: Reading, from: bigint): AsyncGenerator<SourceChange> {
  const { connection, bases, filter, attributes, mapping } = reading;
  for (const base of bases) {
    const moved = `(&${containers}(uSNChanged>=${from})(!(uSNCreated>=${from})))`;
    for await (const container of connection.search({ base, filter: moved, attributes: ['1.1'] })) {
      throw new CursorExpired(`${container.dn} has changed, and with it maybe the names of all below it`);
    }
    const changed = { base, filter: `(&${filter}(uSNChanged>=${from}))`, attributes };
    for await (const raw of connection.search(changed)) {
      yield { change: 'upsert', entry: mapping.entry(await withAllValues(connection, raw)) };
    }
    const left = { base, filter: `(&(!${filter})(uSNChanged>=${from}))`, attributes: mapping.names.id };
    for await (const raw of connection.search(left)) yield { change: 'delete', id: mapping.id(raw) };
  }
}

/** The `DC=` parts at the end of a base. */
const domainOf = (base: string): string => /(?:^|,)((?:\s*DC=[^,]+,?)+)$/i.exec(base)?.[1] ?? base;

/**
 * Whether a tombstone can be seen in every domain. That the container can be seen says nothing: Samba shows it to
 * accounts from whom it hides what is in it. Where nothing was ever deleted we cannot know, and go by the ids.
 */
async function seesTombstones({ connection, bases, deletions, mapping }: Reading): Promise<boolean> {
  const [id] = mapping.names.id;
  if (deletions === 'idList' || id?.toLowerCase() !== 'objectguid') return false;
  for (const base of new Set(bases.map(domainOf))) {
    if (await seesOne(connection, base, id)) continue;
    if (deletions === 'auto') return false;
    throw new Error(
      `${connection.url}: the account sees no deleted object of ${base}: let it list and read CN=Deleted Objects,${base}, or set deletions to idList`,
    );
  }
  return true;
}

async function seesOne(connection: LdapConnection, base: string, id: string): Promise<boolean> {
  const filter = '(&(isDeleted=TRUE)(!(cn=Deleted Objects)))';
  const search = { base, filter, attributes: [id], controls: [showDeleted], pageSize: 2 };
  for await (const raw of connection.search(search)) if (raw.has(id)) return true;
  return false;
}

async function* deletions(reading: Reading, from: bigint): AsyncGenerator<SourceChange> {
  const { connection, bases, mapping } = reading;
  for (const base of new Set(bases.map(domainOf))) {
    const tombstones = {
      base,
      filter: `(&(isDeleted=TRUE)(uSNChanged>=${from}))`,
      attributes: mapping.names.id,
      controls: [showDeleted],
    };
    for await (const raw of connection.search(tombstones)) yield { change: 'delete', id: mapping.id(raw) };
  }
}
