/**
 * files/text-file - the text of a file in pieces, with the digest of exactly those octets.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

export interface TextFile {
  /** Once. UTF-8; a byte order mark is left out. */
  readonly pieces: AsyncIterable<string>;
  /** Of all that was read; whole when `pieces` has ended. */
  readonly digest: () => string;
}

export function openText(path: string, signal: AbortSignal): TextFile {
  const hash = createHash('sha256');
  const decoder = new TextDecoder('utf-8', { fatal: true });
  async function* pieces(): AsyncGenerator<string> {
    for await (const octets of createReadStream(path, { signal, highWaterMark: 1 << 16 })) {
      hash.update(octets as Uint8Array);
      yield decode(octets as Uint8Array, true);
    }
    yield decode(new Uint8Array(), false);
  }
  function decode(octets: Uint8Array, stream: boolean): string {
    try {
      return decoder.decode(octets, { stream });
    } catch {
      throw new Error(`${path} is not UTF-8`);
    }
  }
  return { pieces: pieces(), digest: () => hash.digest('hex') };
}

export async function digestOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const octets of createReadStream(path, { signal })) hash.update(octets as Uint8Array);
  return hash.digest('hex');
}
