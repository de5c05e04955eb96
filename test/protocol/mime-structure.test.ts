/**
 * Messages of our own, plain and odd, as the part tree sees them.
 */
import { describe, expect, test } from 'vitest';
import { printBodyStructure, printEnvelope } from '../../src/protocol/imap/print-structure.ts';
import { partAt } from '../../src/protocol/mime/part-at.ts';
import { readStructure, writeStructure } from '../../src/protocol/mime/stored-structure.ts';
import { lines, scan } from '../fixture/structure.ts';

const bodyStructure = (text: string): string => printBodyStructure(scan(text).root);

/** `text`: octets and lines of a text part without any fields. */
const text = (octets: number, count: number): string =>
  `("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" ${octets} ${count} NIL NIL NIL NIL)`;

const mixed = (...body: readonly string[]): string =>
  lines('Content-Type: multipart/mixed; boundary=b', '', ...body);
const inMixed = (parts: string): string => `(${parts} "mixed" ("boundary" "b") NIL NIL NIL)`;

describe('multiparts', () => {
  test.each([
    ['two parts', mixed('--b', '', 'one', '--b', '', 'two', '', '--b--'), text(3, 0) + text(5, 1)],
    ['preamble and epilogue', mixed('pre', '', '--b', '', 'one', '--b--', 'epi', '--b', 'no'), text(3, 0)],
    ['no closing boundary', mixed('--b', '', 'one', '--b', '', 'two'), text(3, 0) + text(5, 1)],
    ['an empty part', mixed('--b', '', '--b', '', '', '--b--'), text(0, 0) + text(0, 0)],
    ['a part without even a blank line', mixed('--b', '--b', 'X: y', '--b--'), text(0, 0) + text(0, 0)],
    ['a delimiter and nothing behind it', mixed('--b').slice(0, -2), text(0, 0)],
    ['no part at all', mixed('nothing here'), text(0, 0)],
    ['closed before it began', mixed('--b--', '', '--b', '', 'one'), text(0, 0)],
    ['white space behind the boundary', mixed('--b \t', '', 'one', '--b--  '), text(3, 0)],
    ['words behind the boundary', mixed('--bow', '', 'one', '--b--'), text(3, 0)],
    ['a boundary within a line', mixed('--b', '', 'x--b', '--c', '--b--'), text(9, 1)],
  ])('%s', (_, message, expected) => {
    for (const pieces of [1, 2, 7, 1000]) {
      expect(printBodyStructure(scan(message, pieces).root)).toBe(inMixed(expected));
    }
  });

  test('a boundary that begins like the one around it', () => {
    const inner = ['--ab', 'Content-Type: multipart/mixed; boundary=abc', '', '--abc', '', 'in', '--abc--'];
    const message = lines(
      'Content-Type: multipart/mixed; boundary=ab',
      '',
      ...inner,
      '--ab',
      '',
      'out',
      '--ab--',
    );
    expect(bodyStructure(message)).toBe(
      `((${text(2, 0)} "mixed" ("boundary" "abc") NIL NIL NIL)${text(3, 0)} "mixed" ("boundary" "ab") NIL NIL NIL)`,
    );
  });

  test('the same boundary within and without: lines belong to the inner one until it is closed', () => {
    const message = mixed(
      '--b',
      'Content-Type: multipart/alternative; boundary=b',
      '',
      '--b',
      '',
      'in',
      '--b--',
      '--b',
      '',
      'out',
      '--b--',
    );
    expect(bodyStructure(message)).toBe(
      inMixed(`(${text(2, 0)} "alternative" ("boundary" "b") NIL NIL NIL)${text(3, 0)}`),
    );
  });

  test('the boundary around ends what is open within', () => {
    const message = mixed(
      '--b',
      'Content-Type: multipart/alternative; boundary=x',
      '',
      '--x',
      '',
      'in',
      '--b',
      '',
      'out',
      '--b--',
    );
    expect(bodyStructure(message)).toBe(
      inMixed(`(${text(2, 0)} "alternative" ("boundary" "x") NIL NIL NIL)${text(3, 0)}`),
    );
  });

  test('a multipart without boundary has no parts we could know', () => {
    expect(bodyStructure(lines('Content-Type: multipart/mixed', '', '--b', '', 'one'))).toBe(
      `(${text(0, 0)} "mixed" NIL NIL NIL NIL)`,
    );
    expect(bodyStructure(lines('Content-Type: multipart/mixed; boundary=""', '', '--', '', 'one'))).toBe(
      `(${text(0, 0)} "mixed" ("boundary" "") NIL NIL NIL)`,
    );
  });

  test('in a digest a part is a message unless it says otherwise (RFC 2046 §5.1.5)', () => {
    const parts = [
      '--b',
      '',
      'Subject: in',
      '',
      'one',
      '--b',
      'Content-Type: text/plain',
      '',
      'two',
      '--b--',
    ];
    expect(bodyStructure(lines('Content-Type: multipart/digest; boundary=b', '', ...parts))).toBe(
      `(("message" "rfc822" NIL NIL NIL "7bit" 18 (NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL) ${text(3, 0)} 2 NIL NIL NIL NIL)` +
        `${text(3, 0)} "digest" ("boundary" "b") NIL NIL NIL)`,
    );
  });
});

describe('messages in messages', () => {
  const nested = (type: string, ...message: readonly string[]): string =>
    mixed('--b', `Content-Type: ${type}`, '', ...message, '--b--');
  const empty = '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)';

  test.each(['message/rfc822', 'Message/RFC822', 'message/global'])(
    '%s has its own summary and body',
    (type) => {
      const [a, b] = type.split('/');
      expect(bodyStructure(nested(type, 'From: a@b.c', 'Subject: s', '', 'x', ''))).toBe(
        inMixed(
          `("${a}" "${b}" NIL NIL NIL "7bit" 30 (NIL "s" ((NIL NIL "a" "b.c")) ((NIL NIL "a" "b.c")) ((NIL NIL "a" "b.c")) NIL NIL NIL NIL NIL) ${text(3, 1)} 4 NIL NIL NIL NIL)`,
        ),
      );
    },
  );

  test('other messages are leaves', () => {
    expect(bodyStructure(nested('message/partial; id=1', 'From: a@b.c'))).toBe(
      inMixed('("message" "partial" ("id" "1") NIL NIL "7bit" 11 NIL NIL NIL NIL)'),
    );
  });

  test.each([
    ['nothing', mixed('--b', 'Content-Type: message/rfc822', '', '--b--'), 0, 0],
    ['header only', nested('message/rfc822', 'X: y'), 4, 0],
    ['a cut header', mixed('--b', 'Content-Type: message/rfc822', '--b--'), 0, 0],
    ['an empty message', nested('message/rfc822', ''), 0, 0],
    ['a header and its blank line', nested('message/rfc822', 'X: y', ''), 6, 1],
  ])('a message part with %s in it', (_, message, octets, count) => {
    expect(bodyStructure(message)).toBe(
      inMixed(
        `("message" "rfc822" NIL NIL NIL "7bit" ${octets} ${empty} ${text(0, 0)} ${count} NIL NIL NIL NIL)`,
      ),
    );
  });
});

describe('whole messages', () => {
  test.each([
    ['nothing', '', 0, '(0,0) (0,0)'],
    ['a blank line', '\r\n', 0, '(0,2) (2,2)'],
    ['header only', 'Subject: a\r\n', 0, '(0,12) (12,12)'],
    ['header only, no line end', 'Subject: a', 0, '(0,10) (10,10)'],
    ['no body', 'Subject: a\r\n\r\n', 0, '(0,14) (14,14)'],
    ['no header', '\r\nbody', 0, '(0,2) (2,6)'],
    ['bare LF ends lines', 'Subject: a\n\nb\n', 1, '(0,12) (12,14)'],
    ['bare CR ends none', 'Subject: a\r\r\r\n\r\nb\rc\r\n', 1, '(0,16) (16,21)'],
    ['CR CR LF is not blank', 'A: b\r\n\r\r\nC: d\r\n\r\nx', 0, '(0,17) (17,18)'],
    ['white space is not blank', 'A: b\r\n \r\nC: d\r\n\r\nx', 0, '(0,17) (17,18)'],
  ])('%s', (_, message, count, places) => {
    for (const pieces of [1, 2, 3, 1000]) {
      const { size, root } = scan(message, pieces);
      const { header, body } = root;
      expect(size).toBe(message.length);
      expect(root.lines).toBe(count);
      expect(`(${header.start},${header.end}) (${body.start},${body.end})`).toBe(places);
    }
  });

  test('of a field that comes twice the first counts, of addresses all', () => {
    const header = lines(
      'Subject: a',
      'subject: b',
      'To: a@x.y',
      'TO : b@x.y',
      'Content-Type: text/html',
      'Content-Type: image/gif',
    );
    const { summary, root } = scan(header);
    expect(summary).toEqual({
      subject: 'a',
      to: [
        { mailbox: 'a', host: 'x.y' },
        { mailbox: 'b', host: 'x.y' },
      ],
    });
    expect(root.subtype).toBe('html');
  });

  test('lines that are no fields are passed over, with what continues them', () => {
    const { summary } = scan(
      lines(' leading', 'Subject: a', 'no field', ' more of it', ': x', 'Date: d', ''),
    );
    expect(summary).toEqual({ subject: 'a', date: 'd' });
  });

  test('absent is NIL, empty is empty; addresses without any are NIL (RFC 9051 §7.5.2)', () => {
    expect(
      printEnvelope(scan(lines('Subject:', 'Date: ', 'From:', 'To: ,', 'Message-ID: <a>', '')).summary),
    ).toBe('("" "" NIL NIL NIL NIL NIL NIL NIL "<a>")');
  });

  test('folded everything', () => {
    const { summary, root } = scan(
      lines(
        'Subject:',
        '\tone',
        '   two',
        'From: Ada',
        ' <ada@x.y>',
        'In-Reply-To: <a>',
        '\t<b>',
        'Content-Type:',
        ' text/html',
        '\t;',
        '  charset',
        ' =',
        ' "utf-8"',
        '',
      ),
    );
    expect(summary).toEqual({
      subject: 'one two',
      from: [{ name: 'Ada', mailbox: 'ada', host: 'x.y' }],
      inReplyTo: '<a>\t<b>',
    });
    expect(root).toMatchObject({ subtype: 'html', parameters: [{ name: 'charset', value: 'utf-8' }] });
  });

  test('an octet of a character is no white space at the end', () => {
    const { summary } = scan(lines('Subject:  voil\xc3\xa0 ', 'From: Chlo\xc3\xa0 <a@b\xc2\x85>', ''));
    expect(summary.subject).toBe('voil\xc3\xa0');
    expect(summary.from).toEqual([{ name: 'Chlo\xc3\xa0', mailbox: 'a', host: 'b\xc2\x85' }]);
  });

  test('8-bit in headers stays as it came; NUL goes', () => {
    const { summary } = scan(lines('Subject: gr\xfc\xc3\xbc\0\xdfe', 'From: \xe5 <\xe5@x.y>', ''));
    expect(summary).toEqual({
      subject: 'gr\xfc\xc3\xbc\xdfe',
      from: [{ name: '\xe5', mailbox: '\xe5', host: 'x.y' }],
    });
  });
});

describe('bounds', () => {
  test('deeper than the limit nothing is told apart', () => {
    const deep = ['a', 'b', 'c']
      .map((b) => lines(`Content-Type: multipart/mixed; boundary=${b}`, '', `--${b}`))
      .join('');
    const kinds = (depth: number): string => {
      const out: string[] = [];
      for (let part = scan(deep, 1, { depth }).root; ; part = part.parts[0] as typeof part) {
        out.push(part.kind);
        if (part.kind !== 'multipart' || part.parts.length === 0) return out.join(' ');
      }
    };
    expect(kinds(9)).toBe('multipart multipart multipart leaf');
    expect(kinds(3)).toBe('multipart multipart multipart leaf');
    expect(kinds(2)).toBe('multipart multipart multipart');
    expect(kinds(0)).toBe('multipart');
    const message = lines('Content-Type: message/rfc822', '', 'Subject: a', '', 'b');
    expect(scan(message, 1, { depth: 0 }).root).not.toHaveProperty('message');
    expect(printBodyStructure(scan(message, 1, { depth: 0 }).root)).toContain(
      '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("text"',
    );
  });

  test('the last part permitted has all the rest', () => {
    const message = mixed('--b', '', 'one', '--b', '', 'two', '--b', '', 'three', '--b--', 'end');
    expect(printBodyStructure(scan(message, 1, { parts: 2 }).root)).toBe(inMixed(text(3, 0) + text(17, 3)));
  });

  test('octets of headers and items are kept up to a limit', () => {
    const header = lines('Subject: 12345', `To: ${'a@b, '.repeat(100)}`, 'Date: d', '', 'x');
    expect(scan(header, 1, { headerOctets: 10 }).summary).toEqual({
      subject: '12345',
      to: [{ mailbox: 'a', host: 'b' }],
    });
    expect(scan(header, 1, { items: 7 }).summary.to).toHaveLength(7);
    expect(scan(header, 1, { headerOctets: 10 }).root.body).toEqual(scan(header).root.body);
  });
});

describe('what is stored', () => {
  const message = mixed(
    '--b',
    'Content-Type: message/rfc822',
    '',
    'From: a: b@c;, "d\xfc" <e@f>',
    '',
    'x',
    '--b',
    'Content-Language: en',
    '',
    '--b--',
  );

  test('reads back the same', () => {
    const structure = scan(message);
    expect(readStructure(writeStructure(structure))).toEqual(structure);
  });

  test('of another version is refused', () => {
    expect(() => readStructure('{"size":1}')).toThrow('scan the message again');
    expect(() => readStructure(writeStructure(scan('')).replace('"version":1', '"version":9'))).toThrow(
      'version 9',
    );
  });

  test('parts by number (RFC 9051 §6.4.5.1)', () => {
    const structure = scan(message);
    const at = (...path: readonly number[]) => partAt(structure, path);
    expect(at()).toBe(structure.root);
    expect(at(1)).toMatchObject({ kind: 'message' });
    expect(at(1, 1)).toMatchObject({ kind: 'leaf', type: 'text' });
    expect(at(2)).toMatchObject({ language: ['en'] });
    for (const none of [[0], [3], [1, 2], [2, 1], [1, 1, 1]]) expect(at(...none)).toBeUndefined();
    const plain = scan(lines('', 'x'));
    expect(partAt(plain, [1])).toBe(plain.root);
    expect(partAt(plain, [2])).toBeUndefined();
    expect(partAt(plain, [1, 1])).toBeUndefined();
  });
});
