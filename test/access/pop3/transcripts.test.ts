/**
 * Plays test/transcript/pop3/*.txt. Besides what test/access/transcript knows:
 *
 *   given KEY VALUE        an option of POP3; `given tls MODE`, `given plaintext`
 *   mail TEXT              in ada's INBOX; `mail UIDL=id TEXT` for one that was imported; escapes as in C:
 *   gone UID               somebody else expunges it
 *   then inbox A, B, …     UIDs and flags of what is in ada's INBOX
 */
import { expect, test } from 'vitest';
import { Talk } from '../../receive/talk.ts';
import { octets, play, transcriptLines, transcripts } from '../transcript.ts';
import { type Pop3Ground, type Served, servePop3 } from './serve.ts';

function groundOf(lines: readonly string[]): Pop3Ground {
  const words = lines.filter((line) => line.startsWith('given ')).map((line) => line.split(' ').slice(1));
  const tls = words.find(([key]) => key === 'tls')?.[1] as Pop3Ground['tls'];
  const options = words
    .filter(([key]) => key !== 'tls' && key !== 'plaintext')
    .map(([key, value]) => [key, Number(value)]);
  const plaintext = words.some(([key]) => key === 'plaintext');
  return { options: Object.fromEntries(options), plaintext, ...(tls === undefined ? {} : { tls }) };
}

function other({ store }: Served, line: string): void {
  if (line.startsWith('given ')) return;
  const mail = /^mail (?:UIDL=(\S+) )?(.*)$/.exec(line);
  const gone = /^gone (\d+)$/.exec(line);
  const inbox = /^then inbox ?(.*)$/.exec(line);
  if (mail !== null) store.deliver('ada', octets(mail[2] ?? ''), mail[1] && octets(mail[1]).toString());
  else if (gone !== null) store.remove('ada', Number(gone[1]));
  else if (inbox !== null) expect(store.inbox('ada').join(', ')).toBe(inbox[1]);
  else throw new Error(`unknown line: ${line}`);
}

test.each(transcripts('pop3'))('%s', async (name) => {
  const lines = transcriptLines('pop3', name);
  const served = await servePop3(groundOf(lines));
  const talk = Talk.to(served.listener.port);
  try {
    await play(lines, talk, (line) => other(served, line));
  } finally {
    talk.destroy();
    await served.listener.close();
  }
});
