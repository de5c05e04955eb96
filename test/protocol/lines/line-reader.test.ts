import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineReader } from '../../../src/protocol/lines/line-reader.ts';

const limit = 12;

function read(chunks: readonly Buffer[]): string[] {
  const reader = new LineReader(limit);
  return chunks.flatMap((chunk) => {
    reader.push(chunk);
    return drain(reader);
  });
}

function drain(reader: LineReader): string[] {
  const lines: string[] = [];
  for (let line = reader.take(); line; line = reader.take())
    lines.push(line.kind === 'line' ? line.octets.toString('latin1') : 'TOO LONG');
  return lines;
}

test('lines end in CRLF or LF, and a CR elsewhere is theirs', () => {
  expect(read([Buffer.from('a\r\nb\n\r\n\nc\rd\r\r\nrest')])).toEqual(['a', 'b', '', '', 'c\rd\r']);
});

test('a line as long as permitted comes, a longer one is told once and skipped', () => {
  const fits = 'x'.repeat(limit);
  for (const end of ['\n', '\r\n']) {
    expect(read([Buffer.from(`${fits}${end}a${end}`)])).toEqual([fits, 'a']);
    expect(read([Buffer.from(`${fits}x${end}a${end}`)])).toEqual(['TOO LONG', 'a']);
  }
  expect(read(Array.from({ length: 50 }, () => Buffer.from('xxxxx')))).toEqual(['TOO LONG']);
});

test('octets are taken as they are, and lines go on behind them', () => {
  const reader = new LineReader(limit);
  reader.push(Buffer.from('take 4\r\n\r\n'));
  expect(drain(reader).slice(0, 1)).toEqual(['take 4']);
  const other = new LineReader(limit);
  other.push(Buffer.from('take 4\r\n\r\n'));
  other.take();
  expect(other.takeOctets(4).toString()).toBe('\r\n');
  other.push(Buffer.from('\n\nnext\r\n'));
  expect(other.takeOctets(2).toString()).toBe('\n\n');
  expect(drain(other)).toEqual(['next']);
});

test('what is cleared never comes', () => {
  const reader = new LineReader(limit);
  reader.push(Buffer.from('one\r\ntwo\r\nthr'));
  reader.take();
  expect(reader.buffered).toBe(8);
  reader.clear();
  expect(reader.buffered).toBe(0);
  reader.push(Buffer.from('four\r\n'));
  expect(drain(reader)).toEqual(['four']);
});

test('the lines are the same in whatever pieces they come', () => {
  const part = fc.constantFrom('\r\n', '\n', '\r', 'abc', 'x'.repeat(limit - 1), 'y', '\0');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), fc.integer({ min: 1, max: 9 }), (parts, piece) => {
      const whole = Buffer.from(parts.join(''));
      const chunks: Buffer[] = [];
      for (let from = 0; from < whole.length; from += piece) chunks.push(whole.subarray(from, from + piece));
      const got = read(chunks);
      // A line without its end may be told to be too long before it ends.
      const expected = read([whole]);
      expect(got).toEqual(expected);
      const said = parts.join('').split('\n').slice(0, -1);
      const wanted = said
        .map((line) => line.replace(/\r$/, ''))
        .map((line) => (line.length > limit ? 'TOO LONG' : line));
      expect(got.slice(0, wanted.length)).toEqual(wanted);
    }),
    { seed: 2595, numRuns: 2000 },
  );
});
