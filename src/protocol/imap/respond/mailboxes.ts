/**
 * protocol/imap/respond/mailboxes - untagged data about the server and its mailboxes: CAPABILITY, ENABLED, ID,
 * NAMESPACE, LIST, LSUB, STATUS, FLAGS (RFC 9051 §7.2 and §7.3).
 */
import {
  atom,
  type Dialect,
  flag,
  list,
  mailbox,
  nstring,
  number,
  objectId,
  string,
  untagged,
} from './notation.ts';

export const capability = (names: readonly string[]): string => untagged('CAPABILITY', ...names.map(atom));

export const enabled = (names: readonly string[]): string => untagged('ENABLED', ...names.map(atom));

export const flags = (names: readonly string[]): string => untagged('FLAGS', list(names.map(flag)));

/** RFC 2971 §3.2; undefined says NIL. */
export function id(
  fields: ReadonlyMap<string, string | undefined> | undefined,
  dialect: Pick<Dialect, 'utf8'>,
): string {
  if (fields === undefined || fields.size === 0) return untagged('ID', 'NIL');
  const pairs = [...fields].map(([name, value]) => `${string(name, dialect)} ${nstring(value, dialect)}`);
  return untagged('ID', list(pairs));
}

export interface Namespace {
  readonly prefix: string;
  /** Undefined: flat. */
  readonly delimiter: string | undefined;
}

/** RFC 2342 §5; no namespace of a kind is NIL. */
export function namespace(
  { personal, others, shared }: Readonly<Record<'personal' | 'others' | 'shared', readonly Namespace[]>>,
  dialect: Dialect,
): string {
  const print = (spaces: readonly Namespace[]): string =>
    spaces.length === 0
      ? 'NIL'
      : // RFC 9051 §9, namespace: no space between them.
        `(${spaces.map(({ prefix, delimiter }) => list([mailbox(prefix, dialect), printDelimiter(delimiter)])).join('')})`;
  return untagged('NAMESPACE', print(personal), print(others), print(shared));
}

export interface Listed {
  readonly name: string;
  readonly delimiter: string | undefined;
  /** With their backslash: `\HasNoChildren`, `\Drafts`. */
  readonly attributes: readonly string[];
  /** Why it is named although it does not match itself (RFC 5258 §3.5): of its children some are these. */
  readonly childInfo?: readonly ('SUBSCRIBED' | 'REMOTE' | 'SPECIAL-USE')[];
  /** The name the client knew it by (RFC 9051 §6.3.9.7). */
  readonly oldName?: string;
}

export function listed(kind: 'LIST' | 'LSUB', entry: Listed, dialect: Dialect): string {
  const more: string[] = [];
  if (entry.childInfo !== undefined && entry.childInfo.length > 0)
    more.push(`"CHILDINFO" ${list(entry.childInfo.map((option) => `"${option}"`))}`);
  if (entry.oldName !== undefined) more.push(`"OLDNAME" ${list([mailbox(entry.oldName, dialect)])}`);
  const words = [
    list(entry.attributes.map(flag)),
    printDelimiter(entry.delimiter),
    mailbox(entry.name, dialect),
  ];
  return untagged(kind, ...words, ...(more.length > 0 ? [list(more)] : []));
}

function printDelimiter(delimiter: string | undefined): string {
  if (delimiter === undefined) return 'NIL';
  if (!/^[\x20-\x7e]$/.test(delimiter))
    throw new RangeError(`not a delimiter of IMAP: ${JSON.stringify(delimiter)}`);
  return string(delimiter, { utf8: false });
}

/** Each as asked for, in the order wished. */
export type StatusItem =
  | readonly [
      (
        | 'MESSAGES'
        | 'RECENT'
        | 'UIDNEXT'
        | 'UIDVALIDITY'
        | 'UNSEEN'
        | 'DELETED'
        | 'SIZE'
        | 'HIGHESTMODSEQ'
        | 'DELETED-STORAGE' // RFC 9208 §4.1.4
      ),
      number | bigint,
    ]
  /** RFC 7889 §4: undefined where there is no limit. */
  | readonly ['APPENDLIMIT', number | undefined]
  | readonly ['MAILBOXID', string];

export const status = (name: string, items: readonly StatusItem[], dialect: Dialect): string =>
  untagged('STATUS', mailbox(name, dialect), list(items.map(printStatusItem)));

function printStatusItem([name, value]: StatusItem): string {
  if (value === undefined) return `${name} NIL`;
  return `${name} ${typeof value === 'string' ? list([objectId(value)]) : number(value)}`;
}
