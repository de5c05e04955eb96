/**
 * Replies of servers: well-formed, sloppy, and no replies at all; in pieces of every size.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Reply } from '../../src/mail/reply.ts';
import { noExtensions, parseExtensions } from '../../src/protocol/smtp/client-extensions.ts';
import { BareLineEnd, DotStuffing } from '../../src/protocol/smtp/client-stuffing.ts';
import { BadReply, ReplyParser } from '../../src/protocol/smtp/reply-parser.ts';

function parse(text: string | Buffer, piece = 1_000_000): readonly Reply[] {
  const parser = new ReplyParser();
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += piece) parser.push(bytes.subarray(from, from + piece));
  return drain(parser);
}

function drain(parser: ReplyParser): readonly Reply[] {
  const replies: Reply[] = [];
  for (let reply = parser.take(); reply; reply = parser.take()) replies.push(reply);
  return replies;
}

test.each([
  ['250 ok\r\n', [{ code: 250, lines: ['ok'] }]],
  ['250\r\n', [{ code: 250, lines: [''] }]],
  ['250 ok\n', [{ code: 250, lines: ['ok'] }]],
  ['250 2.1.0 ok\r\n', [{ code: 250, enhanced: '2.1.0', lines: ['ok'] }]],
  ['550 5.1.1\r\n', [{ code: 550, enhanced: '5.1.1', lines: [''] }]],
  ['550-5.1.1 one\r\n550 5.1.1 two\r\n', [{ code: 550, enhanced: '5.1.1', lines: ['one', 'two'] }]],
  ['550-5.1.1 one\r\n550 two\r\n', [{ code: 550, enhanced: '5.1.1', lines: ['one', 'two'] }]],
  ['550-5.1.1 one\r\n550 5.7.1 two\r\n', [{ code: 550, enhanced: '5.1.1', lines: ['one', '5.7.1 two'] }]],
  ['550 4.1.1 the class is wrong\r\n', [{ code: 550, lines: ['4.1.1 the class is wrong'] }]],
  ['550 5.1.1.9 no code\r\n', [{ code: 550, lines: ['5.1.1.9 no code'] }]],
  [
    '250-a\r\n250-b\r\n250 c\r\n354 go\r\n',
    [
      { code: 250, lines: ['a', 'b', 'c'] },
      { code: 354, lines: ['go'] },
    ],
  ],
  ['550 gr\u00fc\u00dfe\r\n', [{ code: 550, lines: ['gr\u00fc\u00dfe'] }]],
  ['550 a\tb\u0007c\u202ed\u2028e\r\n', [{ code: 550, lines: ['a b c d e'] }]],
  [Buffer.from([0x35, 0x35, 0x30, 0x20, 0xff, 0x41, 0x0d, 0x0a]), [{ code: 550, lines: ['\ufffdA'] }]],
])('%j', (text, replies) => {
  for (const piece of [1, 2, 3, 7, 1000]) expect(parse(text, piece)).toEqual(replies);
});

test.each([
  'SSH-2.0-OpenSSH_9.2\r\n',
  'HTTP/1.1 400 Bad Request\r\n',
  '* OK IMAP ready\r\n',
  '\r\n',
  '25\r\n',
  '2500 ok\r\n',
  '150 ok\r\n',
  '600 ok\r\n',
  '250_ok\r\n',
  ' 250 ok\r\n',
  '250-a\r\n251 b\r\n',
  '250-a\r\n\r\n',
  `250 ${'x'.repeat(9000)}\r\n`,
  'x'.repeat(9000),
  '250-x\r\n'.repeat(1001),
])('no reply: %j', (text) => {
  expect(() => parse(text)).toThrow(BadReply);
});

test('the error about a strange line is fit for a log', () => {
  expect(() => parse('\u001b[2J\u0000evil\r\n')).toThrow(/^not an SMTP reply: {2}?\[2J evil$/);
});

test('replies before a bad one can still be taken', () => {
  const parser = new ReplyParser();
  expect(() => parser.push(Buffer.from('250 one\r\nnonsense\r\n'))).toThrow(BadReply);
  expect(drain(parser)).toEqual([{ code: 250, lines: ['one'] }]);
});

test('long texts are cut, and long replies keep their first hundred lines', () => {
  expect(parse(`250 ${'x'.repeat(2000)}\r\n`)[0]?.lines[0]).toHaveLength(512);
  expect(parse(`${'250-x\r\n'.repeat(500)}250 y\r\n`)[0]?.lines).toHaveLength(100);
});

test('a peer that floods us with replies is given up', () => {
  const parser = new ReplyParser();
  const flood = Buffer.from('250 ok\r\n'.repeat(1000));
  expect(() => {
    for (let turn = 0; turn < 10; turn++) parser.push(flood);
  }).toThrow(BadReply);
});

test('empty means that not even half a line is there', () => {
  const parser = new ReplyParser();
  expect(parser.empty).toBe(true);
  parser.push(Buffer.from('25'));
  expect(parser.empty).toBe(false);
  parser.push(Buffer.from('0-a\r\n'));
  expect(parser.empty).toBe(false);
  parser.push(Buffer.from('250 b\r\n'));
  expect([parser.empty, parser.waiting]).toEqual([false, 1]);
  parser.take();
  expect(parser.empty).toBe(true);
});

test('whatever comes, in whatever pieces, gives the same replies or BadReply, and never a control character', () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc
      .array(
        fc.constantFrom(
          '250',
          '550',
          '421',
          '-',
          ' ',
          '5.1.1',
          '2.0.0',
          '\r\n',
          '\r',
          '\n',
          'x',
          '\u0000',
          '\u00e9',
        ),
        { maxLength: 30 },
      )
      .map((parts) => Buffer.from(parts.join(''))),
  );
  const outcome = (bytes: Buffer, piece: number): string => {
    const parser = new ReplyParser();
    let bad = '';
    try {
      for (let from = 0; from < bytes.length; from += piece) parser.push(bytes.subarray(from, from + piece));
    } catch (error) {
      expect(error).toBeInstanceOf(BadReply);
      bad = (error as Error).message;
    }
    return JSON.stringify([drain(parser), bad]);
  };
  fc.assert(
    fc.property(noise, fc.integer({ min: 1, max: 10 }), (bytes, piece) => {
      const whole = outcome(bytes, 1000);
      expect(outcome(bytes, piece)).toBe(whole);
      expect(
        JSON.parse(whole)[0]
          .flatMap((reply: Reply) => reply.lines)
          .join(''),
      ).not.toMatch(/[\x00-\x1f\x7f]/);
    }),
    { seed: 821, numRuns: 3000 },
  );
});

test('printed replies come back', () => {
  const word = fc
    .string({ minLength: 0, maxLength: 30, unit: 'grapheme-ascii' })
    .filter((text) => !/^[245]\.\d/.test(text));
  const reply = fc.record({
    code: fc.integer({ min: 200, max: 599 }),
    detail: fc.option(fc.tuple(fc.nat(999), fc.nat(999)), { nil: undefined }),
    lines: fc.array(word, { minLength: 1, maxLength: 5 }),
  });
  fc.assert(
    fc.property(reply, fc.integer({ min: 1, max: 20 }), ({ code, detail, lines }, piece) => {
      const first = Math.floor(code / 100);
      const enhanced = detail && first !== 3 ? `${first}.${detail.join('.')}` : undefined;
      const printed = lines
        .map(
          (line, at) =>
            `${code}${at === lines.length - 1 ? ' ' : '-'}${enhanced ? `${enhanced} ` : ''}${line}\r\n`,
        )
        .join('');
      expect(parse(printed, piece)).toEqual([enhanced ? { code, enhanced, lines } : { code, lines }]);
    }),
    { seed: 2034, numRuns: 1000 },
  );
});

test('extensions of an EHLO answer, in whatever case', () => {
  const offered = parseExtensions({
    code: 250,
    lines: [
      'mx.test',
      'pipelining',
      'Size 1000',
      '8BITMIME',
      'AUTH PLAIN LOGIN',
      'AUTH=XOAUTH2',
      'DSN',
      'SMTPUTF8',
      'REQUIRETLS',
      'STARTTLS',
      'LIMITS RCPTMAX=20 MAILMAX=5',
    ],
  });
  expect(offered).toEqual({
    pipelining: true,
    startTls: true,
    eightBitMime: true,
    smtpUtf8: true,
    dsn: true,
    requireTls: true,
    size: true,
    sizeLimit: 1000,
    auth: new Set(['PLAIN', 'LOGIN', 'XOAUTH2']),
    maxRecipients: 20,
    maxMessages: 5,
  });
  expect(parseExtensions({ code: 250, lines: ['PIPELINING'] })).toEqual(noExtensions);
  const strange = ['mx.test', '', 'SIZE many', 'LIMITS RCPTMAX=0', '\u00e9', 'SIZE-X'];
  expect(parseExtensions({ code: 250, lines: strange })).toEqual({ ...noExtensions, size: true });
});

function stuff(chunks: readonly Buffer[]): string {
  const stuffing = new DotStuffing();
  const out = chunks.flatMap((chunk) => stuffing.stuff(chunk));
  return Buffer.concat([...out, Buffer.from(stuffing.end())]).toString('latin1');
}

test.each([
  ['', '.\r\n'],
  ['a\r\n', 'a\r\n.\r\n'],
  ['a', 'a\r\n.\r\n'],
  ['.\r\n', '..\r\n.\r\n'],
  ['.', '..\r\n.\r\n'],
  ['a\r\n.b\r\n..\r\n', 'a\r\n..b\r\n...\r\n.\r\n'],
  ['a.\r\n .b\r\n', 'a.\r\n .b\r\n.\r\n'],
])('%j is sent as %j, however it is cut', (content, sent) => {
  const bytes = Buffer.from(content);
  for (let at = 0; at <= bytes.length; at++)
    expect(stuff([bytes.subarray(0, at), bytes.subarray(at)])).toBe(sent);
  expect(stuff([...bytes].map((octet) => Buffer.from([octet])))).toBe(sent);
});

test('what is sent ends once, has no bare CR or LF, and is the content again without its stuffing', () => {
  const part = fc.constantFrom('\r\n', '\r', '\n', '.', '.\r\n', 'a', '\r\n.\r\n', '\u00ff');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), fc.array(fc.nat(30), { maxLength: 5 }), (parts, cuts) => {
      const content = parts.join('');
      const bytes = Buffer.from(content, 'latin1');
      const ends = [...new Set([...cuts.filter((end) => end < bytes.length), bytes.length])].sort(
        (a, b) => a - b,
      );
      const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
      if (/\r(?!\n)|(?<!\r)\n/.test(content)) {
        expect(() => stuff(chunks)).toThrow(BareLineEnd);
        return;
      }
      const sent = stuff(chunks);
      expect(`\r\n${sent}`.indexOf('\r\n.\r\n')).toBe(sent.length - 3);
      const received = sent
        .slice(0, -3)
        .replace(/^\./, '')
        .replace(/\r\n\./g, '\r\n');
      expect(received).toBe(content === '' || content.endsWith('\r\n') ? content : `${content}\r\n`);
    }),
    { seed: 5321, numRuns: 3000 },
  );
});
