/**
 * connectors/mail-files/mbox - one mboxrd file for each mailbox: `A.mbox`, and what is below A in the folder `A.sbd`.
 *
 * Read as well: one file alone, and files without an ending that begin as mbox files do, as Thunderbird has them.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { finished, pipeline } from 'node:stream/promises';
import {
  type FiledMailbox,
  type FiledMessage,
  type MailFilesReader,
  MailFilesTrouble,
  type MailFilesWriter,
  type MessageToFile,
} from '../../src/ports/mail-files.ts';
import { fileNameOf, levelOf } from '../../src/protocol/mailbox-format/file-name.ts';
import { changeLines, toCrlf, toLf } from '../../src/protocol/mailbox-format/lines.ts';
import { addStatus, printFromLine, quoteFrom, unquoteFrom } from '../../src/protocol/mailbox-format/mbox.ts';
import { type MboxEntry, MboxScanner, NoMbox } from '../../src/protocol/mailbox-format/mbox-scan.ts';
import { entriesOf, octetsOf } from './files.ts';

export async function writeMbox(place: string): Promise<MailFilesWriter> {
  const fileOf = (path: readonly string[]): string =>
    join(
      place,
      ...path.map((level, index) => fileNameOf(level) + (index < path.length - 1 ? '.sbd' : '.mbox')),
    );
  return {
    async mailbox(path) {
      const file = fileOf(path);
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await (await open(file, 'a', 0o600)).close();
    },
    async append(path, message, signal) {
      const stream: WriteStream = createWriteStream(fileOf(path), { flags: 'a', mode: 0o600 });
      await pipeline(printed(message), stream, { signal });
      await finished(stream).catch(() => undefined);
    },
    close: async () => undefined,
  };
}

async function* printed({ content, flags, internalDate }: MessageToFile): AsyncGenerator<Uint8Array> {
  yield Buffer.from(printFromLine('MAILER-DAEMON', internalDate));
  let last: number | undefined;
  for await (const chunk of changeLines(
    changeLines(changeLines(content, toLf), quoteFrom),
    addStatus(flags),
  )) {
    last = chunk.at(-1) ?? last;
    yield chunk;
  }
  yield Buffer.from(last === 10 ? '\n' : '\n\n');
}

export async function readMbox(place: string): Promise<MailFilesReader> {
  const found = await stat(place).catch((cause: NodeJS.ErrnoException) => {
    throw new MailFilesTrouble(`${place} cannot be read: ${cause.message}`, { cause });
  });
  const all = found.isFile()
    ? [{ path: [mailboxOf(basename(place)) ?? basename(place)], where: place }]
    : await Array.fromAsync(files(place, []));
  if (all.length === 0) throw new MailFilesTrouble(`${place} has no mbox files in it`);
  return {
    async *mailboxes() {
      yield* all.sort((a, b) => a.path.length - b.path.length);
    },
    messages,
  };
}

/** undefined: its name does not say that it is an mbox file. */
function mailboxOf(file: string): string | undefined {
  const [, name] = /^(.+)\.(?:mbox|mbx)$/i.exec(file) ?? [];
  return name === undefined ? undefined : levelOf(name);
}

async function* files(place: string, path: readonly string[]): AsyncGenerator<FiledMailbox> {
  for (const { name, kind } of await entriesOf(place)) {
    const where = join(place, name);
    if (name.startsWith('.')) continue;
    if (kind === 'folder') yield* files(where, [...path, levelOf(name.replace(/\.sbd$/, ''))]);
    else {
      const level = mailboxOf(name) ?? ((await beginsAsMbox(where)) ? name : undefined);
      if (level !== undefined) yield { path: [...path, level], where };
    }
  }
}

async function beginsAsMbox(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(5), 0, 5, 0);
    return bytesRead === 5 && buffer.toString('latin1') === 'From ';
  } finally {
    await handle.close();
  }
}

async function* messages({ where }: FiledMailbox, signal: AbortSignal): AsyncGenerator<FiledMessage> {
  const scanner = new MboxScanner();
  try {
    for await (const chunk of octetsOf(where, signal))
      for (const entry of scanner.push(chunk)) yield messageOf(where, entry);
    for (const entry of scanner.finish()) yield messageOf(where, entry);
  } catch (cause) {
    if (cause instanceof NoMbox) throw new MailFilesTrouble(`${where}: ${cause.message}`, { cause });
    throw cause;
  }
}

const messageOf = (file: string, entry: MboxEntry): FiledMessage => ({
  where: `${file}, octet ${entry.start}`,
  flags: entry.flags,
  ...(entry.at === undefined ? {} : { internalDate: entry.at }),
  content: (signal) => changeLines(changeLines(octetsIn(file, entry, signal), unquoteFrom), toCrlf()),
});

async function* octetsIn(
  file: string,
  { start, end, cut }: MboxEntry,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield* octetsOf(file, signal, { start, end: cut?.start ?? end });
  if (cut) yield* octetsOf(file, signal, { start: cut.end, end });
}
