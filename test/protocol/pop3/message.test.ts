/**
 * Messages on their way out: stuffed, measured, and cut by TOP; in chunks of every size.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Stuffing } from '../../../src/protocol/pop3/stuffing.ts';
import { Top } from '../../../src/protocol/pop3/top.ts';

function send(chunks: readonly Buffer[]): string {
  const stuffing = new Stuffing();
  const sent = chunks.map((chunk) => Buffer.from(stuffing.stuff(chunk)));
  return Buffer.concat([...sent, Buffer.from(stuffing.end())]).toString('latin1');
}

function top(chunks: readonly Buffer[], lines: number): string {
  const cut = new Top(lines);
  const taken: Buffer[] = [];
  for (const chunk of chunks) {
    if (cut.complete) break;
    taken.push(cut.take(chunk));
  }
  return Buffer.concat(taken).toString('latin1');
}

const octet = (bytes: Buffer): Buffer[] => [...bytes].map((one) => Buffer.from([one]));

test.each([
  ['', '.\r\n'],
  ['a\r\n', 'a\r\n.\r\n'],
  ['a', 'a\r\n.\r\n'],
  ['.', '..\r\n.\r\n'],
  ['a\r\n.b\r\n..\r\n', 'a\r\n..b\r\n...\r\n.\r\n'],
  ['a\nb', 'a\r\nb\r\n.\r\n'],
  ['a\n.\nb\n', 'a\r\n..\r\nb\r\n.\r\n'],
  ['\n', '\r\n.\r\n'],
  ['\n\n.\r\n', '\r\n\r\n..\r\n.\r\n'],
  ['a\r.b\r\n', 'a\r.b\r\n.\r\n'],
  ['a\r', 'a\r\r\n.\r\n'],
  ['\r\r\n.', '\r\r\n..\r\n.\r\n'],
])('%j is sent as %j, however it is cut', (message, sent) => {
  const bytes = Buffer.from(message);
  for (let at = 0; at <= bytes.length; at++)
    expect(send([bytes.subarray(0, at), bytes.subarray(at)])).toBe(sent);
  expect(send(octet(bytes))).toBe(sent);
});

test('a chunk that needs nothing is not copied', () => {
  const chunk = Buffer.from('Subject: x\r\n\r\na.b\r\n');
  const sent = new Stuffing().stuff(chunk);
  expect([sent.buffer, sent.byteOffset]).toEqual([chunk.buffer, chunk.byteOffset]);
});

const part = fc.constantFrom('\r\n', '\r', '\n', '.', '.\r\n', 'a', '\r\n.\r\n', '\n.\n', '\u00ff');
const cutMessages = fc
  .tuple(fc.array(part, { maxLength: 14 }), fc.array(fc.nat(30), { maxLength: 5 }))
  .map(([parts, cuts]) => {
    const bytes = Buffer.from(parts.join(''), 'latin1');
    const ends = [...new Set([...cuts.filter((end) => end < bytes.length), bytes.length])].sort(
      (a, b) => a - b,
    );
    return { bytes, chunks: ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end)) };
  });

test('what is sent ends once for every kind of client, and is the message again with CRLF lines', () => {
  fc.assert(
    fc.property(cutMessages, ({ bytes, chunks }) => {
      const sent = send(chunks);
      // A client that wants CRLF, and one that takes any LF.
      expect(`\r\n${sent}`.indexOf('\r\n.\r\n')).toBe(sent.length - 3);
      expect(`\n${sent}`.search(/\n\.\r?\n/)).toBe(sent.length - 3);
      const received = sent
        .slice(0, -3)
        .replace(/^\./, '')
        .replace(/\r\n\./g, '\r\n');
      const lines = bytes.toString('latin1').replace(/(?<!\r)\n/g, '\r\n');
      expect(received).toBe(lines === '' || lines.endsWith('\n') ? lines : `${lines}\r\n`);
    }),
    { seed: 1939, numRuns: 3000 },
  );
});

test('a message whose lines end in CRLF is sent with its own size, stuffing apart', () => {
  fc.assert(
    fc.property(cutMessages, ({ bytes }) => {
      const whole = Buffer.from(`${bytes.toString('latin1').replace(/(?<!\r)\n/g, '\r\n')}\r\n`, 'latin1');
      const dots = whole.toString('latin1').match(/^\.|(?<=\n)\./g)?.length ?? 0;
      expect(send([whole]).length).toBe(whole.length + dots + 3);
    }),
    { seed: 11, numRuns: 1000 },
  );
});

const message = 'A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\nthree';

test.each([
  [message, 0, 'A: 1\r\nB: 2\r\n\r\n'],
  [message, 1, 'A: 1\r\nB: 2\r\n\r\none\r\n'],
  [message, 2, 'A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n'],
  [message, 3, message],
  [message, Number.MAX_SAFE_INTEGER, message],
  ['A: 1\r\n', 0, 'A: 1\r\n'],
  ['A: 1\n\nb\nc\n', 1, 'A: 1\n\nb\n'],
  ['\r\nb\r\nc', 1, '\r\nb\r\n'],
  ['A: 1\r\n\r\r\n\r\nb\r\n', 0, 'A: 1\r\n\r\r\n\r\n'],
  ['', 5, ''],
])('of %j TOP %i takes %j, however it is cut', (whole, lines, wanted) => {
  const bytes = Buffer.from(whole);
  for (let at = 0; at <= bytes.length; at++)
    expect(top([bytes.subarray(0, at), bytes.subarray(at)], lines)).toBe(wanted);
  expect(top(octet(bytes), lines)).toBe(wanted);
});

test('TOP is complete as soon as it has what it wants', () => {
  const cut = new Top(0);
  expect(cut.complete).toBe(false);
  cut.take(Buffer.from('A: 1\r\n\r'));
  expect(cut.complete).toBe(false);
  cut.take(Buffer.from('\nrest'));
  expect(cut.complete).toBe(true);
});
