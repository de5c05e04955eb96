import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printReplyLines } from '../../../src/protocol/smtp/reply-printer.ts';

test.each([
  ['one line', { code: 250, enhanced: '2.0.0', lines: ['Ok'] }, '250 2.0.0 Ok\r\n'],
  ['no enhanced code', { code: 354, lines: ['Go on'] }, '354 Go on\r\n'],
  ['no text', { code: 250, enhanced: '2.0.0', lines: [] }, '250 2.0.0\r\n'],
  ['several lines', { code: 550, enhanced: '5.7.1', lines: ['a', 'b'] }, '550-5.7.1 a\r\n550 5.7.1 b\r\n'],
  ['the code never twice', { code: 452, enhanced: '4.2.2', lines: ['4.2.2 full'] }, '452 4.2.2 full\r\n'],
  [
    'text that ends lines',
    { code: 550, enhanced: '5.1.1', lines: ['a\r\n250 b\0'] },
    '550 5.1.1 a 250 b\r\n',
  ],
  ['text beyond ASCII', { code: 550, enhanced: '5.1.1', lines: ['åda'] }, '550 5.1.1 ?da\r\n'],
])('%s', (_what, reply, text) => {
  expect(printReplyLines(reply)).toBe(text);
});

test('text beyond ASCII is said to those who asked for it', () => {
  expect(printReplyLines({ code: 550, lines: ['åda'] }, true)).toBe('550 åda\r\n');
});

test('whatever the text, lines are well formed and have 512 octets at most', () => {
  const reply = fc.record({
    code: fc.constantFrom(250, 450, 550),
    enhanced: fc.constantFrom('2.0.0', '5.123.123'),
    lines: fc.array(fc.string({ unit: 'binary', maxLength: 1500 }), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(reply, fc.boolean(), (given, utf8) => {
      const lines = printReplyLines(given, utf8).split('\r\n');
      expect(lines.pop()).toBe('');
      for (const [index, line] of lines.entries()) {
        expect(Buffer.byteLength(line) + 2).toBeLessThanOrEqual(512);
        expect(line).toMatch(index === lines.length - 1 ? /^\d{3}(?: |$)/ : /^\d{3}-/);
        expect(line).not.toMatch(/[\r\n\0]/);
      }
    }),
    { seed: 7 },
  );
});
