/**
 * connectors/mail-files/files - what the formats share: folders walked in order, files written with their date.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, utimes } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { MailFilesTrouble } from '../../src/ports/mail-files.ts';

export interface Entry {
  readonly name: string;
  readonly kind: 'file' | 'folder';
}

/** Files and folders, no links to elsewhere and no devices, by name; numbers in names by their size. */
export async function entriesOf(folder: string): Promise<readonly Entry[]> {
  const all = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new MailFilesTrouble(`${folder} cannot be read: ${cause.message}`, { cause });
  });
  const order = new Intl.Collator('en', { numeric: true });
  return all
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry): Entry => ({ name: entry.name, kind: entry.isFile() ? 'file' : 'folder' }))
    .sort((a, b) => order.compare(a.name, b.name));
}

/** `end` is the offset after the last octet. */
export function octetsOf(
  file: string,
  signal: AbortSignal,
  range: { readonly start?: number; readonly end?: number } = {},
): AsyncIterable<Uint8Array> {
  const { start = 0, end } = range;
  if (end !== undefined && end <= start) return nothing();
  return createReadStream(file, { start, ...(end === undefined ? {} : { end: end - 1 }), signal });
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** For the owner only. */
export async function writeFileOf(
  file: string,
  content: AsyncIterable<Uint8Array>,
  at: Date,
  signal: AbortSignal,
): Promise<void> {
  await pipeline(content, createWriteStream(file, { flags: 'wx', mode: 0o600 }), { signal });
  await utimes(file, at, at);
}
