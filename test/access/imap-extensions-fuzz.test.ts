/** Whatever clients say in the words of the extensions: it is answered, and nothing in here is taken by surprise. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/ports/log.ts';
import { letter } from './imap-letters.ts';
import { type ImapServer, imapServer } from './imap-server.ts';

let server: ImapServer;
const surprises: unknown[] = [];
beforeAll(async () => {
  server = await imapServer({
    imap: { errors: 1_000_000, sessionsPerAccount: 0 },
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
  await talk.ok('CREATE Team/Sub');
  await talk.ok('SETACL Team bob lrswikxtea');
  for (let index = 0; index < 4; index++) await talk.append('INBOX', letter(`Nr ${index}`));
  await talk.append('Team', letter('team'));
});
afterAll(() => server[Symbol.asyncDispose]());

const mailbox = fc.constantFrom(
  ...['INBOX', 'Team', 'Team/Sub', 'Sent', 'nowhere', '""', '"Other Users/ada/Team"', '"Other Users"'],
  ...['"Other Users/ada"', '"Other Users/ada/INBOX"', '"Other Users/nobody/x"', 'Tmp'],
);
const who = fc.constantFrom('bob', 'ada', 'anyone', '-bob', '-anyone', 'nobody', '""', '-');
const rights = fc.constantFrom('lr', '+s', '-r', '""', 'lrswipkxteacd', '+q', 'l', '-a', '0');
const key = fc.constantFrom(
  ...['ALL', 'UNSEEN', '1:*', 'UID 2:*', '$', 'NOT RECENT', 'MODSEQ 1', 'SUBJECT nr', '9999', 'OR 1 SEEN'],
);
const options = fc.constantFrom(
  ...['()', '(ALL)', '(MIN MAX)', '(COUNT SAVE)', '(PARTIAL 1:2)', '(PARTIAL -1:-1 COUNT)', '(UPDATE)'],
  ...['(UPDATE (UID FLAGS) COUNT)', '(CONTEXT ALL)', '(ALL PARTIAL 1:2)', '(SAVE UPDATE)'],
);
const order = fc.constantFrom('(DATE)', '(REVERSE SUBJECT ARRIVAL)', '(DISPLAYFROM)', '(SIZE CC TO)');
const filter = fc.constantFrom(
  ...['selected', 'selected-delayed', 'personal', 'subscribed', 'inboxes', 'subtree Team', 'subtree ""'],
  ...['mailboxes (INBOX nowhere Team)', 'mailboxes "Other Users/ada/Team"', 'subtree-one Team'],
);
const events = fc.constantFrom(
  ...['(MessageNew MessageExpunge)', '(MessageNew (UID BODY.PEEK[]) MessageExpunge FlagChange)', 'NONE'],
  ...['(MailboxName SubscriptionChange)', '(MailboxMetadataChange ServerMetadataChange)', '(Odd)'],
);
const entry = fc.constantFrom('/private/comment', '/shared/comment', '/private/specialuse', '/shared', '/x');
const value = fc.constantFrom('NIL', '"x"', '"\\\\Sent"', '{3+}\r\na\r\n', '~{2+}\r\n\0\xff');

const said = (words: TemplateStringsArray, ...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((values) => String.raw({ raw: words }, ...values));

const command = fc.oneof(
  said`SELECT ${mailbox}`,
  said`GETACL ${mailbox}`,
  said`MYRIGHTS ${mailbox}`,
  said`SETACL ${mailbox} ${who} ${rights}`,
  said`DELETEACL ${mailbox} ${who}`,
  said`LISTRIGHTS ${mailbox} ${who}`,
  said`GETQUOTA ${who}`,
  said`GETQUOTAROOT ${mailbox}`,
  said`SETQUOTA ${who} (STORAGE 1)`,
  said`GETMETADATA ${mailbox} ${entry}`,
  said`GETMETADATA ${mailbox} (DEPTH infinity MAXSIZE 2) (${entry} ${entry})`,
  said`SETMETADATA ${mailbox} (${entry} ${value} ${entry} ${value})`,
  said`SORT ${order} UTF-8 ${key}`,
  said`UID SORT RETURN ${options} ${order} UTF-8 ${key}`,
  said`SEARCH RETURN ${options} ${key}`,
  said`UID THREAD REFERENCES UTF-8 ${key}`,
  said`THREAD ORDEREDSUBJECT UTF-8 ${key}`,
  said`ESEARCH IN (${filter} ${filter}) RETURN ${options} ${key}`,
  said`NOTIFY SET STATUS (${filter} ${events}) (${filter} ${events})`,
  said`NOTIFY SET (${filter} ${events})`,
  said`NOTIFY NONE`,
  said`CANCELUPDATE "a1" "a9"`,
  said`UIDBATCHES 2 1:3`,
  said`CREATE ${mailbox}`,
  said`RENAME ${mailbox} ${mailbox}`,
  said`SUBSCRIBE ${mailbox}`,
  said`UNSUBSCRIBE ${mailbox}`,
  said`COPY 1:* ${mailbox}`,
  said`STORE 1:* FLAGS (\\Seen)`,
  said`LIST "" * RETURN (STATUS (MESSAGES) MYRIGHTS METADATA (${entry}) SUBSCRIBED)`,
  said`UNSELECT`,
  said`NOOP`,
);

test('every command is answered, and no bug is met', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.boolean(), command), { minLength: 5, maxLength: 40 }),
      async (commands) => {
        const [ada, bob] = [await server.as('ada'), await server.as('bob')];
        let isOver = false;
        for (const [first, one] of commands) {
          const answer = await (first ? ada : bob).answer(one);
          // Who may not read the selected mailbox any more is told goodbye.
          if (answer.startsWith('* BYE')) isOver = true;
          if (isOver) break;
          expect(answer, one).toMatch(/^(OK|NO|BAD) /);
        }
        for (const talk of [ada, bob]) talk.end();
        expect(surprises).toEqual([]);
      },
    ),
    { numRuns: 25, seed: 20261129 },
  );
}, 300_000);
