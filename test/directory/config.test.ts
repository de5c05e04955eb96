/**
 * What the configuration parses to is what the rooms take. The compiler is the judge; the defaults are looked at.
 */
import { expect, test } from 'vitest';
import type { z } from 'zod';
import { directorySection } from '../../config/sections/directory.ts';
import { AccountsSource } from '../../connectors/accounts/accounts-source.ts';
import { CsvSource } from '../../connectors/files/csv.ts';
import { LdifSource } from '../../connectors/files/ldif.ts';
import { LdapSource } from '../../connectors/ldap/ldap-source.ts';
import type { DirectoryOptions } from '../../src/directory/pg-directory.ts';
import type { RefresherOptions } from '../../src/directory/refresher.ts';
import type { DirectorySource } from '../../src/ports/directory.ts';

type Section = z.output<typeof directorySection>;

const refresherOptions = (section: Section): RefresherOptions => section;

const options = (section: Section): DirectoryOptions => ({
  ...section,
  sources: section.sources.map((source) => source.name),
});

function sourceOf(source: Section['sources'][number]): DirectorySource {
  if (source.kind === 'ldap') return new LdapSource(source, () => new Date());
  if (source.kind === 'accounts') return new AccountsSource(source, { async *list() {} });
  return source.kind === 'ldif' ? new LdifSource(source) : new CsvSource(source);
}

test('nothing said: no source, and times that do', () => {
  const section = directorySection.parse({});
  expect(refresherOptions(section)).toMatchObject({
    refreshEvery: 300_000,
    fullEvery: 86_400_000,
    deletionsEvery: 900_000,
    allowAge: 86_400_000,
    refuseLoss: { share: 0.3, atLeast: 50 },
  });
  expect(options(section)).toMatchObject({
    sources: [],
    detailSeparator: '+',
    cache: { size: 32 * 1024 * 1024, age: 60_000 },
  });
});

test('one source of each kind', () => {
  const bind = { method: 'simple', dn: 'cn=reader', password: 'x' };
  const section = directorySection.parse({
    sources: [
      { kind: 'ldap', name: 'ad', preset: 'activeDirectory', servers: ['ldaps://dc1.example.org'], bind },
      { kind: 'ldif', name: 'old', preset: 'openldap', file: '/srv/old.ldif' },
      { kind: 'csv', name: 'guests', file: '/srv/guests.csv' },
    ],
    precedence: ['ad', 'old'],
  });
  expect(section.sources.map(sourceOf).map((source) => source.name)).toEqual(['ad', 'old', 'guests']);
  expect(section.sources[0]).toMatchObject({
    tls: { startTls: 'require', verify: true },
    homes: { local: 'onprem', remote: 'cloud' },
    pageSize: 500,
  });
});

test.each([
  ['a URL that is none', { servers: ['dc1.example.org'] }],
  ['no server', { servers: [] }],
  ['a filter without parentheses', { filter: 'mail=*' }],
  ['an attribute that is none', { attributes: { primary: ['mail address'] } }],
  ['an unknown word for an attribute', { attributes: { mail: ['mail'] } }],
  ['a bind without method', { bind: { dn: 'cn=reader', password: 'x' } }],
])('%s is refused', (_name, wrong) => {
  const source = {
    kind: 'ldap',
    name: 'ad',
    preset: 'openldap',
    servers: ['ldap://x'],
    bind: { method: 'anonymous' },
  };
  expect(directorySection.safeParse({ sources: [source] }).success).toBe(true);
  expect(directorySection.safeParse({ sources: [{ ...source, ...wrong }] }).success).toBe(false);
});

test('two sources of one name are refused', () => {
  const source = { kind: 'csv', name: 'a', file: '/srv/a.csv' };
  expect(directorySection.safeParse({ sources: [source, source] }).success).toBe(false);
});
