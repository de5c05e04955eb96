/**
 * main/sources - the directory sources that the configuration names.
 */

import type { Config } from '../../config/schema.ts';
import { CsvSource } from '../../connectors/files/csv.ts';
import { LdifSource } from '../../connectors/files/ldif.ts';
import { LdapSource } from '../../connectors/ldap/ldap-source.ts';
import type { DirectorySource } from '../ports/directory.ts';

type Given = Config['directory']['sources'][number];

export const makeSources = (directory: Config['directory'], now: () => Date): readonly DirectorySource[] =>
  directory.sources.map((source) => makeSource(source, now));

function makeSource(source: Given, now: () => Date): DirectorySource {
  switch (source.kind) {
    case 'ldap':
      return new LdapSource(source, now);
    case 'ldif':
      return new LdifSource(source);
    case 'csv':
      return new CsvSource(source);
  }
}
