/**
 * Plays a transcript against a server.
 *
 *   C: text      said with CRLF; lines that follow each other go in one write. \r \n \0 \\ \xHH are escapes
 *   C~ text      said as it is, without CRLF
 *   S: text      the next line of the server; * is anything
 *   tls          the handshake
 *   end          the client closes its side
 *   closed       the server has closed
 * Lines that begin with other words are left to whoever plays.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Talk } from '../receive/talk.ts';

const folder = join(import.meta.dirname, '..', 'transcript');

export const transcripts = (protocol: string): string[] =>
  readdirSync(join(folder, protocol)).filter((name) => name.endsWith('.txt'));

export const transcriptLines = (protocol: string, name: string): string[] =>
  readFileSync(join(folder, protocol, name), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));

/** UTF-8 but for the escapes. */
export const octets = (text: string): Buffer =>
  Buffer.from(
    Buffer.from(text)
      .toString('latin1')
      .replace(/\\(r|n|0|\\|x[0-9a-f]{2})/g, (_all, what: string) => {
        if (what.startsWith('x')) return String.fromCharCode(Number.parseInt(what.slice(1), 16));
        return { r: '\r', n: '\n', '0': '\0', '\\': '\\' }[what] ?? '';
      }),
    'latin1',
  );

const matcher = (text: string): RegExp =>
  new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's');

export async function play(
  lines: readonly string[],
  talk: Talk,
  other: (line: string) => void | Promise<void>,
): Promise<void> {
  let pending = '';
  for (const line of lines) {
    if (line.startsWith('C: ')) pending += `${line.slice(3)}\\r\\n`;
    else if (line === 'C:') pending += '\\r\\n';
    else if (line.startsWith('C~ ')) pending += line.slice(3);
    else {
      if (pending !== '') talk.write(octets(pending));
      pending = '';
      if (line.startsWith('S: ')) expect(await talk.line(), line).toMatch(matcher(line.slice(3)));
      else if (line === 'S:') expect(await talk.line(), line).toBe('');
      else if (line === 'tls') await talk.startTls({ servername: 'mail.example.org' });
      else if (line === 'end') talk.end();
      else if (line === 'closed') expect(await talk.rest()).toEqual([]);
      else await other(line);
    }
  }
}
