/**
 * connectors/mail-files/maildir - a Maildir++ written; Maildir++ and Maildirs in folders within folders read.
 */
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type FiledMailbox,
  type FiledMessage,
  type MailFilesReader,
  MailFilesTrouble,
  type MailFilesWriter,
} from '../../src/ports/mail-files.ts';
import { decodeMailboxName } from '../../src/protocol/imap/mailbox-name.ts';
import { changeLines, toCrlf, toLf } from '../../src/protocol/mailbox-format/lines.ts';
import {
  flagsOfName,
  folderOf,
  MaildirKeywords,
  parseUidList,
  pathOf,
  printInfo,
  type UidListEntry,
  uniqueOf,
} from '../../src/protocol/mailbox-format/maildir.ts';
import { entriesOf, octetsOf, writeFileOf } from './files.ts';

const parts = ['tmp', 'new', 'cur'] as const;
const keywordsFile = 'dovecot-keywords';

export async function writeMaildir(place: string, unique: string): Promise<MailFilesWriter> {
  const keywords = new Map<string, MaildirKeywords>();
  let count = 0;
  return {
    async mailbox(path) {
      const folder = join(place, folderOf(path));
      for (const part of parts) await mkdir(join(folder, part), { recursive: true, mode: 0o700 });
      if (folder !== place) await writeFile(join(folder, 'maildirfolder'), '', { mode: 0o600 });
    },
    async append(path, { content, flags, internalDate }, signal) {
      const folder = join(place, folderOf(path));
      const known = keywords.get(folder) ?? new MaildirKeywords();
      keywords.set(folder, known);
      const seconds = Math.max(0, Math.floor(internalDate.getTime() / 1000));
      const file = `${seconds}.M${String(++count).padStart(8, '0')}.${unique}`;
      await writeFileOf(join(folder, 'tmp', file), changeLines(content, toLf), internalDate, signal);
      await rename(join(folder, 'tmp', file), join(folder, 'cur', `${file}${printInfo(flags, known)}`));
    },
    async close() {
      for (const [folder, known] of keywords)
        if (known.size > 0) await writeFile(join(folder, keywordsFile), known.print(), { mode: 0o600 });
    },
  };
}

export async function readMaildir(place: string): Promise<MailFilesReader> {
  const all = await Array.fromAsync(maildirs(place, []));
  if (all.length === 0)
    throw new MailFilesTrouble(`${place} is no Maildir: no folder in it has a folder "cur"`);
  all.sort((a, b) => a.path.length - b.path.length);
  return {
    async *mailboxes() {
      yield* all;
    },
    messages,
  };
}

const isMaildir = (entries: readonly { readonly name: string }[]): boolean =>
  entries.some(({ name }) => name === 'cur');

/** Below a Maildir only `.A.B` is looked at as Maildir++; below other folders, folders. */
async function* maildirs(place: string, path: readonly string[]): AsyncGenerator<FiledMailbox> {
  const entries = await entriesOf(place);
  if (isMaildir(entries)) yield { path: path.length === 0 ? ['INBOX'] : path, where: place };
  for (const { name, kind } of entries) {
    if (kind !== 'folder' || (isMaildir(entries) && parts.some((part) => part === name))) continue;
    const where = join(place, name);
    if (!name.startsWith('.')) yield* maildirs(where, [...path, decodeMailboxName(name) ?? name]);
    else {
      const below = pathOf(name);
      if (below && isMaildir(await entriesOf(where))) yield { path: [...path, ...below], where };
    }
  }
}

async function* messages({ where }: FiledMailbox, signal: AbortSignal): AsyncGenerator<FiledMessage> {
  const keywords = MaildirKeywords.parse(await textOf(join(where, keywordsFile)));
  const known = parseUidList(await textOf(join(where, 'dovecot-uidlist')));
  for (const { folder, name } of await messageFiles(where, known)) {
    signal.throwIfAborted();
    const file = join(folder, name);
    const uidl = known.get(uniqueOf(name))?.uidl;
    yield {
      where: file,
      flags: flagsOfName(name, keywords),
      internalDate: (await stat(file)).mtime,
      ...(uidl === undefined ? {} : { uidl }),
      content: (reading) => changeLines(octetsOf(file, reading), toCrlf()),
    };
  }
}

/** '' where there is no such file. */
const textOf = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw new MailFilesTrouble(`${file} cannot be read: ${error.message}`, { cause: error });
  });

interface MessageFile {
  readonly folder: string;
  readonly name: string;
}

/** By UID where that is known; else by the seconds of the delivery, with which names begin. */
async function messageFiles(
  where: string,
  known: ReadonlyMap<string, UidListEntry>,
): Promise<readonly MessageFile[]> {
  const files: (MessageFile & { readonly uid: number })[] = [];
  for (const part of ['cur', 'new']) {
    const folder = join(where, part);
    const entries = await entriesOf(folder).catch(() => []);
    for (const { name, kind } of entries)
      if (kind === 'file' && !name.startsWith('.'))
        files.push({ folder, name, uid: known.get(uniqueOf(name))?.uid ?? Number.MAX_SAFE_INTEGER });
  }
  return files.sort((a, b) => a.uid - b.uid || secondsOf(a.name) - secondsOf(b.name));
}

const secondsOf = (name: string): number => Number(/^\d{1,12}/.exec(name)?.[0] ?? 0);
