/**
 * protocol/mailbox-format/maildir - names of files and folders in a Maildir: what they say.
 *
 * A message's file is `UNIQUE:2,FLAGS`. Folders are Maildir++: `.A.B` beside `cur`, names in modified UTF-7, with a
 * dot within a level as `&AC4-`, which no other name has.
 */
import { decodeMailboxName, encodeMailboxName } from '../imap/mailbox-name.ts';

/** `P`, passed on, is the keyword $Forwarded. */
const letters = [
  ['D', '\\Draft'],
  ['F', '\\Flagged'],
  ['P', '$Forwarded'],
  ['R', '\\Answered'],
  ['S', '\\Seen'],
  ['T', '\\Deleted'],
] as const;
const firstKeyword = 'a'.charCodeAt(0);
/** `a` to `z`, listed in the file dovecot-keywords as several programs know it. */
const mostKeywords = 26;

/** Keywords of one folder, in the order in which they were first met. */
export class MaildirKeywords {
  readonly #names: string[];

  constructor(names: readonly string[] = []) {
    this.#names = [...names.slice(0, mostKeywords)];
  }

  static parse(text: string): MaildirKeywords {
    const names: string[] = [];
    for (const [, number, name = ''] of text.matchAll(/^(\d{1,2}) (\S+)\r?$/gm))
      if (Number(number) < mostKeywords) names[Number(number)] = name;
    return new MaildirKeywords(Array.from(names, (name) => name ?? ''));
  }

  print(): string {
    return this.#names.map((name, number) => `${number} ${name}\n`).join('');
  }

  get size(): number {
    return this.#names.length;
  }

  letterOf(keyword: string): string | undefined {
    let at = this.#names.indexOf(keyword);
    if (at < 0 && this.#names.length < mostKeywords) at = this.#names.push(keyword) - 1;
    return at < 0 ? undefined : String.fromCharCode(firstKeyword + at);
  }

  nameOf(letter: string): string | undefined {
    return this.#names[letter.charCodeAt(0) - firstKeyword] || undefined;
  }
}

/** Letters in order, as they must be. Keywords beyond what a folder can name are left out. */
export function printInfo(flags: readonly string[], keywords: MaildirKeywords): string {
  const known = new Map<string, string>(letters.map(([letter, flag]) => [flag, letter]));
  const info = flags.map(
    (flag) => known.get(flag) ?? (flag.startsWith('\\') ? undefined : keywords.letterOf(flag)),
  );
  return `:2,${info
    .filter((letter) => letter !== undefined)
    .sort()
    .join('')}`;
}

/** Some programs part by `;` or `!`, where the file system has no colon. */
export function flagsOfName(file: string, keywords: MaildirKeywords): string[] {
  const info = /[:;!]2,([A-Za-z]*)(?:,.*)?$/.exec(file)?.[1] ?? '';
  const known = new Map<string, string>(letters);
  return [...info].flatMap((letter) => known.get(letter) ?? keywords.nameOf(letter) ?? []);
}

/** INBOX is the Maildir itself: ''. */
export const folderOf = (path: readonly string[]): string =>
  path.length === 1 && path[0] === 'INBOX'
    ? ''
    : path.map((level) => `.${encodeMailboxName(level).replaceAll('.', '&AC4-')}`).join('');

/** undefined: no folder of a Maildir++. */
export function pathOf(folder: string): string[] | undefined {
  if (folder === '') return ['INBOX'];
  if (!/^(\.[^.]+)+$/.test(folder)) return undefined;
  return folder
    .slice(1)
    .split('.')
    .map((level) => {
      const plain = level.split('&AC4-').map((part) => decodeMailboxName(part) ?? part);
      return plain.join('.');
    });
}

export interface UidListEntry {
  readonly uid: number;
  /** What Dovecot's POP3 server said, where its pop3_uidl_format was left as it comes: %08Xu%08Xv. */
  readonly uidl: string;
}

const hex = (number: number): string => number.toString(16).padStart(8, '0');

/**
 * Dovecot's file dovecot-uidlist, version 3: a line with UIDVALIDITY (`V`), then for each message its UID, fields of
 * which `P` is a UIDL of its own, and `:` with the file's name, whose flags are not to be trusted. Keys are names
 * without flags. Lines that say something else are passed over.
 */
export function parseUidList(text: string): ReadonlyMap<string, UidListEntry> {
  const entries = new Map<string, UidListEntry>();
  const [first = '', ...lines] = text.split('\n');
  const validity = /^3 (?:.* )?V(\d{1,10})(?: |$)/.exec(first)?.[1];
  if (validity === undefined) return entries;
  for (const line of lines) {
    const [, number, fields = '', file = ''] = /^(\d{1,10})((?: [^ :]\S*)*) :(.+)$/.exec(line) ?? [];
    if (number === undefined) continue;
    const own = / P(\S+)/.exec(fields)?.[1];
    const uid = Number(number);
    entries.set(uniqueOf(file), { uid, uidl: own ?? `${hex(uid)}${hex(Number(validity))}` });
  }
  return entries;
}

/** The name of a file without its flags. */
export const uniqueOf = (file: string): string => file.replace(/[:;!]2,.*$/, '');
