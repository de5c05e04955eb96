import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gramsAsked, gramsOf } from '../../src/store/text-grams.ts';
import type { LeafKind } from '../../src/store/text-leaf.ts';
import { leafKind } from '../../src/store/text-leaf.ts';
import { headerText, makeTexts, type Pieces } from '../../src/store/text-make.ts';
import { TextProcess, TextTooCostly } from '../../src/store/text-process.ts';
import { zipEntries } from '../../src/store/zip.ts';

const none = new Uint8Array(0);
const leaves = (kind: LeafKind, octets: Buffer): Pieces => ({
  header: none,
  partHeaders: [],
  leaves: [{ kind, encoding: 'base64', charset: undefined, octets: Buffer.from(octets.toString('base64')) }],
  names: [],
  cut: false,
  characters: 40_000_000,
});
const contentOf = async (kind: LeafKind, octets: Buffer): Promise<string> =>
  (await makeTexts(leaves(kind, octets))).texts.content;

/** An archive as office programs write it. */
function zip(files: Readonly<Record<string, string>>, method: 0 | 8 = 8): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(files)) {
    const plain = Buffer.from(content);
    const packed = method === 8 ? deflateRawSync(plain) : plain;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(method, 8);
    local.writeUInt16LE(name.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(packed.length, 20);
    central.writeUInt32LE(plain.length, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(at, 42);
    locals.push(local, Buffer.from(name), packed);
    centrals.push(central, Buffer.from(name));
    at += 30 + name.length + packed.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}

test('a Word document says its paragraphs, notes and headers', async () => {
  const archive = zip({
    '[Content_Types].xml': '<Types/>',
    'word/document.xml':
      '<w:document><w:p><w:r><w:t>Hel</w:t></w:r><w:r><w:t>lo &amp; you</w:t></w:r></w:p><w:p><w:t>Second</w:t></w:p></w:document>',
    'word/footnotes.xml': '<w:p><w:t>A note</w:t></w:p>',
    'word/styles.xml': '<w:style>Heading</w:style>',
  });
  expect(await contentOf('word', archive)).toBe('HELLO & YOU\nSECOND\nA NOTE');
});

test('a sheet says its shared strings, its numbers and what stands in its cells', async () => {
  const archive = zip(
    {
      'xl/sharedStrings.xml': '<sst><si><t>Customer</t></si><si><t>Invoice</t></si></sst>',
      'xl/worksheets/sheet1.xml':
        '<c r="A1" t="s"><v>0</v></c><c r="B1"><v>4711.5</v></c><c t="inlineStr"><is><t>in &lt;place</t></is></c>',
    },
    0,
  );
  expect(await contentOf('sheet', archive)).toBe('CUSTOMER\nINVOICE\n4711.5\nIN <PLACE');
});

test('slides and OpenDocument say their paragraphs', async () => {
  const slides = zip({ 'ppt/slides/slide1.xml': '<a:p><a:t>Title</a:t></a:p><a:p><a:t>Point</a:t></a:p>' });
  expect(await contentOf('slides', slides)).toBe('TITLE\nPOINT');
  const text = zip({ 'content.xml': '<text:h>Head</text:h><text:p>One<text:tab/>two</text:p>' });
  expect(await contentOf('openDocument', text)).toBe('HEAD\nONE\nTWO');
});

test('a document that unpacks to more than is read says so, and takes no memory for it', async () => {
  const bomb = zip({
    'word/document.xml': '<w:p><w:t>fine</w:t></w:p>',
    'word/header1.xml': ' '.repeat(40_000_000),
  });
  const { texts, trouble } = await makeTexts(leaves('word', bomb));
  expect(texts.content).toBe('FINE');
  expect(trouble).toMatch(/not searched whole/);
});

test('no archive, however damaged, is more than text that is missing', async () => {
  const good = zip({
    'word/document.xml': '<w:p><w:t>fine</w:t></w:p>'.repeat(20),
    'word/header1.xml': '<w:t>x',
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
      fc.nat(good.length),
      async (changes, length) => {
        const bad = Buffer.from(good);
        for (const [at, octet] of changes) bad[at] = octet;
        for (const entry of zipEntries(bad.subarray(0, length))) entry.read(100_000);
        await makeTexts(leaves('word', bad.subarray(0, length)));
      },
    ),
  );
});

test.each([
  ['text', 'calendar', undefined, 'text'],
  ['TEXT', 'HTML', undefined, 'html'],
  ['application', 'octet-stream', 'Bill.DOCX', 'word'],
  ['application', 'octet-stream', 'bill.exe', undefined],
  ['application', 'octet-stream', 'x.constructor', undefined],
  ['message', 'delivery-status', undefined, 'text'],
  ['image', 'svg+xml', 'x.txt', undefined],
])('%s/%s called %s is %s', (type, subtype, name, kind) => {
  expect(leafKind(type, subtype, name)).toBe(kind);
});

test('a header is a line for each field, whatever stands in it', () => {
  const header =
    'Subject: =?utf-8?q?=C3=A9?=\r\n\tx\r\nno field here\r\n with more\r\nX: a\rb\r\nSub ject: y\r\n\r\n';
  expect(headerText(Buffer.from(header))).toBe(
    '\nSUBJECT: E\u0301\tX\n NO FIELD HERE WITH MORE\nX: A B\n SUB JECT: Y',
  );
});

test('a text with a needle in it has all numbers of the needle', () => {
  const text = fc.string({ unit: fc.constantFrom('A', 'B', 'ß', '日', '本', ' ', '😀', '\n', 'И') });
  fc.assert(
    fc.property(text, text, text, (before, needle, after) => {
      const all = new Set(gramsOf([before + needle + after]));
      return gramsAsked(needle).every((gram) => all.has(gram));
    }),
  );
});

test('a long text has the numbers that its pieces have', () => {
  const text = Array.from({ length: 60_000 }, (_, at) => `${at.toString(36)} `).join('');
  const pieces = new Set<number>();
  for (let at = 0; at < text.length; at += 50_000)
    for (const gram of gramsOf([text.slice(at, at + 50_002)])) pieces.add(gram);
  expect([...gramsOf([text])]).toEqual([...pieces].sort((a, b) => a - b));
});

test('numbers tell texts apart, and short words of CJK have some', () => {
  const all = new Set(gramsOf(['THE QUICK BROWN FOX', '日本語']));
  expect(gramsAsked('LAZY DOG').some((gram) => all.has(gram))).toBe(false);
  expect(gramsAsked('日本').every((gram) => all.has(gram))).toBe(true);
  expect(gramsAsked('本日').every((gram) => all.has(gram))).toBe(false);
  expect(gramsAsked('TH')).toEqual([]);
  expect(gramsAsked('X'.repeat(100_000)).length).toBe(1);
  expect(gramsAsked('ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'.repeat(9)).length).toBeLessThanOrEqual(24);
});

const { signal } = new AbortController();
const plain = (text: string): Pieces => ({
  ...leaves('text', Buffer.from(text)),
  header: Buffer.from('Subject: Made\r\n\r\n'),
});

test('a process makes the same as is made here', async () => {
  await using maker = new TextProcess();
  const asked = ['one', 'zwölf', '日本'].map(plain);
  const made = await Promise.all(asked.map((pieces) => maker.make(pieces, signal)));
  expect(made).toEqual(await Promise.all(asked.map(makeTexts)));
});

test('a message that takes too long is given up, and the next one is made', async () => {
  await using maker = new TextProcess({ milliseconds: 1_000, megabytes: 512 });
  const large = plain('éèê word '.repeat(2_000_000));
  await expect(maker.make(large, signal)).rejects.toThrow(TextTooCostly);
  await expect(maker.make(plain('next'), signal)).resolves.toMatchObject({ texts: { content: 'NEXT' } });
});

test('a message that takes too much memory ends its process alone', async () => {
  await using maker = new TextProcess({ milliseconds: 60_000, megabytes: 24 });
  const large = plain('éèê word '.repeat(800_000));
  await expect(maker.make(large, signal)).rejects.toThrow(TextTooCostly);
  await expect(maker.make(plain('next'), signal)).resolves.toMatchObject({ texts: { content: 'NEXT' } });
});

test('what waits in line is not made once it is given up', async () => {
  await using maker = new TextProcess();
  const first = maker.make(plain('one'), signal);
  const second = maker.make(plain('two'), AbortSignal.abort(new Error('enough')));
  await expect(second).rejects.toThrow('enough');
  await expect(first).resolves.toBeDefined();
});

/** A PDF of one page for each text, as small as one can be. */
function pdf(texts: readonly string[]): Buffer {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Count ${texts.length} /Kids [${texts.map((_, at) => `${4 + 2 * at} 0 R`).join(' ')}] >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    ...texts.flatMap((text, at) => {
      const drawn = `BT /F1 12 Tf 72 720 Td ${text
        .split('\n')
        .map((line) => `(${line}) Tj 0 -14 Td`)
        .join(' ')} ET`;
      return [
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents ${5 + 2 * at} 0 R >>`,
        `<< /Length ${drawn.length} >>\nstream\n${drawn}\nendstream`,
      ];
    }),
  ];
  let file = '%PDF-1.4\n';
  const places = objects.map((object, at) => {
    const place = file.length;
    file += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return place;
  });
  const table = places.map((place) => `${String(place).padStart(10, '0')} 00000 n \n`).join('');
  const trailer = `trailer << /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
  return Buffer.from(
    `${file}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}${trailer}`,
    'latin1',
  );
}

test('a PDF says its pages, lines of one page together', async () => {
  expect(await contentOf('pdf', pdf(['Hello\nPDF world', 'Caf\xe9 of page 2']))).toBe(
    'HELLO PDF WORLD\nCAFE\u0301 OF PAGE 2',
  );
});

test('no PDF, however damaged, is more than text that is missing', async () => {
  const good = pdf(['first page', 'second page']);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
      fc.integer({ min: 10, max: good.length }),
      async (changes, length) => {
        const bad = Buffer.from(good);
        for (const [at, octet] of changes) bad[at] = octet;
        await makeTexts(leaves('pdf', bad.subarray(0, length)));
      },
    ),
    { numRuns: 60 },
  );
  const { texts, trouble } = await makeTexts(leaves('pdf', Buffer.from('no PDF at all')));
  expect(texts.content).toBe('');
  expect(trouble).toMatch(/not searched whole/);
});

test('a PDF is read in the process as it is here', async () => {
  await using maker = new TextProcess();
  const { texts } = await maker.make(leaves('pdf', pdf(['In a process'])), signal);
  expect(texts.content).toBe('IN A PROCESS');
});

test('an address is found however its sender wrote it', () => {
  const header =
    'From: <ada (the first)@ (really) example.org>\r\nX-From: b (c)@d\r\nTo: ada@example.org (Ada)\r\n\r\n';
  expect(headerText(Buffer.from(header))).toBe(
    '\nFROM: <ADA (THE FIRST)@ (REALLY) EXAMPLE.ORG> ADA@EXAMPLE.ORG\nX-FROM: B (C)@D\nTO: ADA@EXAMPLE.ORG (ADA)',
  );
});
