/**
 * A client's stream cut into commands: literals of every form, messages handed on, refusals, lines that are no commands.
 */
import { expect, test } from 'vitest';
import { events, read, reader } from './said.ts';

test('commands come one by one, each with its tag', () => {
  expect(read('a1 NOOP\r\na2 capability\r\n')).toEqual([
    { tag: 'a1', name: 'NOOP' },
    { tag: 'a2', name: 'CAPABILITY' },
  ]);
});

test('a line may end in LF alone, and be followed by spaces', () => {
  expect(read('a1 NOOP\na2 CHECK  \r\n')).toEqual([
    { tag: 'a1', name: 'NOOP' },
    { tag: 'a2', name: 'CHECK' },
  ]);
});

test('a client that waits is told to go on with each literal', () => {
  const one = reader();
  one.push(Buffer.from('A001 LOGIN {11}\r\n'));
  expect(events(one)).toEqual(['go-on']);
  one.push(Buffer.from('FRED FOOBAR {7}\r\n'));
  expect(events(one)).toEqual(['go-on']);
  one.push(Buffer.from('fat man\r\n'));
  expect(events(one)).toEqual([{ tag: 'A001', name: 'LOGIN', user: 'FRED FOOBAR', password: 'fat man' }]);
});

test('a client that does not wait is not told (RFC 7888 §3)', () => {
  expect(read('A001 LOGIN {11+}\r\nFRED FOOBAR {7+}\r\nfat man\r\nA2 NOOP\r\n')).toEqual([
    { tag: 'A001', name: 'LOGIN', user: 'FRED FOOBAR', password: 'fat man' },
    { tag: 'A2', name: 'NOOP' },
  ]);
});

test('a literal may hold line ends and what looks like a literal', () => {
  expect(read('a LOGIN {8+}\r\nx {3+}\r\n "p"\r\n')).toEqual([
    { tag: 'a', name: 'LOGIN', user: 'x {3+}\r\n', password: 'p' },
  ]);
});

test('an empty literal is an empty string', () => {
  expect(read('a LOGIN {0+}\r\n {0}\r\n\r\n')).toEqual([
    'go-on',
    { tag: 'a', name: 'LOGIN', user: '', password: '' },
  ]);
});

test('what cannot be a command is refused, with its tag where it has one', () => {
  expect(read('\r\n+ NOOP\r\na\r\nb LOGIN x\r\nc NOOP\r\n')).toEqual([
    { kind: 'refused', tag: undefined, verdict: 'BAD', text: expect.any(String), skips: 0 },
    { kind: 'refused', tag: undefined, verdict: 'BAD', text: expect.any(String), skips: 0 },
    { kind: 'refused', tag: undefined, verdict: 'BAD', text: expect.any(String), skips: 0 },
    { kind: 'refused', tag: 'b', verdict: 'BAD', text: 'a space expected at octet 10', skips: 0 },
    { tag: 'c', name: 'NOOP' },
  ]);
});

test('a command nobody knows keeps its tag and its name', () => {
  expect(read('a XYZZY (1 2)\r\nb UID FROB 1\r\n')).toEqual([
    { tag: 'a', name: 'UNKNOWN', word: 'XYZZY' },
    { tag: 'b', name: 'UNKNOWN', word: 'UID FROB' },
  ]);
});

test('a command nobody knows is refused before its literal is sent', () => {
  expect(read('a XYZZY {10}\r\nb NOOP\r\nc XYZZY {8+}\r\nd NOOP\r\n\r\ne NOOP\r\n')).toEqual([
    { kind: 'refused', tag: 'a', verdict: 'BAD', text: 'the command is not known', skips: 0 },
    { tag: 'b', name: 'NOOP' },
    { kind: 'refused', tag: 'c', verdict: 'BAD', text: 'the command is not known', skips: 8 },
    { tag: 'e', name: 'NOOP' },
  ]);
});

test('a literal that makes the command too long is refused; what comes nevertheless is passed over', () => {
  const limits = { command: 40 };
  expect(read('a LOGIN {50}\r\nb NOOP\r\n', { limits })).toEqual([
    { kind: 'refused', tag: 'a', verdict: 'BAD', text: 'the command is too long', skips: 0 },
    { tag: 'b', name: 'NOOP' },
  ]);
  expect(read(`a LOGIN {50+}\r\n${'b NOOP\r\n'.repeat(6)}xx pass\r\nc NOOP\r\n`, { limits })).toEqual([
    { kind: 'refused', tag: 'a', verdict: 'BAD', text: 'the command is too long', skips: 50 },
    { tag: 'c', name: 'NOOP' },
  ]);
});

test('literals and lines count together', () => {
  const limits = { command: 35 };
  expect(read(`a LOGIN {10+}\r\n0123456789 {10+}\r\n0123456789\r\nb NOOP\r\n`, { limits })).toEqual([
    { kind: 'refused', tag: 'a', verdict: 'BAD', text: 'the command is too long', skips: 10 },
    { tag: 'b', name: 'NOOP' },
  ]);
});

test('a line is too long together with the literals before it, even where it never ends', () => {
  const text = `a LOGIN {10+}\r\n0123456789 ${'x'.repeat(20)}`;
  expect(read(text, { limits: { command: 40 } })).toMatchObject([{ kind: 'refused', tag: 'a' }]);
});

test('a line that is too long is refused as soon as it is, and passed over to its end', () => {
  const one = reader({ limits: { command: 40 } });
  one.push(Buffer.from(`a SEARCH SUBJECT ${'x'.repeat(40)}`));
  const refusal = { kind: 'refused', tag: 'a', verdict: 'BAD', text: 'the command is too long', skips: 0 };
  expect(events(one)).toEqual([refusal]);
  one.push(Buffer.from(`${'y'.repeat(5000)} {8+}\r\nb NOOP\r\n TEXT {3}\r\nc NOOP\r\n`));
  expect(events(one)).toEqual([{ tag: 'c', name: 'NOOP' }]);
});

test('a command of just the permitted length is read', () => {
  const text = `a LOGIN u ${'p'.repeat(30)}`;
  expect(read(`${text}\r\n`, { limits: { command: 40 } })).toMatchObject([{ name: 'LOGIN' }]);
  expect(read(`${text}p\r\nb NOOP\r\n`, { limits: { command: 40 } })).toMatchObject([
    { kind: 'refused', tag: 'a' },
    { name: 'NOOP' },
  ]);
});

test('LITERAL-: a literal of more than 4096 octets must wait (RFC 7888 §5)', () => {
  const limits = { unasked: 4096 };
  const octets = 'x'.repeat(4097);
  expect(read(`a APPEND x {4097+}\r\n${octets}\r\nb NOOP\r\n`, { limits })).toEqual([
    { kind: 'refused', tag: 'a', verdict: 'BAD', text: expect.stringContaining('asked for'), skips: 4097 },
    { tag: 'b', name: 'NOOP' },
  ]);
  expect(read(`a APPEND x {4097}\r\n${octets}\r\n`, { limits })).toContain('append-end');
});

test('a caller may refuse a literal instead of asking for it', () => {
  const one = reader();
  one.push(Buffer.from('a LOGIN {5}\r\n'));
  expect(one.next()).toEqual({ kind: 'go-on' });
  one.refuse();
  one.push(Buffer.from('b NOOP\r\n'));
  expect(events(one)).toEqual([{ tag: 'b', name: 'NOOP' }]);
});

test('a line that was expected is given as it is', () => {
  const one = reader();
  one.push(Buffer.from('a AUTHENTICATE PLAIN\r\nAHgAeQ==\r\nb IDLE\r\nDONE\r\nc NOOP\r\n'));
  expect(one.next()).toMatchObject({ command: { name: 'AUTHENTICATE', mechanism: 'PLAIN' } });
  one.expectLine();
  expect(one.next()).toEqual({ kind: 'line', line: 'AHgAeQ==' });
  expect(one.next()).toMatchObject({ command: { name: 'IDLE' } });
  one.expectLine();
  expect(one.next()).toEqual({ kind: 'line', line: 'DONE' });
  expect(events(one)).toEqual([{ tag: 'c', name: 'NOOP' }]);
});

test('an expected line that ends in braces announces nothing', () => {
  const one = reader();
  one.expectLine();
  one.push(Buffer.from('{5+}\r\na NOOP\r\n'));
  expect(events(one)).toEqual([
    { kind: 'line', line: '{5+}' },
    { tag: 'a', name: 'NOOP' },
  ]);
});

test('an expected line that is too long has no tag to be refused with', () => {
  const one = reader({ limits: { command: 10 } });
  one.expectLine();
  one.push(Buffer.from('a NOOPNOOPNOOP\r\na NOOP\r\n'));
  expect(events(one)).toEqual([
    { kind: 'refused', tag: undefined, verdict: 'BAD', text: 'the command is too long', skips: 0 },
    { tag: 'a', name: 'NOOP' },
  ]);
});

test('what was sent with STARTTLS before the handshake can be seen and thrown away', () => {
  const one = reader();
  one.push(Buffer.from('a STARTTLS\r\nb LOGIN x'));
  one.push(Buffer.from(' y\r\n'));
  expect(one.next()).toMatchObject({ command: { name: 'STARTTLS' } });
  expect(one.takePending().toString()).toBe('b LOGIN x y\r\n');
  expect(one.next()).toBeUndefined();
});
