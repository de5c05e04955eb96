/**
 * queue/header-fields - the header section of a spooled message, and those of its fields that rules look at.
 *
 * At most `headerLimit` octets are looked at: what lies beyond is not seen by rules, and not shown to operators.
 */
import type { HeaderFields } from '../mail/content.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { SpooledMessage } from './rows.ts';

export const headerLimit = 64 * 1024;

/** The content's header section, its empty line not included; cut at a line where it is too long. */
export async function headerSection(
  message: SpooledMessage,
  blobs: BlobStore,
  signal: AbortSignal,
): Promise<Buffer> {
  return cutHeader(await contentStart(message, blobs, headerLimit, signal));
}

/** The first octets of the content as received. */
export async function contentStart(
  message: SpooledMessage,
  blobs: BlobStore,
  limit: number,
  signal: AbortSignal,
): Promise<Buffer> {
  if (message.content.kind === 'inline') return asBuffer(message.content.body).subarray(0, limit);
  const chunks: Uint8Array[] = [];
  for await (const chunk of blobs.read(message.content.key, signal, { start: 0, end: limit }))
    chunks.push(chunk);
  return Buffer.concat(chunks).subarray(0, limit);
}

export function cutHeader(start: Buffer): Buffer {
  if (start.length >= 2 && start[0] === 0x0d && start[1] === 0x0a) return start.subarray(0, 0);
  const end = start.indexOf('\r\n\r\n');
  if (end >= 0) return start.subarray(0, end + 2);
  const lastLine = start.lastIndexOf('\r\n');
  return lastLine < 0 ? start : start.subarray(0, lastLine + 2);
}

/** Names in lower case, values unfolded (RFC 5322 §2.2.3), only those in `names`. */
export function headerFields(section: Buffer, names: readonly string[]): HeaderFields {
  const wanted = new Set(names);
  const fields = new Map<string, string[]>();
  for (const field of section.toString('utf8').split(/\r\n(?![ \t])/)) {
    const colon = field.indexOf(':');
    if (colon < 1) continue;
    const name = field.slice(0, colon).trimEnd().toLowerCase();
    if (!wanted.has(name)) continue;
    const value = field
      .slice(colon + 1)
      .replace(/\r\n(?=[ \t])/g, '')
      .trim();
    fields.set(name, [...(fields.get(name) ?? []), value]);
  }
  return fields;
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
