import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DataDecoder } from '../../../src/protocol/smtp/data.ts';
import { LineEndingNormaliser } from '../../../src/protocol/smtp/line-endings.ts';

/** What the decoder makes of chunks: the content, whether it ended, and what was left. */
function decode(chunks: readonly string[]): { content: string; ended: boolean; rest: string } {
  const decoder = new DataDecoder();
  let content = '';
  for (const [index, chunk] of chunks.entries()) {
    const octets = Buffer.from(chunk, 'latin1');
    const decoded = decoder.decode(octets);
    content += decoded.content.toString('latin1');
    if (decoded.ended) {
      const rest = octets.subarray(decoded.used).toString('latin1') + chunks.slice(index + 1).join('');
      return { content, ended: true, rest };
    }
    expect(decoded.used).toBe(octets.length);
  }
  return { content, ended: false, rest: '' };
}

/** The plain way: line by line, lines ended by CRLF and nothing else. */
function expected(text: string): { content: string; ended: boolean; rest: string } {
  const lines = text.split('\r\n');
  let content = '';
  for (const [index, line] of lines.entries()) {
    const last = index === lines.length - 1;
    if (!last && line === '.') return { content, ended: true, rest: lines.slice(index + 1).join('\r\n') };
    content += line.startsWith('.') ? line.slice(1) : line;
    if (!last) content += '\r\n';
  }
  return { content, ended: false, rest: '' };
}

const octets = fc.array(fc.constantFrom('\r', '\n', '.', '\r\n', '\r\n.', '\r\n.\r\n', 'x', 'xyz', '\0'), {
  maxLength: 30,
});

test('any text in any pieces is what it is line by line', () => {
  fc.assert(
    fc.property(octets, fc.array(fc.nat(5), { maxLength: 60 }), (parts, sizes) => {
      const text = parts.join('');
      const chunks: string[] = [];
      let at = 0;
      for (const size of sizes) {
        chunks.push(text.slice(at, at + size));
        at += size;
      }
      chunks.push(text.slice(at));
      const found = decode(chunks);
      const wanted = expected(text);
      expect(found.ended).toBe(wanted.ended);
      if (wanted.ended) expect(found).toEqual(wanted);
      // Without an end, a dot or a dot and CR may be held back, until it is known what follows.
      else expect(/^(?:\r)?$/.test(wanted.content.slice(found.content.length))).toBe(true);
    }),
    { seed: 5, numRuns: 5000 },
  );
});

test.each([
  ['an empty message', '.\r\n', '', ''],
  ['one line', 'a\r\n.\r\nQUIT\r\n', 'a\r\n', 'QUIT\r\n'],
  ['a stuffed dot', '..a\r\n.\r\n', '.a\r\n', ''],
  ['a line of one dot', '..\r\n.\r\n', '.\r\n', ''],
  ['a dot unstuffed by a careless client', '.a\r\n.\r\n', 'a\r\n', ''],
])('%s', (_what, wire, content, rest) => {
  expect(decode([wire])).toEqual({ content, ended: true, rest });
  expect(decode([...wire])).toEqual({ content, ended: true, rest });
});

test('a flood of dots comes out whole', () => {
  const lines = 100_000;
  const wire = Buffer.from(`${'..\r\n'.repeat(lines)}.\r\n`);
  const decoder = new DataDecoder();
  let length = 0;
  for (let at = 0; at < wire.length; at += 65_536) {
    length += decoder.decode(wire.subarray(at, at + 65_536)).content.length;
  }
  expect(length).toBe(lines * 3);
});

test('normalised content has no bare CR and no bare LF, however it comes', () => {
  fc.assert(
    fc.property(octets, (parts) => {
      const normaliser = new LineEndingNormaliser();
      const out = [...parts.map((part) => normaliser.push(Buffer.from(part))), normaliser.end()];
      const text = Buffer.concat(out).toString('latin1');
      expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
      expect(text).toBe(parts.join('').replace(/\r\n|\n|\r/g, (end) => (end === '\r' ? ' ' : '\r\n')));
    }),
    { seed: 6 },
  );
});
