/**
 * Any command, written in any form and sent in any pieces, is read as what it is; any octets at all are survived.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NumberRange, SequenceSet, SessionSearchKey } from '../../../src/mail/search.ts';
import type { FetchCommand, FetchWish } from '../../../src/protocol/imap/request/fetch.ts';
import type { RequestReader } from '../../../src/protocol/imap/request/reader.ts';
import * as print from './print.ts';
import { command, events, read, reader } from './said.ts';

const seed = 20261129;

/** Choices that fast-check makes and shrinks. */
const choose = fc.infiniteStream(fc.nat(5)).map(
  (stream): print.Choose =>
    (count) =>
      (stream.next().value ?? 0) % count,
);

const words = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.replaceAll('\0', '0'));
const number = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 4294967295 }));
const range: fc.Arbitrary<NumberRange> = fc.oneof(
  fc
    .tuple(number, number)
    .map(([one, other]) => ({ first: Math.min(one, other), last: Math.max(one, other) })),
  number.map((first) => ({ first, last: '*' as const })),
  fc.constant({ first: '*' as const, last: '*' as const }),
);
const set: fc.Arbitrary<SequenceSet> = fc.oneof(
  fc.array(range, { minLength: 1, maxLength: 5 }),
  fc.constant('$' as const),
);
const plainRanges = fc.array(
  fc.tuple(number, fc.nat(9)).map(([first, more]) => ({ first, last: Math.min(first + more, 4294967295) })),
  { minLength: 1, maxLength: 4 },
);
const day = fc
  .date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => ({
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
  }));
const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);

const leaf: fc.Arbitrary<SessionSearchKey> = fc.oneof(
  fc.constantFrom<SessionSearchKey>({ key: 'all' }, { key: 'saveDateSupported' }),
  fc.record({
    key: fc.constant('flag' as const),
    flag: fc.constantFrom('\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'),
    set: fc.boolean(),
  }),
  fc.record({
    key: fc.constant('keyword' as const),
    keyword: id.map((name) => `$${name}`),
    set: fc.boolean(),
  }),
  fc.record({ key: fc.constant('recent' as const), set: fc.boolean() }),
  fc.record({ key: fc.constant('uids' as const), ranges: plainRanges }),
  fc.record({ key: fc.constant('sequence' as const), uid: fc.constant(false), set }),
  fc.record({
    key: fc.constant('sequence' as const),
    uid: fc.constant(true),
    set: set.filter((ranges) => ranges === '$' || ranges.some(({ last }) => last === '*')),
  }),
  fc.record({
    key: fc.constant('size' as const),
    is: fc.constantFrom('larger', 'smaller'),
    than: fc.maxSafeNat(),
  }),
  fc.record({
    key: fc.constant('date' as const),
    of: fc.constantFrom('internal', 'sent', 'saved'),
    is: fc.constantFrom('before', 'on', 'since'),
    day,
  }),
  fc.record({
    key: fc.constant('within' as const),
    is: fc.constantFrom('older', 'younger'),
    seconds: number,
  }),
  fc.record({
    key: fc.constant('header' as const),
    field: fc.oneof(fc.constantFrom('From', 'Subject', 'Bcc'), id),
    text: words,
  }),
  fc.record({ key: fc.constantFrom('body', 'text'), text: words }),
  fc.record({ key: fc.constant('modSeq' as const), least: fc.maxSafeNat() }),
  fc.record({ key: fc.constantFrom('emailId', 'threadId'), id }),
);

/** As the reader makes them: no list of one, and no OR at the end of an OR, which is one longer. */
const { tree } = fc.letrec<{ tree: SessionSearchKey }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaf,
    tie('tree').map((not): SessionSearchKey => ({ key: 'not', not })),
    fc
      .array(tie('tree'), { minLength: 2, maxLength: 4 })
      .map((keys): SessionSearchKey => ({ key: 'and', keys })),
    fc
      .array(tie('tree'), { minLength: 2, maxLength: 4 })
      .filter((keys) => keys.at(-1)?.key !== 'or')
      .map((keys): SessionSearchKey => ({ key: 'or', keys })),
  ),
}));

const part = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 4 });
const partial = fc.option(
  fc.record({ origin: fc.maxSafeNat(), length: fc.integer({ min: 1, max: 2 ** 40 }) }),
  { nil: undefined },
);
const withPartial = <T extends object>(of: fc.Arbitrary<T>) =>
  fc.tuple(of, partial).map(([item, said]) => (said === undefined ? item : { ...item, partial: said }));

const section = fc.oneof(
  part.map((numbers) => ({ part: numbers })),
  fc.record({ part, of: fc.constantFrom('HEADER' as const, 'TEXT' as const) }),
  fc.record({ part: part.filter(({ length }) => length > 0), of: fc.constant('MIME' as const) }),
  fc.record({
    part,
    of: fc.record({
      fields: fc.array(fc.stringMatching(/^[!-~ ]{1,9}$/), { minLength: 1, maxLength: 4 }),
      not: fc.boolean(),
    }),
  }),
);

const wish: fc.Arbitrary<FetchWish> = fc.oneof(
  fc
    .constantFrom('FLAGS', 'UID', 'BODY', 'ENVELOPE', 'RFC822.TEXT', 'MODSEQ')
    .map((item) => ({ item }) as FetchWish),
  fc.record({ item: fc.constant('PREVIEW' as const), lazy: fc.boolean() }),
  fc.record({ item: fc.constant('BINARY.SIZE' as const), part }),
  withPartial(fc.record({ item: fc.constant('BODY[]' as const), section, peek: fc.boolean() })),
  withPartial(
    fc.record({ item: fc.constant('BINARY[]' as const), section: fc.record({ part }), peek: fc.boolean() }),
  ),
);

const fetch: fc.Arbitrary<FetchCommand> = fc.record(
  {
    name: fc.constant('FETCH' as const),
    uid: fc.boolean(),
    set,
    items: fc.array(wish, { minLength: 1, maxLength: 6 }),
    vanished: fc.constant(false),
    changedSince: fc
      .maxSafeNat()
      .map((modSeq) => modSeq + 1)
      .filter(Number.isSafeInteger),
  },
  { requiredKeys: ['name', 'uid', 'set', 'items', 'vanished'] },
);

test('whatever is searched for is read as it was meant, in every form', () => {
  fc.assert(
    fc.property(tree, choose, (key, pick) => {
      expect(command(`SEARCH CHARSET UTF-8 ${print.key(key, pick)}`)).toEqual({
        name: 'SEARCH',
        uid: false,
        returns: undefined,
        key,
      });
    }),
    { seed, numRuns: 1500 },
  );
});

test('whatever is fetched is read as it was meant', () => {
  fc.assert(
    fc.property(fetch, choose, (wanted, pick) => {
      expect(command(print.fetch(wanted, pick))).toEqual(wanted);
    }),
    { seed, numRuns: 1000 },
  );
});

test('whatever a mailbox is called, it is read by that name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.boolean(), choose, (name, utf8, pick) => {
      fc.pre(!/^inbox$/i.test(name) && !(utf8 && name.includes('\0')));
      const said = utf8 ? print.astring(name, pick) : print.mailbox(name, pick);
      expect(command(`RENAME ${said} ${said}`, { utf8 })).toEqual({
        name: 'RENAME',
        from: name.normalize('NFC'),
        to: name.normalize('NFC'),
      });
    }),
    { seed, numRuns: 1500 },
  );
});

/** Commands of every kind, well and ill formed, with literals of every form. */
const lines = fc.constantFrom(
  'a1 NOOP\r\n',
  'a2 LOGIN {3}\r\nada {2+}\r\nxx\r\n',
  'a3 APPEND x (\\Seen) " 1-Jan-2026 10:00:00 +0100" {7}\r\nh\r\n{2}a\r\n',
  'a4 APPEND {1+}\r\nx {3+}\r\nabc (\\Draft) ~{4}\r\n\0\0\r\n\r\n',
  'a5 APPEND x CATENATE (URL {4+}\r\n/a/b TEXT {3}\r\nabc URL "/c" TEXT {3+}\r\nabc)\r\n',
  'a6 UID REPLACE 7 x UTF8 (~{3+}\r\nabc)\r\n',
  'a7 APPEND x {99999999}\r\n',
  'a8 APPEND x {300+}\r\n',
  'a9 FROB {4+}\r\nabcd\r\n',
  'b1 UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS ({4+}\r\nFrom To)]) (CHANGEDSINCE 5 VANISHED)\r\n',
  'b2 UID SEARCH RETURN (COUNT) OR SUBJECT {3+}\r\na)b NOT (SEEN 1,3:*)\r\n',
  'b3 SETMETADATA x (/private/a ~{3}\r\na\0b /shared/b NIL)\r\n',
  'b4 NOTIFY SET STATUS (selected (MessageNew (UID) MessageExpunge)) (subtree x NONE)\r\n',
  'b5 LIST (SUBSCRIBED) "" (a* {2+}\r\nb%) RETURN (STATUS (MESSAGES) CHILDREN)\r\n',
  'b6 SELECT x (QRESYNC (1 2 1:9 (1,5 1,7)))\r\n',
  'b7 GETMETADATA (MAXSIZE 5) "" (/shared/a /private/b)\r\n',
  `b8 SEARCH TEXT ${'x'.repeat(300)}\r\n`,
  'b9 AUTHENTICATE PLAIN AHgAeQ==\r\n',
  '\r\n',
  '+\r\n',
);
const mutation = fc.record({
  at: fc.nat(400),
  cut: fc.nat(4),
  insert: fc.oneof(
    fc.constant(''),
    fc.string({
      unit: fc.constantFrom('{', '}', '3', '+', '(', ')', '"', '\\', ' ', '\r', '\n', '\0', 'ÿ'),
      maxLength: 4,
    }),
    fc.constantFrom('{3+}\r\n', '~{0}\r\n', '{9}\r\n', '\r\n'),
  ),
});
const stream = fc
  .tuple(fc.array(lines, { maxLength: 6 }), fc.array(mutation, { maxLength: 3 }))
  .map(([all, mutations]) =>
    mutations.reduce(
      (text, { at, cut, insert }) => text.slice(0, at) + insert + text.slice(at + cut),
      all.join(''),
    ),
  );
const rubbish = fc.uint8Array({ maxLength: 200 }).map((octets) => Buffer.from(octets).toString('latin1'));
const limits = { command: 256, message: 1000, unasked: 200 };

function inPieces(text: string, pieces: readonly number[], wish: Parameters<typeof reader>[0]): unknown[] {
  const one: RequestReader = reader(wish);
  const all: unknown[] = [];
  for (let at = 0, turn = 0; at < text.length; turn += 1) {
    const length = pieces.length === 0 ? 1 : (pieces[turn % pieces.length] ?? 0) + 1;
    one.push(Buffer.from(text.slice(at, at + length), 'latin1'));
    at += length;
    // Several pieces may have come before anyone looks.
    if (turn % 4 !== 0 && at < text.length) continue;
    for (const event of events(one)) {
      const last = all.at(-1);
      if (typeof event === 'string' && isOctets(event) && typeof last === 'string' && isOctets(last))
        all[all.length - 1] = last + event;
      else all.push(event);
    }
  }
  return all;
}

const isOctets = (event: string): boolean => !/^(go-on|message-end|append-end)$/.test(event);

test('it makes no difference in which pieces a stream arrives', () => {
  fc.assert(
    fc.property(fc.oneof(stream, rubbish), fc.array(fc.nat(20), { maxLength: 8 }), (text, pieces) => {
      expect(inPieces(text, pieces, { limits })).toEqual(read(text, { limits }));
    }),
    { seed, numRuns: 3000 },
  );
});

test('any octets are read to their end, and the next line is understood', () => {
  fc.assert(
    fc.property(fc.oneof(stream, rubbish), (text) => {
      const one = reader({ limits });
      one.push(Buffer.from(text, 'latin1'));
      events(one);
      // Whatever it waits for: no literal is longer than a message.
      one.push(Buffer.from(`${'x'.repeat(limits.message + limits.command)}\n\nzz NOOP\r\n`));
      const last = events(one).at(-1);
      fc.pre(!/\{\d{4,}\+\}\r?\n/.test(text)); // what is announced and refused is passed over, however long
      expect(last).toEqual({ tag: 'zz', name: 'NOOP' });
    }),
    { seed, numRuns: 3000 },
  );
});

test('a caller may refuse at any event, and the next command is understood', () => {
  fc.assert(
    fc.property(fc.array(lines, { minLength: 1, maxLength: 3 }), fc.nat(12), (all, at) => {
      const one = reader({ limits: { ...limits, message: 1e9 } });
      one.push(Buffer.from(all.join(''), 'latin1'));
      for (let index = 0; index < at; index += 1) one.next();
      one.refuse();
      events(one);
      const last = all.join('');
      fc.pre(!/\{(99999999|300\+)\}/.test(last));
      one.push(Buffer.from('\n\nzz NOOP\r\n'));
      expect(events(one).at(-1)).toEqual({ tag: 'zz', name: 'NOOP' });
    }),
    { seed, numRuns: 1000 },
  );
});

test('messages are handed on octet for octet, whatever they hold', () => {
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    fc.string({ unit: fc.constantFrom('\r\n', '{3+}', '{1}\r\n', ')', ' ', 'a APPEND x {2}\r\n', '\0') }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(octets, fc.boolean()), { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(30), { maxLength: 5 }),
      (messages, pieces) => {
        const said = messages.map(([text, waits]) => ` {${text.length}${waits ? '' : '+'}}\r\n${text}`);
        const all = inPieces(`a APPEND x${said.join('')}\r\n`, pieces, {});
        const bodies: string[] = [];
        for (const [index, event] of all.entries()) {
          const isLiteral = (event as { kind?: string }).kind === 'literal';
          const next = all[index + 1];
          if (isLiteral) bodies.push(next === 'message-end' ? '' : String(next));
        }
        expect(bodies).toEqual(messages.map(([text]) => text));
        expect(all.at(-1)).toBe('append-end');
      },
    ),
    { seed, numRuns: 800 },
  );
});
