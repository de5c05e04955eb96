import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CsvSource, parseCsv } from '../../connectors/files/csv.ts';
import { CursorExpired, type SourceEntry } from '../../src/ports/directory.ts';
import { readAll, readChanges } from '../ldap/sample.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-csv-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function source(text: string, more: { separator?: ',' | ';' | '\t'; maxEntries?: number } = {}) {
  const file = join(folder, 'people.csv');
  await writeFile(file, text);
  return new CsvSource({ name: 'csv', file, separator: ',', maxEntries: 1000, ...more });
}

const read = async (text: string, more = {}): Promise<SourceEntry[]> =>
  (await readAll(await source(text, more))).entries;

async function parse(text: string, size = 5): Promise<(readonly string[])[]> {
  async function* pieces(): AsyncGenerator<string> {
    for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
  }
  const all: (readonly string[])[] = [];
  for await (const { fields } of parseCsv('x.csv', ',', pieces())) all.push(fields);
  return all;
}

test('a person with everything', async () => {
  const text = `address,aliases,kind,displayName,home,target,hidden,disabled,id,attribute:Department
ada@example.org,a@example.org b@example.org;c@example.org,shared,"Lovelace, Ada",onprem,ada@tenant.example,yes,no,7,Engines; Numbers
`;
  const [ada] = await read(text);
  expect(ada).toMatchObject({
    id: 'csv/7',
    where: 'line 2',
    kind: 'shared',
    displayName: 'Lovelace, Ada',
    home: 'onprem',
    hiddenFromAddressLists: true,
    disabled: false,
    attributes: { department: ['Engines', 'Numbers'] },
    problems: [],
  });
  expect(ada?.addresses.map((address) => address.text)).toEqual([
    'ada@example.org',
    'a@example.org',
    'b@example.org',
    'c@example.org',
  ]);
  expect(ada?.targetAddress?.text).toBe('ada@tenant.example');
});

test('a group with its facts', async () => {
  const text = `kind,address,members,owners,moderated,internalOnly,reportTo
group,team@example.org,ada@example.org far@away.example,ada@example.org,yes,TRUE,Owner
`;
  expect((await read(text))[0]).toMatchObject({
    id: 'csv/team@example.org',
    kind: 'group',
    group: {
      members: ['mailto:ada@example.org', 'mailto:far@away.example'],
      owners: ['mailto:ada@example.org'],
      moderated: true,
      internalOnly: true,
      reportTo: 'owner',
      opaque: false,
    },
  });
});

test('an address that is none is dropped and reported with its line', async () => {
  const [entry] = await read('address,aliases\nada@example.org,not.an.address b@example.org\n');
  expect(entry?.addresses.map((address) => address.local)).toEqual(['ada', 'b']);
  expect(entry?.problems).toEqual([
    {
      source: 'csv',
      where: 'line 2',
      kind: 'bad address',
      text: 'aliases: not.an.address is no mail address',
    },
  ]);
});

test.each([
  ['an empty file', '', 'line 1: the file is empty'],
  ['no column address', 'mail\nada@example.org\n', 'line 1: unknown column "mail"; known are address'],
  ['a header without address', 'kind\nuser\n', 'line 1: there is no column "address"'],
  ['a column twice', 'address,Address\na@x.org,b@x.org\n', 'line 1: the column address is there twice'],
  ['too few fields', 'address,home\nada@example.org\n', 'line 2: 1 fields, but the header has 2'],
  ['an unknown kind', 'address,kind\n\nada@example.org,boss\n', 'line 3: kind: expected one of user, shared'],
  [
    'neither yes nor no',
    'address,hidden\nada@example.org,maybe\n',
    'line 2: hidden: expected yes or no, found "maybe"',
  ],
  [
    'one address twice',
    'address\nada@example.org\n\nADA@example.org\n',
    'line 4: ada@example.org is on line 2 already',
  ],
  [
    'a quote that is not closed',
    'address\n"ada@example.org\nbob@example.org\n',
    'line 2: a quote is opened and never closed',
  ],
  ['text after a quote', 'address\n"ada"@example.org\n', 'line 2: "@" after a closing quote'],
])('%s is refused, with the line', async (_name, text, message) => {
  await expect(read(text)).rejects.toThrow(message);
});

test('more lines than permitted are refused', async () => {
  await expect(read('address\na@x.org\nb@x.org\nc@x.org\n', { maxEntries: 2 })).rejects.toThrow(
    'more than 2 entries',
  );
});

test.each([
  ['CRLF', 'a,b\r\nc,d\r\n'],
  ['LF', 'a,b\nc,d\n'],
  ['no end at the end', 'a,b\nc,d'],
  ['empty lines', '\na,b\n\n\nc,d\n\n'],
  ['spaces around', ' a , b \n c,"d" \n'],
  ['a byte order mark', '\ufeffa,b\nc,d'],
])('%s', async (_name, text) => {
  const file = join(folder, 'x.csv');
  await writeFile(file, text);
  const { openText } = await import('../../connectors/files/text-file.ts');
  const all: (readonly string[])[] = [];
  for await (const { fields } of parseCsv(file, ',', openText(file, AbortSignal.timeout(5000)).pieces))
    all.push(fields);
  expect(all).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
});

test('semicolons separate where it is said so', async () => {
  const entries = await read('address;home\nada@example.org;onprem\n', { separator: ';' });
  expect(entries[0]?.home).toBe('onprem');
});

test('what is printed is read back', async () => {
  const field = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', '\n', ' ', ';'), maxLength: 8 });
  const table = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(table, async (rows) => {
      const text = rows
        .map((row) => row.map((each) => `"${each.replaceAll('"', '""')}"`).join(','))
        .join('\r\n');
      expect(await parse(text)).toEqual(rows);
    }),
    { seed: 7, numRuns: 300 },
  );
});

test('a file is read again only when it has changed', async () => {
  const first = await source('address\nada@example.org\n');
  const { cursor } = await readAll(first);
  expect(await readChanges(first, cursor)).toEqual({ changes: [], cursor });
  const second = await source('address\nbob@example.org\n');
  await expect(readChanges(second, cursor)).rejects.toBeInstanceOf(CursorExpired);
});
