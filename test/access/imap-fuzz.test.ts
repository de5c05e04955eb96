/**
 * Whatever clients say: every session answers or ends, nothing in here is taken by surprise, and the next client is served.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/ports/log.ts';
import { letter, nested } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';
import type { ImapTalk } from './imap-talk.ts';

let server: ImapServer;
const surprises: unknown[] = [];
beforeAll(async () => {
  server = await imapServer({
    imap: { errors: 10_000 },
    limits: { connectionsPerNetwork: 0 },
    log: {
      ...silentLog,
      error: (facts) => surprises.push(facts),
      child() {
        return this;
      },
    },
  });
  const talk = await server.as('ada');
  for (let index = 0; index < 5; index++) await talk.append('INBOX', index % 2 === 0 ? nested : letter('x'));
});
afterAll(() => server[Symbol.asyncDispose]());

const words = [
  ...[
    'SELECT',
    'EXAMINE',
    'FETCH',
    'UID',
    'STORE',
    'COPY',
    'MOVE',
    'SEARCH',
    'LIST',
    'LSUB',
    'STATUS',
    'APPEND',
  ],
  ...[
    'CREATE',
    'RENAME',
    'DELETE',
    'EXPUNGE',
    'CLOSE',
    'NOOP',
    'ENABLE',
    'ID',
    'IDLE',
    'REPLACE',
    'RETURN',
    'CHECK',
  ],
  ...[
    'INBOX',
    'Sent',
    'a/b',
    '"Other Users/x"',
    '1:*',
    '1',
    '*',
    '2,4',
    '$',
    'ALL',
    'FLAGS',
    '+FLAGS',
    '-FLAGS.SILENT',
  ],
  ...[
    '(\\Seen)',
    '(\\Deleted $x)',
    'BODY[]',
    'BODY[1.MIME]',
    'BODY.PEEK[HEADER.FIELDS (From)]<0.5>',
    'BINARY[2]',
  ],
  ...[
    '(MESSAGES UNSEEN RECENT)',
    '(ALL COUNT MIN SAVE)',
    'OR',
    'NOT',
    'FROM',
    'ada',
    'SINCE',
    '1-Jan-2020',
    '""',
  ],
  ...[
    '(',
    ')',
    '"',
    '{3+}\r\nabc',
    '{2}',
    '~{1+}\r\n\0',
    '\\',
    '%',
    'CONDSTORE',
    'QRESYNC',
    '(QRESYNC (1 1 1:5))',
  ],
  ...[
    '(CHANGEDSINCE 1)',
    '(UNCHANGEDSINCE 2)',
    'ENVELOPE',
    'BODYSTRUCTURE',
    'MODSEQ',
    'CATENATE',
    '(URL /INBOX/;UID=1)',
  ],
  ...[
    'PARTIAL 1:2',
    'KEYWORD',
    'MODSEQ 3',
    'CHARSET',
    'UTF-8',
    'TEXT',
    'nested',
    'UNSELECT',
    'NAMESPACE',
    'IMAP4rev2',
  ],
];

const line = fc
  .array(
    fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...words) }, { weight: 1, arbitrary: fc.string() }),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((tokens) => tokens.join(' '));

/** Says DONE and closes its side: what is left must be answered or dropped, and the server closes too. */
async function conclude(talk: ImapTalk): Promise<void> {
  talk.write('\r\nDONE\r\nz LOGOUT\r\n').end();
  await talk.rest();
}

test('sentences of the right words in the wrong order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 20 }), async (lines) => {
      const talk = await server.as('ada');
      await talk.ok('SELECT INBOX');
      for (const [index, one] of lines.entries()) talk.write(Buffer.from(`t${index} ${one}\r\n`));
      await conclude(talk);
      expect(surprises).toEqual([]);
    }),
    { numRuns: 60, seed: 20261129 },
  );
  expect(await (await server.connect()).answer('NOOP')).toBe('OK Done');
}, 120_000);

test('octets of any kind, before and after sign-in', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }),
      fc.boolean(),
      async (chunks, signsIn) => {
        const talk = signsIn ? await server.as('bob') : await server.connect();
        for (const chunk of chunks) talk.write(Buffer.from(chunk));
        await conclude(talk);
        expect(surprises).toEqual([]);
      },
    ),
    { numRuns: 60, seed: 20261129 },
  );
  expect(await (await server.connect()).answer('NOOP')).toBe('OK Done');
}, 120_000);
