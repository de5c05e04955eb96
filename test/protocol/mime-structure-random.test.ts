/**
 * Random messages, right ones and wrong ones: places cut the message into its octets, notation reads back, nothing breaks.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Address, HeaderSummary, MessageStructure, Part, Span } from '../../src/mail/structure.ts';
import { printBody, printBodyStructure, printEnvelope } from '../../src/protocol/imap/print-structure.ts';
import { readStructure, writeStructure } from '../../src/protocol/mime/stored-structure.ts';
import { StructureScanner } from '../../src/protocol/mime/structure.ts';
import { readNotation, type Tree } from '../fixture/imap-notation.ts';

function scan(octets: Buffer, sizes: readonly number[] = [octets.length]): MessageStructure {
  const scanner = new StructureScanner();
  for (let at = 0, turn = 0; at < octets.length; turn++) {
    const size = sizes[turn % sizes.length] || 1;
    scanner.push(octets.subarray(at, at + size));
    at += size;
  }
  return scanner.finish();
}

/** A message we make, so that we know where everything is. */
type Plan =
  | { readonly kind: 'leaf'; readonly body: string }
  | { readonly kind: 'message'; readonly plan: Plan }
  | {
      readonly kind: 'multipart';
      readonly plans: readonly Plan[];
      readonly pre: boolean;
      readonly epi: boolean;
    };

const body = fc
  .array(fc.constantFrom('x', '-', '--', '\r\n', '\r\n\r\n', '--=', 'A: b\r\n', '\xfc', ' '), {
    maxLength: 8,
  })
  .map((words) => words.join(''));

const { plan } = fc.letrec<{ plan: Plan }>((tie) => ({
  plan: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.record({ kind: fc.constant('leaf' as const), body }),
    fc.record({ kind: fc.constant('message' as const), plan: tie('plan') }),
    fc.record({
      kind: fc.constant('multipart' as const),
      plans: fc.array(tie('plan'), { minLength: 1, maxLength: 4 }),
      pre: fc.boolean(),
      epi: fc.boolean(),
    }),
  ),
}));

interface Made {
  readonly kind: Part['kind'];
  readonly header: Span;
  readonly body: Span;
  readonly lines: number;
  readonly within: readonly Made[];
}

/** Writes a plan down, and where it put things. */
class Writer {
  text = '';
  #boundaries = 0;

  write(plan: Plan): Made {
    const start = this.text.length;
    if (plan.kind === 'leaf') {
      this.text += 'X-A: b\r\n\r\n';
      return this.#done('leaf', start, () => {
        this.text += plan.body;
        return [];
      });
    }
    if (plan.kind === 'message') {
      this.text += 'Content-Type: message/rfc822\r\n\r\n';
      return this.#done('message', start, () => [this.write(plan.plan)]);
    }
    const boundary = `=${this.#boundaries++}=`;
    this.text += `Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n`;
    return this.#done('multipart', start, () => {
      if (plan.pre) this.text += 'preamble\r\n';
      const within = plan.plans.map((one) => {
        this.text += `--${boundary}\r\n`;
        const made = this.write(one);
        this.text += '\r\n';
        return made;
      });
      this.text += `--${boundary}--`;
      if (plan.epi) this.text += '\r\nepilogue';
      return within;
    });
  }

  #done(kind: Part['kind'], start: number, content: () => readonly Made[]): Made {
    const middle = this.text.length;
    const within = content();
    const end = this.text.length;
    return {
      kind,
      header: { start, end: middle },
      body: { start: middle, end },
      lines: this.text.slice(middle, end).split('\n').length - 1,
      within,
    };
  }
}

const within = (part: Part): readonly Part[] =>
  part.kind === 'multipart' ? part.parts : part.kind === 'message' && part.message ? [part.message.root] : [];

const made = (part: Part): Made => ({
  kind: part.kind,
  header: part.header,
  body: part.body,
  lines: part.lines,
  within: within(part).map(made),
});

describe('places', () => {
  test('every part is where it was written', () => {
    fc.assert(
      fc.property(
        plan,
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
        (one, sizes) => {
          const writer = new Writer();
          const expected = writer.write(one);
          const octets = Buffer.from(writer.text, 'latin1');
          expect(made(scan(octets, sizes).root)).toEqual(expected);
        },
      ),
      { seed: 31, numRuns: 1500 },
    );
  });

  test('whatever the octets are, parts lie in their parents, one behind the other', () => {
    fc.assert(
      fc.property(broken, (octets) => {
        const { size, root } = scan(octets);
        expect(size).toBe(octets.length);
        expect(root.header.start).toBe(0);
        expect(root.body.end).toBe(size);
        inOrder(root, octets.toString('latin1'));
      }),
      { seed: 32, numRuns: 3000 },
    );
  });
});

function inOrder(part: Part, text: string): void {
  expect(part.header.end).toBe(part.body.start);
  expect(part.header.start).toBeLessThanOrEqual(part.header.end);
  expect(part.body.start).toBeLessThanOrEqual(part.body.end);
  expect(part.lines).toBe(text.slice(part.body.start, part.body.end).split('\n').length - 1);
  let at = part.body.start;
  for (const child of within(part)) {
    // Between parts: what ends a line, and the line of a delimiter; before the first, the preamble too.
    const gap = text.slice(at, child.header.start);
    if (part.kind === 'message') expect(gap).toBe('');
    else expect(gap).toMatch(/(^|\n)--[^\n]*\n?$/);
    inOrder(child, text);
    at = child.body.end;
  }
  if (part.kind === 'message' && part.message) expect(at).toBe(part.body.end);
  else expect(at).toBeLessThanOrEqual(part.body.end);
}

/** Pieces of messages in any order. */
const broken = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom('\r\n', '\r\n\r\n', '--a', '--ab', '--a--', '--ab--', ' ', '\n', '\r'),
      },
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          'Content-Type: multipart/mixed; boundary=a\r\n',
          'Content-Type: multipart/digest; boundary="ab"\r\n',
          'Content-Type: message/rfc822\r\n',
          'Content-Type: text/html; charset*0=a; charset*1*=%41;\r\n',
          'Content-Disposition: x; y="\xe5\\""\r\n',
          'Content-Language: a, b\r\n',
          'From: "a\\"b" <@r:c@d>, G: e (f);, \xfc\r\n',
          'To: ',
          'Subject: a "b" \\ \xfc\xc3\xbc\r\n ',
        ),
      },
      { weight: 2, arbitrary: fc.string({ maxLength: 12, unit: 'binary-ascii' }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('<', '>', '(', ')', '"', '\\', ';', ':', ',', '@', '\0', '\xff', '=', '*'),
      },
    ),
    { maxLength: 40 },
  )
  .map((words) => Buffer.from(words.join(''), 'latin1'));

/** The tree that IMAP's notation says, the way the grammar has it (RFC 9051 §9). */
const nil = (value: string | undefined): Tree => value ?? null;
const addressTree = (address: Address): readonly Tree[] =>
  'group' in address
    ? [[null, null, address.group, null], ...address.members.flatMap(addressTree), [null, null, null, null]]
    : [
        [
          nil(address.name),
          nil(address.route),
          address.mailbox || 'MISSING_MAILBOX',
          address.host || 'MISSING_DOMAIN',
        ],
      ];
const listTree = (list: readonly Address[] | undefined): Tree => (list ? list.flatMap(addressTree) : null);

const envelopeTree = (of: HeaderSummary): Tree => [
  nil(of.date),
  nil(of.subject),
  listTree(of.from),
  listTree(of.sender ?? of.from),
  listTree(of.replyTo ?? of.from),
  listTree(of.to),
  listTree(of.cc),
  listTree(of.bcc),
  nil(of.inReplyTo),
  nil(of.messageId),
];

const parametersTree = (list: Part['parameters']): Tree =>
  list.length === 0 ? null : list.flatMap(({ name, value }) => [name, value]);

function partTree(part: Part, extended: boolean): Tree {
  const disposition = part.disposition;
  const rest: Tree[] = [
    disposition ? [disposition.type, parametersTree(disposition.parameters)] : null,
    part.language ?? null,
    nil(part.location),
  ];
  const none: Tree = [
    'text',
    'plain',
    ['charset', 'us-ascii'],
    null,
    null,
    '7bit',
    0,
    0,
    ...(extended ? [null, null, null, null] : []),
  ];
  if (part.kind === 'multipart') {
    const parts = part.parts.length > 0 ? part.parts.map((one) => partTree(one, extended)) : [none];
    return [...parts, part.subtype, ...(extended ? [parametersTree(part.parameters), ...rest] : [])];
  }
  const tree: Tree[] = [
    part.type,
    part.subtype,
    parametersTree(part.parameters),
    nil(part.id),
    nil(part.description),
    part.encoding,
    part.body.end - part.body.start,
  ];
  if (part.kind === 'message') {
    const message = part.message;
    tree.push(
      envelopeTree(message?.summary ?? {}),
      message ? partTree(message.root, extended) : none,
      part.lines,
    );
  } else if (part.type.toLowerCase() === 'text') tree.push(part.lines);
  return extended ? [...tree, nil(part.md5), ...rest] : tree;
}

describe('notation and store', () => {
  test('what is printed reads back as the same tree', () => {
    fc.assert(
      fc.property(broken, fc.boolean(), (octets, utf8) => {
        const { summary, root } = scan(octets);
        expect(readNotation(printBodyStructure(root))).toEqual([partTree(root, true)]);
        expect(readNotation(printBody(root))).toEqual([partTree(root, false)]);
        if (!utf8) expect(readNotation(printEnvelope(summary))).toEqual([envelopeTree(summary)]);
      }),
      { seed: 33, numRuns: 3000 },
    );
  });

  test('any summary reads back, and no NUL, bare CR or 8-bit stands in a quoted string', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\r', '\n', '\xfc', ' ', '(', '{1}') });
    const mailbox = fc.record({ name: text, mailbox: text, host: text });
    const address = fc.oneof(
      mailbox,
      fc.record({ group: text, members: fc.array(mailbox, { maxLength: 3 }) }),
    );
    const list = fc.array(address, { minLength: 1, maxLength: 3 });
    const summary = fc.record(
      { date: text, subject: text, from: list, to: list, messageId: text },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(summary, (one) => {
        expect(readNotation(printEnvelope(one as HeaderSummary))).toEqual([
          envelopeTree(one as HeaderSummary),
        ]);
      }),
      { seed: 34, numRuns: 1000 },
    );
  });

  test('UTF-8 is quoted for those who asked for it, other octets never (RFC 6855 §3)', () => {
    const subject = (octets: string, utf8: boolean) =>
      printEnvelope({ subject: octets }, { utf8 }).slice(5, -33);
    expect(subject('\xc3\xbc', true)).toBe('"\xc3\xbc"');
    expect(subject('\xc3\xbc', false)).toBe('{2}\r\n\xc3\xbc');
    expect(subject('\xfc"', true)).toBe('{2}\r\n\xfc"');
    expect(subject('a"\\', false)).toBe('"a\\"\\\\"');
    expect(subject('', false)).toBe('""');
  });

  test('what is stored reads back as the same value, and holds no NUL', () => {
    fc.assert(
      fc.property(broken, (octets) => {
        const structure = scan(octets);
        const stored = writeStructure(structure);
        expect(readStructure(stored)).toEqual(structure);
        expect(stored).not.toContain('\\u0000');
      }),
      { seed: 35, numRuns: 1000 },
    );
  });

  test('any octets in any pieces: the same tree', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(broken, sizes, (octets, pieces) => {
        expect(scan(octets, pieces)).toEqual(scan(octets));
      }),
      { seed: 36, numRuns: 3000 },
    );
  });
});

/** Attacks: each grows with its number. What is quadratic in one of these takes minutes, and the test's time limit ends it. */
const attacks: Readonly<Record<string, (n: number) => string>> = {
  'deep multiparts': (n) =>
    Array.from(
      { length: n / 60 },
      (_, i) => `Content-Type: multipart/mixed; boundary=b${i}x\r\n\r\n--b${i}x\r\n`,
    ).join(''),
  'deep messages': (n) => 'Content-Type: message/rfc822\r\n\r\n'.repeat(n / 32),
  'thousands of parts': (n) =>
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(n / 10)}`,
  'thousands of messages in a digest': (n) =>
    `Content-Type: multipart/digest; boundary=b\r\n\r\n${'--b\r\n\r\nTo: a\r\n\r\nx\r\n'.repeat(n / 20)}`,
  'lines of dashes under a hundred boundaries': (n) =>
    Array.from(
      { length: 99 },
      (_, i) =>
        `Content-Type: multipart/mixed; boundary=${'-'.repeat(60)}${i}x\r\n\r\n--${'-'.repeat(60)}${i}x\r\n`,
    ).join('') + `${'-'.repeat(70)}\r\n`.repeat(n / 72),
  'one long header line': (n) => `Subject: ${'a '.repeat(n / 2)}`,
  'a header of many lines': (n) => `To: a@b\r\n${' ,a@b\r\n'.repeat(n / 7)}`,
  'many fields': (n) => 'To: a\r\n'.repeat(n / 7),
  'many lines that are no fields': (n) => 'a\r\n'.repeat(n / 3),
  'open comments': (n) => `To: ${'('.repeat(n)}`,
  'commas and brackets': (n) => `To: ${'<@,'.repeat(n / 3)}`,
  'a route without end': (n) => `To: <${'@a,'.repeat(n / 3)}`,
  'groups of colons': (n) => `To: ${'a:'.repeat(n / 2)}`,
  'quotes and backslashes': (n) => `To: ${'"\\'.repeat(n / 2)}`,
  'dots apart': (n) => `To: ${'. '.repeat(n / 2)}@x`,
  'many parameters': (n) => `Content-Type: a/b${';a=b'.repeat(n / 4)}`,
  'parameters continued thousands of times': (n) =>
    `Content-Type: a/b${Array.from({ length: n / 10 }, (_, i) => `;a*${i}=b`).join('')}`,
  'stars in a name': (n) => `Content-Type: a/b; ${'*'.repeat(n)}=b`,
  'white space': (n) => `Subject: ${' \t'.repeat(n / 2)}x\r\nContent-Type: a/b${' '.repeat(n)}`,
  'no line end at all': (n) => `\r\n${'x'.repeat(n)}`,
  CRs: (n) => '\r'.repeat(n),
};

describe('attacks', () => {
  test.each(Object.entries(attacks))('%s', (_, make) => {
    const octets = Buffer.from(make(2_000_000), 'latin1');
    const structure = scan(octets, [65_536]);
    expect(structure.size).toBe(octets.length);
    const stored = writeStructure(structure);
    expect(stored.length).toBeLessThan(8_000_000);
    expect(readNotation(printBodyStructure(structure.root))).toHaveLength(1);
    expect(readNotation(printEnvelope(structure.summary))).toHaveLength(1);
    expect(countParts(structure.root)).toBeLessThanOrEqual(10_001);
  });

  test('one octet at a time', () => {
    const octets = Buffer.from(`Subject: ${'a'.repeat(100_000)}\r\n\r\n${'b'.repeat(100_000)}`);
    expect(scan(octets, [1])).toEqual(scan(octets));
  });
});

const countParts = (part: Part): number => within(part).reduce((sum, one) => sum + countParts(one), 1);
