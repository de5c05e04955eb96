/**
 * Commands about the session, mailboxes, rights and changes: what the RFCs show, as values.
 */
import { expect, test } from 'vitest';
import { saslAnswer } from '../../../src/protocol/sasl/answer.ts';
import { command, refused } from './said.ts';

test.each([
  'CAPABILITY',
  'NOOP',
  'LOGOUT',
  'STARTTLS',
  'NAMESPACE',
  'IDLE',
  'CHECK',
  'CLOSE',
  'UNSELECT',
  'EXPUNGE',
  'UNAUTHENTICATE',
  'GETJMAPACCESS',
])('%s stands alone, in any case', (name) => {
  expect(command(name)).toEqual({ name });
  expect(command(name.toLowerCase())).toEqual({ name });
  expect(refused(`${name} x`)).toBe(`BAD the end of the command expected at octet ${name.length + 3}`);
});

test('LOGIN takes strings of every form, and UTF-8 that nobody has enabled', () => {
  const login = { name: 'LOGIN', user: 'ada', password: 'p "w\\' };
  expect(command('LOGIN ada "p \\"w\\\\"')).toEqual(login);
  expect(command('LOGIN {3}\r\nada {5+}\r\np "w\\')).toEqual(login);
  expect(command('LOGIN "ad\xc3\xa9" x')).toMatchObject({ user: 'adé' });
  expect(command('LOGIN NIL ]')).toMatchObject({ user: 'NIL', password: ']' });
});

test('a literal that may hold NUL is no string (RFC 3516 §4.4)', () => {
  expect(refused('ID (~{1}\r\na NIL)')).toBe('BAD the name of a field expected at octet 7');
  expect(refused('LOGIN ~{3}\r\nada x')).toBe('BAD a space expected at octet 10');
});

test('AUTHENTICATE may bring its first answer (RFC 4959 §3)', () => {
  expect(command('authenticate plain')).toEqual({ name: 'AUTHENTICATE', mechanism: 'PLAIN' });
  expect(command('AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=')).toEqual({
    name: 'AUTHENTICATE',
    mechanism: 'PLAIN',
    initial: Buffer.from('test\0test\0test'),
  });
  expect(command('AUTHENTICATE EXTERNAL =')).toMatchObject({ initial: Buffer.alloc(0) });
  expect(refused('AUTHENTICATE PLAIN dGVzd')).toContain('base64');
});

test('an answer to a challenge is base64, or gives up', () => {
  expect(saslAnswer('AHgAeQ==')).toEqual(Buffer.from('\0x\0y'));
  expect(saslAnswer('')).toEqual(Buffer.alloc(0));
  expect(saslAnswer('*')).toBe('cancel');
  for (const wrong of ['AHgAeQ=', 'AHgA eQ==', 'AHgAeQ==\r', '=', 'AH-_'])
    expect(saslAnswer(wrong)).toBeUndefined();
});

test('ID has fields, or NIL (RFC 2971 §3.1)', () => {
  expect(command('ID ("name" "sodr" "version" "19.34" "vendor" NIL)')).toEqual({
    name: 'ID',
    fields: new Map([
      ['name', 'sodr'],
      ['version', '19.34'],
      ['vendor', undefined],
    ]),
  });
  expect(command('ID NIL')).toEqual({ name: 'ID', fields: undefined });
  expect(command('ID ()')).toEqual({ name: 'ID', fields: new Map() });
});

test('ENABLE and COMPRESS name what they want', () => {
  expect(command('ENABLE condstore X-GOOD-IDEA ')).toEqual({
    name: 'ENABLE',
    capabilities: ['CONDSTORE', 'X-GOOD-IDEA'],
  });
  expect(refused('ENABLE')).toBe('BAD a space expected at octet 9');
  expect(command('COMPRESS DEFLATE')).toEqual({ name: 'COMPRESS', mechanism: 'DEFLATE' });
});

test('SELECT and EXAMINE, plain and with what the client knows (RFC 7162 §3.2.5)', () => {
  expect(command('SELECT inbox')).toEqual({ name: 'SELECT', mailbox: 'INBOX', condstore: false });
  expect(command('EXAMINE "blurdy bloop" (CONDSTORE)')).toEqual({
    name: 'EXAMINE',
    mailbox: 'blurdy bloop',
    condstore: true,
  });
  expect(command('SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541))')).toEqual({
    name: 'SELECT',
    mailbox: 'INBOX',
    condstore: false,
    qresync: {
      validity: 67890007,
      modSeq: Number.MAX_SAFE_INTEGER, // 20050715194045000 cannot be told from its neighbours
      uids: [
        { first: 41, last: 41 },
        { first: 43, last: 211 },
        { first: 214, last: 541 },
      ],
    },
  });
  expect(command('SELECT x (QRESYNC (1 2 1:9 (1,5 1,7)) CONDSTORE)')).toMatchObject({
    condstore: true,
    qresync: {
      match: {
        numbers: [
          { first: 1, last: 1 },
          { first: 5, last: 5 },
        ],
        uids: [
          { first: 1, last: 1 },
          { first: 7, last: 7 },
        ],
      },
    },
  });
  expect(command('SELECT x (QRESYNC (1 2 (1 1)))')).toMatchObject({ qresync: { validity: 1, modSeq: 2 } });
});

test.each([
  'SELECT',
  'SELECT x ()',
  'SELECT x (FROB)',
  'SELECT x (QRESYNC (0 1))',
  'SELECT x (QRESYNC (1 0))',
  'SELECT x (QRESYNC (1 2 1:*))',
  'SELECT x (QRESYNC (1 2 $))',
  'SELECT x (QRESYNC (1 2 1:9 (1,5 1)))',
  'SELECT x (QRESYNC (1 2 1:9 (5,1 1,7)))',
  'SELECT x y',
])('%s is not IMAP', (text) => {
  expect(refused(text)).toMatch(/^BAD /);
});

test('a name is modified UTF-7 until UTF-8 is enabled, then what it says', () => {
  expect(command('CREATE Entw&APw-rfe')).toMatchObject({ mailbox: 'Entwürfe' });
  expect(command('CREATE Entw&APw-rfe', { utf8: true })).toMatchObject({ mailbox: 'Entw&APw-rfe' });
  expect(command('CREATE "Entw\xc3\xbcrfe"', { utf8: true })).toMatchObject({ mailbox: 'Entwürfe' });
  expect(command('CREATE {9}\r\nEntw\xc3\xbcrfe', { utf8: true })).toMatchObject({ mailbox: 'Entwürfe' });
  expect(command('CREATE "u\xcc\x88"', { utf8: true })).toMatchObject({ mailbox: 'ü' });
  expect(refused('CREATE "Entw\xc3\xbcrfe"')).toBe('BAD a quoted string in ASCII expected at octet 10');
  expect(refused('CREATE {9}\r\nEntw\xc3\xbcrfe')).toMatch(/^NO \[CANNOT\]/);
  expect(refused('CREATE Tom&Jerry')).toMatch(/^NO \[CANNOT\]/);
  expect(refused('CREATE "Entw\xfcrfe"', { utf8: true })).toMatch(/^BAD .*UTF-8/);
  expect(refused('CREATE Entw\xc3\xbcrfe', { utf8: true })).toMatch(/^BAD /);
});

test('CREATE may say what the mailbox is for (RFC 6154 §3)', () => {
  expect(command('CREATE Everything (USE (\\All))')).toEqual({
    name: 'CREATE',
    mailbox: 'Everything',
    use: ['\\All'],
  });
  expect(command('CREATE owatagusiam/')).toEqual({ name: 'CREATE', mailbox: 'owatagusiam/', use: [] });
  expect(refused('CREATE x (USE (All))')).toContain("'\\' expected");
});

test('DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE', () => {
  expect(command('DELETE foo')).toEqual({ name: 'DELETE', mailbox: 'foo' });
  expect(command('RENAME Inbox old-mail')).toEqual({ name: 'RENAME', from: 'INBOX', to: 'old-mail' });
  expect(command('SUBSCRIBE #news.comp.mail.mime')).toEqual({
    name: 'SUBSCRIBE',
    mailbox: '#news.comp.mail.mime',
  });
  expect(command('UNSUBSCRIBE ""')).toEqual({ name: 'UNSUBSCRIBE', mailbox: '' });
});

test('STATUS names its items', () => {
  expect(command('STATUS blurdybloop (UIDNEXT messages HIGHESTMODSEQ MAILBOXID SIZE)')).toEqual({
    name: 'STATUS',
    mailbox: 'blurdybloop',
    items: ['UIDNEXT', 'MESSAGES', 'HIGHESTMODSEQ', 'MAILBOXID', 'SIZE'],
  });
  expect(refused('STATUS x ()')).toMatch(/^BAD/);
  expect(refused('STATUS x (FROB)')).toBe('BAD STATUS does not know FROB');
});

test('STORE changes flags, and only where nobody else did', () => {
  expect(command('STORE 2:4 +FLAGS (\\Deleted)')).toEqual({
    name: 'STORE',
    uid: false,
    set: [{ first: 2, last: 4 }],
    change: 'add',
    flags: ['\\Deleted'],
    silent: false,
  });
  expect(command('UID STORE 7,5 (UNCHANGEDSINCE 320162338) -flags.silent \\Seen $MDNSent')).toEqual({
    name: 'STORE',
    uid: true,
    set: [
      { first: 7, last: 7 },
      { first: 5, last: 5 },
    ],
    change: 'remove',
    flags: ['\\Seen', '$MDNSent'],
    silent: true,
    unchangedSince: 320162338,
  });
  expect(command('STORE $ FLAGS ()')).toMatchObject({ set: '$', change: 'replace', flags: [] });
  expect(refused('STORE 1 *FLAGS (\\Seen)')).toMatch(/^BAD/);
  expect(refused('STORE 1 FLAGS (\\*)')).toMatch(/^BAD/);
});

test('COPY, MOVE, UID EXPUNGE and UIDBATCHES', () => {
  expect(command('COPY 2:4 MEETING')).toEqual({
    name: 'COPY',
    uid: false,
    set: [{ first: 2, last: 4 }],
    mailbox: 'MEETING',
  });
  expect(command('UID MOVE 42:* foo')).toEqual({
    name: 'MOVE',
    uid: true,
    set: [{ first: 42, last: '*' }],
    mailbox: 'foo',
  });
  expect(command('UID EXPUNGE 3000:3002')).toEqual({ name: 'EXPUNGE', uids: [{ first: 3000, last: 3002 }] });
  expect(command('UIDBATCHES 2000')).toEqual({ name: 'UIDBATCHES', size: 2000 });
  expect(command('UIDBATCHES 2000 10:20')).toEqual({
    name: 'UIDBATCHES',
    size: 2000,
    batches: { first: 10, last: 20 },
  });
  expect(refused('UIDBATCHES 2000 20:10')).toContain('from the lower number');
});

test('a set is ranges with the lower end first, and the last message is a star', () => {
  const set = (text: string) => command(`COPY ${text} x`);
  expect(set('*:4,5:7')).toMatchObject({
    set: [
      { first: 4, last: '*' },
      { first: 5, last: 7 },
    ],
  });
  expect(set('9:2')).toMatchObject({ set: [{ first: 2, last: 9 }] });
  expect(set('*')).toMatchObject({ set: [{ first: '*', last: '*' }] });
  expect(set('4294967295')).toMatchObject({ set: [{ first: 4294967295, last: 4294967295 }] });
  for (const wrong of ['0', '1:0', '01', '4294967296', '1,', ',1', '1::2', '1:2:3', '-1', '$,1', '', '1 :2'])
    expect(refused(`COPY ${wrong} x`)).toMatch(/^BAD/);
});

test('a set of too many elements is refused by NO', () => {
  const elements = Array.from({ length: 6 }, (_, index) => index * 2 + 1).join(',');
  expect(command(`COPY ${elements} x`, { limits: { setElements: 6 } })).toMatchObject({ name: 'COPY' });
  expect(refused(`COPY ${elements} x`, { limits: { setElements: 5 } })).toMatch(/^NO \[LIMIT\]/);
});

test('rights are given, taken and asked for (RFC 4314 §3)', () => {
  expect(command('SETACL INBOX/Drafts Byron +lrswikda')).toEqual({
    name: 'SETACL',
    mailbox: 'INBOX/Drafts',
    identifier: 'Byron',
    change: 'add',
    rights: 'lrswikda',
  });
  expect(command('SETACL x -fred ""')).toMatchObject({ identifier: '-fred', change: 'replace', rights: '' });
  expect(command('SETACL x "\xc3\xa9" -r')).toMatchObject({ identifier: 'é', change: 'remove', rights: 'r' });
  expect(refused('SETACL x fred LR')).toMatch(/^BAD/);
  expect(command('DELETEACL INBOX Fred')).toEqual({
    name: 'DELETEACL',
    mailbox: 'INBOX',
    identifier: 'Fred',
  });
  expect(command('LISTRIGHTS ~/Mail/saved smith')).toMatchObject({ name: 'LISTRIGHTS', identifier: 'smith' });
  expect(command('GETACL INBOX')).toEqual({ name: 'GETACL', mailbox: 'INBOX' });
  expect(command('MYRIGHTS INBOX')).toEqual({ name: 'MYRIGHTS', mailbox: 'INBOX' });
});

test('quotas are asked for and set (RFC 9208 §4.1)', () => {
  expect(command('GETQUOTA "!partition/sda4"')).toEqual({ name: 'GETQUOTA', root: '!partition/sda4' });
  expect(command('GETQUOTAROOT inbox')).toEqual({ name: 'GETQUOTAROOT', mailbox: 'INBOX' });
  expect(command('SETQUOTA "" (STORAGE 512 message 20000)')).toEqual({
    name: 'SETQUOTA',
    root: '',
    limits: [
      ['STORAGE', 512],
      ['MESSAGE', 20000],
    ],
  });
  expect(command('SETQUOTA "" ()')).toMatchObject({ limits: [] });
});

test('annotations are asked for, options before or behind the name (RFC 5464 §4.2)', () => {
  const wanted = {
    name: 'GETMETADATA',
    mailbox: 'INBOX',
    entries: ['/shared/comment', '/private/comment'],
    depth: '0',
  };
  expect(command('GETMETADATA "INBOX" (/shared/comment /private/comment)')).toEqual(wanted);
  expect(command('GETMETADATA "INBOX" (MAXSIZE 1024) (/shared/comment /private/comment)')).toEqual({
    ...wanted,
    maxSize: 1024,
  });
  expect(command('GETMETADATA (DEPTH infinity MAXSIZE 9) INBOX /private/filters/values')).toEqual({
    ...wanted,
    entries: ['/private/filters/values'],
    depth: 'infinity',
    maxSize: 9,
  });
  expect(command('GETMETADATA "" /shared/comment')).toMatchObject({ mailbox: '' });
  for (const wrong of ['comment', '/comment', '/shared//x', '/shared/x/', '"/shared/*"', '"/shared/%"', '""'])
    expect(refused(`GETMETADATA INBOX ${wrong}`)).toMatch(/^BAD/);
});

test('annotations are set to octets, or taken away (RFC 5464 §4.3)', () => {
  expect(
    command(
      'SETMETADATA INBOX (/private/comment {33}\r\nMy new comment across\r\ntwo lines. /shared/x NIL /shared/y "" /shared/z ~{3}\r\na\0b)',
    ),
  ).toEqual({
    name: 'SETMETADATA',
    mailbox: 'INBOX',
    values: [
      ['/private/comment', Buffer.from('My new comment across\r\ntwo lines.')],
      ['/shared/x', undefined],
      ['/shared/y', Buffer.alloc(0)],
      ['/shared/z', Buffer.from('a\0b')],
    ],
  });
  expect(refused('SETMETADATA INBOX (/shared/x {3}\r\na\0b)')).toContain('without NUL');
  expect(refused('SETMETADATA INBOX ()')).toMatch(/^BAD/);
});

test('a refusal is short, however long the word that is not known', () => {
  expect(refused(`FETCH 1 ${'X'.repeat(5000)}`)).toMatch(/^BAD FETCH does not know X{150,190}$/);
});
