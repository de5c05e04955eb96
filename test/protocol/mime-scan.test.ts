import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ContentScanner, type Scanned, type ScanOptions } from '../../src/protocol/mime/scan.ts';

const options: ScanOptions = { ownNames: new Set(['mx.example.org']), fields: ['subject', 'x-a'] };

function scan(
  text: string,
  pieces = 1,
  changes: Partial<ScanOptions> = {},
): Scanned & { scanner: ContentScanner } {
  const scanner = new ContentScanner({ ...options, ...changes });
  const octets = Buffer.from(text, 'utf8');
  const size = Math.max(1, Math.ceil(octets.length / pieces));
  for (let at = 0; at < octets.length; at += size) scanner.push(octets.subarray(at, at + size));
  return { ...scanner.finish(), scanner };
}

test('a header sent octet by octet takes no more than its like in memory', () => {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  const scanners = Array.from({ length: 5 }, () => new ContentScanner(options));
  collect();
  const before = process.memoryUsage().heapUsed;
  for (const scanner of scanners) for (let at = 0; at < 60_000; at += 1) scanner.push(Buffer.from('x'));
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000);
  expect(scanners.map(({ size }) => size)).toEqual(scanners.map(() => 60_000));
});

const own = (site: string) =>
  `Received: from a ([192.0.2.1])\r\n\tby mx.example.org (Isthmus) with ESMTP id Q1 (site ${site})\r\n\tfor <b@example.org>;\r\n\tTue, 24 Nov 2026 00:00:00 +0000\r\n`;

const message = `${own('cloud')}Received: from x by y with SMTP; date\r\n${own('onprem')}Message-ID:\r\n <1@example.com>\r\nSubject: a\r\n long\r\n\tone\r\nX-A: 1\r\nx-a: 2\r\n\r\nSubject: body\r\nReceived: not\r\n`;

describe('the scanner', () => {
  test.each([1, 2, 3, 7, 50, 1000])('learns the same from %i pieces', (pieces) => {
    const { facts, fields, fieldCount, headerTooBig } = scan(message, pieces);
    expect(facts).toEqual({
      size: Buffer.byteLength(message),
      eightBit: false,
      utf8Header: false,
      longestLine: 59,
      hops: 3,
      ownHops: 2,
      sitesSeen: ['cloud', 'onprem'],
      messageId: '<1@example.com>',
    });
    expect([...fields]).toEqual([
      ['subject', ['a long\tone']],
      ['x-a', ['1', '2']],
    ]);
    expect({ fieldCount, headerTooBig }).toEqual({ fieldCount: 7, headerTooBig: false });
  });

  test('a message without header has no fields', () => {
    for (const pieces of [1, 2, 40]) {
      const { facts, fieldCount } = scan('\r\nReceived: from x\r\nSubject: y\r\n', pieces);
      expect({ hops: facts.hops, fieldCount }).toEqual({ hops: 0, fieldCount: 0 });
    }
    expect(scan('').facts).toEqual({
      size: 0,
      eightBit: false,
      utf8Header: false,
      longestLine: 0,
      hops: 0,
      ownHops: 0,
      sitesSeen: [],
    });
  });

  test('a message that is all header has all its fields', () => {
    expect(scan('Subject: a\r\nX-A: b').fieldCount).toBe(2);
  });

  test('octets beyond ASCII are told apart by where they are', () => {
    expect(scan('Subject: a\r\n\r\nå\r\n').facts).toMatchObject({ eightBit: true, utf8Header: false });
    expect(scan('Subject: å\r\n\r\na\r\n').facts).toMatchObject({ eightBit: true, utf8Header: true });
    expect(scan('Subject: å\r\n\r\na\r\n').fields.get('subject')).toEqual(['å']);
  });

  test.each([
    ['none', 'a\r\nb\r\n', {}],
    ['bare LF', 'a\nb\r\n', { bareLf: true }],
    ['bare LF first', '\na', { bareLf: true }],
    ['bare CR', 'a\rb\r\n', { bareCr: true }],
    ['CR CR LF', 'a\r\r\n', { bareCr: true }],
    ['LF CR', 'a\n\rb', { bareLf: true, bareCr: true }],
    ['NUL', 'a\0\r\n', { nul: true }],
    ['CR NUL', 'a\r\0', { nul: true, bareCr: true }],
  ])('oddities: %s', (_what, text, odd) => {
    for (const pieces of [1, 2, 20]) {
      const { scanner } = scan(text, pieces);
      expect(scanner.odd).toEqual({ bareCr: false, bareLf: false, nul: false, ...odd });
      expect(scanner.isOdd).toBe(Object.keys(odd).length > 0);
    }
  });

  test('line lengths go on across pieces', () => {
    expect(scan(`${'a'.repeat(5000)}\r\nbb\r\n`, 10).facts.longestLine).toBe(5000);
    expect(scan(`a\r\n${'b'.repeat(70)}`, 3).facts.longestLine).toBe(70);
  });

  test('the header section is bounded', () => {
    const big = `${'X-Long: y\r\n'.repeat(1000)}\r\nbody\r\n`;
    const { headerTooBig, fieldCount } = scan(big, 9, { headerLimit: 1000 });
    expect(headerTooBig).toBe(true);
    expect(fieldCount).toBeLessThanOrEqual(91);
  });

  test('a message without blank line and with lines that are no fields has no big header', () => {
    const text = `Subject: a\r\n${'just words\r\n'.repeat(1000)}`;
    for (const pieces of [1, 20]) {
      const { headerTooBig, fields } = scan(text, pieces, { headerLimit: 1000 });
      expect({ headerTooBig, subject: fields.get('subject') }).toEqual({
        headerTooBig: false,
        subject: ['a'],
      });
    }
  });

  test('any octets in any pieces: the same facts', () => {
    const parts = fc.array(
      fc.constantFrom('\r\n', '\r', '\n', 'a', ':', ' ', 'Received: ', 'x\r\n\r\n', '\0', 'å'),
      {
        maxLength: 40,
      },
    );
    fc.assert(
      fc.property(parts, fc.integer({ min: 1, max: 60 }), (words, pieces) => {
        const text = words.join('');
        const { scanner: one, ...whole } = scan(text);
        const { scanner: other, ...cut } = scan(text, pieces);
        expect(cut).toEqual(whole);
        expect(other.odd).toEqual(one.odd);
        expect(one.odd.bareLf).toBe(/(?<!\r)\n/.test(text));
        expect(other.endsLine).toBe(text === '' || text.endsWith('\n'));
      }),
      { seed: 9, numRuns: 2000 },
    );
  });
});
