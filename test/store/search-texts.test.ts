import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SearchKey } from '../../src/mail/search.ts';
import { SearchTooCostly } from '../../src/ports/search.ts';
import { anyMail, saysText, textKey } from './search-mail.ts';
import { matches } from './search-model.ts';
import { type Library, library } from './search-parts.ts';

let shelf: Library;
beforeAll(async () => {
  shelf = await library();
});
afterAll(() => shelf[Symbol.asyncDispose]());

const signal = new AbortController().signal;

const key: fc.Arbitrary<SearchKey> = fc.letrec<{ key: SearchKey }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    textKey as fc.Arbitrary<SearchKey>,
    fc.constant<SearchKey>({ key: 'flag', flag: '\\Seen', set: true }),
    fc.record({
      key: fc.constantFrom('and' as const, 'or' as const),
      keys: fc.array(tie('key'), { maxLength: 3 }),
    }),
    fc.record({ key: fc.constant('not' as const), not: tie('key') }),
  ),
})).key;

test('any text is found where the model finds it, whether it was read before or not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(anyMail, fc.boolean()), { minLength: 1, maxLength: 5 }),
      fc.array(key, { minLength: 1, maxLength: 10 }),
      async (mails, asked) => {
        const mailbox = await shelf.mailbox();
        const messages = mails.map(([mail, seen], at) => ({
          ...mail,
          uid: 10 * at + 1,
          system: seen ? 1 : 0,
        }));
        await shelf.put(mailbox, messages);
        const byRaw = new Map(mails.map(([mail]) => [mail.raw, mail]));
        for (const each of asked) {
          const expected = messages
            .filter((message) => matches(message, each, ({ raw }, test) => saysText(byRaw.get(raw)!, test)))
            .map(({ uid }) => uid);
          expect(await shelf.uids(mailbox, each)).toEqual(expected);
          expect(await shelf.uids(mailbox, each)).toEqual(expected);
        }
      },
    ),
    { numRuns: 30 },
  );
}, 120_000);

const textsOf = async (raw: string, asked: SearchKey): Promise<boolean> => {
  const mailbox = await shelf.mailbox();
  await shelf.put(mailbox, [{ uid: 1, raw }]);
  return (await shelf.uids(mailbox, asked)).length > 0;
};

const body = (text: string): SearchKey => ({ key: 'body', text });
const anywhere = (text: string): SearchKey => ({ key: 'text', text });
const header = (field: string, text: string): SearchKey => ({ key: 'header', field, text });

const nested = [
  'Subject: outside',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  'preamble',
  '--b',
  'Content-Type: application/pdf; name="bill.pdf"',
  "Content-Disposition: attachment; filename*=utf-8''%C3%9Cbersicht.pdf",
  'Content-Transfer-Encoding: base64',
  '',
  'AAAA',
  '--b',
  'Content-Type: message/rfc822',
  '',
  'Subject: inside',
  'X-Deep: yes',
  '',
  'the deep text',
  '--b--',
  '',
].join('\r\n');

test.each<[string, SearchKey, boolean]>([
  ['BODY finds the text of a message within', body('deep text'), true],
  ['BODY does not look at its header', body('inside'), false],
  ['TEXT does', anywhere('Subject: inside'), true],
  ['TEXT finds the name of a file', anywhere('bill.pdf'), true],
  ['TEXT finds it however it is encoded', anywhere('übersicht'), true],
  ['BODY finds no octets of what is no text', body('AAAA'), false],
  ['HEADER looks at the message’s own header alone', header('X-Deep', ''), false],
  ['HEADER finds its field', header('subject', 'outSIDE'), true],
  ['HEADER finds no other field', header('subject', 'multipart'), false],
])('%s', async (_, asked, found) => {
  expect(await textsOf(nested, asked)).toBe(found);
});

test.each<[string, string, SearchKey, boolean]>([
  ['a folded field', 'Subject: one\r\n\ttwo\r\n\r\n', header('Subject', 'one\ttwo'), true],
  ['a field’s name with white space behind', 'Subject : one\r\n\r\n', header('Subject', 'one'), true],
  ['an empty field', 'X-Empty:\r\n\r\n', header('x-empty', ''), true],
  ['no field of which the name is but the beginning', 'X-Emptyish: 1\r\n\r\n', header('x-empty', ''), false],
  ['no field in the body', '\r\nX-Empty: 1\r\n', header('x-empty', ''), false],
  ['no text across two fields', 'A: one\r\nB: two\r\n\r\n', header('A', 'two'), false],
  ['the second field of a name', 'A: one\r\nA: two\r\n\r\n', header('A', 'two'), true],
  ['wildcards as characters', '\r\nonly 100 % of_it\r\n', body('%_of'), false],
  ['text with bare line ends', 'A: b\n\nhello\nworld\n', body('hello\r\nworld'), true],
  ['text with NUL in it', '\r\nhel\0lo\r\n', body('hello'), true],
  [
    'text of an unknown charset',
    'Content-Type: text/plain; charset=x-none\r\n\r\ncaf\xe9\r\n',
    body('café'),
    true,
  ],
  [
    'decomposed text by composed',
    `\r\n${Buffer.from('cafe\u0301', 'utf8').toString('latin1')}\r\n`,
    body('CAFÉ'),
    true,
  ],
  ['nothing of an image', 'Content-Type: image/png\r\n\r\nhello\r\n', body('hello'), false],
  [
    'a multipart whose boundary never comes',
    'Content-Type: multipart/mixed; boundary=q\r\n\r\nhello\r\n',
    body('hello'),
    true,
  ],
  ['a message without a body', 'Subject: x\r\n', body(''), true],
  [
    'words around tags',
    'Content-Type: text/html\r\n\r\n<p>Good&nbsp;m<i>orn</i>ing,<br>you</p>',
    body('good morning,\nyou'),
    true,
  ],
  [
    'where a link leads',
    'Content-Type: text/html\r\n\r\n<a href="https://bad.example/x">here</a>',
    body('bad.example'),
    true,
  ],
  [
    'no style sheets',
    'Content-Type: text/html\r\n\r\n<style>p { color: red }</style><p>x',
    body('color'),
    false,
  ],
])('finds %s', async (_, raw, asked, found) => {
  expect(await textsOf(raw, asked)).toBe(found);
});

test('sorts and threads what a text finds', async () => {
  const mailbox = await shelf.mailbox();
  await shelf.put(mailbox, [
    { uid: 1, raw: 'Subject: s\r\n\r\nbig needle\r\n', size: 9 },
    { uid: 2, raw: 'Subject: s\r\n\r\nhay\r\n', size: 1 },
    { uid: 3, raw: 'Subject: s\r\n\r\nneedle\r\n', size: 5 },
  ]);
  const order: number[] = [];
  for await (const uids of shelf.search.sorted(
    mailbox,
    body('needle'),
    [{ by: 'size', reverse: false }],
    signal,
  ))
    order.push(...uids);
  expect(order).toEqual([3, 1]);
  const rows: number[] = [];
  for await (const batch of shelf.search.threadRows(mailbox, body('needle'), signal))
    rows.push(...batch.map(({ uid }) => uid));
  expect(rows).toEqual([1, 3]);
  const among = [{ first: 2, last: 3 }];
  expect([...(await shelf.search.matching(mailbox, among, body('needle'), signal))]).toEqual([3]);
});

test('reads a message once, and only those that the rest of the key leaves', async () => {
  const mailbox = await shelf.mailbox();
  const [, second] = await shelf.put(mailbox, [
    { uid: 1, raw: 'A: reads 1\r\n\r\nx\r\n' },
    { uid: 2, raw: 'A: reads 2\r\n\r\nx\r\n', system: 1 },
  ]);
  const asked: SearchKey = { key: 'and', keys: [body('x'), { key: 'flag', flag: '\\Seen', set: true }] };
  const before = shelf.reads.length;
  expect(await shelf.uids(mailbox, asked)).toEqual([2]);
  expect(await shelf.uids(mailbox, asked)).toEqual([2]);
  expect(shelf.reads.slice(before)).toEqual([second]);
});

test('says that it costs too much when more would have to be read than is allowed', async () => {
  await using poor = await library({ limits: { readOctets: 3_000 } });
  const mailbox = await poor.mailbox();
  const raw = (at: number): string => `Subject: ${at}\r\n\r\n${'word '.repeat(100)}\r\n`;
  await poor.put(
    mailbox,
    Array.from({ length: 40 }, (_, at) => ({ uid: at + 1, raw: raw(at) })),
  );
  await expect(poor.uids(mailbox, body('word'))).rejects.toThrow(SearchTooCostly);
});

test('keeps nothing where texts are not to be kept', async () => {
  const { texts } = shelf.options;
  await using sealed = await library({ texts: { ...texts, keep: false } });
  const mailbox = await sealed.mailbox();
  await sealed.put(mailbox, [{ uid: 1, raw: 'A: b\r\n\r\nsecret\r\n' }]);
  expect(await sealed.uids(mailbox, body('SECRET'))).toEqual([1]);
  expect(await sealed.uids(mailbox, { key: 'not', not: body('SECRET') })).toEqual([]);
  expect(await sealed.database.query('select from body_text', [])).toEqual([]);
});

test('a message whose octets are gone is not found, and hinders nobody', async () => {
  const mailbox = await shelf.mailbox();
  const [gone] = await shelf.put(mailbox, [
    { uid: 1, raw: 'A: gone\r\n\r\nfind me\r\n' },
    { uid: 2, raw: 'A: here\r\n\r\nfind me\r\n' },
  ]);
  shelf.gone.add(gone!);
  expect(await shelf.uids(mailbox, body('find me'))).toEqual([2]);
});

test('tells how far it is, never going back, up to the end', async () => {
  const mailbox = await shelf.mailbox();
  const put = Array.from({ length: 300 }, (_, at) => ({
    uid: at + 1,
    raw: `A: ${at % 40}\r\n\r\nprogress\r\n`,
  }));
  await shelf.put(mailbox, put);
  const told: number[] = [];
  const found = await shelf.search.find(mailbox, body('progress'), signal, (done) => told.push(done));
  expect(found.uids.size).toBe(300);
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect(told.length).toBeGreaterThan(2);
  expect(told.at(-1)).toBe(1);
});

test('ends when it is aborted in the middle', async () => {
  const mailbox = await shelf.mailbox();
  await shelf.put(
    mailbox,
    Array.from({ length: 60 }, (_, at) => ({ uid: at + 1, raw: `A: abort ${at}\r\n\r\nx\r\n` })),
  );
  const stop = new AbortController();
  const search = shelf.search.find(mailbox, body('x'), stop.signal, () => stop.abort(new Error('enough')));
  await expect(search).rejects.toThrow('enough');
});

test('looks at no more of a message than it may', async () => {
  const { texts } = shelf.options;
  await using short = await library({
    texts: { ...texts, bounds: { documents: false, characters: 10 } },
  });
  const mailbox = await short.mailbox();
  await short.put(mailbox, [{ uid: 1, raw: 'A: header beyond\r\n\r\nbeginning and beyond\r\n' }]);
  expect(await short.uids(mailbox, body('beginning'))).toEqual([1]);
  expect(await short.uids(mailbox, body('beyond'))).toEqual([]);
  expect(await short.uids(mailbox, header('A', 'beyond'))).toEqual([1]);
});

test('reads more than a page of messages that are due, each once', async () => {
  await using fresh = await library();
  const mailbox = await fresh.mailbox();
  await fresh.put(
    mailbox,
    Array.from({ length: 20 }, (_, at) => ({ uid: at + 1, raw: `A: ${at}\r\n\r\npaged\r\n` })),
  );
  await fresh.database.query(
    `with b as (insert into body (hash, size, content, structure, thread, staged_at)
       select sha256(n::text::bytea), size, content, structure, thread, now()
       from body, generate_series(1, 1030) n where body.id = (select min(id) from body) returning id)
     insert into mailbox_message (mailbox, uid, mod_seq, internal_date, saved_date, body, size)
     select $1, 100 + row_number() over (), 1, now(), now(), id, 9 from b`,
    [mailbox],
  );
  const found = await fresh.search.find(mailbox, body('paged'), signal);
  expect(found.uids.size).toBe(1050);
  expect(fresh.reads).toHaveLength(1050);
  expect(new Set(fresh.reads).size).toBe(1050);
}, 120_000);
