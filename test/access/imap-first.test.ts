/** The first way through: sign in, append, select, fetch, store, copy, expunge, search, leave. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ImapServer, imapServer } from './imap-server.ts';

let server: ImapServer;
beforeAll(async () => {
  server = await imapServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const letter = (subject: string, text = 'Hello.'): string =>
  [
    'From: Ada <ada@example.org>',
    'To: Bob <bob@example.org>',
    `Subject: ${subject}`,
    'Date: Mon, 23 Nov 2026 10:00:00 +0100',
    'Message-ID: <1@example.org>',
    '',
    text,
    '',
  ].join('\r\n');

test('a whole visit', async () => {
  const talk = await server.connect();
  expect(await talk.say('CAPABILITY')).toEqual([
    expect.stringMatching(/^\* CAPABILITY IMAP4rev2 IMAP4rev1 .*AUTH=PLAIN/),
    'OK That is all',
  ]);
  expect(await talk.answer('SELECT INBOX')).toBe('BAD [CLIENTBUG] Sign in first');
  expect(await talk.answer('LOGIN ada wrong')).toBe('NO [AUTHENTICATIONFAILED] Authentication failed');
  expect(await talk.answer('LOGIN ada secret')).toMatch(/^OK \[CAPABILITY /);
  expect(await talk.append('INBOX', letter('one'))).toMatch(/^OK \[APPENDUID \d+ 1\]/);
  expect(await talk.append('Nowhere', letter('one'))).toMatch(/^NO \[TRYCREATE\]/);
  expect(await talk.append('INBOX', letter('two', 'Two.'), '(\\Flagged $Work)')).toMatch(
    /^OK \[APPENDUID \d+ 2\]/,
  );
  expect(await talk.say('SELECT INBOX')).toEqual([
    '* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Work)',
    '* 2 EXISTS',
    '* 2 RECENT',
    '* OK [UNSEEN 1] First message not seen',
    '* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Work \\*)] Flags permitted',
    expect.stringMatching(/^\* OK \[UIDVALIDITY \d+\]/),
    '* OK [UIDNEXT 3] Predicted next UID',
    expect.stringMatching(/^\* OK \[HIGHESTMODSEQ \d+\]/),
    expect.stringMatching(/^\* OK \[MAILBOXID \(.+\)\]/),
    'OK [READ-WRITE] Selected',
  ]);
  expect(await talk.ok('FETCH 1:* (FLAGS UID RFC822.SIZE)')).toEqual([
    `* 1 FETCH (FLAGS (\\Recent) UID 1 RFC822.SIZE ${letter('one').length})`,
    `* 2 FETCH (FLAGS (\\Recent \\Flagged $Work) UID 2 RFC822.SIZE ${letter('two', 'Two.').length})`,
  ]);
  expect(await talk.ok('FETCH 1 (BODY[] BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY[TEXT]<1.3>)')).toEqual([
    `* 1 FETCH (FLAGS (\\Recent \\Seen) BODY[] {${letter('one').length}}\r\n${letter('one')} ` +
      'BODY[HEADER.FIELDS (SUBJECT)] {16}\r\nSubject: one\r\n\r\n BODY[TEXT]<1> {3}\r\nell)',
  ]);
  expect(await talk.ok('UID FETCH 2 (ENVELOPE BODYSTRUCTURE)')).toEqual([
    expect.stringContaining('"two" (("Ada" NIL "ada" "example.org"))'),
  ]);
  expect(await talk.ok('STORE 2 +FLAGS (\\Deleted)')).toEqual([
    '* 2 FETCH (UID 2 FLAGS (\\Recent \\Flagged \\Deleted $Work))',
  ]);
  expect(await talk.ok('SEARCH DELETED')).toEqual(['* SEARCH 2']);
  expect(await talk.ok('SEARCH RETURN (ALL COUNT) ALL')).toEqual([
    expect.stringMatching(/^\* ESEARCH \(TAG "a\d+"\) COUNT 2 ALL 1:2$/),
  ]);
  expect(await talk.answer('COPY 1:2 Archive')).toMatch(/^OK \[COPYUID \d+ 1:2 1:2\]/);
  expect(await talk.ok('EXPUNGE')).toEqual(['* 2 EXPUNGE']);
  expect(await talk.say('UID MOVE 1 Trash')).toEqual([
    expect.stringMatching(/^\* OK \[COPYUID \d+ 1 1\]/),
    '* 1 EXPUNGE',
    'OK Moved',
  ]);
  expect(await talk.ok('STATUS Archive (MESSAGES UNSEEN UIDNEXT)')).toEqual([
    '* STATUS "Archive" (MESSAGES 2 UNSEEN 1 UIDNEXT 3)',
  ]);
  expect(await talk.ok('LIST "" %')).toContain('* LIST (\\HasNoChildren \\Archive) "/" "Archive"');
  expect(await talk.ok('CLOSE')).toEqual([]);
  expect(await talk.say('LOGOUT')).toEqual(['* BYE Goodbye', 'OK Logged out']);
});
