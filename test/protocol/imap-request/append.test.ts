/**
 * APPEND, CATENATE and REPLACE: the message is handed on, all else is read.
 */
import { expect, test } from 'vitest';
import { events, read, reader } from './said.ts';

const append = { kind: 'append', tag: 'A003', command: 'APPEND', mailbox: 'saved-messages' };
const message = { kind: 'message', flags: [], date: undefined, catenate: false };
const literal = { kind: 'literal', size: 5, waits: false, form: 'text' };

test('the message of RFC 9051 §6.3.12 is announced, handed on and ended', () => {
  const one = reader();
  one.push(Buffer.from('A003 APPEND saved-messages (\\Seen) {326}\r\n'));
  expect(events(one)).toEqual([
    append,
    { ...message, flags: ['\\Seen'] },
    { ...literal, size: 326, waits: true },
  ]);
  const body = 'Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\n'.padEnd(326, 'x');
  one.push(Buffer.from(body));
  expect(events(one)).toEqual([body]);
  one.push(Buffer.from('\r\n'));
  expect(events(one)).toEqual(['message-end', 'append-end']);
});

test('octets are views of what was pushed, as much as there is', () => {
  const one = reader();
  one.push(Buffer.from('A003 APPEND x {6+}\r\n'));
  for (let event = one.next(); event !== undefined; event = one.next());
  const chunk = Buffer.from('abc');
  one.push(chunk);
  const event = one.next();
  expect(event).toEqual({ kind: 'octets', octets: chunk });
  expect(event?.kind === 'octets' && event.octets.buffer === chunk.buffer).toBe(true);
  expect(one.next()).toBeUndefined();
});

test('a date stands with flags or without', () => {
  const date = new Date('1994-02-07T21:52:25-08:00');
  expect(read('A003 APPEND saved-messages " 7-Feb-1994 21:52:25 -0800" {5+}\r\nhello\r\n')).toEqual([
    append,
    { ...message, date },
    literal,
    'hello',
    'message-end',
    'append-end',
  ]);
  expect(
    read('A003 APPEND saved-messages (\\Seen $Junk) "07-Feb-1994 21:52:25 -0800" {5+}\r\nhello\r\n'),
  ).toContainEqual({ ...message, flags: ['\\Seen', '$Junk'], date });
});

test('a mailbox that is a literal is no message', () => {
  expect(read('A003 APPEND {14}\r\nsaved-messages {5+}\r\nhello\r\n')).toEqual([
    'go-on',
    append,
    message,
    literal,
    'hello',
    'message-end',
    'append-end',
  ]);
});

test('several messages in one command (RFC 3502)', () => {
  expect(
    read('A003 APPEND saved-messages (\\Seen) {5+}\r\nhello (\\Draft) {5}\r\nthere {0+}\r\n\r\n'),
  ).toEqual([
    append,
    { ...message, flags: ['\\Seen'] },
    literal,
    'hello',
    'message-end',
    { ...message, flags: ['\\Draft'] },
    { ...literal, waits: true },
    'there',
    'message-end',
    message,
    { ...literal, size: 0 },
    'message-end',
    'append-end',
  ]);
});

test('the length of a command is bounded between messages, not their number', () => {
  const limits = { command: 40 };
  const text = `A003 APPEND x${' (\\Seen) {5+}\r\nhello'.repeat(20)}`;
  expect(read(`${text}\r\n`, { limits }).at(-1)).toBe('append-end');
  expect(read(`${text} ${'('.repeat(50)}`, { limits }).at(-1)).toMatchObject({
    kind: 'refused',
    tag: 'A003',
  });
});

test('octets that may hold NUL, and UTF-8 headers, are announced as such', () => {
  expect(read('A003 APPEND saved-messages ~{5+}\r\na\0b\0c\r\n')).toContainEqual({
    ...literal,
    form: 'binary',
  });
  expect(read('A003 APPEND saved-messages UTF8 (~{5+}\r\nhello)\r\n')).toEqual([
    append,
    message,
    { ...literal, form: 'utf8' },
    'hello',
    'message-end',
    'append-end',
  ]);
});

test('the parts of CATENATE come in order (RFC 4469 §3)', () => {
  const text =
    'A003 APPEND saved-messages (\\Seen) CATENATE (URL "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER"' +
    ' TEXT {5}\r\nhello URL {6+}\r\n/x;u=1 UTF8 (~{5+}\r\nthere) TEXT {5+}\r\nworld)\r\n';
  expect(read(text)).toEqual([
    append,
    { ...message, flags: ['\\Seen'], catenate: true },
    { kind: 'url', url: '/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER' },
    { ...literal, waits: true },
    'hello',
    { kind: 'url', url: '/x;u=1' },
    { ...literal, form: 'utf8' },
    'there',
    literal,
    'world',
    'message-end',
    'append-end',
  ]);
});

test('CATENATE of URLs alone needs no literal', () => {
  expect(read('A003 APPEND saved-messages CATENATE (URL "/a" URL "/b") CATENATE (URL "/c")\r\n')).toEqual([
    append,
    { ...message, catenate: true },
    { kind: 'url', url: '/a' },
    { kind: 'url', url: '/b' },
    'message-end',
    { ...message, catenate: true },
    { kind: 'url', url: '/c' },
    'message-end',
    'append-end',
  ]);
});

test('REPLACE names the message that goes (RFC 8508 §3)', () => {
  const replace = { kind: 'append', tag: 'A003', command: 'REPLACE', mailbox: 'Drafts' };
  expect(read('A003 REPLACE 4 Drafts (\\Seen \\Draft) {5}\r\n')[0]).toEqual({
    ...replace,
    uid: false,
    replaces: 4,
  });
  expect(read('A003 UID REPLACE 2000 Drafts {5}\r\n')[0]).toEqual({ ...replace, uid: true, replaces: 2000 });
  expect(read('A003 REPLACE * Drafts {5}\r\n')[0]).toEqual({ ...replace, uid: false, replaces: '*' });
});

test('REPLACE has one message', () => {
  expect(read('A003 REPLACE 4 Drafts {5+}\r\nhello {5}\r\nA4 NOOP\r\n').slice(-2)).toEqual([
    expect.objectContaining({ kind: 'refused', tag: 'A003', verdict: 'BAD' }),
    { tag: 'A4', name: 'NOOP' },
  ]);
});

test('a message that is too big is refused before it comes, its parts counted together', () => {
  const limits = { message: 8 };
  const tooBig = { kind: 'refused', tag: 'A003', verdict: 'NO', code: { code: 'TOOBIG' } };
  expect(read('A003 APPEND saved-messages {9}\r\nA4 NOOP\r\n', { limits })).toEqual([
    append,
    expect.objectContaining({ ...tooBig, skips: 0 }),
    { tag: 'A4', name: 'NOOP' },
  ]);
  expect(
    read('A003 APPEND x CATENATE (TEXT {5+}\r\nhello TEXT {5+}\r\nhello)\r\nA4 NOOP\r\n', { limits }),
  ).toEqual([
    expect.objectContaining({ kind: 'append' }),
    { ...message, catenate: true },
    literal,
    'hello',
    expect.objectContaining({ ...tooBig, skips: 5 }),
    { tag: 'A4', name: 'NOOP' },
  ]);
  expect(read('A003 APPEND x {8+}\r\n12345678 {8+}\r\n12345678\r\n', { limits })).toContain('append-end');
});

test('an absurd size is too big, not a number gone wrong', () => {
  expect(read('A003 APPEND x {99999999999999999999}\r\nA4 NOOP\r\n')).toMatchObject([
    { kind: 'append' },
    { kind: 'refused', code: { code: 'TOOBIG' } },
    { name: 'NOOP' },
  ]);
});

test('a caller that refuses a message is not given it, whether the client waits or not', () => {
  for (const [announced, sent] of [
    ['{5}', ''],
    ['{5+}', 'hello (\\Seen) {5+}\r\nhello\r\n'],
    ['{5+}', 'hello {5}\r\n'],
  ]) {
    const one = reader();
    one.push(Buffer.from(`A003 APPEND nowhere ${announced}\r\n`));
    expect(one.next()).toMatchObject({ kind: 'append', mailbox: 'nowhere' });
    one.refuse();
    one.push(Buffer.from(`${sent}A4 NOOP\r\n`));
    expect(events(one)).toEqual([{ tag: 'A4', name: 'NOOP' }]);
  }
});

test('a caller may refuse in the middle of a message', () => {
  const one = reader();
  one.push(Buffer.from('A003 APPEND x {10}\r\n'));
  expect(events(one)).toHaveLength(3);
  one.push(Buffer.from('hello'));
  expect(events(one)).toEqual(['hello']);
  one.refuse();
  one.push(Buffer.from('there (\\Seen) {5+}\r\nagain\r\nA4 NOOP\r\n'));
  expect(events(one)).toEqual([{ tag: 'A4', name: 'NOOP' }]);
});

test('a caller may refuse between a message and the rest of the line', () => {
  const one = reader();
  one.push(Buffer.from('A003 APPEND x {5}\r\nhello (\\Se'));
  expect(events(one)).toContain('hello');
  one.refuse();
  one.push(Buffer.from('en) {5+}\r\nagain\r\nA4 NOOP\r\n'));
  expect(events(one)).toEqual([{ tag: 'A4', name: 'NOOP' }]);
});

test.each([
  'A003 APPEND saved-messages',
  'A003 APPEND saved-messages ',
  'A003 APPEND saved-messages "quoted message"',
  'A003 APPEND saved-messages (\\Seen)',
  'A003 APPEND saved-messages (\\Seen {5}',
  'A003 APPEND saved-messages "31-Feb-1994 21:52:25 -0800" {5}',
  'A003 APPEND saved-messages CATENATE ()',
  'A003 APPEND saved-messages CATENATE (TEXT "x")',
  'A003 APPEND saved-messages CATENATE (BLOB {5}',
  'A003 APPEND saved-messages UTF8 ({5}',
  'A003 REPLACE 0 saved-messages {5}',
  'A003 UID REPLACE 1:2 saved-messages {5}',
])('%s is refused, and the client not asked for more', (line) => {
  const all = read(`${line}\r\nA4 NOOP\r\n`);
  expect(all.slice(-2)).toEqual([
    expect.objectContaining({ kind: 'refused', tag: 'A003', verdict: 'BAD' }),
    { tag: 'A4', name: 'NOOP' },
  ]);
  expect(all).not.toContain('go-on');
});

test('what does not follow a message is refused after it', () => {
  expect(read('A003 APPEND x {5+}\r\nhello)\r\nA4 NOOP\r\n').slice(-3)).toEqual([
    'message-end',
    expect.objectContaining({ kind: 'refused', tag: 'A003' }),
    { tag: 'A4', name: 'NOOP' },
  ]);
});
