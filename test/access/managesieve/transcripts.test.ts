/**
 * Plays test/transcript/managesieve/*.txt. Besides what test/access/transcript knows:
 *
 *   given KEY VALUE      an option of ManageSieve; `given tls MODE`, `given plaintext`
 *   greeting, caps       lines up to the next OK are read and passed over
 *   then active NAME     ada's active script
 */
import { expect, test } from 'vitest';
import { Talk } from '../../receive/talk.ts';
import { play, transcriptLines, transcripts } from '../transcript.ts';
import { type Served, type SieveGround, serveManageSieve } from './serve.ts';

function groundOf(lines: readonly string[]): SieveGround {
  const words = lines.filter((line) => line.startsWith('given ')).map((line) => line.split(' ').slice(1));
  const tls = words.find(([key]) => key === 'tls')?.[1] as SieveGround['tls'];
  const options = words
    .filter(([key]) => key !== 'tls' && key !== 'plaintext')
    .map(([key, value]) => [key, Number(value)]);
  const plaintext = words.some(([key]) => key === 'plaintext');
  return { options: Object.fromEntries(options), plaintext, ...(tls === undefined ? {} : { tls }) };
}

async function other({ scripts }: Served, talk: Talk, line: string): Promise<void> {
  if (line.startsWith('given ')) return;
  const active = /^then active ?(.*)$/.exec(line);
  if (line === 'greeting' || line === 'caps') {
    for (let said = await talk.line(); !said?.startsWith('OK'); said = await talk.line())
      expect(said).toMatch(/^"/);
  } else if (active !== null) expect((await scripts.active(1))?.name ?? '').toBe(active[1]);
  else throw new Error(`unknown line: ${line}`);
}

test.each(transcripts('managesieve'))('%s', async (name) => {
  const lines = transcriptLines('managesieve', name);
  const served = await serveManageSieve(groundOf(lines));
  const talk = Talk.to(served.listener.port);
  try {
    await play(lines, talk, (line) => other(served, talk, line));
  } finally {
    talk.destroy();
    await served.listener.close();
  }
});
