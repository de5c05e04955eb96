import { expect, test } from 'vitest';
import { UidSet } from '../../src/mail/uid-set.ts';
import { type FetchItem, fetched } from '../../src/protocol/imap/respond/fetch.ts';
import * as mailboxes from '../../src/protocol/imap/respond/mailboxes.ts';
import type { Dialect } from '../../src/protocol/imap/respond/notation.ts';
import * as results from '../../src/protocol/imap/respond/results.ts';
import * as rights from '../../src/protocol/imap/respond/rights.ts';
import { type Code, challenge, completion, goOn, statement } from '../../src/protocol/imap/respond/status.ts';

const rev2: Dialect = { encodeName: (name) => name, utf8: true };
const rev1: Dialect = { encodeName: (name) => name.replaceAll('ü', '&APw-'), utf8: false };
const one = (first: number, last = first) => ({ first, last });
const uids = (...ranges: [number, number?][]) => ranges.map(([first, last]) => one(first, last));
const text = (octets: string): string => Buffer.from(octets, 'latin1').toString('utf8');

test.each<[Code, string]>([
  [{ code: 'ALERT' }, 'ALERT'],
  [{ code: 'READ-WRITE' }, 'READ-WRITE'],
  [{ code: 'AUTHENTICATIONFAILED' }, 'AUTHENTICATIONFAILED'],
  [{ code: 'CAPABILITY', capabilities: ['IMAP4rev2', 'AUTH=PLAIN'] }, 'CAPABILITY IMAP4rev2 AUTH=PLAIN'],
  [
    { code: 'PERMANENTFLAGS', flags: ['\\Deleted', '\\Seen'], canCreate: true },
    'PERMANENTFLAGS (\\Deleted \\Seen \\*)',
  ],
  [{ code: 'PERMANENTFLAGS', flags: [], canCreate: false }, 'PERMANENTFLAGS ()'],
  [{ code: 'UIDNEXT', value: 4392 }, 'UIDNEXT 4392'],
  [{ code: 'HIGHESTMODSEQ', value: 9223372036854775807n }, 'HIGHESTMODSEQ 9223372036854775807'],
  [{ code: 'APPENDUID', validity: 38505, uids: [one(3955)] }, 'APPENDUID 38505 3955'],
  [
    { code: 'COPYUID', validity: 38505, from: uids([304], [319, 320]), to: uids([3956], [3957], [3958]) },
    'COPYUID 38505 304,319:320 3956:3958',
  ],
  [{ code: 'COPYUID', validity: 1, from: uids([9], [2]), to: uids([5, 6]) }, 'COPYUID 1 9,2 5:6'],
  [{ code: 'MODIFIED', numbers: uids([9], [7]) }, 'MODIFIED 7,9'],
  [
    { code: 'MAILBOXID', id: 'F2212ea87-6097-4256-9d51-71338625' },
    'MAILBOXID (F2212ea87-6097-4256-9d51-71338625)',
  ],
  [{ code: 'BADCHARSET', charsets: ['UTF-8', 'US-ASCII'] }, 'BADCHARSET (UTF-8 US-ASCII)'],
  [{ code: 'BADCHARSET', charsets: [] }, 'BADCHARSET'],
  [{ code: 'BADURL', url: '/INBOX;UID=5]\r\nx' }, 'BADURL /INBOX;UID=5%5D%0D%0Ax'],
  [{ code: 'METADATA', problem: 'LONGENTRIES', octets: 2199 }, 'METADATA LONGENTRIES 2199'],
  [{ code: 'METADATA', problem: 'TOOMANY' }, 'METADATA TOOMANY'],
  [{ code: 'INPROGRESS' }, 'INPROGRESS'],
  [{ code: 'INPROGRESS', tag: 'A001', done: 454, goal: 1000 }, 'INPROGRESS ("A001" 454 1000)'],
  [{ code: 'INPROGRESS', tag: 'A001' }, 'INPROGRESS ("A001" NIL NIL)'],
  [{ code: 'BADEVENT', events: ['FlagChange', 'MessageNew'] }, 'BADEVENT (FlagChange MessageNew)'],
  [{ code: 'NOUPDATE', tag: 'B02' }, 'NOUPDATE "B02"'],
  [{ code: 'MESSAGELIMIT', limit: 1000, lastUid: 23221 }, 'MESSAGELIMIT 1000 23221'],
])('code %# is said as %s', (code, printed) => {
  expect(statement('OK', { code, text: 'so' }, rev2)).toBe(`* OK [${printed}] so\r\n`);
});

test('a command ends with its tag, a session with BYE', () => {
  expect(completion('A1', 'NO', { text: 'no', code: { code: 'TRYCREATE' } }, rev1)).toBe(
    'A1 NO [TRYCREATE] no\r\n',
  );
  expect(statement('BYE', { text: 'Good night' }, rev1)).toBe('* BYE Good night\r\n');
  expect(goOn('idling', rev1)).toBe('+ idling\r\n');
  expect(challenge(Buffer.from('hi'))).toBe('+ aGk=\r\n');
  expect(challenge(Buffer.alloc(0))).toBe('+ \r\n');
});

test('a text stays one line, is never empty and never a code', () => {
  const said = (words: string, dialect = rev1) => statement('NO', { text: words }, dialect);
  expect(said('a\r\n* BYE b\0')).toBe('* NO a  * BYE b\r\n');
  expect(said('')).toBe('* NO -\r\n');
  expect(said('[ALERT] fire')).toBe('* NO (ALERT] fire\r\n');
  expect(said('grün')).toBe('* NO gr?n\r\n');
  expect(text(said('grün', rev2))).toBe('* NO grün\r\n');
});

test('what only we choose is refused when the grammar does not have it', () => {
  expect(() => completion('A 1', 'OK', { text: '' }, rev1)).toThrow(RangeError);
  expect(() => mailboxes.flags(['\\Seen\r\n'])).toThrow(RangeError);
  expect(() => mailboxes.capability(['é'])).toThrow(RangeError);
  expect(() => results.exists(-1)).toThrow(RangeError);
  const unequal: Code = { code: 'COPYUID', validity: 1, from: uids([1, 3]), to: uids([1, 2]) };
  expect(() => statement('OK', { text: '', code: unequal }, rev1)).toThrow('COPYUID of 3 messages to 2');
  const nothing: Code = { code: 'APPENDUID', validity: 1, uids: [] };
  expect(() => statement('OK', { text: '', code: nothing }, rev1)).toThrow('empty set');
});

test.each<[string, string]>([
  [mailboxes.capability(['IMAP4rev1', 'QUOTA=RES-STORAGE']), 'CAPABILITY IMAP4rev1 QUOTA=RES-STORAGE'],
  [mailboxes.enabled([]), 'ENABLED'],
  [mailboxes.flags(['\\Seen', '$Forwarded']), 'FLAGS (\\Seen $Forwarded)'],
  [
    mailboxes.id(
      new Map([
        ['name', 'x'],
        ['os', undefined],
      ]),
      rev1,
    ),
    'ID ("name" "x" "os" NIL)',
  ],
  [mailboxes.id(undefined, rev1), 'ID NIL'],
  [
    mailboxes.namespace(
      {
        personal: [{ prefix: '', delimiter: '/' }],
        others: [],
        shared: [
          { prefix: '#shared/', delimiter: '/' },
          { prefix: '#news.', delimiter: undefined },
        ],
      },
      rev1,
    ),
    'NAMESPACE (("" "/")) NIL (("#shared/" "/")("#news." NIL))',
  ],
  [
    mailboxes.listed('LIST', { name: 'grün', delimiter: '\\', attributes: ['\\HasNoChildren'] }, rev1),
    'LIST (\\HasNoChildren) "\\\\" "gr&APw-n"',
  ],
  [
    mailboxes.listed(
      'LIST',
      { name: 'Foo', delimiter: '/', attributes: [], childInfo: ['SUBSCRIBED'] },
      rev2,
    ),
    'LIST () "/" "Foo" ("CHILDINFO" ("SUBSCRIBED"))',
  ],
  [
    mailboxes.listed('LIST', { name: 'New', delimiter: '/', attributes: [], oldName: 'Old' }, rev2),
    'LIST () "/" "New" ("OLDNAME" ("Old"))',
  ],
  [
    mailboxes.status(
      'blurdybloop',
      [
        ['MESSAGES', 231],
        ['UIDNEXT', 44292],
        ['MAILBOXID', 'F1'],
        ['APPENDLIMIT', undefined],
      ],
      rev1,
    ),
    'STATUS "blurdybloop" (MESSAGES 231 UIDNEXT 44292 MAILBOXID (F1) APPENDLIMIT NIL)',
  ],
  [results.exists(23), '23 EXISTS'],
  [results.recent(0), '0 RECENT'],
  [results.expunge(44), '44 EXPUNGE'],
  [
    results.vanished(uids([405], [300, 310], [411], [311]), { earlier: true }),
    'VANISHED (EARLIER) 300:311,405,411',
  ],
  [results.vanished(UidSet.of([one(7), one(5), one(6)]).ranges(), { earlier: false }), 'VANISHED 5:7'],
  [[...results.found('SEARCH', [2, 5, 6], 917162500n)].join(''), 'SEARCH 2 5 6 (MODSEQ 917162500)'],
  [[...results.found('SORT', [])].join(''), 'SORT'],
  [
    results.esearch({ tag: 'A282', uid: false, min: 2, count: 3 }, rev1),
    'ESEARCH (TAG "A282") MIN 2 COUNT 3',
  ],
  [results.esearch({ tag: 'A285', uid: true, all: [] }, rev1), 'ESEARCH (TAG "A285") UID'],
  [
    results.esearch({ tag: 'a', uid: true, all: uids([17], [4]), max: 17, modseq: 12n }, rev1),
    'ESEARCH (TAG "a") UID MAX 17 ALL 4,17 MODSEQ 12',
  ],
  [
    results.esearch({ tag: 'C01', uid: true, sorted: true, all: uids([23765], [23764], [15], [16]) }, rev1),
    'ESEARCH (TAG "C01") UID ALL 23765,23764,15:16',
  ],
  [
    results.esearch({ tag: 'A01', uid: true, partial: { from: -1, to: -100, numbers: [] } }, rev1),
    'ESEARCH (TAG "A01") UID PARTIAL (-1:-100 NIL)',
  ],
  [
    results.esearch({ tag: 'B', uid: true, addTo: [{ position: 1, numbers: uids([2733]) }] }, rev1),
    'ESEARCH (TAG "B") UID ADDTO (1 2733)',
  ],
  [
    results.esearch(
      { tag: 't', mailbox: { name: 'folder1', validity: 1 }, uid: true, all: uids([4001]) },
      rev1,
    ),
    'ESEARCH (TAG "t" MAILBOX "folder1" UIDVALIDITY 1) UID ALL 4001',
  ],
  [rights.quota('', [{ name: 'STORAGE', usage: 10, limit: 512 }], rev1), 'QUOTA "" (STORAGE 10 512)'],
  [rights.quotaRoot('INBOX', [''], rev1), 'QUOTAROOT "INBOX" ""'],
  [
    rights.acl('INBOX', [{ identifier: 'Fred', rights: 'rwipslxetad' }], rev1),
    'ACL "INBOX" "Fred" rwipslxetad',
  ],
  [
    rights.listRights('~/Mail', { identifier: 'smith', required: '', optional: ['l', 'te'] }, rev1),
    'LISTRIGHTS "~/Mail" "smith" "" l te',
  ],
  [rights.myRights('INBOX', '', rev1), 'MYRIGHTS "INBOX" ""'],
  [
    rights.metadata(
      '',
      [
        ['/shared/comment', Buffer.from('a"b')],
        ['/private/x', undefined],
      ],
      rev1,
    ),
    'METADATA "" ("/shared/comment" "a\\"b" "/private/x" NIL)',
  ],
  [rights.metadata('', [['/a', Buffer.from('\0\r\n')]], rev1), 'METADATA "" ("/a" ~{3}\r\n\0\r\n)'],
  [rights.metadataChanged('INBOX', ['/shared/comment'], rev1), 'METADATA "INBOX" "/shared/comment"'],
])('data %#: %j', (printed, expected) => {
  expect(printed).toBe(`* ${expected}\r\n`);
});

test('when nothing vanished nothing is said', () => {
  expect(results.vanished([], { earlier: true })).toBe('');
});

test('a long SEARCH comes in chunks that make one line', () => {
  const numbers = Array.from({ length: 2500 }, (_, index) => index + 1);
  const chunks = [...results.found('SEARCH', numbers)];
  expect(chunks).toHaveLength(3);
  expect(chunks.join('')).toBe(`* SEARCH ${numbers.join(' ')}\r\n`);
});

test('mailbox names are UTF-8 where the client understands it', () => {
  const entry = { name: 'grün', delimiter: '/', attributes: [] };
  expect(text(mailboxes.listed('LSUB', entry, rev2))).toBe('* LSUB () "/" "grün"\r\n');
});

const write = (items: readonly FetchItem<string>[], kind: 'FETCH' | 'UIDFETCH' = 'FETCH'): string =>
  [...fetched(kind, 12, items, rev1)]
    .map((piece) => (piece.kind === 'octets' ? piece.octets : piece.content.body))
    .join('');
const body = (octets: string) => ({ size: octets.length, body: octets });

test.each<[string, readonly FetchItem<string>[], string]>([
  ['nothing', [], ''],
  [
    'flags',
    [
      { item: 'FLAGS', flags: ['\\Seen', '$Junk'] },
      { item: 'UID', value: 7 },
    ],
    'FLAGS (\\Seen $Junk) UID 7',
  ],
  ['modseq', [{ item: 'MODSEQ', value: 65402n }], 'MODSEQ (65402)'],
  [
    'dates',
    [
      { item: 'INTERNALDATE', date: new Date('1996-07-07T02:44:25.9Z') },
      { item: 'SAVEDATE', date: undefined },
    ],
    'INTERNALDATE " 7-Jul-1996 02:44:25 +0000" SAVEDATE NIL',
  ],
  [
    'ids',
    [
      { item: 'EMAILID', id: 'M6d99ac3275bb4e' },
      { item: 'THREADID', id: undefined },
    ],
    'EMAILID (M6d99ac3275bb4e) THREADID NIL',
  ],
  ['preview', [{ item: 'PREVIEW', text: 'so "it" is' }], 'PREVIEW "so \\"it\\" is"'],
  [
    'envelope',
    [{ item: 'ENVELOPE', summary: { subject: 's' } }],
    'ENVELOPE (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL)',
  ],
  ['whole', [{ item: 'BODY[]', section: { part: [] }, content: body('a\r\n') }], 'BODY[] {3}\r\na\r\n'],
  [
    'two bodies with an item after them',
    [
      { item: 'BODY[]', section: { part: [1, 2], of: 'MIME' }, origin: 5, content: body('x') },
      { item: 'BODY[]', section: { part: [], of: { fields: ['To', 'a"'], not: true } }, content: body('') },
      { item: 'RFC822.SIZE', value: 9 },
    ],
    'BODY[1.2.MIME]<5> {1}\r\nx BODY[HEADER.FIELDS.NOT (To "a\\"")] {0}\r\n RFC822.SIZE 9',
  ],
  ['no such part', [{ item: 'BODY[]', section: { part: [9] }, content: undefined }], 'BODY[9] NIL'],
  [
    'binary',
    [
      { item: 'BINARY[]', section: { part: [2] }, content: body('\0') },
      { item: 'BINARY.SIZE', part: [2], octets: 1 },
    ],
    'BINARY[2] ~{1}\r\n\0 BINARY.SIZE[2] 1',
  ],
  ['old names', [{ item: 'RFC822.TEXT', content: body('t') }], 'RFC822.TEXT {1}\r\nt'],
])('FETCH of %s', (_, items, expected) => {
  expect(write(items)).toBe(`* 12 FETCH (${expected})\r\n`);
  expect(write(items, 'UIDFETCH')).toBe(`* 12 UIDFETCH (${expected})\r\n`);
});
