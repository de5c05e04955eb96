/**
 * SMTP smuggling: look-alikes of the end of content, in DATA and BDAT. Whatever a peer before us takes for an end, we end
 * at CRLF "." CRLF only, and commands hidden in a message never run.
 */
import { describe, expect, test } from 'vitest';
import { startListener } from '../../src/receive/listener.ts';
import { type Fakes, fakes, listenerOptions } from './fakes.ts';
import { Talk } from './talk.ts';

/** Each is followed by a smuggled message, then by a true end. `legal` ones are plain content. */
const lookalikes: readonly (readonly [name: string, octets: string, legal: boolean])[] = (
  [
    ['LF . LF', '\n.\n'],
    ['CR . CR', '\r.\r'],
    ['CR . LF', '\r.\n'],
    ['LF . CR', '\n.\r'],
    ['LF . CRLF', '\n.\r\n'],
    ['CRLF . LF', '\r\n.\n'],
    ['CR . CRLF', '\r.\r\n'],
    ['CRLF . CR', '\r\n.\r'],
    ['CRLF NUL . CRLF', '\r\n\0.\r\n'],
    ['CRLF . NUL CRLF', '\r\n.\0\r\n'],
    ['CRLF . CR CRLF', '\r\n.\r\r\n'],
    ['CR CRLF . CR CRLF', '\r\r\n.\r\r\n'],
    ['CRLF . SP CRLF', '\r\n. \r\n', true],
    ['LF LF . CRLF', '\n\n.\r\n'],
    ['CRLF . TAB CRLF', '\r\n.\t\r\n', true],
    ['CRLF .. CRLF', '\r\n..\r\n', true],
    ['LFCR . LFCR', '\n\r.\n\r'],
    ['CRLF . LF CRLF', '\r\n.\n\r\n'],
    ['vertical tab', '\x0b.\x0b', true],
    ['form feed', '\x0c.\x0c', true],
  ] as const
).map(([name, octets, legal = false]) => [name, octets, legal]);

const smuggled =
  'MAIL FROM:<evil@example.com>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nSubject: smuggled\r\n\r\nboo';
const envelope = 'HELO me\r\nMAIL FROM:<bob@example.com>\r\nRCPT TO:<ada@example.org>\r\n';

async function play(
  octets: string,
  deps: Fakes,
  lineEndings: 'refuse' | 'normalise',
  pieces: boolean,
): Promise<string[]> {
  const listener = await startListener(listenerOptions({ content: { lineEndings, nul: 'refuse' } }), deps);
  const talk = Talk.to(listener.port);
  try {
    const wire = Buffer.from(octets, 'latin1');
    if (!pieces) talk.write(wire);
    else {
      talk.socket.setNoDelay(true);
      for (const octet of wire) {
        talk.write(Buffer.from([octet]));
        if (octet === 0x2e || octet === 0x0d) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    talk.end();
    return await talk.rest();
  } finally {
    talk.destroy();
    await listener.close();
  }
}

const data = (octets: string) =>
  `${envelope}DATA\r\nSubject: first\r\n\r\nhello${octets}${smuggled}\r\n.\r\nQUIT\r\n`;

function bdat(octets: string): string {
  const content = `Subject: first\r\n\r\nhello${octets}${smuggled}\r\n`;
  const half = Math.floor(content.length / 2);
  return `${envelope}BDAT ${half}\r\n${content.slice(0, half)}BDAT ${content.length - half} LAST\r\n${content.slice(half)}QUIT\r\n`;
}

describe.each([
  ['DATA in one write', data, false],
  ['DATA octet by octet', data, true],
  ['BDAT', bdat, false],
] as const)('%s', (_way, wire, pieces) => {
  test.each(lookalikes)('%s neither ends a message nor gets through', async (_name, octets, legal) => {
    const deps = fakes();
    const lines = await play(wire(octets), deps, 'refuse', pieces);
    expect(deps.spool.contents.filter((content) => content.startsWith('Subject: smuggled'))).toEqual([]);
    expect(deps.spool.kept.map(({ envelope: { sender } }) => sender?.text)).toEqual(
      legal ? ['bob@example.com'] : [],
    );
    const answer = lines.slice(-2).map((line) => line.slice(0, 9));
    if (legal) expect(answer).toEqual(['250 2.0.0', '221 2.0.0']);
    else if (/(?<!\r)\n|\r(?!\n)/.test(octets)) expect(answer.at(-1)).toBe('554 5.6.0');
    else expect(answer).toEqual(['554 5.6.0', '221 2.0.0']);
  });

  test.each(lookalikes.filter(([, octets]) => !octets.includes('\0')))(
    '%s is made harmless where that is asked for',
    async (_name, octets) => {
      const deps = fakes();
      await play(wire(octets), deps, 'normalise', pieces);
      expect(deps.spool.kept.map(({ envelope: { sender } }) => sender?.text)).toEqual(['bob@example.com']);
      expect(deps.spool.contents[0]?.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
      expect(deps.spool.contents[0]).toContain('MAIL FROM:<evil@example.com>\r\n');
    },
  );
});

test('commands behind a message with bare line ends do not run', async () => {
  const deps = fakes();
  const wire = `${envelope}DATA\r\na\nb\r\n.\r\n${envelope}DATA\r\nSubject: next\r\n\r\n.\r\n`;
  const lines = await play(wire, deps, 'refuse', false);
  expect(lines.at(-1)).toBe('554 5.6.0 Bare CR or LF in the message');
  expect(deps.spool.kept).toEqual([]);
});

test('a correct end and a second message in the same segment are two messages', async () => {
  const deps = fakes();
  const one = 'MAIL FROM:<bob@example.com>\r\nRCPT TO:<ada@example.org>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n';
  await play(`HELO me\r\n${one}${one}QUIT\r\n`, deps, 'refuse', false);
  expect(deps.spool.contents).toEqual(['Subject: x\r\n\r\n', 'Subject: x\r\n\r\n']);
});
