/**
 * store/zip - the files of a ZIP archive, for the text of office documents (APPNOTE 4.3). Whole archives in memory only.
 *
 * Never throws for what an archive holds: what cannot be read is not there. What a file may unpack to is bounded.
 */
import { inflateRawSync } from 'node:zlib';

export interface ZipEntry {
  readonly name: string;
  /** Undefined: damaged, encrypted, packed as we do not know, or larger than `limit` octets. */
  read(limit: number): Buffer | undefined;
}

const endMark = 0x06054b50;
const centralMark = 0x02014b50;
const localMark = 0x04034b50;
const endSize = 22;
const centralSize = 46;
const localSize = 30;
const longestComment = 65_535;
const mostEntries = 10_000;

export function* zipEntries(archive: Buffer): Generator<ZipEntry> {
  const end = endOfDirectory(archive);
  if (end < 0) return;
  let at = archive.readUInt32LE(end + 16);
  const count = Math.min(archive.readUInt16LE(end + 10), mostEntries);
  for (let read = 0; read < count; read++) {
    if (at + centralSize > archive.length || archive.readUInt32LE(at) !== centralMark) return;
    const nameLength = archive.readUInt16LE(at + 28);
    const name = archive.toString('utf8', at + centralSize, at + centralSize + nameLength);
    const entry = at;
    yield { name, read: (limit) => unpack(archive, entry, limit) };
    at += centralSize + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
}

function endOfDirectory(archive: Buffer): number {
  const last = archive.length - endSize;
  for (let at = last; at >= Math.max(0, last - longestComment); at--)
    if (archive.readUInt32LE(at) === endMark) return at;
  return -1;
}

function unpack(archive: Buffer, central: number, limit: number): Buffer | undefined {
  const flags = archive.readUInt16LE(central + 8);
  const method = archive.readUInt16LE(central + 10);
  const packed = archive.readUInt32LE(central + 20);
  const local = archive.readUInt32LE(central + 42);
  const isEncrypted = (flags & 1) !== 0;
  if (isEncrypted || local + localSize > archive.length || archive.readUInt32LE(local) !== localMark)
    return undefined;
  const start = local + localSize + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const content = archive.subarray(start, start + packed);
  if (method === 0) return content.length <= limit ? content : undefined;
  if (method !== 8 || limit < 1) return undefined;
  try {
    return inflateRawSync(content, { maxOutputLength: limit });
  } catch {
    return undefined;
  }
}
