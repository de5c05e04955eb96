/**
 * connectors/mail-files/eml - a folder for each mailbox, a file `000001.eml` for each message, octets as they are.
 *
 * Flags have no place in such files: `messages.jsonl` beside them has a line `{"file", "flags", "date"}` for each, where
 * we wrote it. The date is also the file's own.
 */
import { appendFile, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type FiledMailbox,
  type FiledMessage,
  type MailFilesReader,
  MailFilesTrouble,
  type MailFilesWriter,
} from '../../src/ports/mail-files.ts';
import { fileNameOf, levelOf } from '../../src/protocol/mailbox-format/file-name.ts';
import { entriesOf, octetsOf, writeFileOf } from './files.ts';

const listName = 'messages.jsonl';
const isMessage = (name: string): boolean => /\.eml$/i.test(name);

export async function writeEml(place: string): Promise<MailFilesWriter> {
  const counts = new Map<string, number>();
  const folderOf = (path: readonly string[]): string => join(place, ...path.map(fileNameOf));
  return {
    mailbox: async (path) => void (await mkdir(folderOf(path), { recursive: true, mode: 0o700 })),
    async append(path, { content, flags, internalDate }, signal) {
      const folder = folderOf(path);
      const number = (counts.get(folder) ?? 0) + 1;
      counts.set(folder, number);
      const file = `${String(number).padStart(6, '0')}.eml`;
      await writeFileOf(join(folder, file), content, internalDate, signal);
      const line = JSON.stringify({ file, flags, date: internalDate.toISOString() });
      await appendFile(join(folder, listName), `${line}\n`, { mode: 0o600 });
    },
    close: async () => undefined,
  };
}

export async function readEml(place: string): Promise<MailFilesReader> {
  const top = await entriesOf(place);
  return {
    async *mailboxes(signal) {
      if (top.some(({ name, kind }) => kind === 'file' && isMessage(name)))
        yield { path: ['INBOX'], where: place };
      yield* folders(place, [], signal);
    },
    messages: (mailbox, signal) => messages(mailbox, signal),
  };
}

/** Folders without messages are mailboxes too. */
async function* folders(
  place: string,
  path: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<FiledMailbox> {
  for (const { name, kind } of await entriesOf(place)) {
    signal.throwIfAborted();
    if (kind !== 'folder' || name.startsWith('.')) continue;
    const below = { path: [...path, levelOf(name)], where: join(place, name) };
    yield below;
    yield* folders(below.where, below.path, signal);
  }
}

interface Listed {
  readonly flags: readonly string[];
  readonly date?: Date;
}

async function* messages({ where }: FiledMailbox, signal: AbortSignal): AsyncGenerator<FiledMessage> {
  const listed = await readList(where);
  for (const { name, kind } of await entriesOf(where)) {
    signal.throwIfAborted();
    if (kind !== 'file' || !isMessage(name)) continue;
    const file = join(where, name);
    const { flags, date } = listed.get(name) ?? { flags: [] };
    yield {
      where: file,
      flags,
      internalDate: date ?? (await stat(file)).mtime,
      content: (reading) => octetsOf(file, reading),
    };
  }
}

async function readList(folder: string): Promise<ReadonlyMap<string, Listed>> {
  const file = join(folder, listName);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw new MailFilesTrouble(`${file} cannot be read: ${error.message}`, { cause: error });
  });
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line, index) => readLine(line, `${file}:${index + 1}`)));
}

function readLine(line: string, where: string): [string, Listed] {
  try {
    const { file, flags, date } = JSON.parse(line) as { file: unknown; flags: unknown; date: unknown };
    const at = new Date(String(date));
    if (typeof file !== 'string' || !Array.isArray(flags) || Number.isNaN(at.getTime()))
      throw new Error('a key lacks');
    return [file, { flags: flags.filter((flag) => typeof flag === 'string'), date: at }];
  } catch (cause) {
    throw new MailFilesTrouble(`${where}: expected {"file": "…", "flags": […], "date": "…"}`, { cause });
  }
}
