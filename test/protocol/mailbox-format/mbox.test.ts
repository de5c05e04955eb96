/** Lines in chunks of any size, mboxrd there and back, names of files and folders. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fileNameOf, levelOf } from '../../../src/protocol/mailbox-format/file-name.ts';
import {
  changeLines,
  type LineChange,
  LineCutter,
  toCrlf,
  toLf,
} from '../../../src/protocol/mailbox-format/lines.ts';
import {
  flagsOfName,
  folderOf,
  MaildirKeywords,
  parseUidList,
  pathOf,
  printInfo,
} from '../../../src/protocol/mailbox-format/maildir.ts';
import {
  addStatus,
  parseFromLine,
  printFromLine,
  quoteFrom,
  unquoteFrom,
} from '../../../src/protocol/mailbox-format/mbox.ts';
import { type MboxEntry, MboxScanner, NoMbox } from '../../../src/protocol/mailbox-format/mbox-scan.ts';

async function* inPieces(octets: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size);
}

const all = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(chunks));

const changed = async (text: string, change: LineChange, size = 1_000): Promise<string> =>
  (await all(changeLines(inPieces(Buffer.from(text, 'latin1'), size), change))).toString('latin1');

/** Text in which what matters here is frequent. */
const mailText = fc
  .array(
    fc.constantFrom(
      'From ',
      '>',
      '>From ',
      '\n',
      '\r\n',
      '\r',
      'a',
      ': ',
      '\n\n',
      'Status: RO\n',
      'é',
      'x'.repeat(70),
    ),
  )
  .map((parts) => parts.join(''));

test('pieces of any size are the octets that came, and lines begin where they do', async () => {
  await fc.assert(
    fc.asyncProperty(mailText, fc.integer({ min: 1, max: 9 }), async (text, size) => {
      const cutter = new LineCutter();
      const octets = Buffer.from(text, 'latin1');
      const pieces = [];
      for await (const chunk of inPieces(octets, size)) pieces.push(...cutter.push(chunk));
      pieces.push(...cutter.finish());
      expect(Buffer.concat(pieces.map((piece) => piece.octets))).toEqual(octets);
      expect(pieces.filter(({ first }) => first)).toHaveLength(
        text.split('\n').filter((line, index, lines) => line !== '' || index < lines.length - 1).length,
      );
    }),
  );
});

test('a line of megabytes comes in bounded pieces, CR and LF together', async () => {
  const cutter = new LineCutter();
  const octets = Buffer.concat([
    Buffer.alloc(65_535, 'x'),
    Buffer.from('\r\n'),
    Buffer.alloc(3_000_000, 'y'),
  ]);
  const pieces = [...cutter.push(octets), ...cutter.finish()];
  expect(Math.max(...pieces.map((piece) => piece.octets.length))).toBeLessThanOrEqual(65_536);
  expect(pieces.filter(({ first }) => first)).toHaveLength(2);
  expect(pieces.some((piece) => piece.octets.at(-1) === 13)).toBe(false);
  expect(Buffer.concat(pieces.map((piece) => piece.octets))).toEqual(octets);
});

test('CRLF becomes LF and LF becomes CRLF, and what is CRLF from the first line stays as it is', async () => {
  expect(await changed('a\r\nb\nc\rd\r\n', toLf)).toBe('a\nb\nc\rd\n');
  expect(await changed('a\nb\r\nc\rd\n', toCrlf())).toBe('a\r\nb\r\nc\rd\r\n');
  expect(await changed('a\r\nb\nc\n', toCrlf())).toBe('a\r\nb\nc\n');
  await fc.assert(
    fc.asyncProperty(mailText, fc.integer({ min: 1, max: 9 }), async (text, size) => {
      const canonical = text.replace(/\r*\n/g, '\r\n');
      const there = await changed(canonical, toLf, size);
      if (!there.startsWith('\r')) expect(await changed(there, toCrlf(), size)).toBe(canonical);
    }),
  );
});

test('lines that begin with From are quoted and come back, however deep they are quoted already', async () => {
  expect(await changed('From a\n>From b\n> From c\nxFrom d\n', quoteFrom)).toBe(
    '>From a\n>>From b\n> From c\nxFrom d\n',
  );
  await fc.assert(
    fc.asyncProperty(mailText, fc.integer({ min: 1, max: 9 }), async (text, size) => {
      const quoted = await changed(text, quoteFrom, size);
      expect(quoted).not.toMatch(/(?:^|\n)From /);
      expect(await changed(quoted, unquoteFrom, 10 - size)).toBe(text);
    }),
  );
});

test.each([
  ['From ada Sat Jan  3 01:05:34 1996\n', '1996-01-03T01:05:34Z'],
  ['From ada@example.org Thu Feb 29 23:59:59 2024', '2024-02-29T23:59:59Z'],
  ['From - Mon Nov 30 9:01 2026', '2026-11-30T09:01:00Z'],
  ['From ada Sat Jan  3 01:05:34 1996 +0100', '1996-01-03T00:05:34Z'],
  ['From ada Sat Jan  3 01:05:34 -0530 1996', '1996-01-03T06:35:34Z'],
  ['From ada Sat Jan  3 01:05:34 CET 1996', '1996-01-03T01:05:34Z'],
  ['From ada 3 January 1996, 01:05', undefined],
])('%j begins a message', (line, at) => {
  expect(parseFromLine(line)).toEqual(at === undefined ? {} : { at: new Date(at) });
});

test.each(['From here on', 'from ada Sat Jan 3 01:05:34 1996', '>From ada Sat Jan  3 01:05:34 1996', ''])(
  '%j does not begin a message',
  (line) => expect(parseFromLine(line)).toBeUndefined(),
);

test('a From line says its date again', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }), (date) => {
      const at = new Date(Math.floor(date.getTime() / 1000) * 1000);
      expect(parseFromLine(printFromLine('ada lo\nve', at))).toEqual({ at });
    }),
  );
});

const scan = (octets: Buffer, size = 1_000): MboxEntry[] => {
  const scanner = new MboxScanner();
  const entries: MboxEntry[] = [];
  for (let at = 0; at < octets.length; at += size)
    entries.push(...scanner.push(octets.subarray(at, at + size)));
  return [...entries, ...scanner.finish()];
};

const contentOf = (octets: Buffer, { start, end, cut }: MboxEntry): Buffer =>
  cut
    ? Buffer.concat([octets.subarray(start, cut.start), octets.subarray(cut.end, end)])
    : octets.subarray(start, end);

test('any messages written one after the other are read again, with flags and dates', async () => {
  const message = fc.record({
    text: mailText.map((text) => text.replace(/\r/g, '')),
    flags: fc.uniqueArray(
      fc.constantFrom('\\Answered', '\\Deleted', '\\Draft', '\\Flagged', '\\Seen', '$Work', 'x'),
    ),
    at: fc.integer({ min: 0, max: 2 ** 32 }).map((seconds) => new Date(seconds * 1000)),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { maxLength: 5 }),
      fc.integer({ min: 1, max: 50 }),
      async (wanted, size) => {
        let file = '';
        for (const { text, flags, at } of wanted) {
          const body = await changed(await changed(text, quoteFrom, size), addStatus(flags), size);
          file += `${printFromLine('', at)}${body}${body.endsWith('\n') ? '\n' : '\n\n'}`;
        }
        const octets = Buffer.from(file, 'latin1');
        const entries = scan(octets, size);
        expect(entries.map(({ at }) => at)).toEqual(wanted.map(({ at }) => at));
        expect(entries.map(({ flags }) => [...flags].sort())).toEqual(
          wanted.map(({ flags }) => [...flags].sort()),
        );
        const texts = entries.map((entry) =>
          changed(contentOf(octets, entry).toString('latin1'), unquoteFrom),
        );
        expect(await Promise.all(texts)).toEqual(
          // An mbox cannot say that the last line has no end.
          wanted.map(({ text }) => (text === '' || text.endsWith('\n') ? text : `${text}\n`)),
        );
      },
    ),
  );
});

test('flags of other programs are read, and their fields stay in the message', () => {
  const text =
    'From ada Sat Jan  3 01:05:34 1996\r\nX-Status: AF\r\nSubject: x\r\nStatus: RO\r\n\r\nhello\r\n\r\n';
  const octets = Buffer.from(text);
  const [entry, ...others] = scan(octets);
  expect(others).toEqual([]);
  expect(entry?.flags).toEqual(['\\Seen', '\\Answered', '\\Flagged']);
  expect(contentOf(octets, entry!).toString()).toBe(text.slice(text.indexOf('X-Status'), -2));
});

test('what does not begin as an mbox file does is none, and any octets are survived', () => {
  expect(() => scan(Buffer.from('Subject: x\n\nhello\n'))).toThrow(NoMbox);
  expect(scan(Buffer.alloc(0))).toEqual([]);
  fc.assert(
    fc.property(mailText, fc.integer({ min: 1, max: 20 }), (text, size) => {
      const octets = Buffer.from(`From a Sat Jan  3 01:05:34 1996\n${text}`, 'latin1');
      for (const { start, end, cut } of scan(octets, size)) {
        expect(start).toBeLessThanOrEqual(end);
        expect(end).toBeLessThanOrEqual(octets.length);
        if (cut)
          expect([start, cut.start, cut.end, end]).toEqual(
            [start, cut.start, cut.end, end].sort((a, b) => a - b),
          );
      }
    }),
  );
});

test('flags and keywords go into the name of a file and come back; beyond 26 keywords they are left out', () => {
  const keywords = new MaildirKeywords();
  expect(printInfo(['\\Seen', '$Forwarded', 'Work', '\\Draft', 'Home'], keywords)).toBe(':2,DPSab');
  expect(printInfo(['Home', '\\Recent'], keywords)).toBe(':2,b');
  const read = MaildirKeywords.parse(keywords.print());
  expect(flagsOfName('1.x:2,DPSab', read)).toEqual(['\\Draft', '$Forwarded', '\\Seen', 'Work', 'Home']);
  expect(flagsOfName('1.x', read)).toEqual([]);
  expect(flagsOfName('1.x;2,FT', read)).toEqual(['\\Flagged', '\\Deleted']);
  for (let n = 0; n < 30; n++) printInfo([`k${n}`], keywords);
  expect(keywords.size).toBe(26);
});

const level = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 20 })
  .filter((text) => text.isWellFormed() && !/[/\0-\x1f\x7f]/.test(text));

test('any path is a folder of a Maildir++ and comes back', () => {
  expect(folderOf(['INBOX'])).toBe('');
  expect(folderOf(['Projekte', 'Brücke', 'v1.2'])).toBe('.Projekte.Br&APw-cke.v1&AC4-2');
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 4 }), (path) => {
      const folder = folderOf(path);
      expect(folder).toMatch(/^(\.[\x20-\x7e]+)*$/);
      expect(pathOf(folder)).toEqual(path);
    }),
  );
});

test('any level is a name of a file everywhere and comes back', () => {
  expect(fileNameOf('a/b')).toBe('a%2Fb');
  expect(fileNameOf('..')).toBe('%2E%2E');
  expect(levelOf('100%')).toBe('100%');
  fc.assert(
    fc.property(level, (text) => {
      expect(fileNameOf(text)).not.toMatch(/[/\\:*?"<>|\0-\x1f]|^\.|[. ]$/);
      expect(levelOf(fileNameOf(text))).toBe(text);
    }),
  );
});

test('a UID list of Dovecot tells order and UIDLs, and any text is survived', () => {
  const list = parseUidList(
    '3 V1700000000 N9 Gabc\n3 :1.M1.host:2,S\n7 Pold-uidl W12 :2.M2.host,S=5\nnonsense\n8 :with : colon\n',
  );
  expect(Object.fromEntries(list)).toEqual({
    '1.M1.host': { uid: 3, uidl: '000000036553f100' },
    '2.M2.host,S=5': { uid: 7, uidl: 'old-uidl' },
    'with : colon': { uid: 8, uidl: '000000086553f100' },
  });
  expect(parseUidList('1 1700000000 9\n3 1.M1.host').size).toBe(0);
  fc.assert(
    fc.property(fc.string(), (text) => parseUidList(`3 V1 N2\n${text}`).size <= text.split('\n').length),
  );
});
