/**
 * main/sources - the directory sources that the configuration names.
 */

import type { Config } from '../../config/schema.ts';
import { AccountsSource } from '../../connectors/accounts/accounts-source.ts';
import { CsvSource } from '../../connectors/files/csv.ts';
import { LdifSource } from '../../connectors/files/ldif.ts';
import { LdapSource } from '../../connectors/ldap/ldap-source.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { DirectorySource } from '../ports/directory.ts';

/** The name of the source that lists the accounts made here, if there is one. */
export const localSourceOf = ({ directory }: Config): string | undefined =>
  directory.sources.find(({ kind }) => kind === 'accounts')?.name;

type Given = Config['directory']['sources'][number];

/**
 * `wanted` are the attributes that rules look at: they are kept besides those that the configuration names, and so are
 * those that say who may send for an entry.
 */
export const makeSources = (
  directory: Config['directory'],
  wanted: readonly string[],
  now: () => Date,
  accounts: Pick<Accounts, 'list'>,
): readonly DirectorySource[] =>
  directory.sources.map((source) => {
    if (source.kind === 'accounts') return new AccountsSource(source, accounts);
    if (source.kind === 'csv') return makeSource(source, now);
    return makeSource({ ...source, keep: keepAlso(source.keep, [...wanted, ...directory.senders]) }, now);
  });

function keepAlso(keep: readonly string[], wanted: readonly string[]): string[] {
  const named = new Set(keep.map((name) => name.toLowerCase()));
  return [...keep, ...wanted.filter((name) => !named.has(name.toLowerCase()))];
}

function makeSource(source: Exclude<Given, { kind: 'accounts' }>, now: () => Date): DirectorySource {
  switch (source.kind) {
    case 'ldap':
      return new LdapSource(source, now);
    case 'ldif':
      return new LdifSource(source);
    case 'csv':
      return new CsvSource(source);
  }
}
