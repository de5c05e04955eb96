/**
 * Plays test/transcript/smtp/*.txt against a listener.
 *
 *   given KEY VALUE     an option of the listener, dots for depth; `given tls`: STARTTLS with a certificate of ours
 *   C: text             said with CRLF; lines that follow each other go in one write. \r \n \0 \\ are escapes
 *   C~ text             said as it is, without CRLF
 *   S: text             the next line of the server; * is anything
 *   tls                 the handshake
 *   end                 the client closes its side
 *   closed              the server has closed
 *   then kept N         so many messages are in the spool
 *   then recipients …   of the last one
 *   then content text   of the last one; escapes as above
 *   then trace text     the Received field of the last one has this; * is anything
 *   then refused N      so many refusals are in the trace
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startListener } from '../../src/receive/listener.ts';
import { onePassword } from '../fixture/authenticator.ts';
import { certificate } from '../fixture/tls.ts';
import { type Changes, type Fakes, fakes, listenerOptions } from './fakes.ts';
import { Talk } from './talk.ts';

const folder = join(import.meta.dirname, '..', 'transcript', 'smtp');

const unescaped = (text: string): string =>
  text.replace(/\\(r|n|0|\\|x[0-9a-f]{2})/g, (_all, what: string) => {
    if (what.startsWith('x')) return String.fromCharCode(Number.parseInt(what.slice(1), 16));
    return { r: '\r', n: '\n', '0': '\0', '\\': '\\' }[what] ?? '';
  });

const matcher = (text: string): RegExp =>
  new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's');

async function given(words: readonly (readonly string[])[]): Promise<Changes> {
  let changes: Record<string, unknown> = {};
  for (const [key = '', ...rest] of words) {
    if (key === 'tls') {
      const { cert, key: privateKey } = await certificate(['mx.example.org']);
      changes = {
        ...changes,
        tls: { mode: rest[0] ?? 'optional', certificates: [{ cert, key: privateKey }] },
      };
      continue;
    }
    const [first = '', second] = key.split('.');
    const text = rest.join(' ');
    const value = /^\d+$/.test(text) ? Number(text) : text.startsWith('[') ? JSON.parse(text) : text;
    const inner = { ...listenerOptions()[first as 'limits'], ...(changes[first] as object) };
    changes = { ...changes, [first]: second === undefined ? value : { ...inner, [second]: value } };
  }
  return changes as Changes;
}

function check(words: string, deps: Fakes): void {
  const [what = '', ...rest] = words.split(' ');
  const text = rest.join(' ');
  const last = deps.spool.kept.at(-1);
  switch (what) {
    case 'kept':
      expect(deps.spool.kept).toHaveLength(Number(text));
      break;
    case 'recipients':
      expect(last?.envelope.recipients.map(({ address }) => address.text)).toEqual(rest);
      break;
    case 'content':
      expect(last?.content.toString()).toBe(unescaped(text));
      break;
    case 'trace':
      expect(Buffer.from(last?.trace ?? []).toString()).toMatch(matcher(`*${text}*`));
      break;
    case 'refused':
      expect(deps.trace.rows).toHaveLength(Number(text));
      break;
    default:
      throw new Error(`unknown: then ${words}`);
  }
}

test.each(readdirSync(folder).filter((name) => name.endsWith('.txt')))('%s', async (name) => {
  const lines = readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const words = lines.filter((line) => line.startsWith('given ')).map((line) => line.split(/ +/).slice(1));
  const deps = fakes({
    recognise: (ip) => (ip === '192.0.2.1' ? 'onprem' : undefined),
    authenticator: onePassword('secret'),
  });
  const listener = await startListener(listenerOptions(await given(words)), deps);
  const talk = Talk.to(listener.port);
  try {
    let pending = '';
    for (const line of lines) {
      if (line.startsWith('C: ')) pending += `${unescaped(line.slice(3))}\r\n`;
      else if (line === 'C:') pending += '\r\n';
      else if (line.startsWith('C~ ')) pending += unescaped(line.slice(3));
      else {
        if (pending !== '') talk.write(pending);
        pending = '';
        await step(line, talk, deps);
      }
    }
  } finally {
    talk.destroy();
    await listener.close();
  }
});

async function step(line: string, talk: Talk, deps: Fakes): Promise<void> {
  if (line.startsWith('S: ')) expect(await talk.line(), line).toMatch(matcher(line.slice(3)));
  else if (line === 'tls') await talk.startTls({ servername: 'mx.example.org' });
  else if (line === 'end') talk.end();
  else if (line === 'closed') expect(await talk.rest()).toEqual([]);
  else if (line.startsWith('then ')) check(line.slice(5), deps);
  else if (!line.startsWith('given ')) throw new Error(`unknown line: ${line}`);
}
