/**
 * protocol/imap/respond/rights - QUOTA and QUOTAROOT (RFC 9208 §4.3), ACL, LISTRIGHTS and MYRIGHTS (RFC 4314 §3),
 * METADATA (RFC 5464 §4.4).
 */
import { atom, type Dialect, list, mailbox, number, string, untagged } from './notation.ts';

export interface Resource {
  /** STORAGE counts units of 1,024 octets (RFC 9208 §5.1). */
  readonly name: 'STORAGE' | 'MESSAGE' | 'MAILBOX' | 'ANNOTATION-STORAGE';
  readonly usage: number;
  readonly limit: number;
}

export const quota = (root: string, resources: readonly Resource[], dialect: Dialect): string =>
  untagged(
    'QUOTA',
    string(root, dialect),
    list(resources.map(({ name, usage, limit }) => `${name} ${number(usage)} ${number(limit)}`)),
  );

export const quotaRoot = (name: string, roots: readonly string[], dialect: Dialect): string =>
  untagged('QUOTAROOT', mailbox(name, dialect), ...roots.map((root) => string(root, dialect)));

export interface Grant {
  readonly identifier: string;
  readonly rights: string;
}

export const acl = (name: string, grants: readonly Grant[], dialect: Dialect): string =>
  untagged(
    'ACL',
    mailbox(name, dialect),
    ...grants.map(({ identifier, rights }) => `${string(identifier, dialect)} ${printRights(rights)}`),
  );

/** `optional`: each a group of rights that are given and taken together. */
export const listRights = (
  name: string,
  rights: { readonly identifier: string; readonly required: string; readonly optional: readonly string[] },
  dialect: Dialect,
): string =>
  untagged(
    'LISTRIGHTS',
    mailbox(name, dialect),
    string(rights.identifier, dialect),
    printRights(rights.required),
    ...rights.optional.map(printRights),
  );

export const myRights = (name: string, rights: string, dialect: Dialect): string =>
  untagged('MYRIGHTS', mailbox(name, dialect), printRights(rights));

/** No right at all is an empty string. */
const printRights = (rights: string): string => (rights === '' ? '""' : atom(rights));

/** Entries with values, in answer to GETMETADATA. The empty name is the server. No value is NIL. */
export const metadata = (
  name: string,
  entries: readonly (readonly [entry: string, value: Uint8Array | undefined])[],
  dialect: Dialect,
): string =>
  untagged(
    'METADATA',
    mailbox(name, dialect),
    list(entries.map(([entry, value]) => `${string(entry, dialect)} ${printValue(value)}`)),
  );

/** Only that they have changed. */
export const metadataChanged = (name: string, entries: readonly string[], dialect: Dialect): string =>
  untagged('METADATA', mailbox(name, dialect), ...entries.map((entry) => string(entry, dialect)));

/** A value is octets; NUL is possible in a literal8 only. */
function printValue(value: Uint8Array | undefined): string {
  if (value === undefined) return 'NIL';
  const octets = Buffer.from(value).toString('latin1');
  if (/^[\x20-\x7e]*$/.test(octets)) return `"${octets.replace(/["\\]/g, '\\$&')}"`;
  return `${octets.includes('\0') ? '~' : ''}{${octets.length}}\r\n${octets}`;
}
