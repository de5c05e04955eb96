/**
 * ldap/sample - options and readers that the tests of sources share.
 */
import type { LdapOptions } from '../../connectors/ldap/ldap-source.ts';
import type { MappingOptions } from '../../connectors/ldap/mapping.ts';
import type { DirectorySource, SourceChange, SourceEntry } from '../../src/ports/directory.ts';

export const mapping = (
  preset: MappingOptions['preset'],
  more: Partial<MappingOptions> = {},
): MappingOptions => ({
  name: 'src',
  preset,
  attributes: {},
  keep: [],
  homes: { local: 'onprem', remote: 'cloud', values: {} },
  ...more,
});

export function ldapOptions(
  preset: MappingOptions['preset'],
  ca: string,
  more: Partial<LdapOptions>,
): LdapOptions {
  return {
    ...mapping(preset),
    servers: [],
    tls: { startTls: 'require', verify: true, ca },
    bind: { method: 'anonymous' },
    connectTimeout: 5_000,
    pageTimeout: 10_000,
    pageSize: 500,
    bases: [],
    deletions: 'auto',
    ...more,
  };
}

const limit = (): AbortSignal => AbortSignal.timeout(30_000);

export async function readAll(source: DirectorySource): Promise<{ entries: SourceEntry[]; cursor: string }> {
  const reading = source.everything(limit());
  const entries: SourceEntry[] = [];
  for (;;) {
    const next = await reading.next();
    if (next.done) return { entries, cursor: next.value };
    entries.push(next.value);
  }
}

export async function readChanges(
  source: DirectorySource,
  cursor: string,
): Promise<{ changes: SourceChange[]; cursor: string }> {
  const reading = source.changes(cursor, limit());
  const changes: SourceChange[] = [];
  for (;;) {
    const next = await reading.next();
    if (next.done) return { changes, cursor: next.value };
    changes.push(next.value);
  }
}

export async function readIds(source: DirectorySource): Promise<string[]> {
  const ids: string[] = [];
  for await (const id of source.ids?.(limit()) ?? []) ids.push(id);
  return ids;
}
